/** @file How fast bytes come, over the last seconds: what one can tell a remaining time by. */

/** Long enough that a slow chunk of storage or a retry does not show as a standstill, in seconds. */
const WINDOW = 10;
/** Shorter than this, a rate is a guess, in seconds. */
const FIRST = 0.5;

export class DownloadRate {
  readonly #now: () => number;
  /** Bytes until then, oldest first. */
  #marks: { readonly time: number; readonly bytes: number }[];
  #bytes = 0;

  /** @param now Seconds. */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
    this.#marks = [{ time: now(), bytes: 0 }];
  }

  /** @param bytes That came from the network since the last call. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const time = this.#now();
    const last = this.#marks.at(-1);
    // A mark for every packet would be thousands.
    if (last && time - last.time < WINDOW / 40) return;
    this.#marks.push({ time, bytes: this.#bytes });
    while ((this.#marks[1]?.time ?? time) <= time - WINDOW) this.#marks.shift();
  }

  /** Undefined until it can be told. */
  get bytesPerSecond(): number | undefined {
    const [first] = this.#marks;
    if (!first) return undefined;
    const seconds = this.#now() - first.time;
    const bytes = this.#bytes - first.bytes;
    return seconds < FIRST || bytes === 0 ? undefined : bytes / seconds;
  }
}
