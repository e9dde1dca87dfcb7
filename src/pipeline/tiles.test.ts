import { expect, test } from 'vitest';
import { testGpu } from '../testing/backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FrameGroup, MemoryOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';

async function generate(memory: MemoryOptions): Promise<readonly FrameGroup[]> {
  const pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
    ...(await testGpu()),
    dtype: 'float32',
    memory,
  });
  try {
    const result = await pipeline.generate({
      prompt: 'a red circle moves right',
      seed: 3,
      width: 48,
      height: 32,
      numFrames: 9,
      numInferenceSteps: 2,
    });
    return await result.frames();
  } finally {
    await pipeline.dispose();
  }
}

test('a clip decoded in tiles is the clip decoded whole, to a level at the most', async () => {
  const whole = await generate({});
  const inTiles = await generate({ tile: 16 });
  expect(inTiles).toHaveLength(whole.length);
  for (const [i, group] of whole.entries()) {
    expect(inTiles[i]).toMatchObject({ firstFrame: group.firstFrame, count: group.count });
    const differences = group.rgba.map((level, at) =>
      Math.abs(level - (inTiles[i]?.rgba[at] ?? 0)),
    );
    expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(1);
  }
});
