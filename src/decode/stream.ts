/**
 * @file Decodes latents one latent frame at a time, carrying the causal caches from one to the next. It equals decoding
 * the clip as a whole, and its memory does not depend on the clip's length. Whole frames, which stay on the device.
 */
import type { DeviceTensor } from '../runtime/backend.ts';
import { output, type StageRunner } from '../runtime/stage-runner.ts';
import type { DecoderPlan, DecoderStage, HostFrames } from './decoder-plan.ts';
import { limitPictures } from './pictures.ts';

/** Called with each stage's name and output; for tests and traces. */
export type DecodeTap = (latentFrame: number, stage: string, output: DeviceTensor) => Promise<void>;

/** Yields the pictures of each latent frame, in [−1, 1] or NaN. `frames[i]` is latent frame i as `[1, h, w, z]` data, channels last. */
export async function* decodeStream(
  plan: DecoderPlan,
  frames: Iterable<Float32Array<ArrayBuffer>>,
  runner: StageRunner,
  tap?: DecodeTap,
): AsyncGenerator<HostFrames> {
  const caches = new Map<string, DeviceTensor>();
  let index = 0;
  for (const data of frames) {
    const stages = index === 0 ? plan.first : plan.rest;
    const shape = stages[0]?.graph.inputs[0]?.shape ?? [];
    let x = runner.put('float32', shape, data);
    let skip: DeviceTensor | undefined;
    for (const stage of stages) {
      if (stage.opensBlock) skip = x;
      const y = await runDecoderStage(stage, x, skip, caches, runner);
      if (x !== skip) runner.free(x);
      if (stage.usesSkip && skip) {
        runner.free(skip);
        skip = undefined;
      }
      x = y;
      await tap?.(index, stage.name, x);
    }
    const last = stages.at(-1)?.graph.outputs.find((value) => value.name === 'y');
    const pictures = await runner.backend.download(x);
    limitPictures(pictures);
    runner.free(x, ...(skip ? [skip] : []));
    yield { data: pictures, shape: last?.shape ?? [] };
    index++;
  }
  runner.free(...caches.values());
}

/** Runs a stage with its caches, and keeps those that it gives for the next latent frame. */
async function runDecoderStage(
  stage: DecoderStage,
  x: DeviceTensor,
  skip: DeviceTensor | undefined,
  caches: Map<string, DeviceTensor>,
  runner: StageRunner,
): Promise<DeviceTensor> {
  const inputs: Record<string, DeviceTensor> = { x };
  if (stage.usesSkip && skip) inputs['skip'] = skip;
  for (const { name, dtype, shape } of stage.graph.inputs) {
    if (!name.startsWith('cache.')) continue;
    const key = `${stage.name}/${name}`;
    inputs[name] = caches.get(key) ?? runner.zeros(dtype, shape);
    caches.set(key, inputs[name]);
  }
  const [outputs = {}] = await runner.run(stage, [inputs]);
  for (const [name, next] of Object.entries(outputs)) {
    if (!name.startsWith('next.')) continue;
    const key = `${stage.name}/${name.replace('next', 'cache')}`;
    const previous = caches.get(key);
    if (previous) runner.free(previous);
    caches.set(key, next);
  }
  return output(outputs, 'y');
}
