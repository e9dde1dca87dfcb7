/** @file A clip that will be made, checked against what the model says of itself, before its weights are fetched. */
import type { ModelCheckpoint } from '../../families/family.ts';
import type { ClipRequest, LoadOptions } from '../api.ts';
import { checkEmbeddings } from '../given-embeddings.ts';
import { textsOf } from '../prompt-encoder.ts';
import { resolveRequest } from '../request.ts';
import { makeScheduler } from '../run-scheduler.ts';

/**
 * @throws ZoetropeError `invalid-argument`, as `generate` would after loading; `model-format` for a sampler that the
 *   checkpoint's configuration does not allow.
 */
export function checkClip(
  model: ModelCheckpoint,
  clip: ClipRequest,
  { textEncoder }: Pick<LoadOptions, 'textEncoder'>,
): void {
  const parameters = resolveRequest(
    { ...clip, prompt: clip.prompt ?? '' },
    {
      model: '',
      scheduler: model.schedulerName,
      // What the clip is computed with decides nothing here.
      device: 'wasm',
      dtype: 'float32',
      defaults: model.defaults,
      constraints: model.constraints,
    },
  );
  makeScheduler(model, parameters);
  const { prompt, promptEmbeds, negativePromptEmbeds } = clip;
  const saysWhat = prompt !== undefined || promptEmbeds || negativePromptEmbeds;
  // A text may be longer than is read at all.
  textsOf(model, parameters, clip);
  if (saysWhat) checkEmbeddings(clip, parameters, model.textDim, textEncoder !== false);
}
