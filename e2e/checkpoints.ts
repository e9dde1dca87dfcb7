/** @file Copies of the bundled checkpoint, each damaged in one way. Untouched files are links to the original. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../scripts/packages.mjs';

const ORIGINAL = join(ROOT, 'models/pocket');
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';

/** How to damage a file; `undefined` removes it. */
type Damage = (bytes: Buffer) => Buffer | undefined;

/** Replaces text of the same length in the header of a safetensors file. */
function inHeader(from: string, to: string): Damage {
  return (bytes) => {
    const length = Number(bytes.readBigUInt64LE(0));
    const header = bytes.toString('latin1', 8, 8 + length);
    const changed = header.replaceAll(from, to);
    if (changed === header || changed.length !== length) throw new Error(`no “${from}” to replace`);
    const result = Buffer.from(bytes);
    result.write(changed, 8, 'latin1');
    return result;
  };
}

export const DAMAGES: Record<string, { readonly file: string; readonly damage: Damage }> = {
  'missing-weights': { file: TRANSFORMER, damage: () => undefined },
  'missing-config': { file: 'vae/config.json', damage: () => undefined },
  'missing-tokenizer': { file: 'tokenizer/tokenizer.json', damage: () => undefined },
  'truncated-data': {
    file: TRANSFORMER,
    damage: (bytes) => bytes.subarray(0, Math.floor(bytes.byteLength * 0.6)),
  },
  'truncated-header': { file: TRANSFORMER, damage: (bytes) => bytes.subarray(0, 100) },
  'empty-weights': { file: TRANSFORMER, damage: () => Buffer.alloc(0) },
  'not-safetensors': { file: TRANSFORMER, damage: () => Buffer.alloc(4096, 0x5a) },
  'foreign-tensors': { file: TRANSFORMER, damage: inHeader('"blocks.', '"strata.') },
  'wrong-dtype': { file: TRANSFORMER, damage: inHeader('"F16"', '"I16"') },
  'broken-json': {
    file: 'transformer/config.json',
    damage: (bytes) => bytes.subarray(0, Math.floor(bytes.byteLength / 2)),
  },
  'other-pipeline': {
    file: 'model_index.json',
    damage: (bytes) => Buffer.from(bytes.toString().replace('WanPipeline', 'SomePipeline')),
  },
};

/** Makes them all in a temporary folder. */
export function damagedCheckpoints(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'zoetrope-damaged-'));
  for (const [name, { file, damage }] of Object.entries(DAMAGES)) {
    const copy = join(folder, name);
    linkAll(copy);
    const target = join(copy, file);
    const bytes = damage(readFileSync(target));
    rmSync(target);
    if (bytes) writeFileSync(target, bytes);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function linkAll(copy: string): void {
  for (const entry of readdirSync(ORIGINAL, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(copy, from.slice(ORIGINAL.length + 1));
    mkdirSync(join(to, '..'), { recursive: true });
    if (entry.name.endsWith('.safetensors')) symlinkSync(from, to);
    else cpSync(from, to);
  }
}
