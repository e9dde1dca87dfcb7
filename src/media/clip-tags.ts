/** @file What is written into a file about its making: enough to make it again. */
import { stringifyExact } from '../exact-json.mjs';
import type { GenerationParameters } from './clip.ts';

export interface ClipTags {
  /** The prompt; where embeddings were given in its place, that they were. */
  readonly title: string;
  /** For people: model, seed, steps and so on, in one line. */
  readonly summary: string;
  /** For programs: all {@link GenerationParameters} and `software`, as JSON, the seed with every digit. */
  readonly json: string;
  readonly software: 'Zoetrope';
}

export function clipTags(parameters: GenerationParameters): ClipTags {
  const { model, seed, numInferenceSteps, guidanceScale, scheduler } = parameters;
  const software = 'Zoetrope';
  return {
    title: parameters.prompt || 'From prompt embeddings',
    summary:
      `Made with ${software} and ${model}: seed ${seed}, ${numInferenceSteps} steps of ${scheduler}, ` +
      `guidance ${guidanceScale}`,
    json: stringifyExact({ software, ...parameters }),
    software,
  };
}
