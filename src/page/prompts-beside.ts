/** @file What a model beside the page says of its prompts: one small file, while the rest of it is being looked at. */
import type { PromptVocabulary } from '../families/family.ts';
import { faultOfVocabulary } from '../families/text/vocabulary-format.ts';

/**
 * @param folder The model's address.
 * @returns Undefined if there is nothing of use; inspecting the model says why.
 */
export async function promptsBeside(folder: string): Promise<PromptVocabulary | undefined> {
  try {
    const response = await fetch(`${folder}/zoetrope.json`);
    const { prompts } = (await response.json()) as { prompts?: unknown };
    return faultOfVocabulary(prompts) === undefined ? (prompts as PromptVocabulary) : undefined;
  } catch {
    return undefined;
  }
}
