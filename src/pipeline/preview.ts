/**
 * @file Small pictures of what a clip is becoming, from the clean sample that each step foretells. They read what the
 * denoising has made and change nothing of it. One picture a latent frame, all of them: at a few steps from the noise it
 * is the movement by which one knows the clip, and that costs a few hundredths of a step.
 */
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import { latentFrames } from '../decode/latent-frames.ts';
import { decodeStream } from '../decode/stream.ts';
import type { LatentColours, LatentDecoder, LatentShape } from '../families/family.ts';
import type { StageRunner } from '../runtime/stage-runner.ts';
import { hasUnusableValue } from '../weights/finite.ts';
import type { FrameGroup } from './api.ts';
import { toFrameGroup } from './frames.ts';

/** Of a step's time: what previews may take. */
const TIME_SHARE = 0.2;

/** Clean latents `[C, F, h, w]` to one picture a latent frame; undefined if their numbers are not finite. */
export type Draw = (
  latents: Float32Array,
) => FrameGroup | undefined | Promise<FrameGroup | undefined>;

/** Draws with a decoder whose sessions are prepared and whose weights are on the device. */
export function decodedPictures(
  decoder: LatentDecoder,
  plan: DecoderPlan,
  shape: LatentShape,
  runner: StageRunner,
): Draw {
  return async (latents) => {
    const inputs = latentFrames(decoder, latents, shape);
    const groups: FrameGroup[] = [];
    // A decode that has begun is finished all the same: its tensors are freed at the end.
    let isUsable = true;
    for await (const pictures of decodeStream(plan, inputs, runner)) {
      isUsable &&= !hasUnusableValue(pictures.data);
      groups.push(toFrameGroup(pictures, groups.length));
    }
    return isUsable ? joined(groups) : undefined;
  };
}

/** Draws each latent as a few pixels. */
export function linearPictures(
  { pixels, factors, bias }: LatentColours,
  { frames, height, width }: LatentShape,
): Draw {
  const area = height * width;
  return (latents) => {
    const data = new Float32Array(frames * area * bias.length);
    for (let i = 0; i < frames * area; i++) {
      const [frame, y, x] = [Math.floor(i / area), Math.floor((i % area) / width), i % width];
      for (const [k, offset] of bias.entries()) {
        let sum = offset;
        for (const [c, row] of factors.entries()) {
          sum += (latents[c * frames * area + i] ?? 0) * (row[k] ?? 0);
        }
        const row = (frame * height + y) * pixels + Math.floor(k / 3 / pixels);
        const column = x * pixels + (Math.floor(k / 3) % pixels);
        data[(row * width * pixels + column) * 3 + (k % 3)] = sum;
      }
    }
    if (hasUnusableValue(data)) return undefined;
    return toFrameGroup({ data, shape: [frames, height * pixels, width * pixels, 3] }, 0);
  };
}

function joined(groups: readonly FrameGroup[]): FrameGroup {
  const { width = 0, height = 0 } = groups[0] ?? {};
  const rgba = new Uint8ClampedArray(groups.length * width * height * 4);
  for (const [i, group] of groups.entries()) rgba.set(group.rgba, i * width * height * 4);
  return { firstFrame: 0, count: groups.length, width, height, rgba };
}

/** Gives a preview after a step, unless it has to wait for more steps so that all previews take little of their time. */
export class Previews {
  readonly #draw: Draw;
  readonly #show: (frames: FrameGroup) => void | Promise<void>;
  readonly #clean: Float32Array;
  readonly #now: () => number;
  /** Seconds that previews have taken, and may take. The first compiles kernels: its time tells nothing of the others. */
  #spent = 0;
  #allowed = 0;
  #isFirst = true;
  #startedAt = 0;
  #hasFailed = false;

  /** @param length Of the latents. @param now Seconds. */
  constructor(
    draw: Draw,
    show: (frames: FrameGroup) => void | Promise<void>,
    length: number,
    now: () => number = () => performance.now() / 1000,
  ) {
    this.#draw = draw;
    this.#show = show;
    this.#clean = new Float32Array(length);
    this.#now = now;
  }

  /** Whether a preview was left out because its numbers were not finite. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Before a step's first pass. */
  startStep(): void {
    this.#startedAt = this.#now();
  }

  /**
   * Before the sampler's step: notes the clean sample, x₀ = x − σ · v.
   * @param sigma The share of noise in `sample`. @param velocity The model's answer there, guided.
   */
  note(sample: Float32Array, velocity: Float32Array, sigma: number): void {
    const clean = this.#clean;
    for (let i = 0; i < clean.length; i++) {
      clean[i] = (sample[i] ?? 0) - sigma * (velocity[i] ?? 0);
    }
  }

  /** After the step. */
  async endStep(): Promise<void> {
    const now = this.#now();
    this.#allowed += TIME_SHARE * (now - this.#startedAt);
    if (this.#spent > this.#allowed) return;
    const frames = hasUnusableValue(this.#clean) ? undefined : await this.#draw(this.#clean);
    if (this.#isFirst) this.#isFirst = false;
    else this.#spent += this.#now() - now;
    if (frames) await this.#show(frames);
    else this.#hasFailed = true;
  }
}
