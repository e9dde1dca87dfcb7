/** @file What sets a model apart from its checkpoint as it came, in words: what is stored under the same words is the same. */
import type { ComponentSummary, LoraSummary } from './family.ts';

/**
 * @param components With a source where they are not the checkpoint's own.
 * @returns The same words for the same places and scales; undefined for the checkpoint as it came.
 */
export function variantOf(
  components: readonly Pick<ComponentSummary, 'name' | 'source'>[],
  loras: readonly Pick<LoraSummary, 'source' | 'scale'>[],
): string | undefined {
  const others = components.filter(({ name, source }) => source !== undefined && !isBeside(name));
  const words = [
    ...others.map(({ name, source }) => `${name} ${source}`),
    ...loras.map(({ source, scale }) => `lora ${source} × ${scale}`),
  ];
  return words.length === 0 ? undefined : words.join(', ');
}

/** A fast decoder is kept by itself, as it came. */
function isBeside(name: ComponentSummary['name']): boolean {
  return name === 'fast_decoder';
}

/** Whether a component is other than the checkpoint has it. */
export function isVaried(
  { name, source }: Pick<ComponentSummary, 'name' | 'source'>,
  loras: readonly unknown[],
): boolean {
  return !isBeside(name) && (source !== undefined || (name === 'transformer' && loras.length > 0));
}
