/** @file A runtime that could not be started. It stays so for the whole file. */
import { expect, test } from 'vitest';
import { loadWasmOrt } from '../runtime/ort.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { EnginePipeline } from './engine.ts';

test('a pipeline whose runtime could not be started is lost: onnxruntime never tries again', async () => {
  const source = await repositoryFolder('models/pocket');
  await using pipeline = await EnginePipeline.fromSource(source, { device: 'wasm' });
  const request = { prompt: 'a red ball', width: 16, height: 16, numFrames: 1 };
  const { env } = await loadWasmOrt();
  env.wasm.wasmPaths = { mjs: 'data:text/javascript,throw new TypeError("Failed to fetch")' };
  await expect(pipeline.generate(request)).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('Failed to fetch'),
  });
  expect(pipeline.isLost).toBe(true);
  await expect(pipeline.generate(request)).rejects.toMatchObject({ code: 'worker-lost' });
});
