/** @file How much JavaScript a page and its worker hold, after a garbage collection, by Chromium's debugging protocol. */

/** @typedef {{ usedSize: number, backingStorageSize?: number }} Usage As `Runtime.getHeapUsage` gives it. */

/** @param {Usage} usage Array buffers are outside of the heap proper. */
function bytesOf({ usedSize, backingStorageSize = 0 }) {
  return usedSize + backingStorageSize;
}

/**
 * @param {import('@playwright/test').Page} page
 * @param {string} workerUrl
 * @returns {Promise<{ page: number, worker: number }>} Bytes.
 */
export async function heapUsage(page, workerUrl) {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('HeapProfiler.collectGarbage');
    const used = await session.send('Runtime.getHeapUsage');
    return { page: bytesOf(used), worker: await usageOfWorker(session, workerUrl) };
  } finally {
    await session.detach();
  }
}

/**
 * @param {import('@playwright/test').CDPSession} session
 * @param {string} workerUrl
 * @returns {Promise<number>}
 */
async function usageOfWorker(session, workerUrl) {
  /** @type {Promise<string>} */
  const attached = new Promise((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.url === workerUrl) resolve(sessionId);
    });
  });
  const plan = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false };
  await session.send('Target.setAutoAttach', plan);
  const sessionId = await attached;
  let calls = 0;
  /** @param {string} method @returns {Promise<any>} */
  const call = (method) => {
    const id = ++calls;
    const message = JSON.stringify({ id, method });
    return new Promise((resolve, reject) => {
      session.on('Target.receivedMessageFromTarget', (event) => {
        const answer = JSON.parse(event.message);
        if (answer.id === id) resolve(answer.result);
      });
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject);
    });
  };
  await call('HeapProfiler.collectGarbage');
  return bytesOf(await call('Runtime.getHeapUsage'));
}
