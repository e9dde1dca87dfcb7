/** @file Finds a Firefox and opens a page in it, headless, with a profile of its own. Node alone. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** @returns {string | undefined} Path of the executable. */
export function findFirefox() {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return ['firefox-esr', 'firefox']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * @param {string} executable
 * @param {string} url
 * @returns {{ close: () => void }}
 */
export function openInFirefox(executable, url) {
  const profile = mkdtempSync(join(tmpdir(), 'zoetrope-firefox-'));
  const child = spawn(executable, ['--headless', '--no-remote', '--profile', profile, url], {
    stdio: 'ignore',
    // A group of its own, so that the processes that it starts end with it.
    detached: true,
    env: { ...process.env, HOME: profile },
  });
  return {
    close() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
