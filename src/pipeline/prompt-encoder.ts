/** @file From prompts to embeddings: those that were made before come from the cache, the others from the text encoder. */
import type { ModelCheckpoint } from '../families/family.ts';
import { cleanPrompt } from '../families/text/prompt.ts';
import type { Precision } from '../graph/index.ts';
import type { PhasePlan } from '../runtime/planner.ts';
import type { GenerateOptions, GenerationParameters, Notice } from './api.ts';
import { checkMade } from './check-finite.ts';
import type { EmbeddingCache } from './embedding-cache.ts';
import { type PhaseContext, releaseSessions, runPhase } from './phase.ts';

export interface EncoderContext extends PhaseContext {
  readonly checkpoint: ModelCheckpoint;
  readonly embeddings: EmbeddingCache;
}

/** A text of a run: its tokens, or its embeddings `[tokens, textDim]`. */
export type PromptText =
  | { readonly ids: readonly number[]; readonly embeds?: never }
  | { readonly embeds: Float32Array; readonly ids?: never };

export interface TokenizedPrompt {
  /** The end token included. */
  readonly ids: readonly number[];
  readonly notices: readonly Notice[];
}

/** @param prompt Cleaned. */
export function tokenizePrompt(
  { tokenizer }: Pick<ModelCheckpoint, 'tokenizer'>,
  prompt: string,
  maxSequenceLength: number,
): TokenizedPrompt {
  const { ids, truncatedTokens } = tokenizer.encodePrompt(prompt, maxSequenceLength);
  if (truncatedTokens === 0) return { ids, notices: [] };
  const message = `The prompt is too long: its last ${truncatedTokens} tokens were cut to fit ${maxSequenceLength}.`;
  return { ids, notices: [{ code: 'prompt-truncated', message }] };
}

type TextParameters = Pick<
  GenerationParameters,
  'prompt' | 'negativePrompt' | 'guidanceScale' | 'maxSequenceLength'
>;

/** In the place of texts. */
export type GivenEmbeddings = Pick<GenerateOptions, 'promptEmbeds' | 'negativePromptEmbeds'>;

/** The prompt and, with guidance, the negative prompt, cleaned. */
export function textsOf(
  checkpoint: Pick<ModelCheckpoint, 'tokenizer'>,
  { prompt, negativePrompt, guidanceScale, maxSequenceLength }: TextParameters,
  { promptEmbeds, negativePromptEmbeds }: GivenEmbeddings,
): { texts: readonly PromptText[]; notices: readonly Notice[] } {
  const all = [
    { text: prompt, embeds: promptEmbeds },
    { text: negativePrompt, embeds: negativePromptEmbeds },
  ];
  const notices: Notice[] = [];
  const texts = (guidanceScale > 1 ? all : all.slice(0, 1)).map(({ text, embeds }): PromptText => {
    if (embeds) return { embeds };
    const tokenized = tokenizePrompt(checkpoint, cleanPrompt(text), maxSequenceLength);
    notices.push(...tokenized.notices);
    return { ids: tokenized.ids };
  });
  return { texts, notices };
}

/** The texts, those with embeddings already that the cache knows. */
export function lookUpTexts(
  { embeddings }: EncoderContext,
  texts: readonly PromptText[],
): Promise<PromptText[]> {
  return Promise.all(
    texts.map(async (text): Promise<PromptText> => {
      const embeds = text.ids && (await embeddings.get(text.ids));
      return embeds ? { embeds } : text;
    }),
  );
}

/** Embeddings of all texts, in order. Where none is left to encode, nothing is loaded at all. */
export async function encodeTexts(
  context: EncoderContext,
  texts: readonly PromptText[],
  precision: Precision,
  plan: PhasePlan | undefined,
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const { checkpoint, weights, embeddings } = context;
  const results = texts.map(({ embeds }) => embeds);
  const missing = texts.flatMap(({ ids }, index) => (ids ? [{ ids, index }] : []));
  if (missing.length > 0) {
    await runPhase(context, 'text_encoder', 'activations', plan, signal, async (runner) => {
      for (const [i, { ids, index }] of missing.entries()) {
        // Each length has graphs of its own, and the plan has room for those of one.
        if (i > 0) await releaseSessions(context);
        const made = await checkpoint.encodeText(runner, weights.text_encoder, ids, precision);
        const text = index === 0 ? 'for the prompt' : 'for the negative prompt';
        checkMade(made, 'text_encoder', text, context);
        await embeddings.put(ids, made);
        results[index] = made;
      }
    });
  }
  return results.map((result) => {
    if (!result) throw new Error('a text was not encoded');
    return result;
  });
}
