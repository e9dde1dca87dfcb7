import { describe, expect, test } from 'vitest';
import type { FrameGroup } from './api.ts';
import { linearPictures, Previews } from './preview.ts';

const NOTHING: FrameGroup = {
  firstFrame: 0,
  count: 0,
  width: 0,
  height: 0,
  rgba: new Uint8ClampedArray(),
};

/** After which of ten steps of a second there was a preview, if one takes so many seconds. */
async function shownAfter(seconds: number): Promise<number[]> {
  let now = 0;
  let step = 0;
  const shown: number[] = [];
  const draw = (): FrameGroup => {
    now += seconds;
    return NOTHING;
  };
  const previews = new Previews(
    draw,
    () => void shown.push(step),
    1,
    () => now,
  );
  for (step = 0; step < 10; step++) {
    previews.startStep();
    now += 1;
    await previews.endStep();
  }
  return shown;
}

describe('previews', () => {
  test.each([
    { seconds: 0.2, steps: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    { seconds: 0.39, steps: [0, 1, 2, 3, 5, 7, 9] },
    { seconds: 0.95, steps: [0, 1, 4, 9] },
    { seconds: 100, steps: [0, 1] },
  ])('of $seconds s take a fifth of the time of steps of 1 s', async ({ seconds, steps }) => {
    expect(await shownAfter(seconds)).toEqual(steps);
  });

  test('show the clean sample that the step foretells', async () => {
    const seen: Float32Array[] = [];
    const draw = (clean: Float32Array): FrameGroup => {
      seen.push(clean.slice());
      return NOTHING;
    };
    const previews = new Previews(draw, () => undefined, 2);
    const sample = Float32Array.of(1, -2);
    previews.startStep();
    previews.note(sample, Float32Array.of(4, 2), 0.5);
    // What the sampler does next is another matter.
    sample.fill(9);
    await previews.endStep();
    expect(seen).toEqual([Float32Array.of(-1, -3)]);
  });
});

test('linear pictures are factors times channels, plus the bias', () => {
  const colours = {
    pixels: 1,
    factors: [
      [0.5, 0, 0],
      [0, 0.25, -1],
    ],
    bias: [0, 0.5, 0],
  };
  const draw = linearPictures(colours, { channels: 2, frames: 2, height: 1, width: 1 });
  const group = draw(Float32Array.of(1, -2, 2, 0));
  expect(group).toMatchObject({ firstFrame: 0, count: 2, width: 1, height: 1 });
  // [0.5, 1, −2] and [−1, 0.5, 0] in [−1, 1].
  expect([...(group as FrameGroup).rgba]).toEqual([191, 255, 0, 255, 0, 191, 128, 255]);
});

test('a latent may give several pixels, row by row', () => {
  const colours = {
    pixels: 2,
    factors: [[0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75]],
    bias: Array.from({ length: 12 }, () => -1),
  };
  const draw = linearPictures(colours, { channels: 1, frames: 1, height: 1, width: 2 });
  const { rgba, ...shape } = draw(Float32Array.of(1, 3)) as FrameGroup;
  expect(shape).toMatchObject({ count: 1, width: 4, height: 2 });
  const reds = Array.from({ length: 8 }, (_, i) => rgba[4 * i]);
  expect(reds).toEqual([13, 32, 38, 96, 64, 96, 191, 255]);
});
