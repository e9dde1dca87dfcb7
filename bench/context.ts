/** @file What a benchmark is given and what it gives: one function, run alike in Node and in a browser's worker. */
import type { Backend } from '../src/runtime/backend.ts';
import type { DeviceChoice, DeviceReport } from '../src/runtime/device.ts';
import type { FileSource } from '../src/weights/source.ts';
import type { Goal } from './goals.ts';

export type Place = 'node' | 'chromium';

/** `tiny` checks that a benchmark works, `small` fits two slow cores, `large` wants a GPU. */
export type Size = 'tiny' | 'small' | 'large';

export interface Row {
  readonly name: string;
  /** Null where it could not be measured. */
  readonly value: number | null;
  readonly unit: string;
  readonly goal: string | null;
  /** Null where there is no goal. */
  readonly holds: boolean | null;
}

export interface BenchReport {
  readonly device: string;
  readonly rows: readonly Row[];
}

/** Presses of the built page's Generate button, one after the other. */
export interface Clicks {
  readonly adapter: 'hardware' | 'software' | 'none';
  /** Of the page's form, as in its address. */
  readonly fields: Readonly<Record<string, string>>;
  /** One for each press. */
  readonly prompts: readonly string[];
}

/** Seconds from a press. */
export interface Clicked {
  /** Until a picture is seen: the first preview, or the clip where there was none before it. */
  readonly firstFrame: number;
  readonly finished: number;
}

/** What only the process that started the benchmark can do. */
export interface Host {
  /** Resident bytes of the operating system's process that computes; null where they cannot be told. */
  processBytes(): Promise<number | null>;
  /** JavaScript memory, array buffers with it, once garbage is collected; null where it is not told. Takes seconds. */
  heapBytes(): Promise<number | null>;
  /**
   * Starts a hub that has random checkpoints of true size, once for each rate.
   * @param bytesPerSecond Of its line; absent: as fast as the machine can.
   * @returns Its URL.
   */
  serveMadeUp(bytesPerSecond?: number): Promise<string>;
  /** Opens the built page in a browser of its own, with empty caches. */
  clickThrough(clicks: Clicks): Promise<readonly Clicked[]>;
}

export interface BenchContext {
  readonly place: Place;
  readonly size: Size;
  readonly device: DeviceReport;
  readonly deviceChoice: DeviceChoice;
  /** Stands in for `navigator.gpu` in Node. */
  readonly gpu: GPU | undefined;
  readonly host: Host;
  /** A device of its own, with a ledger of its own. The caller disposes of it. */
  open(): Promise<Backend>;
  /** A folder of the repository. */
  folder(path: string): Promise<FileSource>;
  /** What is being done, for whoever waits. */
  log(text: string): void;
  /** Adds a figure. Infinite and NaN mean that it could not be had: with a goal, that goal does not hold. */
  row(name: string, value: number, unit: string, goal?: Goal): void;
}

export interface Benchmark {
  /** One line for `--help`. */
  readonly title: string;
  /** Where it can run; default: everywhere. */
  readonly places?: readonly Place[];
  run(context: BenchContext): Promise<void>;
}
