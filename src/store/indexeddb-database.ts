/**
 * @file The connection to the database in a browser, and what its failures mean. Browsers report very different things
 * by the same few names: an `AbortError` here never means that the user cancelled.
 */
import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB, unwrap } from 'idb';
import { ZoetropeError } from '../errors.ts';
import { isOutOfRoom, storageLost, storageUnavailable } from './failure.ts';
import type { CheckpointRecord, StoredRecord } from './record.ts';
import { readRecord } from './record-check.ts';

export interface Schema extends DBSchema {
  chunks: { key: string; value: Blob };
  /** What is read must be checked: the type is that of what is written. */
  checkpoints: { key: string; value: CheckpointRecord };
  values: { key: string; value: Value; indexes: { byUse: [number, number] } };
}

/** A value of the cache. */
interface Value {
  readonly name: string;
  readonly usedAt: number;
  readonly byteLength: number;
  readonly bytes: Blob;
}

export type Database = IDBPDatabase<Schema>;

/** 2: with `values`. */
const VERSION = 2;
const STORES = ['chunks', 'checkpoints', 'values'] as const;

/** Milliseconds for a tab that holds an older version of the database to close it. */
const BLOCKED_MS = 5000;
/** Milliseconds after which a browser that answers nothing will answer nothing. */
const OPEN_MS = 30_000;

/** Milliseconds between attempts to open a database that the browser is clearing: that takes it a moment. */
const CLEARING_MS = [50, 200, 500, 1000];

interface Patience {
  readonly blockedMs?: number;
  readonly openMs?: number;
}

/**
 * Opens the database, or makes it.
 * @param onLost Called when the browser or another tab ends the connection.
 * @throws ZoetropeError `feature-missing`, `storage-unavailable`, `storage-full`.
 */
export async function openDatabase(
  name: string,
  onLost: () => void,
  patience: Patience = {},
): Promise<Database> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await openOnce(name, onLost, patience);
    } catch (error) {
      const cause = error instanceof ZoetropeError ? error.cause : undefined;
      const ms = CLEARING_MS[attempt];
      // A request that the browser ended succeeds once the storage is cleared.
      if (ms === undefined || !isEnded(cause)) throw error;
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }
}

