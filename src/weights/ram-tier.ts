/**
 * @file Keeps weights in RAM that are read from storage again and again: the browser's version of a pinned host copy. A
 * cycle visits all of them before it comes back to the first, so what is held stays held: evicting the least recently
 * used would evict just what comes next.
 */
import type { WeightInput } from '../graph/types.ts';
import type { ComponentWeights, WeightUse } from './component-weights.ts';
import type { WeightData } from './convert.ts';

/** An allowance of RAM, shared by the components of a model. */
export class RamTier {
  readonly #limitBytes: number;
  readonly #components = new Set<HeldWeights>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The same weights, of which those that are read in every cycle are held as far as the allowance goes. */
  hold(weights: ComponentWeights): ComponentWeights {
    const held = new HeldWeights(weights, (bytes, asking) => this.#makeRoom(bytes, asking));
    this.#components.add(held);
    return held;
  }

  /** Whether `bytes` more may be held. Phases follow each other: what an earlier one's component holds gives way. */
  #makeRoom(bytes: number, asking: HeldWeights): boolean {
    if (asking.heldBytes + bytes > this.#limitBytes) return false;
    let free = this.#limitBytes - bytes;
    for (const { heldBytes } of this.#components) free -= heldBytes;
    for (const other of this.#components) {
      if (free >= 0) break;
      if (other === asking) continue;
      free += other.heldBytes;
      other.drop();
    }
    return true;
  }
}

class HeldWeights implements ComponentWeights {
  readonly identity?: string;
  readonly #weights: ComponentWeights;
  readonly #makeRoom: (bytes: number, asking: HeldWeights) => boolean;
  readonly #held = new Map<string, WeightData>();
  #heldBytes = 0;

  constructor(
    weights: ComponentWeights,
    makeRoom: (bytes: number, asking: HeldWeights) => boolean,
  ) {
    if (weights.identity !== undefined) this.identity = weights.identity;
    this.#weights = weights;
    this.#makeRoom = makeRoom;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get ramBytes(): number {
    return this.#weights.ramBytes + this.#heldBytes;
  }

  get(
    prefix: string,
    weight: WeightInput,
    use: WeightUse = 'once',
  ): WeightData | Promise<WeightData> {
    if (use === 'once') return this.#weights.get(prefix, weight);
    const key = `${weight.dtype}:${prefix}${weight.name}`;
    return this.#held.get(key) ?? this.#read(key, prefix, weight);
  }

  row(
    name: string,
    index: number,
    columns: number,
  ): Float32Array<ArrayBuffer> | Promise<Float32Array<ArrayBuffer>> {
    return this.#weights.row(name, index, columns);
  }

  drop(): void {
    this.#held.clear();
    this.#heldBytes = 0;
  }

  async #read(key: string, prefix: string, weight: WeightInput): Promise<WeightData> {
    const data = await this.#weights.get(prefix, weight, 'cycle');
    if (!this.#held.has(key) && this.#makeRoom(data.byteLength, this)) {
      // A view would hold all of what it is a view of.
      const isWhole = data.byteLength === data.buffer.byteLength;
      this.#held.set(key, isWhole ? data : data.slice());
      this.#heldBytes += data.byteLength;
    }
    return data;
  }
}
