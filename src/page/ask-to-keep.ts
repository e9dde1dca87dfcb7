/** @file Asks the browser not to drop what is stored when the disk runs full. */

/** @returns The answer, in words. */
export async function askToKeep(persist: () => Promise<boolean>): Promise<string> {
  // Refused outright in some contexts, such as opaque origins.
  const isGranted = await persist().catch(() => false);
  return isGranted
    ? 'The browser will keep the models.'
    : 'The browser did not agree: it may still drop models when the disk is full.';
}
