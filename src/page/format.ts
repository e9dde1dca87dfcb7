/** @file Amounts as people read them. */
import type { Seed } from '../seed.mjs';

/** `8 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const DAY = 86_400_000;

/** `today`, `yesterday`, `5 days ago`, then the date. Both in milliseconds since the epoch. */
export function formatDay(then: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(then)) / DAY);
  if (days <= 0) return 'today';
  if (days === 1) return 'yesterday';
  if (days < 30) return `${days} days ago`;
  return new Date(then).toLocaleDateString('en', { dateStyle: 'medium' });
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

export function formatCount(count: number): string {
  return count.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 });
}

/** A file name's stem from a prompt: lower case words, not too long. */
export function fileStem(prompt: string, seed: Seed): string {
  const words = prompt
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  return `${words.slice(0, 48).replace(/-$/, '') || 'clip'}-${seed}`;
}
