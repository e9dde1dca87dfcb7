/** @file Clips whose attention is too large for onnxruntime's CPU kernel in one piece. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { repositoryFolder } from '../testing/fixtures.ts';
import { randomTransformer } from '../testing/random-transformer.ts';
import type { ClipSize } from './api.ts';
import { EnginePipeline, type EngineOptions } from './engine.ts';

async function generate(
  { width = 0, height = 0, numFrames = 0 }: ClipSize,
  options: EngineOptions = {},
): Promise<number> {
  await using pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
    device: 'wasm',
    ...options,
  });
  const size = { width, height, numFrames };
  const result = await pipeline.generate({
    ...size,
    prompt: 'a red ball moves right',
    seed: 1,
    numInferenceSteps: 1,
    guidanceScale: 1,
  });
  const colours = new Set<number>();
  let frames = 0;
  for (const { rgba, count } of await result.frames()) {
    frames += count;
    for (let i = 0; i < rgba.length; i += 4) colours.add(rgba[i] ?? 0);
  }
  expect(frames).toBe(numFrames);
  return colours.size;
}

test('the bundled model makes 25 frames of 512 × 512 on the CPU', async () => {
  expect(await generate({ width: 512, height: 512, numFrames: 25 })).toBeGreaterThan(8);
});

test('a Wan of head width 128 makes 5 frames of 832 × 480 on the CPU', async () => {
  const own = await readFile('models/pocket/transformer/config.json', 'utf8');
  const transformer = randomTransformer({
    ...(JSON.parse(own) as Record<string, unknown>),
    attention_head_dim: 128,
    num_attention_heads: 2,
    num_layers: 2,
  });
  const clip = { width: 832, height: 480, numFrames: 5 };
  expect(await generate(clip, { components: { transformer } })).toBeGreaterThan(8);
});
