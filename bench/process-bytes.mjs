/** @file Resident memory of the process that a page and its workers are in, as the operating system counts it. */
import { readFileSync } from 'node:fs';

/** @param {number} pid @returns {number | null} Null where there is no `/proc`. */
function residentBytes(pid) {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/**
 * The largest of the browser's renderers: with one page open, that page's.
 * @param {import('@playwright/test').Browser | null} browser
 * @returns {Promise<number | null>}
 */
export async function processBytes(browser) {
  if (!browser) return null;
  const session = await browser.newBrowserCDPSession();
  try {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const sizes = processInfo
      .filter(({ type }) => type === 'renderer')
      .map(({ id }) => residentBytes(id))
      .filter((bytes) => bytes !== null);
    return sizes.length === 0 ? null : Math.max(...sizes);
  } finally {
    await session.detach();
  }
}
