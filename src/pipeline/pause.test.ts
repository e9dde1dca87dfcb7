import { expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { startHubServer } from '../testing/hub-server.ts';
import { folderFiles } from '../testing/hub-server-send.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { openSource } from '../weights/open-source.ts';
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
