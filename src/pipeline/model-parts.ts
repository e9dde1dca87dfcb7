/** @file What a person writes of the files that a model is put together from, besides its own. */
import type { LoraReference, ModelParts, ModelReference } from './api.ts';

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
    ...(loras === undefined ? {} : { loras: mapLoras(loras, map) }),
  };
}

/** What is not a list of LoRAs is kept: the check of the options says so. */
function mapLoras<T>(
  loras: readonly LoraReference[],
  map: (reference: ModelReference) => T,
): { source: T; scale?: number }[] {
  const given: unknown = loras;
  if (!Array.isArray(given)) return loras as unknown as [];
  return loras.map((lora) =>
    Object(lora) === lora ? { ...lora, source: map(lora.source) } : lora,
  ) as {
    source: T;
    scale?: number;
  }[];
}
