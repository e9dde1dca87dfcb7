import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAbortError, ZoetropeError } from '../errors.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { Limiter } from '../store/limiter.ts';
import { ALIGNMENT } from '../store/record.ts';
import type { Place } from '../store/test-suite.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { startHubServer } from '../testing/hub-server.ts';
import { folderFiles } from '../testing/hub-server-send.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { openSource } from '../weights/open-source.ts';
import type { FileSource } from '../weights/source.ts';
import type { LoadOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';
import { DownloadPaused, pausable } from './pause.ts';

const COMMIT = 'd'.repeat(40);

test('a paused download says how much is left, and fetches only that when it resumes', async () => {
  const files = await folderFiles('models/pocket');
  const hub = await startHubServer([
    { name: 'a/pocket', commits: { [COMMIT]: files }, revisions: { main: COMMIT } },
  ]);
  const place = await freshFolder();
  const store = await place.open();
  const start = (options: LoadOptions): Promise<EnginePipeline> =>
    pausable(options, ({ onProgress, signal }) =>
      EnginePipeline.fromSource(openSource('a/pocket', { hubUrl: hub.url }), {
        device: 'wasm',
        store,
        chunkBytes: 1 << 18,
        ...(onProgress ? { onProgress } : {}),
        ...(signal ? { signal } : {}),
      }),
    );
  try {
    const pause = new AbortController();
    const paused: unknown = await start({
      storage: true,
      pause: pause.signal,
      onProgress: (progress) => progress.fraction > 0.5 && pause.abort(),
    }).catch((error: unknown) => error);
    expect(paused).toBeInstanceOf(DownloadPaused);
    expect(isAbortError(paused)).toBe(true);
    const { loadedBytes, leftBytes, totalBytes } = paused as DownloadPaused;
    // Half had arrived; what four unfinished requests had brought is not kept.
    expect(loadedBytes).toBeGreaterThan(0.5 * totalBytes - 4 * (1 << 18));
    expect(leftBytes).toBe(totalBytes - loadedBytes);

    hub.requests.length = 0;
    await using pipeline = await start({ storage: true });
    expect(pipeline.checkpoint.downloadBytes).toBe(totalBytes);
    const fetched = hub.requests
      .filter(({ server }) => server === 'cdn')
      .map(({ range }) => /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [])
      .reduce((sum, [, from, to]) => sum + Number(to) - Number(from) + 1, 0);
    // Headers come twice.
    expect(fetched).toBeGreaterThanOrEqual(leftBytes);
    expect(fetched).toBeLessThan(leftBytes + (1 << 18));
  } finally {
    await hub.close();
    store.close();
    await place.remove();
  }
});

describe('a download that stops in the middle of a chunk', () => {
  let place: Place;
  let store: CheckpointStore;
  beforeEach(async () => {
    place = await freshFolder();
    store = await place.open();
  });
  afterEach(async () => {
    store.close();
    await place.remove();
  });

  /** Loads from a connection that is slow, and may break: after `stopAfter` bytes `stop` is called, or is thrown. */
  async function load(
    options: LoadOptions,
    stopAfter = Infinity,
    stop: () => void = () => undefined,
  ): Promise<{ result: unknown; arrived: number }> {
    const folder = await repositoryFolder('models/pocket');
    const line = new Limiter(1);
    let arrived = 0;
    const source: FileSource = {
      name: folder.name,
      readText: (path) => folder.readText(path),
      exists: (path) => folder.exists(path),
      size: (path) => folder.size(path),
      revision: (path) => folder.revision(path),
      read: (path, start, end, read) =>
        line.run(async () => {
          read?.signal?.throwIfAborted();
          await setImmediate();
          const bytes = await folder.read(path, start, end);
          const isHeader = start <= 8;
          if (isHeader) return bytes;
          if (arrived >= stopAfter) stop();
          read?.signal?.throwIfAborted();
          arrived += bytes.byteLength;
          read?.onBytes?.(bytes.byteLength);
          return bytes;
        }),
    };
    const result = await pausable(options, ({ onProgress, signal }) =>
      EnginePipeline.fromSource(source, {
        device: 'wasm',
        dtype: 'float32',
        store,
        chunkBytes: CHUNK_BYTES,
        ...(onProgress ? { onProgress } : {}),
        ...(signal ? { signal } : {}),
      }),
    ).catch((error: unknown) => error);
    if (result instanceof EnginePipeline) await result.dispose();
    return { result, arrived };
  }

  const CHUNK_BYTES = 1 << 20;

  /** What the store has, but for the zeros that align parts. */
  async function storedBytes(): Promise<number> {
    let bytes = 0;
    for (const { totalBytes, tensors } of await store.listCheckpoints()) {
      let padding = 0;
      let end = 0;
      for (const { parts } of tensors.values()) {
        for (const { byteLength } of parts) {
          if (end < totalBytes) padding += -end & (ALIGNMENT - 1);
          end = Math.ceil(end / ALIGNMENT) * ALIGNMENT + byteLength;
        }
      }
      bytes += totalBytes - padding;
    }
    return bytes;
  }

  test('by a pause keeps all that has arrived, and says just that', async () => {
    let again = 0;
    for (const stopAfter of [2.5e6, 1.2e6, 1e5]) {
      const pause = new AbortController();
      const { result, arrived } = await load(
        { storage: true, pause: pause.signal },
        stopAfter,
        () => pause.abort(),
      );
      if (!(result instanceof DownloadPaused)) throw result;
      again += arrived;
      expect(result.loadedBytes).toBe(again);
      expect(await storedBytes()).toBe(again);
      expect(result.loadedBytes % CHUNK_BYTES).toBeGreaterThan(0);
    }
    const { result, arrived } = await load({ storage: true });
    if (!(result instanceof EnginePipeline)) throw result;
    expect(again + arrived).toBe(result.checkpoint.downloadBytes);
    expect(await store.collectGarbage()).toBe(0);
  });

  test('by a broken connection keeps it too', async () => {
    const { result, arrived } = await load({ storage: true }, 2.5e6, () => {
      throw new ZoetropeError('network', 'The connection broke.', 'Try again.');
    });
    expect(result).toMatchObject({ code: 'network' });
    expect(await storedBytes()).toBe(arrived);
    const { result: end, arrived: rest } = await load({ storage: true });
    if (!(end instanceof EnginePipeline)) throw end;
    expect(arrived + rest).toBe(end.checkpoint.downloadBytes);
  });
});

test('what is not stored cannot be paused', async () => {
  const { signal } = new AbortController();
  await expect(pausable({ pause: signal }, () => Promise.resolve())).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

test('a cancelled download is not a paused one', async () => {
  const [cancel, pause] = [new AbortController(), new AbortController()];
  cancel.abort();
  pause.abort();
  const options = { storage: true, pause: pause.signal, signal: cancel.signal };
  const error: unknown = await pausable(options, async ({ signal }) =>
    signal?.throwIfAborted(),
  ).catch((e: unknown) => e);
  expect(isAbortError(error)).toBe(true);
  expect(error).not.toBeInstanceOf(DownloadPaused);
});
