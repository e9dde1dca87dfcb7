/**
 * @file A whole clip from a checkpoint of true size: fetched, converted and stored, text encoded, denoised and decoded, by
 * the pipeline that the page uses, with a gigabyte of the device.
 */
import { deleteDB } from 'idb';
import type { Progress } from '../src/pipeline/api.ts';
import { EnginePipeline } from '../src/pipeline/engine.ts';
import { openBrowserStore } from '../src/store/indexeddb-backend.ts';
import type { CheckpointStore } from '../src/store/checkpoint-store.ts';
import { openSource } from '../src/weights/open-source.ts';
import { countedSource } from '../src/testing/counted-source.ts';
import type { BenchContext, Size } from './context.ts';
import { atMost, exactly } from './goals.ts';
import { PUBLISHED_LAYERS } from './made-up-wan.ts';
import { seconds } from './measure.ts';
import { MemoryWatch, watchWasmMemories } from './memory-watch.ts';

const MIB = 1024 ** 2;
const BUDGET_BYTES = 1024 * MIB;
/** Of the worker, while it imports. */
const IMPORT_HEAP_BYTES = 1536 * MIB;
const DATABASE = 'zoetrope-bench-rehearsal';
const PROMPT = 'a red ball moves right';
const STEPS = 2;

interface Clip {
  readonly width: number;
  readonly height: number;
  readonly numFrames: number;
}

const CLIP: Clip = { width: 256, height: 256, numFrames: 17 };
/** What a software adapter can do within minutes. */
const SMALL_CLIP: Clip = { width: 32, height: 32, numFrames: 1 };
const LAYERS: Record<Size, number> = { tiny: 1, small: PUBLISHED_LAYERS, large: PUBLISHED_LAYERS };

/** Seconds between the first and the last word about each file. */
class ImportTimes {
  readonly #times = new Map<string, { start: number; end: number; bytes: number }>();
  #previous = { at: performance.now(), bytes: 0 };
  readonly #log: (text: string) => void;
  #told = 0;

  constructor(log: (text: string) => void) {
    this.#log = log;
  }

  readonly onProgress = (progress: Progress): void => {
    if (progress.type !== 'download') return;
    const { file, loadedBytes, totalBytes, fraction } = progress;
    const now = performance.now();
    const known = this.#times.get(file) ?? { start: this.#previous.at, end: now, bytes: 0 };
    const bytes = known.bytes + loadedBytes - this.#previous.bytes;
    this.#times.set(file, { ...known, end: now, bytes });
    this.#previous = { at: now, bytes: loadedBytes };
    if (fraction < this.#told + 0.1) return;
    this.#told = fraction;
    this.#log(`${(100 * fraction).toFixed(0)} % of ${(totalBytes / 1e9).toFixed(1)} GB`);
  };

  report(context: BenchContext): void {
    for (const [file, { start, end, bytes }] of this.#times) {
      const taken = (end - start) / 1000;
      context.row(`import of ${file}`, taken, 's');
      context.row(`import of ${file}, rate`, bytes / taken / 1e6, 'MB/s');
    }
  }
}

async function importModel(context: BenchContext, store: CheckpointStore): Promise<EnginePipeline> {
  const layers = LAYERS[context.size];
  const hubUrl = await context.host.serveMadeUp();
  const { source, bytes } = countedSource(openSource(`made-up/wan-${layers}`, { hubUrl }));
  const watch = new MemoryWatch(context.host);
  const times = new ImportTimes((text) => context.log(text));
  const pipeline = await EnginePipeline.fromSource(source, {
    store,
    storage: true,
    device: context.deviceChoice,
    ...(context.gpu ? { gpu: context.gpu } : {}),
    memory: { budgetBytes: BUDGET_BYTES, weights: { text_encoder: 'q4', transformer: 'q8' } },
    onProgress: times.onProgress,
  });
  const peaks = await watch.stop();
  times.report(context);
  const { downloadBytes } = pipeline.checkpoint;
  context.row('bytes of the tensors that are needed', downloadBytes / 1e9, 'GB');
  // Of headers: their lengths, and themselves.
  const overhead = bytes() - downloadBytes;
  context.row('bytes fetched beyond them, headers', overhead / 1e6, 'MB', atMost(1));
  const stored = (await store.listCheckpoints()).reduce((sum, each) => sum + each.totalBytes, 0);
  context.row('stored', stored / 1e9, 'GB');
  const heaps = (peaks.heapBytes + peaks.wasmBytes) / MIB;
  context.row('heaps while importing, peak', heaps, 'MiB', atMost(IMPORT_HEAP_BYTES / MIB));
  context.row('process while importing, peak', peaks.processBytes / MIB, 'MiB');
  return pipeline;
}

async function makeClip(context: BenchContext, pipeline: EnginePipeline): Promise<void> {
  const isSlow = context.size === 'tiny' || context.device.isSoftware;
  const clip = isSlow ? SMALL_CLIP : CLIP;
  const { width, height, numFrames } = clip;
  const size = `${width} × ${height} × ${numFrames}`;
  context.log(`a clip of ${size}, ${STEPS} steps`);
  const watch = new MemoryWatch(context.host);
  let phase = '';
  const peaks = new Map<string, number>();
  const result = await pipeline.generate({
    prompt: PROMPT,
    seed: 1,
    ...clip,
    numInferenceSteps: STEPS,
    guidanceScale: 1,
    onProgress({ type, fraction, memory }) {
      if (type !== phase) context.log(type);
      phase = type;
      peaks.set(type, Math.max(memory.liveBytes, peaks.get(type) ?? 0));
      if (type === 'denoise' && fraction > 0) context.log(`${(100 * fraction).toFixed(0)} %`);
    },
  });
  const memory = await watch.stop();
  context.row(`text of a clip of ${size}`, result.seconds.encodePrompt, 's');
  context.row(`${STEPS} steps`, result.seconds.denoise, 's');
  context.row('decode', result.seconds.decode, 's');
  context.row('streamed to the device', result.memory.streamedBytes / 1e9, 'GB');
  const peak = result.memory.peakBytes / MIB;
  context.row('ledger peak of the whole clip', peak, 'MiB', atMost(BUDGET_BYTES / MIB));
  context.row('heaps while generating, peak', (memory.heapBytes + memory.wasmBytes) / MIB, 'MiB');
  let count = 0;
  for (const group of await result.frames()) count += group.count;
  context.row('frames', count, 'count', exactly(numFrames));
  await result.dispose();
}

export async function rehearse(context: BenchContext): Promise<void> {
  watchWasmMemories();
  await deleteDB(DATABASE);
  const store = await openBrowserStore({ name: DATABASE });
  let pipeline: EnginePipeline | undefined;
  try {
    const whole = await seconds(async () => {
      pipeline = await importModel(context, store);
      await makeClip(context, pipeline);
    });
    context.row('all of it', whole, 's');
  } finally {
    await pipeline?.dispose();
    store.close();
    await deleteDB(DATABASE);
  }
}
