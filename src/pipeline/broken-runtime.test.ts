/** @file A trap in onnxruntime's module. It breaks the module for the whole file. */
import { expect, test } from 'vitest';
import { loadWasmOrt } from '../runtime/ort.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { openTrap } from '../testing/trap.ts';
import { EnginePipeline } from './engine.ts';

test('a pipeline whose runtime broke reports the trap, and is lost after it', async () => {
  const source = await repositoryFolder('models/pocket');
  const pipeline = await EnginePipeline.fromSource(source, { device: 'wasm' });
  const request = { prompt: 'a red ball', width: 16, height: 16, numFrames: 1 };
  const trap = await openTrap();
  const { InferenceSession } = await loadWasmOrt();
  const create = InferenceSession.create.bind(InferenceSession);
  InferenceSession.create = async () => trap();
  await expect(pipeline.generate(request)).rejects.toMatchObject({
    code: 'feature-missing',
    message: expect.stringContaining('RuntimeError: unreachable'),
  });
  InferenceSession.create = create;
  expect(pipeline.isLost).toBe(true);
  const lost = { code: 'worker-lost', message: expect.stringContaining('unreachable') };
  await expect(pipeline.generate(request)).rejects.toMatchObject(lost);
  await expect(EnginePipeline.fromSource(source, { device: 'wasm' })).rejects.toMatchObject(lost);
  await pipeline.dispose();
});
