import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyValue, mutateRecord } from './mutate-record.ts';
import { type CheckpointRecord, encodeRecord, isDamaged, orphanChunks } from './record.ts';
import { decodeRecord, readRecord } from './record-check.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

/** As the first release writes them: two tensors in two chunks of 64 bytes and a rest. */
const RECORD: CheckpointRecord = {
  id: 'hub/model/transformer@1#q8',
  source: 'hub/model/transformer',
  revision: 'git:1',
  format: 'q8',
  chunkBytes: 64,
  state: 'complete',
  createdAt: 1,
  lastUsedAt: 2,
  totalBytes: 140,
  chunks: [
    { hash: A, byteLength: 64 },
    { hash: B, byteLength: 64 },
    { hash: C, byteLength: 12 },
  ],
  tensors: new Map([
    [
      'one',
      {
        name: 'one',
        storage: 'q8',
        dtype: 'F32',
        shape: [2, 50],
        parts: [
          {
            name: 'codes.0',
            byteLength: 100,
            location: [
              { hash: A, offset: 0, length: 64 },
              { hash: B, offset: 0, length: 36 },
            ],
          },
          {
            name: 'scales.0',
            byteLength: 16,
            location: [{ hash: B, offset: 48, length: 16 }],
          },
        ],
      },
    ],
    [
      '__proto__',
      {
        name: '__proto__',
        storage: 'source',
        dtype: 'F32',
        shape: [3],
        parts: [{ name: 'data.0', byteLength: 12, location: [{ hash: C, offset: 0, length: 12 }] }],
      },
    ],
  ]),
  metadata: null,
  version: 4,
};

const plain = (): Record<string, unknown> =>
  JSON.parse(encodeRecord(RECORD)) as Record<string, unknown>;

describe('a stored record', () => {
  test('of the first release is read as it is, from a database and from a file', () => {
    expect(readRecord(RECORD.id, structuredClone(RECORD))).toEqual(RECORD);
    expect(decodeRecord(RECORD.id, encodeRecord(RECORD))).toEqual(RECORD);
  });

  test('keeps fields that this release does not know', () => {
    const later = { ...RECORD, verifiedFiles: ['a'] };
    expect(readRecord(RECORD.id, later)).toEqual(later);
  });

  test('with values nested so deeply that copying them would fail is damaged', () => {
    let metadata: unknown = null;
    for (let i = 0; i < 20_000; i++) metadata = { metadata };
    const deep = { ...plain(), metadata };
    expect(readRecord(RECORD.id, deep)).toMatchObject({
      state: 'damaged',
      problem: 'its values are nested too deeply',
    });
  });

  test('with one value changed is damaged, unless the value means nothing for the weights', () => {
    const harmless = new Set<string>();
    fc.assert(
      fc.property(fc.nat(500), anyValue, (place, value) => {
        const changed = mutateRecord(plain(), place, value);
        const read = readRecord(RECORD.id, changed);
        if (isDamaged(read)) {
          expect(read.id).toBe(RECORD.id);
          return;
        }
        for (const key of Object.keys(RECORD) as (keyof CheckpointRecord)[]) {
          if (JSON.stringify(toPlain(read)[key]) !== JSON.stringify(plain()[key]))
            harmless.add(key);
        }
        // Where bytes are does not depend on what can be changed unnoticed: names, types and shapes, which a model checks.
        expect(locations(read)).toEqual(locations(RECORD));
        expect(read.chunks).toEqual(RECORD.chunks);
      }),
      { numRuns: 4000 },
    );
    const known = ['source', 'revision', 'format', 'createdAt', 'lastUsedAt', 'metadata'];
    expect([...harmless].filter((key) => ![...known, 'tensors', 'version'].includes(key))).toEqual(
      [],
    );
  });

  test.each([
    ['null', null],
    ['text', 'record'],
    ['a list', []],
    ['of another id', { ...plain(), id: 'other' }],
    ['with a list of chunks that claims to be long', { ...plain(), chunks: holes() }],
    ['with a list of tensors that claims to be long', { ...plain(), tensors: holes() }],
    ['with a tensor twice', { ...plain(), tensors: twice(plain()['tensors']) }],
    ['with a tail as long as a chunk', { ...plain(), tail: { hash: A, byteLength: 64, at: 0 } }],
  ])('that is %s is damaged, at once', (_, value) => {
    const started = performance.now();
    expect(readRecord(RECORD.id, value)).toMatchObject({ id: RECORD.id, state: 'damaged' });
    expect(performance.now() - started).toBeLessThan(500);
  });

  test.each([0, 1, 100, 700])('cut short after %i characters still names its chunks', (length) => {
    const text = encodeRecord(RECORD).slice(0, length);
    const read = decodeRecord(RECORD.id, text);
    if (!isDamaged(read)) throw new Error('it is read');
    const named = [A, B, C].filter((hash) => text.includes(hash));
    expect(read.hashes ?? []).toEqual(named);
    // Without names any chunk may be its own.
    expect(orphanChunks([read], [A, 'd'])).toEqual(named.length === 0 ? [] : ['d']);
  });
});

function locations(record: CheckpointRecord): unknown {
  return [...record.tensors.values()].map(({ parts }) => parts.map(({ location }) => location));
}

function toPlain(record: CheckpointRecord): Record<string, unknown> {
  return JSON.parse(encodeRecord(record)) as Record<string, unknown>;
}

function holes(): unknown[] {
  const list: unknown[] = [];
  list.length = 4e9;
  return list;
}

function twice(list: unknown): unknown {
  return [...(list as unknown[]), ...(list as unknown[])];
}
