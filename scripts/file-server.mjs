/** @file A small server on the loopback interface: the built page, and checkpoints from anywhere on the disk. */
import { createServer } from 'node:http';
import { PAGE_HEADERS, serveFolder } from './file-handler.mjs';

/**
 * Names of this machine. Any other in `Host` is a page's of elsewhere whose name was made to lead here, and which the
 * browser therefore lets read what it gets.
 * @param {import('node:http').IncomingMessage} request
 */
function isForThisMachine({ headers: { host }, socket: { localPort } }) {
  return ['127.0.0.1', 'localhost', '[::1]'].some((name) => host === `${name}:${localPort}`);
}

/**
 * Serves folders; where prefixes overlap, the first that has the file answers.
 * @param {import('./file-handler.mjs').FolderOptions[]} folders
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends with a slash.
 */
export async function startFileServer(folders) {
  const handlers = folders.map(serveFolder);
  const server = createServer((request, response) => {
    if (!isForThisMachine(request)) {
      response.writeHead(403, { 'Content-Type': 'text/plain', ...PAGE_HEADERS });
      response.end('This server answers under the name of its own machine only.');
      return;
    }
    /** @param {number} index */
    const handle = (index) => {
      const handler = handlers[index];
      if (handler) void handler(request, response, () => handle(index + 1));
      else response.writeHead(404, { 'Content-Type': 'text/plain', ...PAGE_HEADERS }).end();
    };
    handle(0);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
