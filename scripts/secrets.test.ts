/** @file What the commands were given to read a model with stays out of all that they print and write. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { folderFiles } from '../src/testing/hub-server-send.ts';
import { type SignedServer, startSignedServer } from '../src/testing/signed-server.ts';
import { launchOptions } from './browser.mjs';
import { parseFlags } from './command-line.mjs';
import { parseCommandLine } from './generate/arguments.mjs';
import { requestReport } from './generate/driven-page.mjs';
import { Terminal } from './generate/terminal.mjs';
import { findModel } from './model-arguments.mjs';
import { ROOT } from './packages.mjs';

/** Refused before anything is asked. */
const TOKEN = 'hf_ S3cretToken';
const SIGNED = 'https://me:S3cret%2Fpw@host.example/models/wan?X-Amz-Signature=S3cret';

function reportOf(...args: string[]): ReturnType<typeof requestReport> {
  const request = parseCommandLine(['a ball', ...args], ['pocket']);
  if (request === 'help') throw new Error('no request');
  return requestReport(request, request.generate);
}

test('a report of the command has addresses without their secrets', () => {
  const part = SIGNED.replace('?', '/x.safetensors?');
  const parts = ['--lora', `${part}:0.5`, '--vae', part, '--fast-decoder', part];
  const report = reportOf('--model', SIGNED, ...parts);
  expect(JSON.stringify(report)).not.toContain('S3cret');
  expect(report).toMatchObject({
    model: 'https://host.example/models/wan?…',
    parts: {
      vae: 'https://host.example/models/wan/x.safetensors?…',
      loras: [{ source: 'https://host.example/models/wan/x.safetensors?…', scale: 0.5 }],
    },
  });
});

test('a batch goes on with a new signature', () => {
  expect(reportOf('--model', SIGNED)).toEqual(reportOf('--model', `${SIGNED}2`));
});

test.each([
  ['--model', SIGNED.replace('https', 's3')],
  ['--model', 'host.example/x?sig=S3cret'],
  ['--model', 'https:me:S3cret@host.example/x'],
  ['--model', "https://me:it's S3cret@/x"],
  ['--model', 'me:S3cret@host.example/x'],
  ['--transformer', 'host.example/x/y.safetensors?sig=S3cret'],
  ['--lora', 'host.example/x.safetensors?sig=S3cret:0.5'],
  ['--out', SIGNED],
  ["https://host.example/x?sig='S3cret"],
  ['--vae', './nowhere?sig=S3cret'],
  ['--unknown', SIGNED],
  [`--${SIGNED}`],
])('a wrong command line is quoted without secrets: %s %s', (...args) => {
  expect(() => parseCommandLine(['a ball', ...args], [])).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('S3cret') }),
  );
});

test('a note on an address that is given twice has no secret', () => {
  const args = ['--model', `${SIGNED}1`, '--model', `${SIGNED}'S3cret`];
  const { notes } = parseFlags('plan', args, { model: { type: 'string' } });
  expect(notes).toEqual([
    'Note: --model is given twice. The last one counts: https://host.example/models/wan?…',
  ]);
});

test('a path with ? and # in it is quoted whole', () => {
  const path = './Wan 2.1 #1 (100%)? 红球';
  expect(() => findModel(path, [])).toThrow(`--model: there is no folder ${path}.`);
});

test('progress shows no secret', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  new Terminal().show({ fraction: 0, text: `Fetching ${SIGNED}`, etaSeconds: undefined });
  const text = String(write.mock.calls);
  write.mockRestore();
  expect(text).toContain('https://host.example/models/wan?…');
});

test('what is printed does not steer the terminal', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  new Terminal().say('a \u001B[2Jball\r\u009B1A\nred');
  const calls = write.mock.calls.flat();
  write.mockRestore();
  expect(calls).toEqual(['a ␛[2Jball␍\uFFFD1A\nred\n']);
});

test('the browser of the command does not get the token', () => {
  expect(launchOptions('none').env).toMatchObject({ HF_TOKEN: undefined });
});

describe('npm run plan and npm run verify', () => {
  let server: SignedServer;

  beforeAll(async () => {
    const files = [...(await folderFiles(join(ROOT, 'models/pocket')))];
    server = await startSignedServer(
      new Map(files.map(([path, file]) => [`pocket/${path}`, file] as const)),
    );
  });

  afterAll(() => server.close());

  async function run(script: string, ...args: string[]): Promise<string> {
    const env = { ...process.env, HF_TOKEN: TOKEN };
    const path = join(ROOT, 'scripts', script);
    const ended = await promisify(execFile)(process.execPath, [path, ...args], { env }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );
    const output = ended.stdout + ended.stderr;
    for (const secret of [...server.secrets, 'S3cretToken']) expect(output).not.toContain(secret);
    return output;
  }

  it('read a signed address and print no secret', { timeout: 120_000 }, async () => {
    const address = server.address('pocket');
    const [plan, refused, noToken] = await Promise.all([
      run('plan.mjs', '--model', address),
      run('verify.mjs', '--model', `${address}x`),
      run('plan.mjs', '--model', 'owner/name'),
    ]);
    expect(plan).toContain(`${server.plain('pocket')}?…`);
    expect(refused).toContain('HTTP status 403');
    expect(noToken).toContain('token: ');
  });
});
