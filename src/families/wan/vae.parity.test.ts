import { describe, expect, test } from 'vitest';
import { decodeStream } from '../../decode/stream.ts';
import { locateWeights } from '../../runtime/stage.ts';
import { StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import { channelsFirst, openFixture, relativeError } from '../../testing/fixtures.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { parseVaeConfig } from './config.ts';
import { decoderPlan, latentFrame } from './vae-decoder.ts';

const TOLERANCE = 1e-3;

describe.each(['21', '21-b', '22', '22-b'])('AutoencoderKLWan %s against diffusers', (form) => {
  test('every stage of every chunk, and the whole decode', async () => {
    const { files, config: json, reference } = await openFixture(`wan-vae-${form}`);
    const config = parseVaeConfig(json);
    const latents = reference.get('latents');
    const [, , frames = 0, height = 0, width = 0] = latents.shape;
    const plan = decoderPlan(config, { height, width });
    const host = await HostWeights.load(files, locateWeights(files, [...plan.first, ...plan.rest]));
    const backend = await testBackend();
    const runner = new StageRunner(backend, host, { kind: 'decode' });
    const errors = new Map<string, number>();
    const raw = {
      ...config,
      // `decode` is given latents as they are; the pipeline is what scales them.
      latentsMean: config.latentsMean.map(() => 0),
      latentsStd: config.latentsStd.map(() => 1),
    };
    const inputs = Array.from({ length: frames }, (_, i) =>
      latentFrame(raw, latents.data, { frames, height, width }, i),
    );
    const sample = reference.get('sample');
    const [, , totalFrames = 0] = sample.shape;
    const decoded: number[][] = [[], [], []];
    try {
      const stream = decodeStream(plan, inputs, runner, async (chunk, stage, y) => {
        const name = `chunk.${chunk}.${stage.replace('decoder.', '')}`;
        // Where a block ends with this stage, the reference has it under the block's name.
        const known = [name, name.replace(/\.(upsamplers\.0|upsampler|resnets\.\d+)$/, '')];
        const isUpsampler = name.endsWith('upsampler');
        const key = (isUpsampler ? known.toReversed() : known).find((k) => reference.has(k));
        if (key === undefined || stage.endsWith('conv_out')) return;
        const actual = channelsFirst(await backend.download(y), y.shape);
        errors.set(name, relativeError(actual, reference.get(key).data));
      });
      for await (const { data, shape } of stream) {
        const planes = channelsFirst(data, shape);
        const size = planes.length / 3;
        for (const [c, plane] of decoded.entries()) {
          for (const value of planes.subarray(c * size, (c + 1) * size)) plane.push(value);
        }
      }
    } finally {
      await runner.dispose();
    }
    expect(errors.size).toBeGreaterThanOrEqual(3 * (plan.first.length - 1));
    for (const [name, error] of errors) expect(error, name).toBeLessThan(TOLERANCE);
    expect(decoded.flat()).toHaveLength(sample.data.length);
    expect(totalFrames).toBe((frames - 1) * config.scaleFactorTemporal + 1);
    expect(relativeError(decoded.flat(), sample.data)).toBeLessThan(TOLERANCE);
  });
});
