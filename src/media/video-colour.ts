/** @file The colours of MP4 and WebM: limited range, in the matrix that every player assumes of the codec. */
import type { VideoCodecName } from './clip.ts';

/** How much red and blue weigh in the brightness; green has the rest. */
interface Weights {
  readonly red: number;
  readonly blue: number;
}

export interface VideoColour {
  /** What the bitstream and the container declare. */
  readonly space: Readonly<Required<VideoColorSpaceInit>>;
  readonly weights: Weights;
}

const BT709: VideoColour = {
  space: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false },
  weights: { red: 0.2126, blue: 0.0722 },
};

/** A VP8 bitstream can declare no other matrix than BT.601, and decoders go by the bitstream. */
const BT601: VideoColour = {
  space: { ...BT709.space, matrix: 'smpte170m' },
  weights: { red: 0.299, blue: 0.114 },
};

export function videoColour(codec: VideoCodecName): VideoColour {
  return codec === 'vp8' ? BT601 : BT709;
}

/**
 * Converts RGBA pictures to planes of Y, U and V in limited range (16 … 235 and 16 … 240). An encoder's own conversion
 * makes full range, which some players ignore: they show such a clip too dark and too bright.
 *
 * Each chroma value is the mean of its 2 × 2 pixels, so that pixels repeated by an even factor keep their own colours.
 *
 * @param width Even, as is `height`.
 * @returns A converter into one array that each picture overwrites.
 */
export function createI420Converter(
  { weights: { red, blue } }: VideoColour,
  width: number,
  height: number,
): (rgba: Uint8ClampedArray) => Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array((width * height * 3) / 2);
  const green = 1 - red - blue;
  // Fixed point: 16 bits for one pixel, 18 for the sum of four. The weights of a chroma value add up to 0.
  const yr = fixed(219, red);
  const yb = fixed(219, blue);
  const yg = fixed(219, 1) - yr - yb;
  const half = fixed(224, 0.5);
  const ur = fixed(224, -red / (2 * (1 - blue)));
  const ug = -half - ur;
  const vg = fixed(224, -green / (2 * (1 - red)));
  const vb = -half - vg;
  const black = 16 * 65_536 + 32_768;
  const grey = 128 * 262_144 + 131_072;
  const uStart = width * height;
  const vStart = uStart + uStart / 4;
  const stride = width * 4;
  return (rgba) => {
    let chromaAt = 0;
    for (let y = 0; y < height; y += 2) {
      let at = y * width;
      let top = y * stride;
      let bottom = top + stride;
      for (let x = 0; x < width; x += 2, at += 2, top += 8, bottom += 8) {
        const r0 = rgba[top] ?? 0;
        const g0 = rgba[top + 1] ?? 0;
        const b0 = rgba[top + 2] ?? 0;
        const r1 = rgba[top + 4] ?? 0;
        const g1 = rgba[top + 5] ?? 0;
        const b1 = rgba[top + 6] ?? 0;
        const r2 = rgba[bottom] ?? 0;
        const g2 = rgba[bottom + 1] ?? 0;
        const b2 = rgba[bottom + 2] ?? 0;
        const r3 = rgba[bottom + 4] ?? 0;
        const g3 = rgba[bottom + 5] ?? 0;
        const b3 = rgba[bottom + 6] ?? 0;
        planes[at] = (yr * r0 + yg * g0 + yb * b0 + black) >> 16;
        planes[at + 1] = (yr * r1 + yg * g1 + yb * b1 + black) >> 16;
        planes[at + width] = (yr * r2 + yg * g2 + yb * b2 + black) >> 16;
        planes[at + width + 1] = (yr * r3 + yg * g3 + yb * b3 + black) >> 16;
        const r = r0 + r1 + r2 + r3;
        const g = g0 + g1 + g2 + g3;
        const b = b0 + b1 + b2 + b3;
        planes[uStart + chromaAt] = (ur * r + ug * g + half * b + grey) >> 18;
        planes[vStart + chromaAt] = (half * r + vg * g + vb * b + grey) >> 18;
        chromaAt += 1;
      }
    }
    return planes;
  };
}

/** The share of a weight in a range of values, with 16 bits after the point. */
function fixed(range: number, weight: number): number {
  return Math.round((weight * range * 65_536) / 255);
}
