/**
 * @file What an estimate of the browser's storage is worth. Browsers report a figure for privacy's sake that may be far
 * below what they accept, so it is the least there is: a reason for a remark, never for a refusal.
 */
import { formatBytes } from '../format-bytes.ts';

/**
 * What to say before a download that may meet the end of the storage; undefined if nothing needs saying.
 * @param neededBytes Bytes still to be stored. @param promisedBytes Undefined where the browser does not say.
 * @param keptBytes Bytes of the model that are stored already.
 */
export function storageRemark(
  neededBytes: number,
  promisedBytes: number | undefined,
  keptBytes = 0,
): string | undefined {
  if (promisedBytes === undefined || neededBytes <= promisedBytes) return undefined;
  const promise =
    promisedBytes > 0
      ? `at least ${formatBytes(promisedBytes)} of storage`
      : 'no particular amount of storage';
  const more = keptBytes > 0 ? ' more' : '';
  return (
    `The browser promises ${promise}, and this model needs ${formatBytes(neededBytes)}${more}: ` +
    'the download may have to stop. What is stored by then is kept.'
  );
}
