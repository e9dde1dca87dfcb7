import { expect, test } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryFolder } from '../testing/fixtures.ts';
import { encodeSafetensors, floats } from '../testing/safetensors-file.ts';
import { NodeFolderSource } from '../weights/node-source.ts';
import type { FrameGroup } from './api.ts';
import { type EngineOptions, EnginePipeline } from './engine.ts';
import { mapParts } from './model-parts.ts';
import { openParts } from './open-parts.ts';

const REQUEST = {
  prompt: 'a red circle moves right',
  seed: 5,
  width: 32,
  height: 32,
  numFrames: 1,
  numInferenceSteps: 1,
  guidanceScale: 1,
};

test('references are opened where they are: a file, or a folder', () => {
  const { components, loras, fastDecoder } = openParts(
    {
      transformer: 'https://example.org/models/fast',
      vae: 'https://example.org/vae/wan_2.1_vae.safetensors',
      loras: [{ source: 'https://example.org/a.safetensors', scale: 0.5 }, { source: 'owner/b' }],
    },
    {},
  );
  expect(components?.transformer).toMatchObject({ path: '' });
  expect(components?.vae).toMatchObject({ path: 'wan_2.1_vae.safetensors' });
  expect(components?.text_encoder).toBeUndefined();
  expect(fastDecoder).toBeUndefined();
  expect(loras?.map(({ path, scale }) => [path, scale])).toEqual([
    ['a.safetensors', 0.5],
    ['', 1],
  ]);
  expect(() => openParts({ transformer: 'no reference' }, {})).toThrow(/no reference/);
});

test('every reference is mapped, and nothing else', () => {
  const parts = { transformer: 'a', loras: [{ source: 'b', scale: 2 }, { source: 'c' }] };
  expect(mapParts(parts, (each) => `${each as string}!`)).toEqual({
    transformer: 'a!',
    loras: [{ source: 'b!', scale: 2 }, { source: 'c!' }],
  });
});

test('a LoRA changes the clip, at scale 0 it does not, and the report names it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'engine-lora-'));
  try {
    const difference = floats(...Array.from({ length: 192 }, (_, i) => Math.sin(i)));
    const file = encodeSafetensors(new Map([['diffusion_model.blocks.0.norm3.diff', difference]]));
    await writeFile(join(folder, 'x.safetensors'), file);
    const source = await repositoryFolder('models/pocket');
    const clip = async (scale?: number): Promise<readonly FrameGroup[]> => {
      const at = { source: new NodeFolderSource(folder), path: 'x.safetensors' };
      const options: EngineOptions = {
        device: 'wasm',
        dtype: 'float32',
        ...(scale === undefined ? {} : { loras: [{ ...at, scale }] }),
      };
      await using pipeline = await EnginePipeline.fromSource(source, options);
      const expected = { source: join(folder, 'x.safetensors'), scale, tensors: 1 };
      expect(pipeline.checkpoint.loras).toEqual(scale === undefined ? [] : [expected]);
      return (await pipeline.generate(REQUEST)).frames();
    };
    const plain = await clip();
    expect(await clip(0)).toEqual(plain);
    expect(await clip(1)).not.toEqual(plain);
  } finally {
    await rm(folder, { recursive: true });
  }
});
