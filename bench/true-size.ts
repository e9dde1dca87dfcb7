/**
 * @file The rehearsal: a transformer of Wan 2.1 1.3B's true shapes is fetched, quantized and stored, and makes one
 * denoising step on a device that it does not fit on, with most weights streamed from the browser's storage.
 */
import { deleteDB, openDB } from 'idb';
import { parseTransformerConfig } from '../src/families/wan/config.ts';
import { openBackend } from '../src/runtime/open-backend.ts';
import { planPhase } from '../src/runtime/planner.ts';
import { locateWeights, type Stage } from '../src/runtime/stage.ts';
import { StreamedWeights } from '../src/runtime/streamed-weights.ts';
import type { WeightSource } from '../src/runtime/weight-provider.ts';
import { openBrowserStore } from '../src/store/indexeddb-backend.ts';
import { ComponentFiles } from '../src/weights/component.ts';
import { openSource } from '../src/weights/open-source.ts';
import { Q8 } from '../src/weights/quantize-format.ts';
import { readJson } from '../src/weights/source.ts';
import { StoredWeights } from '../src/weights/stored-weights.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { atLeast, atMost, between, exactly } from './goals.ts';
import { interleaved, seconds } from './measure.ts';
import { MemoryWatch, watchWasmMemories } from './memory-watch.ts';
import { PUBLISHED_LAYERS, PUBLISHED_PARAMETERS } from './made-up-wan.ts';
import { LoadedWan, phaseNeeds, type WanShaped } from './wan-shaped.ts';

const MIB = 1024 ** 2;
const BUDGET_BYTES = 512 * MIB;
const HEAP_BYTES = 2048 * MIB;
const DATABASE = 'zoetrope-bench';
/** Where a step takes longer, compiling is a small part of it, and one step will do. */
const PATIENCE_SECONDS = 60;
const READ_ROUNDS = 2;
/** Reads of the storage in flight, for the rate that it could give. */
const RAW_READS = 4;

/** `tiny` is two layers deep: the same paths, not the same sizes. */
const LAYERS: Record<Size, number> = { tiny: 2, small: PUBLISHED_LAYERS, large: PUBLISHED_LAYERS };
/** Video and text tokens are few where a step is computed by two slow cores. */
const LATENTS: Record<Size, { frames: number; height: number; width: number; text: number }> = {
  tiny: { frames: 1, height: 2, width: 4, text: 4 },
  small: { frames: 1, height: 8, width: 16, text: 16 },
  large: { frames: 3, height: 32, width: 56, text: 512 },
};

async function openModel(
  context: BenchContext,
): Promise<{ files: ComponentFiles; wan: WanShaped; layers: number }> {
  const layers = LAYERS[context.size];
  const source = openSource(`made-up/wan-${layers}`, {
    hubUrl: await context.host.serveMadeUp(),
  });
  const files = await ComponentFiles.open(source, 'transformer');
  const config = parseTransformerConfig(await readJson(source, 'transformer/config.json'));
  const { frames, height, width, text } = LATENTS[context.size];
  const wan: WanShaped = {
    config,
    shape: { latents: { channels: 16, frames, height, width }, textTokens: text },
    precision: { linear: context.device.hasShaderF16 ? 'float16' : 'float32', weights: Q8 },
  };
  return { files, wan, layers };
}

/** A function that says every tenth of the way how far it is. */
function progress(context: BenchContext, totalBytes: number): (bytes: number) => void {
  let done = 0;
  let told = 0;
  return (bytes) => {
    done += bytes;
    if (done < told + totalBytes / 10) return;
    told = done;
    context.log(`${((100 * done) / totalBytes).toFixed(0)} %`);
  };
}

/** Reads all chunks as they lie in the database, some at a time. @returns Bytes. */
async function readRaw(): Promise<number> {
  const database = await openDB(DATABASE);
  try {
    const keys = await database.getAllKeys('chunks');
    let bytes = 0;
    let next = 0;
    const reader = async (): Promise<void> => {
      while (next < keys.length) {
        const blob = (await database.get('chunks', keys[next++] ?? '')) as Blob;
        bytes += (await blob.arrayBuffer()).byteLength;
      }
    };
    await Promise.all(Array.from({ length: RAW_READS }, reader));
    return bytes;
  } finally {
    database.close();
  }
}

/** Lets the pager stream the blocks as a step does, onto a device that takes them at no cost. */
async function readAsPager(weights: WeightSource, blocks: readonly Stage[]): Promise<number> {
  // Its upload keeps a reference: what is left is the reading.
  const sink = await openBackend('wasm');
  const pager = new StreamedWeights(sink, weights, { streamed: blocks, slots: 2 });
  for (const block of blocks) {
    await pager.acquire(block);
    pager.release(block);
  }
  // The pager reads ahead into the next round: what is on its way would count in another measurement.
  const first = blocks[0];
  if (first) await pager.acquire(first);
  const bytes = sink.ledger.read().weightBytesWritten;
  pager.dispose();
  await sink.dispose();
  return bytes;
}

