/**
 * @file onnxruntime's WebAssembly memory: found, read, and grown to what a run needs before it runs. It never shrinks,
 * emscripten grows it by a fifth more than it needs, and past 4 GiB a run fails somewhere in the middle: so the planner
 * says how large it will be, and the backend makes it just that large. docs/decisions/0011.
 */
import { ZoetropeError } from '../errors.ts';

const PAGE_BYTES = 65_536;

/** What the runtime itself takes up, measured, and what is set aside for pieces of the heap that fit nothing. */
const BASE_BYTES = 10_800_000;
/** A thread's stack and storage. */
const THREAD_BYTES = 1_200_000;
/** Reserve of a run for what its model may miss. */
const MARGIN = 1.06;

/** As the module asks for it. */
const INITIAL_BYTES = 256 * PAGE_BYTES;
/** emscripten's own bound, a page below 4 GiB. */
export const MAX_HEAP_BYTES = 65_535 * PAGE_BYTES;

export interface HeapState {
  /** Size of the memory, which never shrinks; 0 before the runtime starts. */
  readonly bytes: number;
  /** Compiled graphs that are in it: key → bytes. */
  readonly sessions: ReadonlyMap<string, number>;
  readonly threads: number;
}

/** How large the memory is during a run. May be above {@link MAX_HEAP_BYTES}, which cannot be. */
export function heapBytesFor(
  { bytes, sessions, threads }: HeapState,
  runBytes: number,
  more?: ReadonlyMap<string, number>,
): number {
  let kept = 0;
  for (const [key, size] of sessions) kept += more?.get(key) ?? size;
  for (const [key, size] of more ?? []) kept += sessions.has(key) ? 0 : size;
  const used = BASE_BYTES + (threads - 1) * THREAD_BYTES + kept + MARGIN * runBytes;
  return Math.max(bytes, INITIAL_BYTES, PAGE_BYTES * Math.ceil(used / PAGE_BYTES));
}

class WasmHeap {
  #memory: WebAssembly.Memory | undefined;
  readonly #sessions = new Map<string, number>();

  get bytes(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** Whether next to nothing is left of what can be addressed. */
  get isFull(): boolean {
    return this.bytes > 0.95 * MAX_HEAP_BYTES;
  }

  /** As {@link heapBytesFor}, for a run that comes now: before each of them, so nothing is copied. */
  bytesFor(runBytes: number, threads: number): number {
    return heapBytesFor({ bytes: this.bytes, sessions: this.#sessions, threads }, runBytes);
  }

  state(threads: number): HeapState {
    return { bytes: this.bytes, sessions: new Map(this.#sessions), threads };
  }

  addSession(key: string, bytes: number): void {
    this.#sessions.set(key, bytes);
  }

  removeSession(key: string): void {
    this.#sessions.delete(key);
  }

  /** Runs `start`, which may make the runtime's memory, and finds it. */
  async find<T>(start: () => Promise<T>): Promise<T> {
    if (this.#memory) return start();
    const { Memory } = WebAssembly;
    const watched = new Proxy(Memory, {
      construct: (target, [descriptor]: [WebAssembly.MemoryDescriptor]) => {
        const memory = new target(descriptor);
        // Others ask for a tiny one, to see whether memory can be shared.
        if (descriptor.initial > 0) this.#memory ??= memory;
        return memory;
      },
    });
    WebAssembly.Memory = watched;
    try {
      return await start();
    } finally {
      WebAssembly.Memory = Memory;
    }
  }

  /**
   * Makes the memory at least so large. The module must be called into before it is handed data: only then does
   * it notice that its memory has grown.
   * @throws ZoetropeError `out-of-memory` if the browser does not give as much.
   */
  grow(bytes: number): void {
    const missing = bytes - this.bytes;
    if (!this.#memory || missing <= 0) return;
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch (cause) {
      throw new ZoetropeError(
        'out-of-memory',
        `WebAssembly needs ${Math.ceil(bytes / 1e6)} MB of memory, and this browser does not give it as much.`,
        'Choose a smaller size or fewer frames, or close other pages.',
        { cause },
      );
    }
  }
}

/** One for the thread, since the runtime is. */
export const wasmHeap = new WasmHeap();
