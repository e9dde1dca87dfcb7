/**
 * @file How fast a transformer of true size is imported as q8: fetched by ranges, converted, hashed and stored. Beside it,
 * in turn: the same ranges fetched and dropped, and `@huggingface/hub`'s own download of the same file.
 */
import { downloadFile } from '@huggingface/hub';
import { deleteDB } from 'idb';
import { openCheckpoint } from '../src/families/open-checkpoint.ts';
import { storagePrecision } from '../src/pipeline/memory-settings.ts';
import { openBrowserStore } from '../src/store/indexeddb-backend.ts';
import { openSource } from '../src/weights/open-source.ts';
import type { BenchContext, Size } from './context.ts';
import { atLeast } from './goals.ts';
import { interleaved } from './measure.ts';

const DATABASE = 'zoetrope-bench-hub-import';
/** 93 MB each, as they come. */
const LAYERS: Record<Size, number> = { tiny: 1, small: 5, large: 30 };
const ROUNDS: Record<Size, number> = { tiny: 1, small: 3, large: 5 };
/** A good line at home: 200 Mbit/s. */
const LINE_BYTES_PER_SECOND = 25e6;
/** As many as the import has on their way. */
const IN_FLIGHT = 4;
/** Of the LoRA: a usual rank. The scale does not matter. */
const RANK = 32;
const MERGED = { path: '', scale: 0.5 };
const FILE = 'transformer/diffusion_pytorch_model.safetensors';

interface Asked {
  readonly url: string;
  readonly range: string;
}

/** `fetch`, and the ranges that were asked for by it. */
function recording(asked: Asked[]): typeof fetch {
  return (input, init) => {
    const range = new Headers(init?.headers).get('Range');
    const url = input instanceof Request ? input.url : String(input);
    if (range !== null && url.endsWith(FILE)) asked.push({ url, range });
    return fetch(input, init);
  };
}

/** @param lora The repository of a LoRA to be merged. */
async function importTransformer(
  repository: string,
  hubUrl: string,
  lora?: string,
): Promise<readonly Asked[]> {
  await deleteDB(DATABASE);
  const store = await openBrowserStore({ name: DATABASE });
  try {
    const asked: Asked[] = [];
    const source = openSource(repository, { hubUrl, fetch: recording(asked) });
    const loras = lora === undefined ? [] : [{ source: openSource(lora, { hubUrl }), ...MERGED }];
    const model = await openCheckpoint(source, { loras });
    await model.fetch('transformer', storagePrecision('q8'), { store });
    return asked;
  } finally {
    store.close();
    await deleteDB(DATABASE);
  }
}

/** The ranges again, and nothing done with them. */
async function fetchRaw(asked: readonly Asked[]): Promise<void> {
  const left = [...asked];
  const reader = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      await (await fetch(next.url, { headers: { Range: next.range } })).arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, reader));
}

/** As `@huggingface/hub` does it. @returns Bytes. */
async function downloadByLibrary(repo: string, hubUrl: string): Promise<number> {
  const blob = await downloadFile({ repo, path: FILE, hubUrl });
  if (!blob) throw new Error(`${repo} has no ${FILE}`);
  let bytes = 0;
  await blob.stream().pipeTo(
    new WritableStream({
      write: (piece: Uint8Array) => void (bytes += piece.byteLength),
    }),
  );
  return bytes;
}

async function measureLine(
  context: BenchContext,
  name: string,
  bytesPerSecond: number | undefined,
  rounds: number,
): Promise<void> {
  const hubUrl = await context.host.serveMadeUp(bytesPerSecond);
  const repository = `made-up/wan-${LAYERS[context.size]}`;
  context.log(`import over ${name}`);
  const asked = await importTransformer(repository, hubUrl);
  const bytes = asked
    .map(({ range }) => /(\d+)-(\d+)/.exec(range) ?? [])
    .reduce((sum, [, from, to]) => sum + Number(to) - Number(from) + 1, 0);
  const [raw = Number.NaN, library = Number.NaN, ours = Number.NaN] = await interleaved(
    [
      () => fetchRaw(asked),
      () => downloadByLibrary(repository, hubUrl),
      () => importTransformer(repository, hubUrl),
    ],
    rounds,
  );
  context.row(`${name}: the same ranges, raw`, bytes / raw / 1e6, 'MB/s');
  context.row(`${name}: @huggingface/hub's download`, bytes / library / 1e6, 'MB/s');
  context.row(`${name}: import as q8`, bytes / ours / 1e6, 'MB/s');
  context.row(`${name}: import / raw`, raw / ours, 'ratio', atLeast(0.7));
  context.row(`${name}: import / @huggingface/hub`, library / ours, 'ratio');
}

async function measureLora(context: BenchContext): Promise<void> {
  const hubUrl = await context.host.serveMadeUp();
  const layers = LAYERS[context.size];
  const repository = `made-up/wan-${layers}`;
  context.log(`import with a LoRA of rank ${RANK}`);
  const [plain = Number.NaN, merged = Number.NaN] = await interleaved(
    [
      () => importTransformer(repository, hubUrl),
      () => importTransformer(repository, hubUrl, `made-up/lora-${layers}-${RANK}`),
    ],
    ROUNDS[context.size],
  );
  context.row(`import of ${layers} layers as q8`, plain, 's');
  context.row(`the same with a LoRA of rank ${RANK} merged`, merged, 's');
  context.row('with LoRA / without', merged / plain, 'ratio');
}

export async function measureImport(context: BenchContext): Promise<void> {
  await measureLine(context, 'line of 200 Mbit/s', LINE_BYTES_PER_SECOND, 1);
  await measureLine(context, 'this machine', undefined, ROUNDS[context.size]);
  await measureLora(context);
}
