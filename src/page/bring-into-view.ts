/** @file Scrolls the page as little as shows what the user waits for. */
import { element } from './elements.ts';

/** Pixels that stay free above and below. */
const MARGIN = 12;

const prefersStill = matchMedia('(prefers-reduced-motion: reduce)');

/** Shows the elements from the first to the last; if they do not fit together, from the top of the first. */
export function bringIntoView(first: string, last: string): void {
  const { top } = element(first, HTMLElement).getBoundingClientRect();
  const { bottom } = element(last, HTMLElement).getBoundingClientRect();
  const above = top - MARGIN;
  const below = bottom + MARGIN - document.documentElement.clientHeight;
  const distance = above < 0 ? above : Math.min(above, Math.max(0, below));
  if (Math.abs(distance) < 1) return;
  // An explicit behaviour overrides the style sheet, and with it the wish for less motion.
  scrollBy({ top: distance, behavior: prefersStill.matches ? 'instant' : 'smooth' });
}

export function isInView(id: string): boolean {
  const { top, bottom } = element(id, HTMLElement).getBoundingClientRect();
  return top >= 0 && bottom <= document.documentElement.clientHeight;
}
