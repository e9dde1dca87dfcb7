/** @file Prompt embeddings that were made before: those of this session in RAM, earlier ones in the store, if there is one. */
import type { Precision } from '../graph/index.ts';
import type { ValueCache } from '../store/value-cache.ts';
import { hasUnusableValue } from '../weights/finite.ts';

/** Kept in RAM: a prompt and a negative prompt for a handful of runs. */
const KEPT = 16;

/** What embeddings depend on besides the tokens. */
export interface EncoderIdentity {
  /** Of the weights: source, revision and format. */
  readonly weights: string;
  readonly precision: Precision;
  readonly device: 'webgpu' | 'wasm';
}

/** Of one text encoder. Embeddings are `[tokens, textDim]`, of the real tokens only: what follows is zeros. */
export class EmbeddingCache {
  readonly #held = new Map<string, Float32Array<ArrayBuffer>>();
  readonly #stored:
    | {
        readonly cache: ValueCache;
        readonly prefix: string;
        readonly onFull: (() => void) | undefined;
      }
    | undefined;

  /** @param stored Where they outlive the session; absent: they do not. `onFull`: there was no room for some. */
  constructor(stored?: {
    readonly cache: ValueCache;
    readonly identity: EncoderIdentity;
    readonly onFull?: () => void;
  }) {
    this.#stored = stored && {
      cache: stored.cache,
      onFull: stored.onFull,
      prefix: `prompt embeddings 1: ${JSON.stringify(stored.identity)} `,
    };
  }

  async get(ids: readonly number[]): Promise<Float32Array<ArrayBuffer> | undefined> {
    const key = ids.join();
    const held = this.#held.get(key);
    if (held || !this.#stored) return held;
    const bytes = await this.#stored.cache.get(this.#stored.prefix + key);
    if (!bytes?.byteLength || bytes.byteLength % (ids.length * Float32Array.BYTES_PER_ELEMENT)) {
      return undefined;
    }
    const embeddings = new Float32Array(bytes.buffer);
    // Encoding the prompt again costs less than a clip that is lost.
    if (hasUnusableValue(embeddings)) return undefined;
    this.#hold(key, embeddings);
    return embeddings;
  }

  async put(ids: readonly number[], embeddings: Float32Array<ArrayBuffer>): Promise<void> {
    const key = ids.join();
    this.#hold(key, embeddings);
    if (!this.#stored) return;
    const { buffer, byteOffset, byteLength } = embeddings;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const { isFull } = await this.#stored.cache.put(this.#stored.prefix + key, bytes);
    if (isFull) this.#stored.onFull?.();
  }

  #hold(key: string, embeddings: Float32Array<ArrayBuffer>): void {
    this.#held.set(key, embeddings);
    for (const oldest of [...this.#held.keys()].slice(0, -KEPT)) this.#held.delete(oldest);
  }
}
