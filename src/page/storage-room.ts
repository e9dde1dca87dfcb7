/** @file How much room the browser grants this page, and whether it may take stored models away. */
import { formatBytes } from '../format-bytes.ts';

export interface StorageRoom {
  /** Undefined where the browser does not say. */
  readonly usedBytes?: number;
  /** The least: browsers may accept far more. */
  readonly freeBytes?: number;
  /** Whether what is stored stays when the disk runs full. */
  readonly isPersisted: boolean;
  /** Asks the browser for that. @returns Whether it agreed. Undefined where it cannot be asked. */
  readonly persist?: () => Promise<boolean>;
}

export async function storageRoom(): Promise<StorageRoom> {
  // Absent where the page is not served securely.
  const storage: StorageManager | undefined = navigator.storage;
  if (storage === undefined) return { isPersisted: false };
  const { usage, quota } = await storage.estimate();
  return {
    ...(usage === undefined ? {} : { usedBytes: usage }),
    ...(usage === undefined || quota === undefined
      ? {}
      : { freeBytes: Math.max(0, quota - usage) }),
    isPersisted: await storage.persisted(),
    persist: () => storage.persist(),
  };
}

export function roomText({ usedBytes, freeBytes, isPersisted }: StorageRoom): string {
  const used = usedBytes === undefined ? '' : `This page’s storage holds ${formatBytes(usedBytes)}`;
  // Browsers understate it, some by a fixed figure; of none at all they say nothing certain either.
  const free = freeBytes ? `, with at least ${formatBytes(freeBytes)} free` : '';
  const fate = isPersisted
    ? 'The browser keeps it until you delete it.'
    : 'The browser may drop it when the disk runs full.';
  return `${used}${free}${used === '' ? '' : '. '}${fate}`;
}
