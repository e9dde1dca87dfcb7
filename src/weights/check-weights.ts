/** @file Refuses weights that would make a clip black or gray without an error. Each message names the tensor. */
import { ZoetropeError } from '../errors.ts';
import type { LocatedTensor } from './component.ts';
import { countUnusable, describeUnusable, hasUnusable, type Unusable } from './finite.ts';

/** A tensor, as messages name it. */
interface NamedTensor {
  readonly name: string;
  readonly tensor: Pick<LocatedTensor, 'file'>;
  /** What a LoRA adds to it. */
  readonly additions?: readonly unknown[];
}

/** A tensor's rows as the checkpoint has them. */
export interface SourceBytes {
  /** F32, F16 or BF16. */
  readonly dtype: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether they are the whole tensor. */
  readonly isWhole: boolean;
}

/**
 * Checks weights as the checkpoint has them.
 * @throws ZoetropeError `non-finite`.
 */
export function checkPlain(named: NamedTensor, { dtype, bytes, isWhole }: SourceBytes): void {
  if (!hasUnusable(dtype, bytes)) return;
  throw damagedTensor(titleOf(named), countUnusable(dtype, bytes), isWhole);
}

/**
 * Checks weights that were narrowed to 16 bits. What was not finite before is not finite afterwards either.
 * @param dtype F16 or BF16. @param narrowed Made of `source`, or of some rows of it.
 * @throws ZoetropeError `non-finite`.
 */
export function checkNarrowed(
  named: NamedTensor,
  source: SourceBytes,
  dtype: string,
  narrowed: Uint8Array<ArrayBuffer>,
): void {
  if (!hasUnusable(dtype, narrowed)) return;
  checkPlain(named, source);
  throw tooLargeFor(dtype, titleOf(named), (named.additions ?? []).length > 0);
}

/**
 * Names the tensor where quantizing refuses weights.
 * @throws ZoetropeError `non-finite`.
 */
export function checkQuantized(
  named: NamedTensor,
  source: SourceBytes,
  quantize: () => void,
): void {
  try {
    quantize();
  } catch (error) {
    checkPlain(named, source);
    throw error;
  }
}

/** @param isWhole Whether the counts are those of the whole tensor, or of a part of it. */
export function damagedTensor(title: string, counts: Unusable, isWhole = true): ZoetropeError {
  const found = describeUnusable(counts);
  return new ZoetropeError(
    'non-finite',
    `${title} holds values that are not finite, or too large to be computed with (${isWhole ? '' : 'at least '}${found}).`,
    'The file is damaged or comes from a failed training run. Download it again, or choose another one.',
  );
}

/** For finite values that become infinite in 16 bits. */
export function tooLargeFor(dtype: string, title: string, hasAdditions = false): ZoetropeError {
  const limit = dtype === 'F16' ? 'float16, which ends at 65504' : 'bfloat16';
  return new ZoetropeError(
    'non-finite',
    `${title} holds values that are too large for ${limit}.`,
    `${hasAdditions ? 'Give the LoRA a smaller scale, or load' : 'Load'} the model with dtype 'float32' or weights 'f32'.`,
  );
}

/**
 * Checks the row of a table that is read by itself.
 * @throws ZoetropeError `non-finite`.
 */
export function checkRow(name: string, row: number, values: Float32Array<ArrayBuffer>): void {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (!hasUnusable('F32', bytes)) return;
  throw damagedTensor(`Row ${row} of tensor ${name}`, countUnusable('F32', bytes));
}

function titleOf({ name, tensor }: NamedTensor): string {
  return `Tensor ${name} in ${tensor.file}`;
}
