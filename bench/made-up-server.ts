/**
 * @file A hub on this machine with checkpoints of true size and random weights. The number of layers is part of the
 * repository's name, `made-up/wan-30`; `made-up/lora-30-32` is a LoRA of rank 32 for it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ServedRepository, startHubServer } from '../src/testing/hub-server.ts';
import type { ServedFile } from '../src/testing/hub-server-send.ts';
import { bytesOf, type MadeUpFile } from './made-up-file.ts';
import { madeUpLora } from './made-up-lora.ts';
import { madeUpWan } from './made-up-wan.ts';

const COMMIT = '0'.repeat(40);

/** @param bytesPerSecond Of the line that large files come over; absent: as fast as the machine can. */
export async function serveMadeUp(bytesPerSecond?: number): Promise<{ url: string }> {
  const known = new Map<string, ServedRepository>();
  const find = (name: string): ServedRepository | undefined => {
    let repository = known.get(name);
    if (!repository) {
      const made = makeUp(name);
      if (!made) return undefined;
      const files = new Map([...made].map(([path, file]) => [path, served(path, file)]));
      repository = { name, commits: { [COMMIT]: files }, revisions: { main: COMMIT } };
      known.set(name, repository);
    }
    return repository;
  };
  return startHubServer(find, {
    // `@huggingface/hub` cannot do without.
    cdnExposes: 'Content-Range, ETag',
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  });
}

/** Files by path; undefined for a name that is none of ours. */
function makeUp(name: string): ReadonlyMap<string, MadeUpFile> | undefined {
  const [, kind, layers, rank] = /^made-up\/(wan|lora)-(\d+)(?:-(\d+))?$/.exec(name) ?? [];
  if (kind === 'wan') return madeUpWan({ layers: Number(layers), tokenizer: bundledTokenizer() });
  return kind === 'lora' ? madeUpLora(Number(layers), Number(rank ?? 32)) : undefined;
}

/** The hash is really of its bytes, since readers compare it: a second or so for each gigabyte. */
function served(path: string, file: MadeUpFile): ServedFile {
  const isLarge = path.endsWith('.safetensors');
  const hash = isLarge ? createHash('sha256') : createHash('sha1').update(`blob ${file.size}\0`);
  for (const piece of bytesOf(file, 0, file.size)) hash.update(piece);
  return {
    size: file.size,
    oid: hash.digest('hex'),
    isLarge,
    bytes: (start, end) => bytesOf(file, start, end),
  };
}

/** Contents by file name. */
function bundledTokenizer(): Record<string, string> {
  const names = ['tokenizer.json', 'tokenizer_config.json'];
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(`models/pocket/tokenizer/${name}`, 'utf8')]),
  );
}
