/** @file What the record of an imported component says, worked out from the tensors that a model needs. */
import { ALIGNMENT, type CheckpointRecord, type TensorSpec } from '../store/record.ts';
import { type CheckpointIdentity, describeSpec } from '../store/resume.ts';
import {
  formatLabel,
  type PartName,
  partsOf,
  type Piece,
  piecesOf,
  sourceBytes,
  type WeightNeed,
} from './storage-format.ts';

/** A piece's arrays are parts of the stored tensor. */
export function partName(name: PartName, { index }: Pick<Piece, 'index'>): string {
  return `${name}.${index}`;
}

/** What a tensor is stored as. */
export function specOf(need: WeightNeed): TensorSpec {
  const { name, tensor, storage } = need;
  const parts = piecesOf(need).flatMap((piece) =>
    partsOf(piece).map((part) => ({
      name: partName(part.name, piece),
      byteLength: part.byteLength,
    })),
  );
  const { dtype, shape } = tensor;
  return { name, storage: formatLabel(storage), dtype, shape, parts };
}

/**
 * Why a sound record is of no use for these tensors; undefined if it is. A release that stores them in another way, or a
 * value that changed in the storage, shows here.
 */
export function misfit(
  record: CheckpointRecord,
  identity: CheckpointIdentity,
  needs: readonly WeightNeed[],
): string | undefined {
  if ((record.formatVersion ?? 1) !== (identity.formatVersion ?? 1)) {
    return `another release of Zoetrope stored it, in another layout of ${record.format}`;
  }
  const isSame = (['revision', 'format', 'variant'] as const).every(
    (field) => record[field] === identity[field],
  );
  if (!isSame) return 'its record is damaged: it names other files';
  const stored = [...record.tensors.values()];
  const specs = needs.map(specOf);
  const differs =
    record.state === 'complete'
      ? specs.find((spec) => !isSpec(record.tensors.get(spec.name), spec))
      : stored.find((tensor, i) => !isSpec(tensor, specs[i]));
  return (
    differs &&
    `another release of Zoetrope stored it, or its record is damaged: tensor ${differs.name} is different`
  );
}

function isSpec(stored: TensorSpec | undefined, spec: TensorSpec | undefined): boolean {
  if (!stored || !spec) return false;
  return stored.name === spec.name && describeSpec(stored) === describeSpec(spec);
}

/** Bytes that were fetched for the pieces which lie wholly within the first `stored` bytes of the import. */
export function sourceBytesWithin(needs: readonly WeightNeed[], stored: number): number {
  let bytes = 0;
  let end = 0;
  for (const piece of needs.flatMap(piecesOf)) {
    for (const { byteLength } of partsOf(piece)) {
      end = Math.ceil(end / ALIGNMENT) * ALIGNMENT + byteLength;
    }
    if (end > stored) break;
    bytes += sourceBytes(piece);
  }
  return bytes;
}
