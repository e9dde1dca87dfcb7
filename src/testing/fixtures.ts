/** @file Reads the reference numbers of `models/parity`, in Node from disk and in a browser from the test server. */
import { modelFormat } from '../errors.ts';
import { ComponentFiles } from '../weights/component.ts';
import { toFloat32 } from '../weights/convert.ts';
import { HttpSource } from '../weights/http-source.ts';
import { readSafetensorsHeader } from '../weights/safetensors.ts';
import { type FileSource, readJson } from '../weights/source.ts';

export interface ReferenceTensor {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

/** Whether the test runs in a browser (WebGPU) or in Node (wasm). */
export const inBrowser = typeof document !== 'undefined';

/** A folder of the repository. */
export async function repositoryFolder(path: string): Promise<FileSource> {
  if (inBrowser) return new HttpSource(new URL(`/${path}`, document.baseURI).href);
  const { NodeFolderSource } = await import('../weights/node-source.ts');
  return new NodeFolderSource(path);
}

export class Reference {
  readonly #tensors: ReadonlyMap<string, ReferenceTensor>;

  constructor(tensors: ReadonlyMap<string, ReferenceTensor>) {
    this.#tensors = tensors;
  }

  get names(): readonly string[] {
    return [...this.#tensors.keys()];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  get(name: string): ReferenceTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw modelFormat(`the fixture has no ${name}`, 'run models/parity/make.py');
    return tensor;
  }
}

/** All tensors of a safetensors file as float32; integers are converted. */
export async function readReference(source: FileSource, path: string): Promise<Reference> {
  const tensors = new Map<string, ReferenceTensor>();
  const size = await source.size(path);
  const whole = await source.read(path, 0, size);
  const header = await readSafetensorsHeader(source, path);
  for (const [name, { dtype, shape, start, end }] of header.tensors) {
    const bytes = whole.slice(start, end);
    tensors.set(name, { data: toNumbers(name, dtype, bytes), shape });
  }
  return new Reference(tensors);
}

function toNumbers(
  name: string,
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  if (dtype === 'I64') return Float32Array.from(new BigInt64Array(bytes.buffer), Number);
  if (dtype === 'U8') return Float32Array.from(bytes);
  return toFloat32(name, dtype, bytes);
}

export interface Fixture {
  readonly files: ComponentFiles;
  readonly config: unknown;
  readonly reference: Reference;
}

/** A random checkpoint of `models/parity/fixtures` and what its reference implementation makes of it. */
export async function openFixture(name: string): Promise<Fixture> {
  const source = await repositoryFolder(`models/parity/fixtures/${name}`);
  return {
    files: await ComponentFiles.open(source, ''),
    config: await readJson(source, 'config.json'),
    reference: await readReference(source, 'reference.safetensors'),
  };
}

/** max |actual − expected| over max |expected|. Infinite if the lengths differ or anything is not finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
  }
  return worst / largest;
}

/** `[T, H, W, C]` → `[1, C, T, H, W]`, the reference's order. */
export function channelsFirst(
  data: Float32Array,
  [t = 0, h = 0, w = 0, c = 0]: readonly number[],
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  for (let i = 0; i < t * h * w; i++) {
    for (let channel = 0; channel < c; channel++) {
      result[channel * t * h * w + i] = data[i * c + channel] ?? 0;
    }
  }
  return result;
}
