/**
 * @file Checks a record as it is read from storage: nothing that it says is believed before. The layout follows from the
 * sizes of the tensors alone, so every location in it can be worked out and compared.
 */
import { isRecord } from '../config/fields.ts';
import {
  ALIGNMENT,
  type CheckpointRecord,
  type ChunkSlice,
  type DamagedRecord,
  MAX_CHUNK_BYTES,
  type StoredChunk,
  type StoredRecord,
} from './record.ts';

/** Found wanting; `message` says where. */
class Damage extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** Deeper than anything that is written, and far from where copying a value by recursion fails. */
const MOST_LEVELS = 64;

const HASH = /^[0-9a-f]{64}$/;

/**
 * The record, or what is left of it.
 * @param value As the storage gives it; tensors as a map or as a list of entries.
 * @param key Under which it is kept.
 */
export function readRecord(key: string, value: unknown): StoredRecord {
  try {
    return check(key, value);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return { ...remains(value), id: key, state: 'damaged', problem: error.message };
  }
}

/** As {@link readRecord}, from JSON text. */
export function decodeRecord(key: string, text: string): StoredRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its chunks are known by their names alone.
    const hashes = text.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g) ?? [];
    const problem = 'its record is not JSON';
    return { id: key, state: 'damaged', problem, ...withHashes(hashes) };
  }
  return readRecord(key, value);
}

function check(key: string, value: unknown): CheckpointRecord {
  const record = fieldsOf(value, 'its record');
  if (record['id'] !== key) throw new Damage('its record belongs to another checkpoint');
  for (const name of ['source', 'revision', 'format']) {
    if (typeof record[name] !== 'string') throw new Damage(`its ${name} is not text`);
  }
  const { variant, state, formatVersion = 1 } = record;
  if (variant !== undefined && typeof variant !== 'string') {
    throw new Damage('its variant is not text');
  }
  if (state !== 'importing' && state !== 'complete') throw new Damage('its state is unknown');
  for (const name of ['createdAt', 'lastUsedAt']) {
    if (!isTime(record[name])) throw new Damage(`its ${name} is not a time`);
  }
  if (!isCount(record['version']) || record['version'] < 1) {
    throw new Damage('its version is not a count');
  }
  if (!isCount(formatVersion)) throw new Damage('its format has no valid version');
  const { chunkBytes } = record;
  if (
    !isCount(chunkBytes) ||
    chunkBytes < ALIGNMENT ||
    chunkBytes > MAX_CHUNK_BYTES ||
    chunkBytes % ALIGNMENT !== 0
  ) {
    throw new Damage('its chunk length is not valid');
  }
  const chunks = checkChunks(record['chunks'], chunkBytes, state === 'complete');
  const stored = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const kept = checkTail(record['tail'], chunkBytes);
  if (record['totalBytes'] !== stored && record['totalBytes'] !== stored + kept) {
    throw new Damage('its chunks do not add up');
  }
  const tensors = checkTensors(record['tensors'], { chunks, chunkBytes, stored }, state);
  const { chunks: _, tensors: __, ...rest } = record;
  checkDepth(rest, MOST_LEVELS);
  // Fields that this release does not know stay as they are.
  return { metadata: null, ...record, tensors } as unknown as CheckpointRecord;
}

function checkChunks(value: unknown, chunkBytes: number, isComplete: boolean): StoredChunk[] {
  if (!Array.isArray(value)) throw new Damage('its list of chunks is missing');
  const list: readonly unknown[] = value;
  const chunks: StoredChunk[] = [];
  // A loop, since it ends at the first hole of a list that claims to be very long.
  for (const [index, each] of list.entries()) {
    const { hash, byteLength } = fieldsOf(each, `chunk ${index}`);
    if (!isHash(hash)) throw new Damage(`chunk ${index} has no valid hash`);
    const isLast = isComplete && index === list.length - 1;
    const isFit = isLast ? isCount(byteLength) && byteLength > 0 : byteLength === chunkBytes;
    if (!isFit || !isCount(byteLength) || byteLength > chunkBytes) {
      throw new Damage(`chunk ${index} has no valid length`);
    }
    chunks.push({ hash, byteLength });
  }
  return chunks;
}

/** @returns Bytes of the tail. */
function checkTail(value: unknown, chunkBytes: number): number {
  if (value === undefined) return 0;
  const { hash, byteLength, at } = fieldsOf(value, 'its tail');
  if (!isHash(hash) || !isCount(at) || !isCount(byteLength) || byteLength >= chunkBytes) {
    throw new Damage('its tail is not valid');
  }
  return byteLength;
}

interface Stream {
  readonly chunks: readonly StoredChunk[];
  readonly chunkBytes: number;
  /** Bytes of all chunks. */
  readonly stored: number;
}

