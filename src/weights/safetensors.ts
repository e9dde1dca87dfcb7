/**
 * @file The safetensors header: 8 bytes of little-endian length, that many bytes of JSON, then the data. Everything it
 * claims is checked against the file's length before any tensor is read.
 * Format: https://huggingface.co/docs/safetensors
 */
import { isRecord } from '../config/fields.ts';
import { modelFormat, type ZoetropeError } from '../errors.ts';
import type { FileSource, ReadOptions } from './source.ts';
import { HEAD_BYTES, isAnother, whatIsIt } from './what-is-it.ts';

export type SourceDtype = 'F32' | 'F16' | 'BF16';

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Byte range in the file, end exclusive. */
  readonly start: number;
  readonly end: number;
}

/** The reference implementation's own bound on a header. */
const MAX_HEADER_BYTES = 100_000_000;

/** Tensors of one file: the largest published models and LoRAs have some thousands. */
const MOST_TENSORS = 200_000;

const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** What the file's maker has noted: text by name. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The header's own bytes: the file's first. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads no more than the header, and no header longer than the reference implementation does.
 * @throws ZoetropeError `model-format`, naming the tensor where one is at fault.
 */
export async function readSafetensorsHeader(
  source: FileSource,
  path: string,
  options?: ReadOptions,
): Promise<SafetensorsHeader> {
  const size = await source.size(path, options);
  const refuse = (problem: string): ZoetropeError =>
    modelFormat(
      `${path} of ${source.name}: ${problem}`,
      'The file is not a complete safetensors file: copy or download it again.',
    );
  /** What else the file is, where its first bytes or its name tell. */
  const refuseHeader = async (problem: string): Promise<ZoetropeError> => {
    const head = await source.read(path, 0, Math.min(size, HEAD_BYTES), options);
    const recognised = whatIsIt(head, path);
    return recognised ? isAnother(`${path} of ${source.name}`, recognised) : refuse(problem);
  };
  if (size < 8) {
    throw await refuseHeader(`it has ${size} bytes, too few for a safetensors header.`);
  }
  const prefix = await source.read(path, 0, 8, options);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw await refuseHeader(`its header claims ${length} bytes.`);
  if (8 + length > size) {
    throw await refuseHeader(`its header of ${length} bytes does not fit in ${size} bytes.`);
  }
  const json = await source.read(path, 8, 8 + length, options);
  const text = new TextDecoder().decode(json);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw await refuseHeader('its header is not JSON.');
  }
  const bytes = new Uint8Array(8 + length);
  bytes.set(prefix);
  bytes.set(json, 8);
  return { ...checkHeader(header, 8 + length, size, refuse), bytes };
}

function checkHeader(
  header: unknown,
  dataStart: number,
  fileSize: number,
  refuse: (problem: string) => ZoetropeError,
): Omit<SafetensorsHeader, 'bytes'> {
  if (!isRecord(header)) throw refuse('its header is not an object.');
  const { __metadata__: metadata, ...entries } = header;
  const count = Object.keys(entries).length;
  if (count > MOST_TENSORS) {
    throw refuse(`its header names ${count} tensors, more than ${MOST_TENSORS}.`);
  }
  const tensors = new Map<string, TensorEntry>();
  for (const [name, entry] of Object.entries(entries)) {
    tensors.set(name, checkEntry(name, entry, dataStart, fileSize, refuse));
  }
  const ordered = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let previous = dataStart;
  for (const [name, { start, end }] of ordered) {
    if (start < previous) throw refuse(`tensor ${name} overlaps another.`);
    // The format has no gaps: one means that lengths or offsets are wrong.
    if (start > previous)
      throw refuse(`${start - previous} bytes before tensor ${name} are no one's.`);
    previous = end;
  }
  if (previous < fileSize) {
    throw refuse(`its tensors end at byte ${previous} of ${fileSize}: its header is wrong.`);
  }
  return { tensors, metadata: isRecord(metadata) ? metadata : {} };
}

function isSize(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0;
}

function checkEntry(
  name: string,
  entry: unknown,
  dataStart: number,
  fileSize: number,
  refuse: (problem: string) => ZoetropeError,
): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(isSize)) {
    throw refuse(`tensor ${name} has no valid dtype and shape.`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw refuse(`tensor ${name} has no valid offsets.`);
  }
  const [from, to] = offsets as [number, number];
  const bytes = Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
  const dims = shape;
  const expected = bytes === undefined ? to - from : dims.reduce((n, dim) => n * dim, bytes);
  if (to - from !== expected) {
    throw refuse(`tensor ${name} (${dtype}[${dims.join(', ')}]) claims ${to - from} bytes.`);
  }
  if (dataStart + to > fileSize) {
    throw refuse(
      `tensor ${name} ends at byte ${dataStart + to} of ${fileSize}: the file is cut short.`,
    );
  }
  return { dtype, shape: dims, start: dataStart + from, end: dataStart + to };
}

/** Bytes of one element; undefined for an element type that is not known. */
export function bytesOfDtype(dtype: string): number | undefined {
  return Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
}
