/** @file Gets the weights of all components, into RAM or into the store, and says how far it is. */
import type { ComponentName, ModelCheckpoint, PartName } from '../families/family.ts';
import type { Backend } from '../runtime/backend.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { openBrowserStore } from '../store/indexeddb-backend.ts';
import { requestPersistence } from '../store/quota.ts';
import type { ValueCache } from '../store/value-cache.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { ImportOptions } from '../weights/stored-weights.ts';
import type { LoadOptions, Notice } from './api.ts';
import { DownloadRate } from './download-rate.ts';
import { explainFullStorage } from './full-storage.ts';
import { isFetched } from './memory-plan.ts';
import { readMemory } from './memory-reading.ts';
import type { ComponentPrecisions } from './memory-settings.ts';

export interface FetchOptions extends Pick<
  LoadOptions,
  'storage' | 'textEncoder' | 'onProgress' | 'signal'
> {
  /** Stands in for the browser's storage. */
  store?: CheckpointStore;
  /** Longest chunk in the store. */
  chunkBytes?: number;
}

/**
 * @throws ZoetropeError `feature-missing` if storage is asked for and there is none, `storage-unavailable` if it cannot be
 *   opened now.
 */
async function openStore(options: FetchOptions): Promise<CheckpointStore | undefined> {
  if (options.store || options.storage !== true) return options.store;
  const store = await openBrowserStore();
  // What a deletion that was cut short has left.
  await store.collectGarbage();
  // Without it the browser may drop the model when it needs room; that is no reason not to keep it.
  await requestPersistence();
  return store;
}

/** The weights of a checkpoint's parts. */
export interface PartWeights {
  readonly text_encoder: ComponentWeights;
  readonly transformer: ComponentWeights;
  readonly vae: ComponentWeights;
  /** Absent: there is none. */
  readonly fast_decoder?: ComponentWeights;
}

/** All of them. */
export function weightsOf(parts: PartWeights): ComponentWeights[] {
  const { text_encoder, transformer, vae, fast_decoder } = parts;
  return [text_encoder, transformer, vae, ...(fast_decoder ? [fast_decoder] : [])];
}

export interface FetchedWeights {
  readonly weights: PartWeights;
  /** About what was stored; more may come while the weights are read. */
  readonly notices: Notice[];
  /** Of the store that they are in. */
  readonly cache?: ValueCache;
}

/** A slow download is told of this often, not only at every half percent. */
const REPORT_EVERY_MS = 500;

/** In the place of a component that was not wanted. */
const NOT_FETCHED: ComponentWeights = {
  ramBytes: 0,
  get: () => Promise.reject(new Error('these weights were not fetched')),
  row: () => Promise.reject(new Error('these weights were not fetched')),
};

/** @param precision What weights are converted for. */
export async function fetchWeights(
  model: ModelCheckpoint,
  backend: Backend,
  precision: ComponentPrecisions,
  options: FetchOptions,
): Promise<FetchedWeights> {
  const { onProgress, signal } = options;
  const store = await openStore(options);
  const totalBytes = model.components.reduce(
    (sum, { name, bytes }) => sum + (isFetched(name, options) ? bytes : 0),
    0,
  );
  const storedBytes = (name: ComponentName): number =>
    isFetched(name, options) ? model.storedBytes(name, precision[name]) : 0;
  const modelBytes = model.components.reduce(
    (sum, { name }) => sum + (name === 'fast_decoder' ? 0 : storedBytes(name)),
    model.fastDecoder?.storedBytes ?? 0,
  );
  let keptBytes = 0;
  let loadedBytes = 0;
  let reported = 0;
  let reportedAt = 0;
  const rate = new DownloadRate();
  const fetched: ComponentWeights[] = [];
  const notices: Notice[] = [];
  const report = (file: PartName): void => {
    reported = loadedBytes;
    reportedAt = performance.now();
    const memory = readMemory(backend, fetched);
    const fraction = loadedBytes / totalBytes;
    const { bytesPerSecond } = rate;
    const speed =
      bytesPerSecond === undefined
        ? {}
        : { bytesPerSecond, etaSeconds: (totalBytes - loadedBytes) / bytesPerSecond };
    onProgress?.({ type: 'download', file, fraction, loadedBytes, totalBytes, memory, ...speed });
  };
  const optionsFor = (file: PartName): ImportOptions & { store?: CheckpointStore } => {
    const before = loadedBytes;
    return {
      ...(options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }),
      ...(signal ? { signal } : {}),
      ...(store ? { store } : {}),
      onNotice: (notice) => notices.push(notice),
      onBytes: (bytes, isKept) => {
        loadedBytes = Math.min(totalBytes, loadedBytes + bytes);
        if (isKept !== true) rate.add(bytes);
        const isDue =
          loadedBytes - reported > totalBytes / 200 ||
          loadedBytes === totalBytes ||
          performance.now() - reportedAt > REPORT_EVERY_MS;
        if (isDue) report(file);
      },
      // What arrived and is not kept has to be fetched again: a pause must not count it.
      onKept: (bytes) => {
        loadedBytes = before + bytes;
      },
    };
  };
  const keep = async (
    file: PartName,
    weights: Promise<ComponentWeights>,
    bytes: number,
  ): Promise<ComponentWeights> => {
    try {
      fetched.push(await weights);
      keptBytes += bytes;
    } catch (error) {
      // A pause says what the last report says.
      if (loadedBytes !== reported) report(file);
      throw await explainFullStorage(error, store, {
        earlierBytes: keptBytes,
        totalBytes: modelBytes,
      });
    }
    return weights;
  };
  const fetch = async (name: ComponentName): Promise<ComponentWeights> =>
    isFetched(name, options)
      ? keep(name, model.fetch(name, precision[name], optionsFor(name)), storedBytes(name))
      : NOT_FETCHED;
  const [text_encoder, transformer, vae] = [
    await fetch('text_encoder'),
    await fetch('transformer'),
    await fetch('vae'),
  ];
  const found = store ? { cache: store.cache } : {};
  const { fastDecoder } = model;
  if (!fastDecoder) return { weights: { text_encoder, transformer, vae }, notices, ...found };
  const fast_decoder = await keep(
    'fast_decoder',
    fastDecoder.fetch(optionsFor('fast_decoder')),
    fastDecoder.storedBytes,
  );
  return { weights: { text_encoder, transformer, vae, fast_decoder }, notices, ...found };
}
