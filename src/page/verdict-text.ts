/** @file The outcome of a verification, in words. */
import type { VerifyReport } from '../index.ts';

/** What a verification found, and what happens next. */
export function verdictText({ outcome, files }: VerifyReport): string {
  const of = (wanted: (typeof files)[number]['outcome']): string[] =>
    files.filter((file) => file.outcome === wanted).map(({ path }) => path);
  if (outcome === 'intact') {
    return of('compared').length === 0
      ? 'verified. Every file has the SHA-256 that the hub lists, and what is kept is made of them.'
      : 'compared. What is kept is made of the files that are there now; no SHA-256 is listed for them.';
  }
  if (outcome === 'damaged') {
    const paths = of('damaged').join(', ');
    return `damaged: some of what is kept is not what ${paths} holds. The next run fetches it again.`;
  }
  const [mismatch, changed, merged] = [of('mismatch'), of('changed'), of('merged')];
  return [
    ...(mismatch.length > 0
      ? [
          `${mismatch.join(', ')} arrived twice with another SHA-256 than the hub lists: try again later, or over another network.`,
        ]
      : []),
    ...(changed.length > 0
      ? [
          `${changed.join(', ')} has changed where it came from: delete the model to fetch the new version.`,
        ]
      : []),
    ...(merged.length > 0
      ? [
          `${merged.join(', ')}: the file is right, but what a LoRA was merged into cannot be compared.`,
        ]
      : []),
  ].join(' ');
}
