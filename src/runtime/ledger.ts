/**
 * @file The ledger counts every buffer made on a device, onnxruntime's own too, since the project hands onnxruntime the
 * device. It judges the planner, feeds the page's memory display, and turns "the tab died" into an error beforehand.
 */
import { ZoetropeError } from '../errors.ts';

export interface LedgerReading {
  /** Bytes. */
  readonly liveBytes: number;
  /** Bytes, since the ledger was opened or its peak reset. */
  readonly peakBytes: number;
  /** Live bytes by label. Buffers that onnxruntime makes for itself are under `onnxruntime`. */
  readonly byLabel: Readonly<Record<string, number>>;
  /** Bytes of weights written to the device since the ledger was opened or its peak reset. */
  readonly weightBytesWritten: number;
}

export interface HeapReading {
  /** Size of the heap that the runtime computes in, which {@link LedgerReading} does not count; 0 without one. */
  readonly heapBytes: number;
  /** The peak of both together. */
  readonly peakWithHeapBytes: number;
}

export class Ledger {
  readonly #byLabel = new Map<string, number>();
  #limitBytes = Number.POSITIVE_INFINITY;
  #live = 0;
  #peak = 0;
  #heap = 0;
  #peakWithHeap = 0;
  #weightBytesWritten = 0;
  #isClosed = false;
  #refusal: ZoetropeError | undefined;

  /** An allocation that would go above it throws `out-of-memory` before it is made. */
  limit(bytes: number): void {
    this.#limitBytes = bytes;
  }

  /** @throws ZoetropeError `out-of-memory` if `bytes` more would pass the limit. */
  reserve(label: string, bytes: number): void {
    this.#checkLimit(label, bytes);
    this.#live += bytes;
    this.#notePeaks();
    this.#byLabel.set(label, (this.#byLabel.get(label) ?? 0) + bytes);
  }

  /** The last refusal, once: a runtime that was refused a buffer may fail with an error of its own, which says nothing. */
  takeRefusal(): ZoetropeError | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  release(label: string, bytes: number): void {
    if (this.#isClosed) return;
    this.#live -= bytes;
    const left = (this.#byLabel.get(label) ?? 0) - bytes;
    if (left > 0) this.#byLabel.set(label, left);
    else this.#byLabel.delete(label);
  }

  /** @throws ZoetropeError `out-of-memory` if a runtime's heap of `bytes` would pass the limit. */
  checkHeap(bytes: number): void {
    if (bytes > this.#heap) this.#checkLimit('onnxruntime', bytes - this.#heap);
  }

  /** Counts the runtime's heap as it is. What passes the limit is counted too: the next allocation is refused. */
  noteHeap(bytes: number): void {
    this.#heap = bytes;
    this.#notePeaks();
  }

  #checkLimit(label: string, bytes: number): void {
    const used = this.#live + this.#heap;
    if (used + bytes <= this.#limitBytes) return;
    this.#refusal = new ZoetropeError(
      'out-of-memory',
      `${label} needs ${bytes} bytes more, ${used} of ${this.#limitBytes} are in use.`,
      'Choose a smaller size or fewer frames.',
    );
    throw this.#refusal;
  }

  #notePeaks(): void {
    this.#peak = Math.max(this.#peak, this.#live);
    this.#peakWithHeap = Math.max(this.#peakWithHeap, this.#live + this.#heap);
  }

  /** The device is destroyed, and all buffers with it; those that are still to be collected no longer count. */
  close(): void {
    this.#isClosed = true;
    this.#live = 0;
    this.#byLabel.clear();
  }

  /** Counts weights on their way to the device. */
  wroteWeights(bytes: number): void {
    this.#weightBytesWritten += bytes;
  }

  /** Starts a new peak at the present level, and counts written weights anew. */
  resetPeak(): void {
    this.#peak = this.#live;
    this.#peakWithHeap = this.#live + this.#heap;
    this.#weightBytesWritten = 0;
  }

  readHeap(): HeapReading {
    return { heapBytes: this.#heap, peakWithHeapBytes: this.#peakWithHeap };
  }

  read(): LedgerReading {
    return {
      liveBytes: this.#live,
      peakBytes: this.#peak,
      byLabel: Object.fromEntries(this.#byLabel),
      weightBytesWritten: this.#weightBytesWritten,
    };
  }
}

/** Label of buffers that nobody labelled. */
const FOREIGN = 'onnxruntime';

/**
 * Counts `device`'s buffers in `ledger` from now on. A buffer leaves it when it is destroyed or, if its owner only drops
 * it (onnxruntime does), when it is collected. The label's first word, up to a slash, is the class it is counted under.
 */
export function watchDevice(device: GPUDevice, ledger: Ledger): void {
  const collected = new FinalizationRegistry<() => void>((forget) => forget());
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const label = descriptor.label?.startsWith('zoetrope/') ? descriptor.label.slice(9) : FOREIGN;
    ledger.reserve(label, descriptor.size);
    let counted = true;
    const forget = (): void => {
      if (counted) ledger.release(label, descriptor.size);
      counted = false;
    };
    try {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        forget();
        return destroy();
      };
      collected.register(buffer, forget);
      return buffer;
    } catch (error) {
      forget();
      throw error;
    }
  };
}
