/**
 * @file A file of gigabytes that is nowhere: bytes are computed from their offsets, the same ones each time, at less than
 * it costs to send them.
 */
import { elementCount } from '../src/graph/types.ts';
import { randn } from '../src/pipeline/noise.ts';
import { distribution } from './random-weights.ts';

const BFLOAT16_BYTES = 2;
/** A prime, so that rows of a matrix do not repeat. */
const BLOCK_LENGTH = 524_287;

export interface MadeUpFile {
  readonly size: number;
  readonly stretches: readonly Stretch[];
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  /** Repeated from `start` on. */
  readonly pattern: Uint8Array;
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Bytes `start … end − 1`, in pieces that are views. */
export function* bytesOf(
  { stretches }: MadeUpFile,
  start: number,
  end: number,
): Generator<Uint8Array> {
  for (const stretch of stretches) {
    const until = Math.min(end, stretch.end);
    for (let at = Math.max(start, stretch.start); at < until;) {
      const phase = (at - stretch.start) % stretch.pattern.byteLength;
      const piece = stretch.pattern.subarray(phase, phase + until - at);
      yield piece;
      at += piece.byteLength;
    }
  }
}

export function textFile(text: string): MadeUpFile {
  const pattern = new TextEncoder().encode(text);
  return { size: pattern.byteLength, stretches: [{ start: 0, end: pattern.byteLength, pattern }] };
}

/** A safetensors file of bfloat16 tensors, whose header alone is real. */
export function weightsFile(tensors: readonly NamedShape[]): MadeUpFile {
  const header: Record<string, unknown> = {};
  const data: Stretch[] = [];
  let at = 0;
  for (const { name, shape } of tensors) {
    const end = at + elementCount(shape) * BFLOAT16_BYTES;
    header[name] = { dtype: 'BF16', shape, data_offsets: [at, end] };
    data.push({ start: at, end, pattern: patternOf(name, shape) });
    at = end;
  }
  const json = JSON.stringify(header);
  // Data starts at a multiple of eight, as the reference implementation writes it.
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const head = new Uint8Array(8 + text.byteLength);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  head.set(text, 8);
  const first = head.byteLength;
  return {
    size: first + at,
    stretches: [
      { start: 0, end: first, pattern: head },
      ...data.map(({ start, end, pattern }) => ({
        start: first + start,
        end: first + end,
        pattern,
      })),
    ],
  };
}

const patterns = new Map<string, Uint8Array>();
let noise: Float32Array | undefined;

function patternOf(name: string, shape: readonly number[]): Uint8Array {
  const { mean, deviation } = distribution(name, shape);
  const key = `${mean} ${deviation}`;
  let pattern = patterns.get(key);
  if (!pattern) {
    noise ??= randn(BLOCK_LENGTH, 1);
    const words = new Uint32Array(noise.map((value) => mean + deviation * value).buffer);
    pattern = new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
    patterns.set(key, pattern);
  }
  return pattern;
}
