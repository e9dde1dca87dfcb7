/** @file The bundled model in RAM, in any element type, for tests that damage single weights. Node only. */
import type { ComponentName } from '../families/family.ts';
import { toBFloat16, toFloat16, toFloat32 } from '../weights/convert.ts';
import { NodeFolderSource } from '../weights/node-source.ts';
import {
  readSafetensorsHeader,
  type SourceDtype,
  type TensorEntry,
} from '../weights/safetensors.ts';
import type { FileSource, ReadOptions } from '../weights/source.ts';
import { encodeSafetensors, readSafetensorsFile } from './safetensors-file.ts';

const FOLDER = 'models/pocket';

/** Where each component's weights are. */
export const WEIGHT_FILES: Readonly<Record<ComponentName, string>> = {
  text_encoder: 'text_encoder/model.safetensors',
  transformer: 'transformer/diffusion_pytorch_model.safetensors',
  vae: 'vae/diffusion_pytorch_model.safetensors',
};

export class ModelCopy implements FileSource {
  readonly name = 'copy';
  readonly #rest = new NodeFolderSource(FOLDER);
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #dtype: SourceDtype;
  #version = 0;

  private constructor(dtype: SourceDtype) {
    this.#dtype = dtype;
  }

  static async open(dtype: SourceDtype): Promise<ModelCopy> {
    const copy = new ModelCopy(dtype);
    for (const path of Object.values(WEIGHT_FILES)) {
      const tensors = await readSafetensorsFile(`${FOLDER}/${path}`);
      const converted = [...tensors].map(([name, tensor]) => {
        const values = toFloat32(name, tensor.dtype, Uint8Array.from(tensor.data));
        return [name, { ...tensor, dtype, data: encode(values, dtype) }] as const;
      });
      copy.#files.set(path, encodeSafetensors(new Map(converted)));
    }
    return copy;
  }

  async tensors(path: string): Promise<ReadonlyMap<string, TensorEntry>> {
    return (await readSafetensorsHeader(this, path)).tensors;
  }

  /** Writes one value into a tensor. @returns What takes it back. */
  async damage(path: string, tensor: string, value: number, index = 0): Promise<() => void> {
    const file = this.#files.get(path);
    const entry = (await this.tensors(path)).get(tensor);
    if (!file || !entry) throw new Error(`there is no ${tensor} in ${path}`);
    const bytes = encode(Float32Array.of(value), this.#dtype);
    const at = entry.start + index * bytes.byteLength;
    const kept = file.slice(at, at + bytes.byteLength);
    file.set(bytes, at);
    this.#version++;
    return () => {
      file.set(kept, at);
      this.#version++;
    };
  }

  exists(path: string): Promise<boolean> {
    return this.#files.has(path) ? Promise.resolve(true) : this.#rest.exists(path);
  }

  readText(path: string): Promise<string> {
    return this.#rest.readText(path);
  }

  size(path: string): Promise<number> {
    const file = this.#files.get(path);
    return file ? Promise.resolve(file.byteLength) : this.#rest.size(path);
  }

  revision(): Promise<string> {
    return Promise.resolve(`version ${this.#version}`);
  }

  read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#files.get(path);
    return file
      ? Promise.resolve(file.slice(start, end))
      : this.#rest.read(path, start, end, options);
  }
}

function encode(values: Float32Array<ArrayBuffer>, dtype: SourceDtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === 'F16') return new Uint8Array(toFloat16(values).buffer);
  // Rounding carries NaN's bits away.
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const isFinite = values.every(Number.isFinite);
  return new Uint8Array(
    (isFinite ? toBFloat16(values) : Uint16Array.from(words, (word) => word >>> 16)).buffer,
  );
}
