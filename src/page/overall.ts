/** @file One bar and one sentence for a whole run, out of the progress of its stages. */
import { formatBytes } from '../format-bytes.ts';
import type { Progress } from '../pipeline/api.ts';

/** Where each stage lies on the bar. Most of a run is denoising. Compiling happens in between and moves nothing. */
const SPANS: Record<Exclude<Progress['type'], 'compile' | 'encode'>, readonly [number, number]> = {
  download: [0, 0.12],
  'encode-prompt': [0.12, 0.18],
  denoise: [0.18, 0.78],
  decode: [0.78, 1],
};

/** 0–1 over the whole run; `undefined` where a stage has no place on the bar. */
export function overallFraction(progress: Progress): number | undefined {
  if (progress.type === 'compile') return undefined;
  if (progress.type === 'encode') return progress.fraction;
  const [from, to] = SPANS[progress.type];
  return from + (to - from) * Math.min(1, Math.max(0, progress.fraction));
}

/** The stage in words, with its count. */
export function stageText(progress: Progress): string {
  switch (progress.type) {
    case 'download':
      return fetchingText(progress);
    case 'compile':
      return `Preparing ${progress.stage}`;
    case 'encode-prompt':
      return 'Reading the prompt';
    case 'denoise':
      return `Denoising, step ${progress.step} of ${progress.totalSteps}`;
    case 'decode':
      return `Drawing, frame ${progress.frame} of ${progress.totalFrames}`;
    default:
      return `Saving, frame ${progress.frame} of ${progress.totalFrames}`;
  }
}

function fetchingText({
  loadedBytes,
  totalBytes,
  bytesPerSecond,
}: Extract<Progress, { type: 'download' }>): string {
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)} a second`;
  return `Fetching the weights, ${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}${rate}`;
}

/** What a screen reader is told: once a stage, not once a step. */
export const STAGE_ANNOUNCEMENTS: Partial<Record<Progress['type'], string>> = {
  download: 'Fetching the weights.',
  'encode-prompt': 'Reading the prompt.',
  denoise: 'Denoising.',
  decode: 'Drawing the frames.',
};
