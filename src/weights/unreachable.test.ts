import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { HttpSource } from './http-source.ts';
import { HubSource } from './hub-source.ts';

const QUICK = { attempts: 2, firstWaitMs: 1, longestWaitMs: 1, stallMs: 300 };

/** A port that nothing listens to any more. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const SIGNED = '?signature=S3cret-word';

test.each([
  ['', ''],
  ['', SIGNED],
  ['me:S3cret-word@', ''],
])(
  'a server that is down is not taken for a name that does not exist: %s…%s',
  async (user, query) => {
    const dead = new HttpSource(`http://${user}127.0.0.1:${await deadPort()}/m${query}`, {
      retry: QUICK,
    });
    await expect(dead.readText('model_index.json')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(
        'model_index.json could not be fetched: nothing accepts connections there.',
      ),
      hint: expect.stringContaining('whether the server is running'),
    });
    const nowhere = new HttpSource(`http://${user}no-such-host.invalid/m${query}`, {
      retry: QUICK,
    });
    await expect(nowhere.readText('model_index.json')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/no machine of this name|could not be looked up/),
    });
  },
);

test('a hub that is down is named, and a network that wants a login too', async () => {
  const reference = { repository: 'owner/name', revision: undefined, path: '' };
  const hubUrl = `http://127.0.0.1:${await deadPort()}`;
  const dead = new HubSource(reference, { hubUrl, retry: QUICK });
  await expect(dead.readText('model_index.json')).rejects.toMatchObject({
    code: 'network',
    message: `owner/name: ${hubUrl} could not be reached: nothing accepts connections there.`,
  });
  const portal = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Sign in</html>');
  });
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`;
  const behind = new HubSource(reference, { hubUrl: at, retry: QUICK });
  await expect(behind.readText('model_index.json')).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('answers with a web page'),
    hint: expect.stringContaining('login'),
  });
  portal.closeAllConnections();
  await new Promise((resolve) => portal.close(resolve));
});

test.each([
  ['before it answers', '', 0],
  ['before it answers', SIGNED, 0],
  ['in the middle of a file', '', 2],
  ['in the middle of a file', SIGNED, 2],
])('a server that falls silent %s is said to be so: %s', async (_, query, bytes) => {
  const silent = createServer((__, response) => {
    if (bytes > 0) response.writeHead(200, { 'Content-Length': 10 }).write('x'.repeat(bytes));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/m${query}`;
  const source = new HttpSource(url, { retry: QUICK });
  await expect(source.readText('model_index.json')).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('nothing came for 0.3 s'),
  });
  silent.closeAllConnections();
  await new Promise((resolve) => silent.close(resolve));
});
