import { expect, test } from 'vitest';
import { probeDevice } from '../runtime/device.ts';
import { testGpu } from '../testing/backend.ts';
import { compareWithReference } from '../testing/end-to-end.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { EnginePipeline } from './engine.ts';

const { device, gpu } = await testGpu();
const { hasShaderF16 } = await probeDevice(device, gpu);

test.skipIf(!hasShaderF16)(
  'float16 kernels stay near the float32 reference (needs an adapter with shader-f16)',
  async () => {
    const source = await repositoryFolder('models/pocket');
    const options = gpu ? { device, gpu } : { device };
    const pipeline = await EnginePipeline.fromSource(source, { ...options, dtype: 'float16' });
    try {
      const { latentErrors, framePsnr } = await compareWithReference(pipeline, 'guided-32x32');
      const lowest = Math.min(...framePsnr);
      console.info(
        `float16: latents within ${Math.max(...latentErrors).toExponential(1)}, frames ${lowest.toFixed(1)} dB`,
      );
      expect(Math.max(...latentErrors)).toBeLessThan(0.05);
      expect(lowest).toBeGreaterThan(30);
    } finally {
      await pipeline.dispose();
    }
  },
);
