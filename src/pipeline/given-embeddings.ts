/** @file Prompt embeddings that a request brings with it, checked, and in the length that a run wants. */
import { invalidArgument } from '../errors.ts';
import { hasUnusableValue } from '../weights/finite.ts';
import type { GenerateOptions, GenerationParameters } from './api.ts';

type Given = Pick<
  GenerateOptions,
  'prompt' | 'negativePrompt' | 'promptEmbeds' | 'negativePromptEmbeds'
>;

/**
 * @param hasEncoder Whether texts can be encoded.
 * @throws ZoetropeError `invalid-argument`: given in another shape, beside a text, or missing where there is no encoder.
 */
export function checkEmbeddings(
  given: Given,
  {
    guidanceScale,
    maxSequenceLength,
  }: Pick<GenerationParameters, 'guidanceScale' | 'maxSequenceLength'>,
  textDim: number,
  hasEncoder: boolean,
): void {
  const { prompt, negativePrompt, promptEmbeds, negativePromptEmbeds } = given;
  const check = (
    name: string,
    embeds: Float32Array | undefined,
    text: string | undefined,
  ): void => {
    if (!embeds) return;
    if (text !== undefined && text !== '') {
      throw invalidArgument(
        name,
        `there is a ${name === 'promptEmbeds' ? 'prompt' : 'negativePrompt'} too.`,
        'Give one of the two.',
      );
    }
    checkShape(name, embeds, textDim, maxSequenceLength);
  };
  check('promptEmbeds', promptEmbeds, prompt);
  check('negativePromptEmbeds', negativePromptEmbeds, negativePrompt);
  if (hasEncoder) return;
  if (!promptEmbeds) throw withoutEncoder('promptEmbeds');
  if (guidanceScale > 1 && !negativePromptEmbeds) throw withoutEncoder('negativePromptEmbeds');
}

/** Zeros after the real tokens, up to `length` tokens, as the transformer wants them. */
export function padEmbeddings(
  embeddings: Float32Array,
  textDim: number,
  length: number,
): Float32Array<ArrayBuffer> {
  const padded = new Float32Array(length * textDim);
  padded.set(embeddings);
  return padded;
}

function checkShape(name: string, embeds: Float32Array, textDim: number, most: number): void {
  const tokens = embeds.length / textDim;
  if (!(Number.isInteger(tokens) && tokens >= 1 && tokens <= most)) {
    throw invalidArgument(
      name,
      `${embeds.length} values are not [n, ${textDim}] with n from 1 to ${most}.`,
      'Take them from encodePrompt of the same model, or raise maxSequenceLength.',
    );
  }
  if (hasUnusableValue(embeds)) {
    throw invalidArgument(
      name,
      'there are values that are not finite, or too large to be computed with.',
      'Encode the prompt again.',
    );
  }
}

function withoutEncoder(name: string): Error {
  return invalidArgument(
    name,
    'the model was loaded without its text encoder.',
    name === 'promptEmbeds'
      ? 'Give embeddings from encodePrompt, or load with textEncoder: true.'
      : 'Give them too, or a guidanceScale of 1, or load with textEncoder: true.',
  );
}
