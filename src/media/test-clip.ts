/** @file A clip for tests: a square of one colour that moves over another. */
import type { FrameGroup, GenerationParameters } from './clip.ts';

export const PARAMETERS: GenerationParameters = {
  model: 'pocket',
  prompt: 'a red círcle moves right 🔴',
  negativePrompt: '',
  height: 4,
  width: 6,
  numFrames: 5,
  numInferenceSteps: 12,
  guidanceScale: 5,
  seed: 7,
  maxSequenceLength: 64,
  frameRate: 16,
  scheduler: 'UniPCMultistepScheduler',
  device: 'wasm',
  dtype: 'float32',
};

export type Color = readonly [red: number, green: number, blue: number];
export const BACKGROUND: Color = [20, 30, 200];
export const SQUARE: Color = [240, 40, 30];

/** In frame i, column i is of the square's colour. */
export function colorAt(frame: number, x: number): Color {
  return x === frame ? SQUARE : BACKGROUND;
}

export function testGroup(
  firstFrame: number,
  count: number,
  width = PARAMETERS.width,
  height = PARAMETERS.height,
): FrameGroup {
  const rgba = new Uint8ClampedArray(count * width * height * 4);
  for (let i = 0; i < rgba.length / 4; i++) {
    const frame = firstFrame + Math.floor(i / (width * height));
    rgba.set([...colorAt(frame, i % width), 255], i * 4);
  }
  return { firstFrame, count, width, height, rgba };
}
