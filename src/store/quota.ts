/** @file How much room the browser grants, and whether it may take stored models away. */
import type { StorageFigures } from './failure.ts';

/** Of the whole origin; undefined where the browser does not tell. Browsers round, and some deliberately blur. */
export async function browserEstimate(): Promise<StorageFigures | undefined> {
  const storage: StorageManager | undefined = globalThis.navigator?.storage;
  // Refused in some contexts, such as opaque origins.
  const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  if (usage === undefined || quota === undefined) return undefined;
  return { usedBytes: usage, freeBytes: Math.max(0, quota - usage) };
}

/**
 * Asks the browser not to evict this origin's storage when the disk runs low. Some browsers ask the user.
 * @returns Whether storage is persistent now. Stored models work either way.
 */
export async function requestPersistence(): Promise<boolean> {
  const storage: StorageManager | undefined = globalThis.navigator?.storage;
  try {
    if (await storage?.persisted?.()) return true;
    return (await storage?.persist?.()) ?? false;
  } catch {
    // Refused outright in some contexts, such as opaque origins.
    return false;
  }
}
