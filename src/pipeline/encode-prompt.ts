/** @file A prompt's embeddings by themselves, without a clip. */
import { invalidArgument } from '../errors.ts';
import { cleanPrompt } from '../families/text/prompt.ts';
import type { PromptEmbeddings } from './api.ts';
import { computePrecisions } from './memory-settings.ts';
import { planTextEncoder } from './plan.ts';
import { type EncoderContext, encodeTexts, lookUpTexts, tokenizePrompt } from './prompt-encoder.ts';
import { resolveSequenceLength } from './request.ts';

/** @throws ZoetropeError `invalid-argument`; `out-of-memory` if the text encoder does not fit. */
export async function encodePrompt(
  context: EncoderContext,
  prompt: string,
  wantedLength: number | undefined,
  signal: AbortSignal | undefined,
): Promise<PromptEmbeddings> {
  const { checkpoint, memory } = context;
  if (typeof prompt !== 'string') {
    throw invalidArgument('prompt', 'it is not a text.', 'Give a string; it may be empty.');
  }
  if (memory.textEncoder === false) {
    throw invalidArgument(
      'prompt',
      'the model was loaded without its text encoder.',
      'Load it with textEncoder: true.',
    );
  }
  const maxSequenceLength = resolveSequenceLength(wantedLength, checkpoint.defaults);
  const { ids, notices } = tokenizePrompt(checkpoint, cleanPrompt(prompt), maxSequenceLength);
  const precision = computePrecisions(memory);
  const texts = await lookUpTexts(context, [{ ids }]);
  const isKnown = texts.every(({ embeds }) => embeds !== undefined);
  const plan = isKnown
    ? undefined
    : planTextEncoder(checkpoint, maxSequenceLength, { ...memory, precision });
  const made = await encodeTexts(context, texts, precision.text_encoder, plan, signal);
  // A copy: the cache keeps its own, and this one may be transferred.
  const embeds = Float32Array.from(made[0] ?? []);
  return { embeds, tokens: ids.length, textDim: checkpoint.textDim, notices };
}
