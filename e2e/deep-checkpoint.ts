/**
 * @file The bundled checkpoint with its blocks repeated, so that it is as large as a test wants and computes as any other.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../scripts/packages.mjs';

const ORIGINAL = join(ROOT, 'models/pocket');
const CONFIG = 'transformer/config.json';
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** @param layers Blocks of the transformer; each weighs 1.2 MB. */
export function deepCheckpoint(layers: number): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'zoetrope-deep-'));
  cpSync(ORIGINAL, folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(ORIGINAL, CONFIG), 'utf8')) as { num_layers: number };
  writeFileSync(join(folder, CONFIG), JSON.stringify({ ...config, num_layers: layers }));

  const file = readFileSync(join(ORIGINAL, WEIGHTS));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, Entry>;
  delete header['__metadata__'];
  const entries: Record<string, Entry> = {};
  const pieces: Buffer[] = [];
  let end = 0;
  const add = (name: string, entry: Entry): void => {
    const [from, to] = entry.data_offsets;
    pieces.push(file.subarray(start + from, start + to));
    entries[name] = { ...entry, data_offsets: [end, end + to - from] };
    end += to - from;
  };
  for (const [name, entry] of Object.entries(header)) {
    if (!name.startsWith('blocks.')) add(name, entry);
  }
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `blocks.${layer % config.num_layers}.`;
    for (const [name, entry] of Object.entries(header)) {
      if (name.startsWith(prefix)) add(`blocks.${layer}.${name.slice(prefix.length)}`, entry);
    }
  }
  const json = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  writeFileSync(join(folder, WEIGHTS), Buffer.concat([length, json, ...pieces]));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