function checkTensors(
  value: unknown,
  stream: Stream,
  state: CheckpointRecord['state'],
): CheckpointRecord['tensors'] {
  const tensors = new Map<string, unknown>();
  const entries: unknown = value instanceof Map ? [...(value as Map<unknown, unknown>)] : value;
  if (!Array.isArray(entries)) throw new Damage('its list of tensors is missing');
  let position = 0;
  for (const entry of entries as unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 2) throw new Damage('a tensor has no name');
    const [name, tensor] = entry as [unknown, unknown];
    if (typeof name !== 'string' || tensors.has(name)) {
      throw new Damage('two tensors have the same name, or one has none');
    }
    const { parts, ...spec } = fieldsOf(tensor, `tensor ${name}`);
    checkSpec(name, spec);
    if (!Array.isArray(parts)) throw new Damage(`tensor ${name} has no parts`);
    const names = new Set<unknown>();
    for (const part of parts as unknown[]) {
      position = checkPart(name, part, position, stream);
      names.add((part as Fields)['name']);
    }
    if (names.size !== parts.length) throw new Damage(`two parts of ${name} have the same name`);
    tensors.set(name, tensor);
  }
  const isCovered = state === 'complete' ? position === stream.stored : position >= stream.stored;
  if (!isCovered) throw new Damage('its tensors do not fill its chunks');
  return tensors as CheckpointRecord['tensors'];
}

function checkSpec(key: string, { name, storage, dtype, shape }: Fields): void {
  if (name !== key) throw new Damage(`tensor ${key} has another name inside`);
  if (typeof storage !== 'string' || typeof dtype !== 'string') {
    throw new Damage(`tensor ${key} has no valid type`);
  }
  if (!Array.isArray(shape)) throw new Damage(`tensor ${key} has no valid shape`);
  for (const dim of shape as unknown[]) {
    if (!isCount(dim)) throw new Damage(`tensor ${key} has no valid shape`);
  }
}

/** Walks the stream as the writer did. @returns Where the part ends in it. */
function checkPart(tensor: string, value: unknown, before: number, stream: Stream): number {
  const { name, byteLength, location } = fieldsOf(value, `a part of ${tensor}`);
  if (typeof name !== 'string' || !isCount(byteLength) || !Array.isArray(location)) {
    throw new Damage(`a part of ${tensor} is not valid`);
  }
  const { chunks, chunkBytes, stored } = stream;
  let at = Math.ceil(before / ALIGNMENT) * ALIGNMENT;
  const end = at + byteLength;
  if (!Number.isSafeInteger(end)) throw new Damage(`${tensor} (${name}) is too long`);
  const slices: readonly unknown[] = location;
  let count = 0;
  for (; at < Math.min(end, stored); count++) {
    const offset = at % chunkBytes;
    const length = Math.min(end - at, chunkBytes - offset);
    const hash = chunks[Math.floor(at / chunkBytes)]?.hash;
    if (hash === undefined || !isSlice(slices[count], { hash, offset, length })) {
      throw new Damage(`${tensor} (${name}) is not where its size puts it`);
    }
    at += length;
  }
  if (slices.length !== count)
    throw new Damage(`${tensor} (${name}) is not where its size puts it`);
  return end;
}

function isSlice(value: unknown, { hash, offset, length }: ChunkSlice): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const slice = value as Fields;
  return slice['hash'] === hash && slice['offset'] === offset && slice['length'] === length;
}

function checkDepth(value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw new Damage('its values are nested too deeply');
  for (const each of Object.values(value)) checkDepth(each, levels - 1);
}

function fieldsOf(value: unknown, what: string): Fields {
  if (!isRecord(value)) throw new Damage(`${what} is not an object`);
  return value;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(new Date(value).getTime());
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a list of stored models can still say about it. */
function remains(value: unknown): Omit<DamagedRecord, 'id' | 'state' | 'problem'> {
  if (typeof value !== 'object' || value === null) return {};
  const { source, format, variant, lastUsedAt, totalBytes, chunks, tail } = value as Fields;
  const named: readonly unknown[] = [...(Array.isArray(chunks) ? firstOf(chunks) : []), tail];
  const hashes = named
    .map((each) => (each as Fields | null | undefined)?.['hash'])
    .filter((hash) => isHash(hash));
  return {
    ...(typeof source === 'string' ? { source } : {}),
    ...(typeof format === 'string' ? { format } : {}),
    ...(typeof variant === 'string' ? { variant } : {}),
    ...(isTime(lastUsedAt) ? { lastUsedAt } : {}),
    ...(isCount(totalBytes) ? { totalBytes } : {}),
    ...(Array.isArray(chunks) && chunks.length === 0 ? { hashes } : withHashes(hashes)),
  };
}

/** A list's entries up to its first hole. */
function firstOf(list: readonly unknown[]): unknown[] {
  const found: unknown[] = [];
  for (const [index, each] of list.entries()) {
    if (!(index in list)) break;
    found.push(each);
  }
  return found;
}

function withHashes(hashes: readonly string[]): Pick<DamagedRecord, 'hashes'> {
  return hashes.length > 0 ? { hashes: [...new Set(hashes)] } : {};
}
