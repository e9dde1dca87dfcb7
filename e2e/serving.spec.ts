/**
 * @file Weights are read by byte range, threads need an isolated page, and files of this machine are private: in
 * development and in the preview.
 */
import { statSync } from 'node:fs';
import { request } from 'node:http';
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
  const { size } = statSync(join(ROOT, WEIGHTS));
  const ask = (range: string, method = 'GET', more = {}): Promise<Response> =>
    fetch(base + WEIGHTS, { method, headers: { Range: range, ...more } });
  const end = await ask('bytes=-5');
  expect(end.status).toBe(206);
  expect(end.headers.get('content-range')).toBe(`bytes ${size - 5}-${size - 1}/${size}`);
  expect((await end.arrayBuffer()).byteLength).toBe(5);
  const beyond = await ask(`bytes=${size}-`);
  expect(beyond.status).toBe(416);
  expect(beyond.headers.get('content-range')).toBe(`bytes */${size}`);
  const head = await ask('bytes=0-9', 'HEAD');
  expect(head.headers.get('content-length')).toBe('10');
  expect(head.headers.get('accept-ranges')).toBe('bytes');
  // What is not one part is the whole file, and breaks nothing.
  for (const range of ['bytes=5-2', 'bytes=0-1,3-4', 'rows=0-1']) {
    const whole = await ask(range);
    expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, size]);
  }
  expect((await ask('bytes=0-9', 'GET', { 'If-Range': '"earlier"' })).status).toBe(200);
  const missing = await fetch(`${base}models/pocket/no-such-file.json`);
  expect(missing.status).toBe(404);

  // Another page, of this machine or elsewhere, cannot read what is served here.
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  for (const origin of ['https://evil.example', 'http://localhost:1234']) {
    const { headers } = await ask('bytes=0-9', 'GET', { Origin: origin });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  }
  expect(await statusFor('evil.example', base)).toBe(403);
  expect(await statusFor('127.0.0.1', base)).toBe(206);
}

/** The answer where this name was made to lead here. */
async function statusFor(name: string, base: string): Promise<number | undefined> {
  const { hostname, port } = new URL(base);
  const headers = { Host: `${name}:${port}`, Range: 'bytes=0-9' };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: `/${WEIGHTS}`, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
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
