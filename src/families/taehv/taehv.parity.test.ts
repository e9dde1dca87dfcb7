import { describe, expect, test } from 'vitest';
import { decodeStream, type DecodeTap } from '../../decode/stream.ts';
import type { DecoderPlan } from '../../decode/decoder-plan.ts';
import { locateWeights } from '../../runtime/stage.ts';
import { StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import {
  readReference,
  type Reference,
  relativeError,
  repositoryFolder,
} from '../../testing/fixtures.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { channelsLast, taehvPlan } from './decoder.ts';
import { readLayout, type TaehvLayout } from './layout.ts';

const TOLERANCE = 1e-3;

const FILES = {
  'taehv-21': 'taew2_1.safetensors',
  'taehv-22': 'taew2_2.safetensors',
} as const;

interface Case {
  files: ComponentFiles;
  layout: TaehvLayout;
  reference: Reference;
  size: { frames: number; height: number; width: number };
}

async function openCase(name: keyof typeof FILES): Promise<Case> {
  const source = await repositoryFolder(`models/parity/fixtures/${name}`);
  const files = await ComponentFiles.openFile(source, FILES[name]);
  const reference = await readReference(source, 'reference.safetensors');
  const [frames = 0, , height = 0, width = 0] = reference.get('latents').shape;
  return { files, layout: readLayout(files), reference, size: { frames, height, width } };
}

/** `[T, H, W, C]` → `[T, C, H, W]`, the reference's order. */
function framesFirst(
  data: Float32Array,
  [t = 0, h = 0, w = 0, c = 0]: readonly number[],
): number[] {
  const result: number[] = [];
  for (let frame = 0; frame < t; frame++) {
    for (let channel = 0; channel < c; channel++) {
      for (let i = 0; i < h * w; i++) result.push(data[(frame * h * w + i) * c + channel] ?? NaN);
    }
  }
  return result;
}

/** Pictures `[T, 3, H, W]` in [0, 1]. */
async function decodeCase(
  { files, layout, reference, size }: Case,
  plan: DecoderPlan,
  tap?: DecodeTap,
): Promise<number[]> {
  const latents = reference.get('latents');
  // The reference's latents are frames first, a request's channels first.
  const { latentChannels: channels } = layout;
  const area = size.height * size.width;
  const data = new Float32Array(latents.data.length);
  for (let frame = 0; frame < size.frames; frame++) {
    for (let c = 0; c < channels; c++) {
      const from = (frame * channels + c) * area;
      data.set(latents.data.subarray(from, from + area), (c * size.frames + frame) * area);
    }
  }
  const inputs = Array.from({ length: size.frames }, (_, i) =>
    channelsLast(data, { channels, ...size }, i),
  );
  const host = await HostWeights.load(files, locateWeights(files, [...plan.first, ...plan.rest]));
  const runner = new StageRunner(await testBackend(), host, { kind: 'decode' });
  const pictures: number[] = [];
  try {
    for await (const { data: decoded, shape } of decodeStream(plan, inputs, runner, tap)) {
      for (const value of framesFirst(decoded, shape)) pictures.push(value / 2 + 0.5);
    }
  } finally {
    await runner.dispose();
  }
  return pictures;
}

describe.each(['taehv-21', 'taehv-22'] as const)('%s against the reference', (name) => {
  test('every stage of every latent frame, and the whole decode', async () => {
    const opened = await openCase(name);
    const { layout, reference, size } = opened;
    const backend = await testBackend();
    const plan = taehvPlan(layout, size);
    const errors = new Map<string, number>();
    const pictures = await decodeCase(opened, plan, async (frame, stage, y) => {
      const key = stage === 'decoder.first' ? 'decoder.1' : stage;
      if (key === 'decoder.pictures') return;
      // The reference has the stage's frames of the whole clip; every latent frame made as many of them.
      const { data, shape } = reference.get(key);
      const length = data.length / size.frames;
      expect(shape[0]).toBe(size.frames * (y.shape[0] ?? 0));
      const actual = framesFirst(await backend.download(y), y.shape);
      const expected = data.subarray(frame * length, (frame + 1) * length);
      errors.set(`${stage} of latent frame ${frame}`, relativeError(actual, expected));
    });
    expect(errors.size).toBe(size.frames * (plan.rest.length - 1));
    for (const [stage, error] of errors) expect(error, stage).toBeLessThan(TOLERANCE);
    const sample = reference.get('sample');
    expect(sample.shape[0]).toBe(4 * (size.frames - 1) + 1);
    expect(relativeError(pictures, sample.data)).toBeLessThan(TOLERANCE);
  });

  test.each([
    { key: 'preview.4', doublings: 2 },
    { key: 'preview.1', doublings: 0 },
  ] as const)('$key: less of it, for previews', async ({ key, doublings }) => {
    const opened = await openCase(name);
    const plan = taehvPlan(opened.layout, opened.size, undefined, { time: false, doublings });
    const pictures = await decodeCase(opened, plan);
    const expected = opened.reference.get(key);
    expect(expected.shape[0]).toBe(opened.size.frames);
    expect(relativeError(pictures, expected.data)).toBeLessThan(TOLERANCE);
  });
});
