/** @file The memory of one run: readings as they came, and what they amount to. */
import type { MemoryReading, Progress } from '../pipeline/api.ts';
import { stageText } from './overall.ts';

export type RunPhase = 'fetch' | 'text' | 'denoise' | 'decode';

const NAMED = ['weights', 'activations', 'decode', 'staging'] as const;

/** What the device's memory is for, in the order in which it is stacked, from below. */
export const KINDS = [...NAMED, 'other'] as const;
export type Kind = (typeof KINDS)[number];

/** Live bytes of a kind; `other` is what the runtime allocates for itself. */
export function bytesOf({ byKind, liveBytes }: MemoryReading, kind: Kind): number {
  if (kind !== 'other') return byKind[kind] ?? 0;
  return Math.max(0, liveBytes - NAMED.reduce((sum, named) => sum + (byKind[named] ?? 0), 0));
}

export interface MemorySample {
  /** Since the run began. */
  readonly seconds: number;
  /** What was being done, in words. */
  readonly stage: string;
  readonly reading: MemoryReading;
}

/** More than a chart has pixels for; beyond it neighbours are joined. */
const MOST_SAMPLES = 600;

const PHASES: Record<Exclude<Progress['type'], 'compile'>, RunPhase> = {
  download: 'fetch',
  'encode-prompt': 'text',
  denoise: 'denoise',
  decode: 'decode',
  encode: 'decode',
};

const COMPILED: Partial<Record<string, RunPhase>> = {
  text_encoder: 'text',
  transformer: 'denoise',
  vae: 'decode',
};

export class MemoryRecord {
  /** If one was set. */
  readonly budgetBytes: number | undefined;
  #samples: MemorySample[] = [];
  readonly #phases: { readonly phase: RunPhase; readonly from: number }[] = [];
  #stage = 'Starting';

  constructor(budgetBytes: number | undefined) {
    this.budgetBytes = budgetBytes;
  }

  get samples(): readonly MemorySample[] {
    return this.#samples;
  }

  get seconds(): number {
    return this.#samples.at(-1)?.seconds ?? 0;
  }

  /** The phases so far, with the seconds at which each began. */
  get phases(): readonly { readonly phase: RunPhase; readonly from: number }[] {
    return this.#phases;
  }

  /** Notes a progress event's reading, and what it says of the run. */
  addProgress(progress: Progress, seconds: number): void {
    this.#stage = stageText(progress);
    const phase = progress.type === 'compile' ? COMPILED[progress.stage] : PHASES[progress.type];
    if (phase !== undefined && phase !== this.#phases.at(-1)?.phase) {
      this.#phases.push({ phase, from: this.#phases.length === 0 ? 0 : seconds });
    }
    this.addReading(progress.memory, seconds);
  }

  /** Notes a reading between two progress events. */
  addReading(reading: MemoryReading, seconds: number): void {
    this.#samples.push({ seconds, stage: this.#stage, reading });
    if (this.#samples.length > MOST_SAMPLES) this.#samples = joinNeighbours(this.#samples);
  }

  /** Each kind's highest reading. */
  peakByKind(): Record<Kind, number> {
    const peaks = KINDS.map((kind) => [kind, this.most((reading) => bytesOf(reading, kind))]);
    return Object.fromEntries(peaks) as Record<Kind, number>;
  }

  /** Highest reading of what `of` picks. */
  most(of: (reading: MemoryReading) => number): number {
    return this.#samples.reduce((most, { reading }) => Math.max(most, of(reading)), 0);
  }
}

/** Of two neighbours the fuller one is kept: peaks must not vanish. */
function joinNeighbours(samples: readonly MemorySample[]): MemorySample[] {
  const joined: MemorySample[] = [];
  for (let i = 0; i < samples.length; i += 2) {
    const [first, second] = [samples[i], samples[i + 1]];
    if (!first) break;
    const isSecondFuller = second && second.reading.liveBytes > first.reading.liveBytes;
    // The last one stays: it tells what was streamed in all.
    joined.push(isSecondFuller || (second && i + 2 >= samples.length) ? second : first);
  }
  return joined;
}
