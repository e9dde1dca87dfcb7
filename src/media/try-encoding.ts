/** @file Whether a clip can be written, found out before it is made: a browser's word is not enough. */
import type { Container, GenerationParameters, VideoCodecName } from './clip.ts';
import { TRIAL_FRAMES } from './codecs.ts';
import { KeptClipEncoder } from './kept-clip-encoder.ts';

export interface WantedEncoding {
  readonly container: Container;
  readonly codec?: VideoCodecName;
  readonly scale?: number;
}

const NOTHING: GenerationParameters = {
  model: '',
  prompt: '',
  negativePrompt: '',
  height: 1,
  width: 1,
  numFrames: 1,
  numInferenceSteps: 1,
  guidanceScale: 1,
  seed: 0,
  maxSequenceLength: 1,
  frameRate: 1,
  scheduler: '',
  device: 'wasm',
  dtype: 'float32',
};

/**
 * Encodes a few grey frames of the clip's size. GIF and PNG need no video encoder and are not tried.
 *
 * @throws ZoetropeError as `KeptClipEncoder`: `invalid-argument` or `feature-missing`, with what works.
 */
export async function tryEncoding(
  { container, codec, scale = 1 }: WantedEncoding,
  { width, height, frameRate }: Pick<GenerationParameters, 'width' | 'height' | 'frameRate'>,
  signal?: AbortSignal,
): Promise<void> {
  if (container !== 'mp4' && container !== 'webm') return;
  const encoder = await KeptClipEncoder.open({
    container,
    ...(codec === undefined ? {} : { codec }),
    width,
    height,
    frameRate,
    numFrames: TRIAL_FRAMES,
    scale,
    metadata: NOTHING,
    ...(signal ? { signal } : {}),
  });
  const rgba = new Uint8ClampedArray(width * height * 4).fill(128);
  try {
    for (let firstFrame = 0; firstFrame < TRIAL_FRAMES; firstFrame++) {
      await encoder.add({ firstFrame, count: 1, width, height, rgba });
    }
    await encoder.finish();
  } catch (error) {
    // A cancel leaves the browser's encoder open. Not awaited: an encoder that hangs may never answer.
    encoder.cancel().catch(() => undefined);
    throw error;
  }
}
