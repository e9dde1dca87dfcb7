/** @file A damaged safetensors header by itself, read for every kind of file that has one. */
import { readLayout } from '../../src/families/taehv/layout.ts';
import { planTaehv, taehvWeights } from '../../src/families/taehv/planned.ts';
import {
  checkTransformerHeader,
  checkUmt5Header,
  checkVaeHeader,
} from '../../src/families/wan/header-check.ts';
import { openTextEncoder, openTransformer, openVae } from '../../src/families/wan/components.ts';
import { elementCount } from '../../src/graph/types.ts';
import { MemorySource } from '../../src/testing/memory-source.ts';
import { headerOf, tinyWan } from '../../src/testing/tiny-wan.ts';
import { ComponentFiles } from '../../src/weights/component.ts';
import { readSafetensorsHeader } from '../../src/weights/safetensors.ts';
import type { FilesAt } from '../../src/weights/source.ts';
import { applyEdits, type BaseFiles, type Edit, randomEdit } from './edits.ts';
import { type Target, WrongResult } from './target.ts';

const FILE = 'file.safetensors';

const READERS: Readonly<Record<string, (at: FilesAt) => Promise<void>>> = {
  async transformer(at) {
    const { config, files } = await openTransformer(at);
    checkTransformerHeader(config, files);
  },
  async vae(at) {
    const { config, files } = await openVae(at);
    checkVaeHeader(config, files);
  },
  async text_encoder(at) {
    const { config, files } = await openTextEncoder(at);
    checkUmt5Header(config, files);
  },
  async fast_decoder({ source, path }) {
    const files = await ComponentFiles.openFile(source, path);
    const layout = readLayout(files);
    const planned = planTaehv(layout, taehvWeights(layout, files), source.name);
    const latents = { channels: layout.latentChannels, frames: 2, height: 2, width: 2 };
    const { activationBytes } = planned.needs(latents);
    if (!Number.isSafeInteger(activationBytes)) throw new WrongResult(`${activationBytes} bytes`);
  },
};

const bases = new Map<string, BaseFiles>(
  [
    ['transformer', 'transformer/diffusion_pytorch_model.safetensors'] as const,
    ['vae', 'vae/diffusion_pytorch_model.safetensors'] as const,
    ['text_encoder', 'text_encoder/model.safetensors'] as const,
  ].map(([kind, path]) => [kind, only(tinyWan().get(path))] as const),
).set('fast_decoder', only(headerOf(taehvTensors())));

function only(file: ReturnType<typeof headerOf> | { json: unknown } | undefined): BaseFiles {
  if (!file) throw new Error('no such file');
  return new Map([[FILE, file]]);
}

function located(shape: readonly number[]): ReturnType<ComponentFiles['find']> {
  return { file: '', dtype: 'F32', shape, start: 0, end: 4 * elementCount(shape) };
}

/** As a small `taew2_1` has them. */
function taehvTensors(): Parameters<typeof headerOf>[0] {
  const layout = {
    latentChannels: 4,
    widths: [8, 6, 4, 4],
    growth: [1, 2, 2],
    patchSize: 1,
  } as const;
  return taehvWeights(layout, {
    locate: (_, { sourceShape }) => located(sourceShape),
    find: (_, shape) => located(shape),
  });
}

export const headers: Target = {
  name: 'headers',
  about: 'damaged safetensors headers of every component',
  generate(random) {
    const kind = random.pick([...bases.keys()]);
    const base = bases.get(kind) ?? new Map();
    const length = random.pick([1, 1, 2, 3]);
    return { kind, edits: Array.from({ length }, () => randomEdit(base, random)) };
  },
  async run(input) {
    const kind = String(input['kind']);
    const files = applyEdits(bases.get(kind) ?? new Map(), input['edits'] as readonly Edit[]);
    const source = new MemorySource(files);
    const size = files.has(FILE) ? await source.size(FILE) : 0;
    const { tensors } = await readSafetensorsHeader(source, FILE);
    for (const [name, { start, end, shape }] of tensors) {
      const isWithin = 8 <= start && start <= end && end <= size;
      if (!isWithin || !shape.every(Number.isSafeInteger)) throw new WrongResult(`tensor ${name}`);
    }
    await READERS[kind]?.({ source, path: FILE });
  },
};
