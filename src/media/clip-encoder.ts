/** @file From decoded frames to files that carry how they were made. Runs in a worker as well as on a page. */
import { invalidArgument } from '../errors.ts';
import type { Container, FrameGroup, GenerationParameters, VideoCodecName } from './clip.ts';
import type { EncoderPatience } from './encoder-watch.ts';
import type { CodecFailure } from './encoding-failure.ts';
import { LARGEST_SCALE } from './check-encoding.ts';
import { repeatPixels } from './repeat-pixels.ts';

export interface ClipEncoderOptions {
  readonly container: Container;
  /** For `mp4` and `webm`. Default: the first that the container and the browser can do. */
  readonly codec?: VideoCodecName;
  /** Of the frames as they are decoded, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. GIF has hundredths of a second: the frames' delays differ so that the clip's length is right. */
  readonly frameRate: number;
  readonly numFrames: number;
  /** Shows each pixel as a square of `scale × scale`; 1 … 64. */
  readonly scale: number;
  /** Written into every file; see {@link clipTags}. */
  readonly metadata: GenerationParameters;
  /** Codecs that failed for this clip and are not chosen again. */
  readonly failed?: readonly CodecFailure[];
  /** How long a video encoder may be silent. Default: by the size of the picture. */
  readonly patience?: EncoderPatience;
  /** Ends the waiting for a video encoder. */
  readonly signal?: AbortSignal;
}

export interface EncodedFile {
  readonly name: string;
  readonly blob: Blob;
}

/** Takes the frames of one clip in order. After `finish` or `cancel` it is of no more use. */
export interface ClipEncoder {
  /** The codec really used: a codec name, `gif` or `png`. */
  readonly codec: string;
  /**
   * Resolves once the encoder can take more. The group is not needed afterwards.
   *
   * @throws ZoetropeError `invalid-argument` for frames of another size or out of turn; `feature-missing`, of a video a
   *   {@link CodecFailure}, when the browser's encoder fails.
   */
  add(group: FrameGroup): Promise<void>;
  /**
   * One file, or for `png` one a frame, named `frame-00000.png` and so on.
   *
   * @throws ZoetropeError `invalid-argument` when frames are missing; `feature-missing` as for `add`.
   */
  finish(): Promise<readonly EncodedFile[]>;
  /** Frees the encoder. Nothing happens when called twice, or after `finish`. */
  cancel(): Promise<void>;
}

/** A format's own part: it gets checked and enlarged frames, in order, and may keep them. */
export interface FrameSink {
  readonly codec: string;
  /** Pixels of a picture as the sink wants it: scaled, and even where the codec needs that. */
  readonly width: number;
  readonly height: number;
  /** `rgba` has `height × width × 4` bytes. */
  write(rgba: Uint8ClampedArray<ArrayBuffer>, index: number): Promise<void>;
  finish(): Promise<readonly EncodedFile[]>;
  cancel(): Promise<void>;
}

/**
 * MP4 and WebM through the browser's WebCodecs, GIF with a palette of 255 colours for the whole clip (its frames stay in
 * memory until `finish`), or numbered PNGs.
 *
 * Video keeps one colour value for each 2 × 2 pixels: an even `scale` keeps the colours of single pixels apart, too. Video
 * codecs need even sizes: where `width × scale` or `height × scale` is odd, the last column or row is repeated
 * once, so that such a video is one pixel larger.
 *
 * @throws ZoetropeError `invalid-argument` for sizes, rates and scales out of range, or a codec that is not for the
 *   container; `feature-missing` when the browser cannot encode, naming what it can.
 */
export async function createEncoder(options: ClipEncoderOptions): Promise<ClipEncoder> {
  checkOptions(options);
  return new CheckedEncoder(options, await openSink(options));
}

/** Each format's library is loaded when it is first used. */
async function openSink(options: ClipEncoderOptions): Promise<FrameSink> {
  switch (options.container) {
    case 'mp4':
    case 'webm':
      return (await import('./video-sink.ts')).openVideoSink(options, options.container);
    case 'gif':
      return (await import('./gif-sink.ts')).openGifSink(options);
    case 'png':
      return (await import('./png-sink.ts')).openPngSink(options);
    default:
      throw invalidArgument(
        'container',
        `${String(options.container)} is not a known format.`,
        'Choose mp4, webm, gif or png.',
      );
  }
}

class CheckedEncoder implements ClipEncoder {
  readonly codec: string;
  readonly #options: ClipEncoderOptions;
  #sink: FrameSink | undefined;
  #nextFrame = 0;

  constructor(options: ClipEncoderOptions, sink: FrameSink) {
    this.#options = options;
    this.#sink = sink;
    this.codec = sink.codec;
  }

  async add(group: FrameGroup): Promise<void> {
    this.#check(group);
    const { width, height, rgba, count } = group;
    const size = width * height * 4;
    for (let i = 0; i < count; i++) {
      const sink = this.#open();
      const frame = rgba.subarray(i * size, (i + 1) * size);
      const picture = repeatPixels(frame, width, height, this.#options.scale, sink);
      await sink.write(picture, this.#nextFrame++);
    }
  }

  async finish(): Promise<readonly EncodedFile[]> {
    const sink = this.#open();
    const { numFrames } = this.#options;
    if (this.#nextFrame !== numFrames) {
      throw invalidArgument(
        'numFrames',
        `${this.#nextFrame} of ${numFrames} frames were given.`,
        'Add all frames before finishing, or cancel.',
      );
    }
    this.#sink = undefined;
    return sink.finish();
  }

  async cancel(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.cancel();
  }

  #open(): FrameSink {
    if (this.#sink) return this.#sink;
    throw invalidArgument('encoder', 'it is finished or cancelled.', 'Create another one.');
  }

  #check(group: FrameGroup): void {
    const { width, height, numFrames } = this.#options;
    const expected = `Give ${width} × ${height} frames in order, each once.`;
    if (group.width !== width || group.height !== height) {
      throw invalidArgument('group', `its frames are ${group.width} × ${group.height}.`, expected);
    }
    if (group.rgba.length !== group.count * width * height * 4) {
      throw invalidArgument('group', 'its length is not that of its frames.', expected);
    }
    if (group.firstFrame !== this.#nextFrame || group.firstFrame + group.count > numFrames) {
      throw invalidArgument(
        'group',
        `it has ${group.count} frames from ${group.firstFrame}, where frame ${this.#nextFrame} of ${numFrames} is next.`,
        expected,
      );
    }
  }
}

function checkOptions(options: ClipEncoderOptions): void {
  const whole = (name: 'width' | 'height' | 'numFrames' | 'scale', most: number): void => {
    const value = options[name];
    if (Number.isInteger(value) && value >= 1 && value <= most) return;
    throw invalidArgument(
      name,
      `${value} is not a whole number from 1 to ${most}.`,
      'Give a whole number in that range.',
    );
  };
  whole('width', 65_535);
  whole('height', 65_535);
  whole('numFrames', Number.MAX_SAFE_INTEGER);
  whole('scale', LARGEST_SCALE);
  const { frameRate } = options;
  if (!(Number.isFinite(frameRate) && frameRate > 0 && frameRate <= 1000)) {
    throw invalidArgument('frameRate', `${frameRate} is not in (0, 1000].`, 'Try 16.');
  }
}
