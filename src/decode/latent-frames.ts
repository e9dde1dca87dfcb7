/** @file A clip's latents as a decoder takes them: frame by frame, each made when its turn comes. */

/** Cuts latent frame `frame` out of latents of `shape`, as the decoder wants it. */
interface FrameCutter<Shape> {
  decoderInput(latents: Float32Array, shape: Shape, frame: number): Float32Array<ArrayBuffer>;
}

export function* latentFrames<Shape extends { readonly frames: number }>(
  decoder: FrameCutter<Shape>,
  latents: Float32Array,
  shape: Shape,
): Generator<Float32Array<ArrayBuffer>> {
  for (let i = 0; i < shape.frames; i++) yield decoder.decoderInput(latents, shape, i);
}
