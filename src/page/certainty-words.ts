/** @file What is known of a stored model's files, in words. */
import type { FileState, StoredModel } from '../index.ts';
import { formatDay } from './format.ts';

const WORDS: Readonly<Record<FileState, string>> = {
  whole: 'verified',
  compared: 'compared',
  ranges: 'read in part',
  unknown: 'not verified',
};

/** For a badge. */
export function certaintyWord({ verified }: StoredModel): string {
  return WORDS[verified];
}

/** What the badge means, and what Verify would add. */
export function certaintyText({ verified, files }: StoredModel, now = Date.now()): string {
  if (files.length === 0)
    return 'An earlier version of this page kept it, and did not note its files. Delete it and load it again to verify it.';
  const earliest = Math.min(...files.map(({ checkedAt = 0 }) => checkedAt));
  const when = earliest > 0 ? `, last ${formatDay(earliest, now)}` : '';
  const partly = files.filter(({ state }) => state === 'ranges');
  const texts: Readonly<Record<FileState, string>> = {
    whole: `Every file was read whole and has the SHA-256 that the hub lists${when}.`,
    compared: `Compared with the whole files where they came from${when}. That place lists no SHA-256.`,
    ranges: `Of ${count(partly.length, files.length)} only ranges were read: no SHA-256 was compared. Verify reads the rest.`,
    unknown:
      'The place it came from lists no SHA-256. Verify compares what is kept with the files there.',
  };
  return texts[verified];
}

function count(some: number, all: number): string {
  return all === 1 ? 'its file' : `${some} of its ${all} files`;
}
