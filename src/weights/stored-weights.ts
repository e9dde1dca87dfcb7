/**
 * @file A component's tensors in the store, in the checkpoint's own element type, read when a stage needs them: the
 * browser's version of CPU offload. An import that was cut short goes on where it stopped.
 */
import { ZoetropeError } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { CheckpointReader } from '../store/reader.ts';
import { CheckpointWriter } from '../store/writer.ts';
import type { ComponentFiles } from './component.ts';
import type { ComponentWeights } from './component-weights.ts';
import { convertWeight, toFloat32, type WeightData } from './convert.ts';
import type { WeightNeed } from './host-weights.ts';
import type { ReadOptions } from './source.ts';

/** Tensors as the checkpoint has them. */
const FORMAT = 'source';
/** An import reads a tensor in pieces, so that its RAM does not grow with the largest. */
const PIECE_BYTES = 16 * 1024 * 1024;

export class StoredWeights implements ComponentWeights {
  readonly ramBytes = 0;
  readonly #reader: CheckpointReader;

  private constructor(reader: CheckpointReader) {
    this.#reader = reader;
  }

  /**
   * Opens what the store has of the component, importing what it lacks. Other tabs that want the same wait for this one.
   * @throws ZoetropeError `storage-full` before anything is fetched if it cannot fit; `feature-missing` if the server
   *   does not tell one version of a file from another.
   */
  static async open(
    store: CheckpointStore,
    files: ComponentFiles,
    needs: readonly WeightNeed[],
    options?: ReadOptions,
  ): Promise<StoredWeights> {
    const source = `${files.source.name}/${files.folder}`;
    const revision = await revisionOf(files, needs, options);
    const identity = { id: `${source}@${revision}`, source, revision, format: FORMAT };
    const bytes = needs.reduce((sum, { tensor }) => sum + tensor.end - tensor.start, 0);
    return store.withImportLock(
      identity.id,
      async () => {
        const found = await store.openCheckpoint(identity.id);
        if (found?.state === 'complete') {
          options?.onBytes?.(bytes);
          return new StoredWeights(new CheckpointReader(store, found));
        }
        await store.checkQuota(bytes - (found?.totalBytes ?? 0));
        const writer = await CheckpointWriter.open(store, identity);
        for (const need of needs) await append(writer, files, need, options);
        const record = await writer.finish();
        // An earlier version of the same files serves nobody any more.
        for (const other of await store.listCheckpoints()) {
          if (other.source === source && other.id !== identity.id) {
            await store.deleteCheckpoint(other.id);
          }
        }
        return new StoredWeights(new CheckpointReader(store, record));
      },
      options?.signal,
    );
  }

  async get(prefix: string, weight: WeightInput): Promise<WeightData> {
    const name = prefix + weight.name;
    return convertWeight(weight, this.#dtype(name), await this.#reader.readTensor(name));
  }

  async row(name: string, index: number, columns: number): Promise<Float32Array<ArrayBuffer>> {
    const dtype = this.#dtype(name);
    const rowBytes = columns * (dtype === 'F32' ? 4 : 2);
    const start = index * rowBytes;
    const bytes = await this.#reader.readRange(name, 'data', start, start + rowBytes);
    return toFloat32(name, dtype, bytes);
  }

  #dtype(name: string): string {
    return this.#reader.record.tensors.get(name)?.dtype ?? 'absent';
  }
}

async function append(
  writer: CheckpointWriter,
  files: ComponentFiles,
  { name, tensor }: WeightNeed,
  options?: ReadOptions,
): Promise<void> {
  const { dtype, shape, file } = tensor;
  const byteLength = tensor.end - tensor.start;
  const parts = [{ name: 'data', byteLength }];
  await writer.append(
    { name, storage: FORMAT, dtype, shape, parts },
    async function* read(_part, start) {
      // What an earlier import stored counts as done.
      options?.onBytes?.(start);
      for (let at = start; at < byteLength; at += PIECE_BYTES) {
        options?.signal?.throwIfAborted();
        const end = Math.min(byteLength, at + PIECE_BYTES);
        yield await files.source.read(file, tensor.start + at, tensor.start + end, options);
      }
    },
  );
}

/** One mark for the versions of all files that hold the tensors. */
async function revisionOf(
  files: ComponentFiles,
  needs: readonly WeightNeed[],
  options?: ReadOptions,
): Promise<string> {
  const marks: string[] = [];
  for (const file of new Set(needs.map(({ tensor }) => tensor.file))) {
    const mark = await files.source.revision(file, options);
    if (mark === undefined) {
      throw new ZoetropeError(
        'feature-missing',
        `${files.source.name} gives neither ETag nor Last-Modified for ${file}: a stored copy could not be told from a later version.`,
        'Load the model without keeping it, or serve it with one of these headers.',
      );
    }
    marks.push(mark);
  }
  return marks.join(' ');
}
