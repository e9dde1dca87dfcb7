import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFileServer } from './file-server.mjs';
import { isFileOrItsConfiguration, isModelFile } from './model-files.mjs';

interface Answer {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

const FILES = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'tokenizer/tokenizer.json',
  'tokenizer/spiece.model',
  'transformer/config.json',
  'transformer/diffusion_pytorch_model.safetensors',
  'transformer/diffusion_pytorch_model.safetensors.index.json',
  'transformer/diffusion_pytorch_model.safetensors.index.fp16.json',
  'zoetrope.json',
  'Wan2.1_VAE.pth',
];

const OTHERS = [
  '.env',
  '.git/config.json',
  'transformer/.cache/model.safetensors',
  'README.md',
  'credentials.json',
  'notes.txt',
  'id_rsa',
  'index.html',
];

let root = '';
let server: Awaited<ReturnType<typeof startFileServer>>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'file-server-'));
  const write = (path: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  };
  for (const path of [...FILES, ...OTHERS]) write(`model/${path}`);
  for (const path of ['secret.txt', 'model-2/config.json', 'blobs/0123', 'lora/x.safetensors']) {
    write(path);
  }
  for (const path of ['lora/adapter_config.json', 'lora/y.safetensors', 'lora/sub/config.json']) {
    write(path);
  }
  for (const path of ['page/index.html', 'page/assets/x.js', 'page/.vite/manifest.json']) {
    write(path);
  }
  // As in the hub's own cache.
  mkdirSync(join(root, 'model/vae'));
  symlinkSync('../../blobs/0123', join(root, 'model/vae/model.safetensors'));
  symlinkSync('../secret.txt', join(root, 'model/readme.txt'));
  server = await startFileServer([
    { prefix: '/models/wan/', root: join(root, 'model'), allows: isModelFile },
    {
      prefix: '/parts/lora-0/',
      root: join(root, 'lora'),
      allows: isFileOrItsConfiguration('x.safetensors'),
    },
    { prefix: '/', root: join(root, 'page') },
  ]);
});

afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

/** The path is sent unmodified, which `fetch` would not do. */
async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (piece: string) => (body += piece));
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('the command’s server', () => {
  it.each(FILES)('gives a model’s file %s', async (path) => {
    expect(await ask(`/models/wan/${path}`)).toMatchObject({ status: 200, body: `model/${path}` });
  });

  it.each(OTHERS)('keeps %s, which is no file of a model', async (path) => {
    const answer = await ask(`/models/wan/${path}`);
    expect(answer).toMatchObject({ status: 404, body: '' });
  });

  it.each([
    '/models/wan/',
    '/models/wan',
    '/models/wan/transformer/',
    '/models/',
    '/models/wan/../secret.txt',
    '/models/wan/%2e%2e/secret.txt',
    '/models/wan/..%2fsecret.txt',
    '/models/wan/..%2fmodel-2%2fconfig.json',
    '/models/wan/../model-2/config.json',
    '/models/wan/..%5cmodel-2%5cconfig.json',
    '/models/wan/%2e%2e%2fmodel-2/config.json',
    '/models/wan/transformer/..%2f..%2fmodel-2/config.json',
    '/models/wan/%252e%252e/model-2/config.json',
    '/models/wan/config.json%00.txt',
    '/models/wan/%c0%ae%c0%ae/config.json',
    '/models/wan//etc/passwd',
    '/etc/passwd',
    '//etc/passwd',
    '/../secret.txt',
    '/.vite/manifest.json',
    '/parts/lora-0/y.safetensors',
    '/parts/lora-0/sub/config.json',
    '/parts/lora-0/',
  ])('gives nothing for %s', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: '' });
  });

  it('follows a link of an allowed name, as the hub’s cache has them, and no other', async () => {
    expect(await ask('/models/wan/vae/model.safetensors')).toMatchObject({ body: 'blobs/0123' });
    expect(await ask('/models/wan/readme.txt')).toMatchObject({ status: 404 });
  });

  it('gives a part that is a file, and the configuration beside it', async () => {
    for (const name of ['x.safetensors', 'adapter_config.json']) {
      expect(await ask(`/parts/lora-0/${name}`)).toMatchObject({ body: `lora/${name}` });
    }
  });

  it('answers under the names of its own machine alone', async () => {
    const { port } = new URL(server.url);
    for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
      expect(await ask('/', { Host: `${name}:${port}` })).toMatchObject({ status: 200 });
    }
    for (const host of [
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil.example:${port}`,
      `127.0.0.1:${Number(port) + 1}`,
      '127.0.0.1',
      'localhost',
    ]) {
      const answer = await ask('/models/wan/zoetrope.json', { Host: host });
      expect([host, answer.status]).toEqual([host, 403]);
      expect(answer.body).not.toContain('zoetrope.json');
    }
  });

  it('lets pages of other origins read nothing', async () => {
    const from = { Origin: 'https://evil.example' };
    for (const path of ['/models/wan/zoetrope.json', '/', '/nothing']) {
      const { headers } = await ask(path, from);
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toContain("script-src 'self'");
    }
    const preflight = await ask('/models/wan/zoetrope.json', from, 'OPTIONS');
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    expect(await ask('/models/wan/zoetrope.json', from, 'POST')).toMatchObject({ status: 404 });
  });

  it('sends the whole file where the part of an earlier version is asked for', async () => {
    const path = '/models/wan/zoetrope.json';
    const { headers } = await ask(path);
    const part = { Range: 'bytes=0-2' };
    const etag = String(headers['etag']);
    expect(await ask(path, { ...part, 'If-Range': etag })).toMatchObject({ status: 206 });
    expect(await ask(path, { ...part, 'If-Range': '"earlier"' })).toMatchObject({ status: 200 });
    expect(await ask(path, part, 'HEAD')).toMatchObject({ status: 206, body: '' });
  });
});
