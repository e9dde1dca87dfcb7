/** @file The files that a model is put together from besides its own: from what a person writes to where they are. */
import type { CheckpointParts } from '../families/family.ts';
import { type ModelReference, openFile, type SourceOptions } from '../weights/open-source.ts';
import type { FilesAt } from '../weights/source.ts';
import type { ModelParts } from './api.ts';

export interface OpenedParts extends CheckpointParts {
  readonly fastDecoder?: FilesAt | undefined;
}

/**
 * Nothing is fetched yet.
 * @throws ZoetropeError `invalid-argument` for a reference that cannot be read.
 */
export function openParts(parts: ModelParts, { token, hubUrl }: SourceOptions): OpenedParts {
  // They are of other repositories than the model: the model's revision says nothing of them.
  const open = (option: string, reference: ModelReference): FilesAt =>
    openFile(reference, { token, hubUrl, option });
  const { fastDecoder, transformer, textEncoderFrom, vae, loras = [] } = parts;
  return {
    ...(fastDecoder === undefined ? {} : { fastDecoder: open('fastDecoder', fastDecoder) }),
    components: {
      ...(transformer === undefined ? {} : { transformer: open('transformer', transformer) }),
      ...(textEncoderFrom === undefined
        ? {}
        : { text_encoder: open('textEncoderFrom', textEncoderFrom) }),
      ...(vae === undefined ? {} : { vae: open('vae', vae) }),
    },
    loras: loras.map(({ source, scale = 1 }, i) => ({
      ...open(`loras[${i}].source`, source),
      scale,
    })),
  };
}
