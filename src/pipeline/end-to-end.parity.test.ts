import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testGpu } from '../testing/backend.ts';
import { compareWithReference } from '../testing/end-to-end.ts';
import { inBrowser, repositoryFolder } from '../testing/fixtures.ts';
import { EnginePipeline } from './engine.ts';

// A software GPU compiles graphs of another size for half a minute and more; small clips have every kind of them.
const CASES = [
  'guided-32x32',
  'unguided-lcm-32x32',
  ...(inBrowser ? [] : ['unguided-euler-64x32', 'own-96x96']),
];

describe('the bundled checkpoint against WanPipeline', () => {
  let pipeline: EnginePipeline;

  beforeAll(async () => {
    pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
      ...(await testGpu()),
      dtype: 'float32',
    });
  });

  afterAll(() => pipeline.dispose());

  test.each(CASES)('%s: noise, latents after every step, and frames', async (name) => {
    const { steps, noiseError, latentErrors, framePsnr } = await compareWithReference(
      pipeline,
      name,
    );
    const worst = Math.max(...latentErrors);
    const lowest = Math.min(...framePsnr);
    console.info(
      `${name}: latents within ${worst.toExponential(1)}, frames ${lowest.toFixed(1)} dB`,
    );
    expect(noiseError).toBeLessThan(1e-6);
    expect(latentErrors).toHaveLength(steps);
    expect(worst).toBeLessThan(1e-3);
    expect(framePsnr.length).toBeGreaterThan(1);
    expect(lowest).toBeGreaterThan(40);
  });
});
