/** @file A clip's latents as a decoder takes them: frame by frame, each made when its turn comes. */

/** Cuts latent frame `frame` out of latents of `shape`, as the decoder wants it. */
interface FrameCutter<Shape> {
  decoderInput(latents: Float32Array, shape: Shape, frame: number): Float32Array<ArrayBuffer>;
}

/** @param check Called with each frame before it is decoded; may throw. */
export function* latentFrames<Shape extends { readonly frames: number }>(
  decoder: FrameCutter<Shape>,
  latents: Float32Array,
  shape: Shape,
  check?: (input: Float32Array, index: number) => void,
): Generator<Float32Array<ArrayBuffer>> {
  for (let i = 0; i < shape.frames; i++) {
    const input = decoder.decoderInput(latents, shape, i);
    check?.(input, i);
    yield input;
  }
}
