/** @file Files behind a signature in the query and a password: what neither of them fits is refused. Node only. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, sendFile, type ServedFile } from './hub-server-send.ts';

export interface SignedServer {
  /** A folder's or a file's address with all that is needed to read it. */
  address(path: string): string;
  /** The same without. */
  plain(path: string): string;
  /** No signature before this one fits any more. */
  rotate(): void;
  /** What goes wrong with a path. */
  fault: (path: string) => Fault | undefined;
  /** Texts of which nothing that leaves may hold one. */
  readonly secrets: readonly string[];
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export const USER = 'reader';
export const PASSWORD = 'Pa%ss w0rd/Xyz';

/** @param files By their paths, without a slash in front. */
export async function startSignedServer(
  files: ReadonlyMap<string, ServedFile>,
): Promise<SignedServer> {
  let turn = 1;
  const signature = (): string => `Sup3r+S3cret/${turn}=`;
  const login = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  const requests: string[] = [];
  const state: Pick<SignedServer, 'fault'> = { fault: () => undefined };
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const path = decodeURIComponent(pathname.slice(1));
    requests.push(path);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Range');
    const file = files.get(path);
    if (request.method === 'OPTIONS') response.writeHead(204).end();
    else if (request.headers.authorization !== login) response.writeHead(401).end();
    else if (searchParams.get('X-Amz-Signature') !== signature()) response.writeHead(403).end();
    else if (!file) response.writeHead(404).end();
    else void sendFile(file, { etag: `"${file.oid}"` }, request, response, state.fault(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const inAddress = encodeURIComponent(PASSWORD);
  return {
    address: (path) =>
      `http://${USER}:${inAddress}@${host}/${path}?X-Amz-Expires=900&X-Amz-Signature=${encodeURIComponent(signature())}`,
    plain: (path) => `http://${host}/${path}`,
    rotate: () => (turn += 1),
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    secrets: ['S3cret', 'w0rd', 'X-Amz-Signature', login.slice('Basic '.length)],
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
