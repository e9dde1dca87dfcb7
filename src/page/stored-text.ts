/** @file A stored model in words. Loaded with the first model that is listed. */
import { formatBytes } from '../format-bytes.ts';
import type { StoredModel } from '../index.ts';
import { formatDay } from './format.ts';
import { FOLDER } from './model-choice.ts';

const STATES: Readonly<Record<StoredModel['state'], string>> = {
  complete: '',
  importing: ' so far; the next run resumes there',
  damaged: '; the next run fetches the damaged part again, or delete the model',
};

export function describeStored({ source, variant, state, bytes, lastUsedAt }: StoredModel): string {
  const amount = formatBytes(bytes) + STATES[state];
  const other = variant === undefined ? '' : ` · with ${variant}`;
  const used = lastUsedAt === 0 ? '' : ` · last used ${formatDay(lastUsedAt, Date.now())}`;
  return `${amount}${used}${whereFrom(source)}${other}`;
}

function whereFrom(source: string): string {
  if (source.startsWith(FOLDER)) return ' · from a folder of this machine';
  if (!/^https?:/.test(source)) return ` · from ${source} on the hub`;
  if (!URL.canParse(source)) return ` · from ${source}`;
  const { host, href } = new URL(source);
  return host === location.host ? '' : ` · from ${href.replace(/^https?:\/\//, '')}`;
}
