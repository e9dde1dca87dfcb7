/** @file The most memory that page, worker and process held while something ran, as far as each can be told. */
import type { Host } from './context.ts';

export interface MemoryPeaks {
  /** JavaScript of page and worker, array buffers with it. NaN where the browser does not tell. */
  readonly heapBytes: number;
  /** onnxruntime's heap, where it is shared memory, which the browser counts nowhere. */
  readonly wasmBytes: number;
  /** Of the process, shared libraries with it. NaN where the system does not tell. */
  readonly processBytes: number;
}

const INTERVAL_MS = 250;
const memories: WebAssembly.Memory[] = [];

/** Wasm memories made from now on are counted. To call before onnxruntime is loaded. */
export function watchWasmMemories(): void {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(descriptor);
      memories.push(memory);
      return memory;
    },
  });
}

export class MemoryWatch {
  readonly #host: Host;
  readonly #samplers: readonly Promise<void>[];
  #heap = Number.NaN;
  #wasm = 0;
  #process = Number.NaN;
  #isOver = false;

  constructor(host: Host) {
    this.#host = host;
    this.#samplers = [this.#sampleHeap(), this.#sampleOthers()];
  }

  async stop(): Promise<MemoryPeaks> {
    this.#isOver = true;
    await Promise.all(this.#samplers);
    return { heapBytes: this.#heap, wasmBytes: this.#wasm, processBytes: this.#process };
  }

  /** The browser answers when its garbage collector comes by, after seconds. */
  async #sampleHeap(): Promise<void> {
    while (!this.#isOver) {
      const bytes = await this.#host.heapBytes();
      if (bytes === null) return;
      this.#heap = Math.max(bytes, this.#heap || 0);
    }
  }

  async #sampleOthers(): Promise<void> {
    while (!this.#isOver) {
      const wasm = memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
      this.#wasm = Math.max(this.#wasm, wasm);
      const bytes = await this.#host.processBytes();
      if (bytes !== null) this.#process = Math.max(bytes, this.#process || 0);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }
}