async function measureReading(
  context: BenchContext,
  weights: WeightSource,
  blocks: readonly Stage[],
): Promise<void> {
  context.log('reading from storage');
  let rawBytes = 0;
  let pagedBytes = 0;
  const paged = async (): Promise<void> => {
    pagedBytes = await readAsPager(weights, blocks);
  };
  const raw = async (): Promise<void> => {
    rawBytes = await readRaw();
  };
  const firstSeconds = await seconds(paged);
  const firstRate = pagedBytes / firstSeconds;
  const [rawSeconds = 0, pagedSeconds = 0] = await interleaved([raw, paged], READ_ROUNDS);
  const rawRate = rawBytes / rawSeconds;
  const pagedRate = pagedBytes / pagedSeconds;
  context.row('storage, first pass of the pager (verifies)', firstRate / 1e6, 'MB/s');
  context.row('storage, raw', rawRate / 1e6, 'MB/s');
  context.row('storage, pager', pagedRate / 1e6, 'MB/s');
  context.row('pager / raw', pagedRate / rawRate, 'ratio', atLeast(0.8));
}

async function measureStep(
  context: BenchContext,
  weights: WeightSource,
  wan: WanShaped,
): Promise<void> {
  const plan = planPhase(phaseNeeds(wan), BUDGET_BYTES);
  const backend = await context.open();
  try {
    backend.ledger.limit(BUDGET_BYTES);
    context.log('loading what stays on the device');
    let model: LoadedWan | undefined;
    const loadSeconds = await seconds(async () => {
      model = await LoadedWan.load(backend, weights, wan, plan.streaming);
    });
    if (!model) return;
    const loaded = model;
    context.log('first step, which compiles');
    let velocity: Float32Array = new Float32Array();
    const firstSeconds = await seconds(async () => {
      velocity = await loaded.step(1);
    });
    context.row('load', loadSeconds, 's');
    context.row('first step, which compiles', firstSeconds, 's');
    if (firstSeconds < PATIENCE_SECONDS) {
      context.log('second step');
      context.row('step', await seconds(() => loaded.step(1)), 's');
    }
    const { peakBytes } = backend.ledger.read();
    await loaded.dispose();
    context.row('streamed blocks', plan.streaming?.streamed.length ?? 0, 'count');
    context.row('ledger peak', peakBytes / MIB, 'MiB', atMost(BUDGET_BYTES / MIB));
    context.row('predicted / peak', plan.predictedPeakBytes / peakBytes, 'ratio', between(1, 1.1));
    const broken = velocity.filter((value) => !Number.isFinite(value)).length;
    context.row('velocities that are not finite', broken, 'count', exactly(0));
  } finally {
    await backend.dispose();
  }
}

async function run(context: BenchContext): Promise<void> {
  watchWasmMemories();
  const { files, wan, layers } = await openModel(context);
  const isWhole = layers === PUBLISHED_LAYERS;
  context.row(
    'parameters',
    files.parameters,
    'count',
    isWhole ? exactly(PUBLISHED_PARAMETERS) : undefined,
  );
  await deleteDB(DATABASE);
  const store = await openBrowserStore({ name: DATABASE });
  const watch = new MemoryWatch(context.host);
  try {
    const { stages } = phaseNeeds(wan);
    const needs = locateWeights(files, stages);
    const sourceBytes = needs.reduce((sum, { tensor }) => sum + tensor.end - tensor.start, 0);
    context.log(`importing ${(sourceBytes / 1e9).toFixed(2)} GB as q8`);
    const onBytes = progress(context, sourceBytes);
    let weights: WeightSource | undefined;
    const importSeconds = await seconds(async () => {
      weights = await StoredWeights.open(store, files, needs, { onBytes });
    });
    if (!weights) return;
    const [record] = await store.listCheckpoints();
    context.row('import', importSeconds, 's');
    context.row('import rate', sourceBytes / importSeconds / 1e6, 'MB/s');
    context.row('stored', (record?.totalBytes ?? Number.NaN) / MIB, 'MiB');
    const blocks = stages.filter(({ name }) => name.startsWith('blocks.'));
    await measureReading(context, weights, blocks);
    await measureStep(context, weights, wan);
  } finally {
    const { heapBytes, wasmBytes, processBytes } = await watch.stop();
    context.row('JavaScript heap, peak', heapBytes / MIB, 'MiB');
    context.row('wasm heap, peak', wasmBytes / MIB, 'MiB');
    const heaps = (heapBytes + wasmBytes) / MIB;
    context.row('heaps together, peak', heaps, 'MiB', atMost(HEAP_BYTES / MIB));
    context.row('process, peak', processBytes / MIB, 'MiB');
    store.close();
    await deleteDB(DATABASE);
  }
}

export const trueSize: Benchmark = {
  title: "Wan 2.1 1.3B's true shapes: import as q8, storage rate, one step within 512 MiB",
  places: ['chromium'],
  run,
};
