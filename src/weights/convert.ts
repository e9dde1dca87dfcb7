/** @file Changes a tensor's bytes into the element type and layout that a graph input wants. */
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import { damagedTensor, tooLargeFor } from './check-weights.ts';
import { countUnusable, hasUnusable } from './finite.ts';
import { halfBits, halfValue, ordinaryHalfBits } from './quantize-half.ts';

/** float16 values as their bits: what GPU buffers and onnxruntime take. */
export type WeightData =
  Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** All float16 values: looking one up is many times faster than computing it. Made when it is first needed. */
let halves: Float32Array | undefined;

/**
 * @param bytes Little-endian, aligned to the source element.
 * @param room Where the values go if they are not F32 already: memory that was used before is many times faster than new.
 * @returns The values: the beginning of `room`, a view of `bytes`, or an array of their own.
 * @throws ZoetropeError `model-format` for element types that are no plain floats.
 */
export function toFloat32(
  name: string,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
  room?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16': {
      halves ??= Float32Array.from({ length: 0x10000 }, (_, half) => halfValue(half));
      const source = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const values = room?.subarray(0, source.length) ?? new Float32Array(source.length);
      for (let i = 0; i < source.length; i++) values[i] = halves[source[i] ?? 0] ?? 0;
      return values;
    }
    case 'BF16': {
      const source = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const values = room?.subarray(0, source.length) ?? new Float32Array(source.length);
      const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
      // bfloat16 is the upper half of float32.
      for (let i = 0; i < source.length; i++) words[i] = (source[i] ?? 0) << 16;
      return values;
    }
    default:
      throw modelFormat(
        `Tensor ${name} has element type ${dtype}.`,
        'Checkpoints must hold F32, F16 or BF16 tensors; convert it or choose another.',
      );
  }
}

/** Nearest float16 of each value, as bits. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halfs = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i] ?? 0;
    const magnitude = word & 0x7fffffff;
    // Of most weights, and without `halfBits`' way through memory.
    const isOrdinary = magnitude >= 0x38800000 && magnitude < 0x477ff000;
    halfs[i] = isOrdinary ? ordinaryHalfBits(word) : halfBits(values[i] ?? 0);
  }
  return halfs;
}

/** Nearest bfloat16 of each value, ties to even, as bits. The values are finite. */
export function toBFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halfs = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i] ?? 0;
    // Carries into the kept half if the dropped one is above a half, or at it and the kept one odd.
    halfs[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halfs;
}

/** Tells before anything is read whether {@link toFloat32} can. */
export function isSupportedDtype(dtype: string): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/**
 * A kept tensor, or one part of a quantized one, as the graph input wants it.
 * @param dtype Of `bytes`, if the tensor is not quantized: codes are bytes and scales float32.
 * @param name Of the tensor, for messages.
 * @throws ZoetropeError `non-finite` for values that float16 cannot hold, and for scales that are not finite.
 */
export function bindWeight(
  weight: WeightInput,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
  name = weight.source,
): WeightData {
  const { packing } = weight;
  if (typeof packing !== 'string') {
    if (packing.part === 'codes') return bytes;
    if (hasUnusable('F32', bytes)) {
      throw damagedTensor(`The stored copy of tensor ${name}`, countUnusable('F32', bytes));
    }
    const scales = toFloat32(name, 'F32', bytes);
    return weight.dtype === 'float16' ? bindFloat16(name, scales) : scales;
  }
  if (weight.dtype === 'float16') {
    if (dtype === 'F16' && packing === 'none') {
      return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
    }
    return bindFloat16(name, foldTime(weight, toFloat32(name, dtype, bytes)));
  }
  return foldTime(weight, toFloat32(name, dtype, bytes));
}

function bindFloat16(name: string, values: Float32Array): Uint16Array<ArrayBuffer> {
  const halfs = toFloat16(values);
  if (hasUnusable('F16', new Uint8Array(halfs.buffer))) throw tooLargeFor('F16', `Tensor ${name}`);
  return halfs;
}

function foldTime(weight: WeightInput, data: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (weight.packing !== 'fold-time') return data;
  const [outChannels = 1, channels = 1, frames = 1, height = 1, width = 1] = weight.sourceShape;
  const area = height * width;
  const folded = new Float32Array(data.length);
  for (let o = 0; o < outChannels; o++) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < frames; t++) {
        const from = ((o * channels + c) * frames + t) * area;
        folded.set(data.subarray(from, from + area), ((o * frames + t) * channels + c) * area);
      }
    }
  }
  return folded;
}
