/** @file Gets the weights of all components, into RAM or into the store, and says how far it is. */
import type { ComponentName, ModelCheckpoint, PartName } from '../families/family.ts';
import type { Backend } from '../runtime/backend.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { openBrowserStore } from '../store/indexeddb-backend.ts';
import { requestPersistence } from '../store/quota.ts';
import type { ValueCache } from '../store/value-cache.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { ImportOptions } from '../weights/stored-weights.ts';
import type { LoadOptions } from './api.ts';
import { DownloadRate } from './download-rate.ts';
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

/** @throws ZoetropeError `feature-missing` if storage is asked for and there is none. */
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
  let loadedBytes = 0;
  let reported = 0;
  let reportedAt = 0;
  const rate = new DownloadRate();
  const fetched: ComponentWeights[] = [];
  const optionsFor = (file: PartName): ImportOptions & { store?: CheckpointStore } => ({
    ...(options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }),
    ...(signal ? { signal } : {}),
    ...(store ? { store } : {}),
    onBytes: (bytes, isKept) => {
      loadedBytes = Math.min(totalBytes, loadedBytes + bytes);
      if (isKept !== true) rate.add(bytes);
      const now = performance.now();
      const isDue =
        loadedBytes - reported > totalBytes / 200 ||
        loadedBytes === totalBytes ||
        now - reportedAt > REPORT_EVERY_MS;
      if (!isDue) return;
      reported = loadedBytes;
      reportedAt = now;
      const memory = readMemory(backend, fetched);
      const fraction = loadedBytes / totalBytes;
      const { bytesPerSecond } = rate;
      const speed =
        bytesPerSecond === undefined
          ? {}
          : { bytesPerSecond, etaSeconds: (totalBytes - loadedBytes) / bytesPerSecond };
      onProgress?.({ type: 'download', file, fraction, loadedBytes, totalBytes, memory, ...speed });
    },
  });
  const keep = async (weights: Promise<ComponentWeights>): Promise<ComponentWeights> => {
    fetched.push(await weights);
    return weights;
  };
  const fetch = async (name: ComponentName): Promise<ComponentWeights> =>
    isFetched(name, options)
      ? keep(model.fetch(name, precision[name], optionsFor(name)))
      : NOT_FETCHED;
  const [text_encoder, transformer, vae] = [
    await fetch('text_encoder'),
    await fetch('transformer'),
    await fetch('vae'),
  ];
  const found = store ? { cache: store.cache } : {};
  const { fastDecoder } = model;
  if (!fastDecoder) return { weights: { text_encoder, transformer, vae }, ...found };
  const fast_decoder = await keep(fastDecoder.fetch(optionsFor('fast_decoder')));
  return { weights: { text_encoder, transformer, vae, fast_decoder }, ...found };
}