async function openOnce(
  name: string,
  onLost: () => void,
  { blockedMs = BLOCKED_MS, openMs = OPEN_MS }: Patience,
): Promise<Database> {
  const timers: ReturnType<typeof setTimeout>[] = [];
  let giveUp: ((error: ZoetropeError) => void) | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const giveUpAfter = (ms: number, error: ZoetropeError): void => {
    timers.push(setTimeout(() => giveUp?.(error), ms));
  };
  giveUpAfter(openMs, noAnswer());
  let opening: Promise<Database> | undefined;
  try {
    opening = openDB<Schema>(name, VERSION, {
      upgrade(database, oldVersion) {
        if (oldVersion < 1) {
          database.createObjectStore('chunks');
          database.createObjectStore('checkpoints', { keyPath: 'id' });
        }
        const values = database.createObjectStore('values', { keyPath: 'name' });
        // Sizes in the key: making room reads no value.
        values.createIndex('byUse', ['usedAt', 'byteLength']);
      },
      blocked: () => giveUpAfter(blockedMs, blockedByTab()),
      // A newer version of the page in another tab, or a deletion of the database, goes first.
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        onLost();
      },
      terminated: onLost,
    });
    const database = await Promise.race([opening, tooLate]);
    if (!STORES.every((store) => database.objectStoreNames.contains(store))) throw incomplete();
    return database;
  } catch (cause) {
    // It may open later, when no one wants it.
    opening?.then(
      (late) => late.close(),
      () => undefined,
    );
    throw openFailure(cause);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** A query of its own. Unlike the shortcuts of `idb`, it leaves no rejection unhandled when the connection ends. */
export function query<Name extends (typeof STORES)[number], T>(
  database: Database,
  name: Name,
  ask: (store: IDBPObjectStore<Schema, [Name], Name>) => Promise<T>,
): Promise<T> {
  const transaction = database.transaction(name);
  transaction.done.catch(() => undefined);
  return ask(transaction.store);
}

type Checkpoints = Pick<
  IDBPObjectStore<Schema, ArrayLike<'checkpoints'>, 'checkpoints', IDBTransactionMode>,
  'get' | 'getAllKeys'
>;

/** All records with their keys. One that the browser fails to read is damaged, and the others are not. */
export async function readAllRecords(
  checkpoints: Checkpoints,
): Promise<{ key: string; record: StoredRecord }[]> {
  const keys = await checkpoints.getAllKeys();
  return Promise.all(
    keys.map(async (key) => {
      const id = nameOf(key);
      try {
        const value = checkpoints.get(key);
        // Otherwise the failure would end the transaction.
        unwrap(value).addEventListener('error', (event) => event.preventDefault());
        return { key, record: readRecord(id, await value) };
      } catch (error) {
        if (isConnectionLost(error)) throw error;
        const problem = 'the browser cannot read its record';
        return { key, record: { id, state: 'damaged', problem } as const };
      }
    }),
  );
}

/** Keys need not be text for the database, but those of sound records are. */
function nameOf(key: IDBValidKey): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/** Whether the browser ended the connection, by clearing or evicting the storage, say. */
export function isConnectionLost(error: unknown): boolean {
  return isEnded(error) || (error instanceof DOMException && error.name === 'InvalidStateError');
}

/** Whether the browser ended the connection while a request was on its way. */
function isEnded(error: unknown): boolean {
  if (!(error instanceof DOMException)) return false;
  const { name, message } = error;
  // What Chromium and Safari say.
  return name === 'AbortError' || (name === 'UnknownError' && /connection/i.test(message));
}

/** A failure of an open database for callers. A lack of room stays as it is. */
export function connectionFailure(error: unknown): unknown {
  if (!(error instanceof DOMException) || isOutOfRoom(error)) return error;
  if (isConnectionLost(error)) return storageLost('The stored model cannot be reached', error);
  return storageUnavailable(
    `The browser's storage failed: ${sentence(error)}`,
    'Load the page again. If it fails again, restart the browser, or load the model without keeping it.',
    error,
  );
}

function openFailure(cause: unknown): ZoetropeError {
  if (cause instanceof ZoetropeError) return cause;
  if (isOutOfRoom(cause)) {
    return new ZoetropeError(
      'storage-full',
      'The browser has no room for the database of stored models.',
      'Free disk space, then try again.',
      { cause },
    );
  }
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (name === 'VersionError') {
    return storageUnavailable(
      'The database of stored models belongs to a newer version of this page.',
      'Reload the page to get the newer version. Until then, load models without keeping them.',
      cause,
    );
  }
  // Firefox refuses databases in some private windows by InvalidStateError.
  const isRefused = name === 'SecurityError' || name === 'InvalidStateError';
  if (isRefused || globalThis.indexedDB === undefined) {
    return new ZoetropeError(
      'feature-missing',
      'This page cannot use IndexedDB, so models cannot be stored.',
      'Leave the private window, allow site data for this page, or open it outside the frame it is in.',
      { cause },
    );
  }
  return storageUnavailable(
    `The browser could not open the database of stored models: ${sentence({ name, message })}`,
    'Load the page again, or restart the browser. If it fails again, delete the data of this page in the browser.',
    cause,
  );
}

/** The browser's words, some of which end with a full stop. */
function sentence({ name, message }: Pick<Error, 'name' | 'message'>): string {
  return `${(message || name).replace(/\.$/, '')}.`;
}

function blockedByTab(): ZoetropeError {
  return storageUnavailable(
    'Another tab keeps an older version of the database of stored models open.',
    'Close the other tabs of this page, or reload them, then try again.',
  );
}

function noAnswer(): ZoetropeError {
  return storageUnavailable(
    'The browser does not answer the request for the database of stored models.',
    'Close the other tabs of this page and load it again, or restart the browser.',
  );
}

function incomplete(): ZoetropeError {
  return storageUnavailable(
    'The database of stored models is damaged: parts of it are missing.',
    'Delete the data of this page in the browser, then load the page again. Stored models are then fetched again.',
  );
}
