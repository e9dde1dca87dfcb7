/** @file Changes a checkpoint tensor's bytes into the element type and layout that a graph input wants. */
import { Float16Array, type Float16Array as Float16 } from '@petamoriken/float16';
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';

/** float16 values as their bits: what GPU buffers and onnxruntime take. */
export type WeightData = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/**
 * @param bytes Little-endian, aligned to the source element.
 * @throws ZoetropeError `model-format` for element types that are no plain floats.
 */
export function toFloat32(
  name: string,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16':
      return Float32Array.from(new Float16Array(buffer, byteOffset, byteLength / 2) as Float16);
    case 'BF16': {
      // bfloat16 is the upper half of float32.
      const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
      return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    }
    default:
      throw modelFormat(
        `Tensor ${name} has element type ${dtype}.`,
        'Checkpoints must hold F32, F16 or BF16 tensors; convert it or choose another.',
      );
  }
}

/** Tells before anything is read whether {@link toFloat32} can. */
export function isSupportedDtype(dtype: string): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** The tensor as `weight` wants it. */
export function convertWeight(
  weight: WeightInput,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
): WeightData {
  if (weight.dtype === 'float16') {
    if (dtype === 'F16' && weight.packing === 'none') {
      return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
    }
    const halves = new Float16Array(pack(weight, toFloat32(weight.name, dtype, bytes)));
    return new Uint16Array(halves.buffer);
  }
  return pack(weight, toFloat32(weight.name, dtype, bytes));
}

function pack(weight: WeightInput, data: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (weight.packing === 'none') return data;
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
