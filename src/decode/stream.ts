/**
 * @file Decodes latents one latent frame at a time, carrying the causal caches from one to the next. It equals decoding
 * the clip as a whole, and its memory does not depend on the clip's length.
 */
import { byteLength, type Shape } from '../graph/types.ts';
import type { DeviceTensor } from '../runtime/backend.ts';
import type { Stage } from '../runtime/stage.ts';
import { output, type StageRunner } from '../runtime/stage-runner.ts';

/** A decoder's stage, and what the loop does around it. */
export interface DecoderStage extends Stage {
  /** Keeps the stage's input as the shortcut of the block that it opens. */
  readonly opensBlock: boolean;
  /** Feeds the kept input as `skip`. */
  readonly usesSkip: boolean;
}

/** Stage lists over equal names and weights, which differ in the frames that they make. */
export interface DecoderPlan {
  readonly first: readonly DecoderStage[];
  readonly rest: readonly DecoderStage[];
}

/** `frames` pictures `[T, H, W, C]`, float32. */
export interface DecodedFrames {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: Shape;
}

/** Called with each stage's name and output; for tests and traces. */
export type DecodeTap = (latentFrame: number, stage: string, output: DeviceTensor) => Promise<void>;

/** Yields the pictures of each latent frame. `frames[i]` is latent frame i as `[1, h, w, z]` data, channels last. */
export async function* decodeStream(
  plan: DecoderPlan,
  frames: Iterable<Float32Array<ArrayBuffer>>,
  runner: StageRunner,
  tap?: DecodeTap,
): AsyncGenerator<DecodedFrames> {
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

/** Bytes that a decode holds besides weights and graphs' intermediates: its caches, and a stage's inputs and outputs. */
export function decodeActivationBytes(plan: DecoderPlan): number {
  const stages = [...plan.first, ...plan.rest];
  const sizes = new Map<number, number>();
  let caches = 0;
  for (const { graph } of stages) {
    // The pool keeps every size that it ever gave out; what counts is how many of a size are needed at once.
    const local = new Map<number, number>();
    for (const { name, dtype, shape } of [...graph.inputs, ...graph.outputs]) {
      if (name.startsWith('cache.')) continue;
      const bytes = byteLength(dtype, shape);
      local.set(bytes, (local.get(bytes) ?? 0) + 1);
    }
    for (const [bytes, count] of local) sizes.set(bytes, Math.max(count, sizes.get(bytes) ?? 0));
  }
  for (const { graph } of plan.rest) {
    for (const { name, dtype, shape } of graph.inputs) {
      if (name.startsWith('cache.')) caches += byteLength(dtype, shape);
    }
  }
  const activations = [...sizes].reduce((sum, [bytes, count]) => sum + bytes * count, 0);
  const kept = Math.max(...stages.filter((s) => s.opensBlock).map(inputBytes), 0);
  const pictures = Math.max(...stages.slice(-1).map(outputBytes), 0);
  return caches + activations + kept + pictures;
}

function inputBytes({ graph }: DecoderStage): number {
  const x = graph.inputs.find(({ name }) => name === 'x');
  return x ? byteLength(x.dtype, x.shape) : 0;
}

function outputBytes({ graph }: DecoderStage): number {
  const y = graph.outputs.find(({ name }) => name === 'y');
  return y ? byteLength(y.dtype, y.shape) : 0;
}

/** Operations to decode `frames` latent frames. */
export function decodeFlops(plan: DecoderPlan, frames: number): number {
  return sumFlops(plan.first) + (frames - 1) * sumFlops(plan.rest);
}

function sumFlops(stages: readonly DecoderStage[]): number {
  return stages.reduce((total, { graph }) => total + graph.flops, 0);
}
