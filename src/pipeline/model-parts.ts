/** @file What a person writes of the files that a model is put together from, besides its own. */
import type { ModelParts, ModelReference } from './api.ts';

/** The same with other references, or with something else in the place of each. */
export function mapParts<T>(
  parts: ModelParts,
  map: (reference: ModelReference) => T,
): Partial<Record<Exclude<keyof ModelParts, 'loras'>, T>> & {
  loras?: { source: T; scale?: number }[];
} {
  const { fastDecoder, transformer, textEncoderFrom, vae, loras } = parts;
  return {
    ...(fastDecoder === undefined ? {} : { fastDecoder: map(fastDecoder) }),
    ...(transformer === undefined ? {} : { transformer: map(transformer) }),
    ...(textEncoderFrom === undefined ? {} : { textEncoderFrom: map(textEncoderFrom) }),
    ...(vae === undefined ? {} : { vae: map(vae) }),
    ...(loras === undefined
      ? {}
      : { loras: loras.map((lora) => ({ ...lora, source: map(lora.source) })) }),
  };
}
