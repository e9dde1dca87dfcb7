/** @file One file that was given as a model, which is a folder: whatever is asked for, the answer is what the file is. */
import { modelFormat } from '../errors.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { FileSource, ReadOptions } from './source.ts';
import { placeFor, whatItHolds } from './what-it-holds.ts';

export class LoneFile implements FileSource {
  readonly name: string;
  readonly #source: FileSource;
  readonly #path: string;

  constructor(source: FileSource, path: string) {
    this.#source = source;
    this.#path = path;
    this.name = `${source.name.replace(/\/$/, '')}/${path}`;
  }

  readText(_path: string, options?: ReadOptions): Promise<never> {
    return this.#refuse(options);
  }

  exists(_path: string, options?: ReadOptions): Promise<never> {
    return this.#refuse(options);
  }

  size(_path: string, options?: ReadOptions): Promise<never> {
    return this.#refuse(options);
  }

  revision(_path: string, options?: ReadOptions): Promise<never> {
    return this.#refuse(options);
  }

  read(_path: string, _start: number, _end: number, options?: ReadOptions): Promise<never> {
    return this.#refuse(options);
  }

  /** @throws ZoetropeError As reading the file fails; else `model-format`, saying what is in it. */
  async #refuse(options?: ReadOptions): Promise<never> {
    const { tensors } = await readSafetensorsHeader(this.#source, this.#path, options);
    const held = whatItHolds(tensors.keys());
    throw modelFormat(
      held
        ? `${this.name} is ${held.what}; a model is a folder.`
        : `${this.name} is one file, not a model.`,
      held
        ? placeFor(held)
        : 'A model is a folder with a model_index.json: give the folder or the repository.',
    );
  }
}
