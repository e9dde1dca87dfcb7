/** @file Whom the hub's access token reaches: every place that a person may name, and every request for it. */
import { expect, test } from 'vitest';
import { openFile, openSource } from './open-source.ts';

const TOKEN = 'hf_friend';
const HUB = 'https://hub.example';

/** Origins that were asked with the token, and those that were asked without. */
async function askedBy(reference: string): Promise<{ with: string[]; without: string[] }> {
  const origins = { with: new Set<string>(), without: new Set<string>() };
  const fetch: typeof globalThis.fetch = (input, init) => {
    const { origin } = new URL(input instanceof Request ? input.url : input);
    const isSent = new Headers(init?.headers).get('Authorization')?.includes(TOKEN) === true;
    (isSent ? origins.with : origins.without).add(origin);
    return Promise.resolve(new Response(null, { status: 410 }));
  };
  const { source, path } = openFile(reference, { token: TOKEN, hubUrl: HUB, fetch });
  await source.size(path || 'config.json').catch(() => undefined);
  return { with: [...origins.with], without: [...origins.without] };
}

test.each([
  'owner/name',
  'owner/name@v1/sub/x.safetensors',
  `${HUB}/owner/name`,
  `${HUB}/owner/name/resolve/main/x.safetensors?download=true`,
  'https://hub.example:443/owner/name',
  'https://someone:else@hub.example/owner/name',
])('%s: the hub gets it', async (reference) => {
  expect(await askedBy(reference)).toEqual({ with: [HUB], without: [] });
});

test.each([
  ['http://hub.example/owner/name', 'http://hub.example'],
  ['https://hub.example:8443/owner/name', 'https://hub.example:8443'],
  ['https://hub.example.evil.example/owner/name', 'https://hub.example.evil.example'],
  ['https://hub.example@evil.example/owner/name', 'https://evil.example'],
  ['https://evil.example/hub.example/owner/name', 'https://evil.example'],
  ['https://evil.example/x.safetensors?hubUrl=https://hub.example', 'https://evil.example'],
  ['https://sub.hub.example/owner/name', 'https://sub.hub.example'],
])('%s: it looks like the hub, and gets no token', async (reference, origin) => {
  expect(await askedBy(reference)).toEqual({ with: [], without: [origin] });
});

test.each([
  'https://user:S3cret-word@hub.example',
  'https://hub.example/?token=S3cret-word',
  'https://hub.example/#S3cret-word',
  'ftp://hub.example',
  'hub.example',
  '',
])('“%s” is not the address of a hub', (hubUrl) => {
  let failure: unknown;
  try {
    openSource('owner/name', { hubUrl, token: TOKEN });
  } catch (error) {
    failure = error;
  }
  expect(failure).toMatchObject({
    code: 'invalid-argument',
    message: expect.stringMatching(/^hubUrl: /),
    hint: expect.stringContaining('https'),
  });
  expect(JSON.stringify(failure) + String(failure)).not.toContain('S3cret');
});
