/** @file Decodes latents as the plan says. */
import type { StageRunner } from '../runtime/stage-runner.ts';
import type { DecoderPlan, HostFrames } from './decoder-plan.ts';
import { decodeStream } from './stream.ts';
import { decodeTiled } from './tiled.ts';

/** Yields the pictures of each latent frame, in [−1, 1] or NaN. `frames[i]` is latent frame i as `[1, h, w, z]` data, channels last. */
export function decode(
  plan: DecoderPlan,
  frames: Iterable<Float32Array<ArrayBuffer>>,
  runner: StageRunner,
): AsyncGenerator<HostFrames> {
  return plan.isTiled ? decodeTiled(plan, frames, runner) : decodeStream(plan, frames, runner);
}
