/** @file `npm start`: installs what is missing, then serves the page with the bundled model. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensurePackages, ROOT } from './packages.mjs';

ensurePackages();

const hasDisplay =
  process.platform === 'darwin' ||
  process.platform === 'win32' ||
  Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
const args = [...(hasDisplay ? ['--open'] : []), ...process.argv.slice(2)];
const vite = spawn(process.execPath, [join(ROOT, 'node_modules/vite/bin/vite.js'), ...args], {
  cwd: ROOT,
  stdio: 'inherit',
});
// Ctrl-C reaches the server too: stay until it has closed, and end as it ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => vite.kill());
vite.on('exit', (code) => process.exit(code ?? 0));
