import { expect, test } from 'vitest';
import { relativeError, repositoryFolder } from '../testing/fixtures.ts';
import { EnginePipeline } from './engine.ts';

async function generate(
  scoreBytes?: number,
): Promise<{ frames: readonly Uint8ClampedArray[]; latents: Float32Array }> {
  await using pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
    device: 'wasm',
    ...(scoreBytes === undefined ? {} : { scoreBytes }),
  });
  let latents = new Float32Array();
  const clip = { width: 96, height: 64, numFrames: 9, numInferenceSteps: 1, guidanceScale: 1 };
  const result = await pipeline.generate(
    { prompt: 'a red ball moves right', seed: 3, ...clip },
    (_, values) => (latents = Float32Array.from(values)),
  );
  return { frames: (await result.frames()).map(({ rgba }) => rgba), latents };
}

test('attention in blocks of queries makes the same clip', async () => {
  const whole = await generate();
  // Blocks of about twenty queries in the transformer, ten in the text encoder and in the decoder.
  const blocks = await generate(16_384);
  expect(relativeError(blocks.latents, whole.latents)).toBeLessThan(1e-5);
  expect(blocks.frames).toEqual(whole.frames);
});
