/** @file Weights are read by byte range, and threads need an isolated page: in development and in the preview. */
import { join } from 'node:path';
import { createServer, preview } from 'vite';
import { ROOT } from '../scripts/packages.mjs';
import { expect, test } from './app.ts';

const WEIGHTS = 'models/pocket/transformer/diffusion_pytorch_model.safetensors';

async function expectServed(base: string): Promise<void> {
  const page = await fetch(base);
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  const part = await fetch(base + WEIGHTS, { headers: { Range: 'bytes=8-15' } });
  expect(part.status).toBe(206);
  expect(part.headers.get('content-range')).toMatch(/^bytes 8-15\/\d+$/);
  expect((await part.arrayBuffer()).byteLength).toBe(8);
  const missing = await fetch(`${base}models/pocket/no-such-file.json`);
  expect(missing.status).toBe(404);
}

const config = { root: ROOT, configFile: join(ROOT, 'vite.config.ts'), logLevel: 'warn' } as const;

test('in development', async ({ page }) => {
  const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } });
  await server.listen();
  const base = server.resolvedUrls?.local[0] ?? '';
  await expectServed(base);
  // Modules are served one by one here: that the build runs does not say that these do.
  await page.goto(base);
  await expect(page.locator('#plan-facts')).toContainText(/Fetches [\d.]+ MB/, {
    timeout: 120_000,
  });
  await server.close();
});

test('in the preview', async () => {
  const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } });
  await expectServed(server.resolvedUrls?.local[0] ?? '');
  await server.close();
});
