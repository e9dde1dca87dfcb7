/** @file A hash that a worker makes. The worker is shared by all hashes of this thread, and ends with it. */
import type { HashAnswer, HashOrder } from './hash-worker.ts';

/** Pieces that the worker has not taken yet: more would pile up in memory. */
const MAX_WAITING = 3;

interface Waiting {
  readonly taken: () => void;
  readonly ended: (mark: string | undefined) => void;
}

let worker: Worker | undefined;
let nextId = 0;
const hashes = new Map<number, Waiting>();

function connect(): Worker {
  if (worker) return worker;
  // Bundlers find the worker by just this form of words.
  const started = new Worker(new URL('./hash-worker.ts', import.meta.url), {
    type: 'module',
    name: 'zoetrope-hash',
  });
  started.addEventListener('message', ({ data }: MessageEvent<HashAnswer>) => {
    const waiting = hashes.get(data.id);
    if ('mark' in data) waiting?.ended(data.mark);
    else waiting?.taken();
  });
  started.addEventListener('error', (event) => {
    // Else it would count as an error of this thread too.
    event.preventDefault();
    if (worker === started) worker = undefined;
    started.terminate();
    // Files are then not compared; nothing else depends on it.
    for (const waiting of hashes.values()) waiting.ended(undefined);
    hashes.clear();
  });
  worker = started;
  return started;
}

export class RemoteHash {
  readonly #id = nextId++;
  readonly #worker = connect();
  readonly #ended: Promise<string | undefined>;
  #isOver = false;
  #waiting = 0;
  /** Called when the worker has taken a piece, or has failed. */
  #wake: () => void = () => undefined;

  private constructor() {
    this.#ended = new Promise((resolve) => {
      hashes.set(this.#id, {
        taken: () => {
          this.#waiting--;
          this.#wake();
        },
        ended: (mark) => {
          this.#isOver = true;
          this.#wake();
          resolve(mark);
        },
      });
    });
  }

  /** @param mark What it will be compared with: says which kind of hash it is. */
  static open(mark: string, size: number): RemoteHash {
    const hash = new RemoteHash();
    hash.#send({ id: hash.#id, like: mark, size });
    return hash;
  }

  async update(bytes: Uint8Array): Promise<void> {
    while (this.#waiting >= MAX_WAITING && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isOver) return;
    this.#waiting++;
    // A copy: the caller's own bytes go on to be converted. Of a view, its whole buffer would be copied.
    const copy = bytes.slice();
    this.#worker.postMessage({ id: this.#id, bytes: copy } satisfies HashOrder, [copy.buffer]);
  }

  async mark(): Promise<string | undefined> {
    if (!this.#isOver) this.#send({ id: this.#id, isEnd: true });
    const mark = await this.#ended;
    hashes.delete(this.#id);
    return mark;
  }

  close(): void {
    if (!hashes.delete(this.#id)) return;
    this.#isOver = true;
    // A piece may be waiting for its turn.
    this.#wake();
    this.#send({ id: this.#id, isClosed: true });
  }

  #send(order: HashOrder): void {
    this.#worker.postMessage(order);
  }
}
