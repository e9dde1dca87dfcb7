/** @file `npm run verify` as a process, against a hub on this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HubServer, startHubServer } from '../src/testing/hub-server.ts';
import { folderFiles, type ServedFile } from '../src/testing/hub-server-send.ts';

const COMMIT = 'e'.repeat(40);
const VAE = 'vae/diffusion_pytorch_model.safetensors';

let hub: HubServer;
let files: ReadonlyMap<string, ServedFile>;

async function verify(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, ['scripts/verify.mjs', ...args], {
    env: { ...process.env, HF_ENDPOINT: hub.url, HF_TOKEN: '' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

beforeAll(async () => {
  files = await folderFiles('models/pocket');
  const revisions = { main: COMMIT };
  hub = await startHubServer([{ name: 'someone/pocket', commits: { [COMMIT]: files }, revisions }]);
});

beforeEach(() => {
  hub.fault = () => undefined;
});

afterAll(() => hub.close());

test('verify reads every file of a model whole, small ones too, and ends with 0', async () => {
  const { code, text } = await verify('--model', 'someone/pocket');
  expect(text).toContain(`right     ${VAE}, 3.1 MB, sha256:${files.get(VAE)?.oid}`);
  expect(text).toMatch(/right {5}transformer\/config\.json.*git:[0-9a-f]{40}/);
  expect(text).toMatch(/All \d+ files of someone\/pocket are right/);
  expect(code).toBe(0);
});

test('verify finds a byte that flips on its way, names both hashes, and ends with 1', async () => {
  const oid = files.get(VAE)?.oid ?? '';
  // In the half of the decoder's file that loading does not read.
  hub.fault = ({ url }) => (url.includes(oid) ? { flips: 3_000_000 } : undefined);
  const { code, text } = await verify('--model', 'someone/pocket');
  expect(text).toMatch(new RegExp(`WRONG {5}${VAE}.*has sha256:[0-9a-f]{64}, but sha256:${oid}`));
  expect(text).toMatch(/1 are wrong, 0 are missing/);
  expect(code).toBe(1);
});

test('verify finds a wrong and a missing file in a copy, and fetches no weights', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-verify-'));
  await cp('models/pocket', folder, { recursive: true });
  const bytes = await readFile(join(folder, VAE));
  bytes[2_000_000] = (bytes[2_000_000] ?? 0) ^ 1;
  await writeFile(join(folder, VAE), bytes);
  await rm(join(folder, 'tokenizer/tokenizer.json'));
  hub.requests.length = 0;
  const { code, text } = await verify('--model', 'someone/pocket', '--folder', folder);
  await rm(folder, { recursive: true });
  expect(text).toMatch(new RegExp(`WRONG {5}${VAE}`));
  expect(text).toContain('MISSING   tokenizer/tokenizer.json');
  expect(text).toContain('Download these files again.');
  expect(code).toBe(1);
  const lengths = hub.requests.map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''));
  expect(lengths.every((match) => Number(match?.[2] ?? 0) < 100_000)).toBe(true);
});

test.each([
  [[], /--model is missing/],
  [['--model', 'pocket'], /lists no hashes/],
  [['--model', 'someone/pocket', '--folder', '/no/such'], /there is no folder/],
  [['--models', 'x'], /--help lists all/],
])(
  'verify with %j says what is wrong with the command line, and ends with 2',
  async (args, text) => {
    expect(await verify(...args)).toMatchObject({ code: 2, text: expect.stringMatching(text) });
  },
);
