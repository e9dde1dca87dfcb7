import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WeightInput } from '../graph/types.ts';
import { ComponentFiles } from './component.ts';
import { bindWeight, toFloat32 } from './convert.ts';
import { NodeFolderSource } from './node-source.ts';
import { readSafetensorsHeader, type TensorEntry } from './safetensors.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
});

afterAll(() => rm(folder, { recursive: true }));

function file(header: string, dataBytes: number, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

async function read(bytes: Uint8Array): Promise<ReadonlyMap<string, TensorEntry>> {
  await writeFile(join(folder, 'x.safetensors'), bytes);
  return (await readSafetensorsHeader(new NodeFolderSource(folder), 'x.safetensors')).tensors;
}

const tensor = (dtype: unknown, shape: unknown, data_offsets: unknown): string =>
  JSON.stringify({ t: { dtype, shape, data_offsets } });

const crowd = (count: number): string => {
  const empty = { dtype: 'F32', shape: [0], data_offsets: [0, 0] };
  return JSON.stringify(
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, empty])),
  );
};

describe('a header is refused', () => {
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ['of an empty file', new Uint8Array(0), /0 bytes/],
    ['of seven bytes', new Uint8Array(7), /7 bytes/],
    ['of no length', new Uint8Array(8), /not JSON/],
    ['longer than its file', file('{}', 0, 3n), /3 bytes does not fit/],
    ['of two gigabytes', file('{}', 0, 2n ** 31n), /claims 2147483648/],
    ['of the largest length', file('{}', 0, 2n ** 64n - 1n), /claims/],
    ['that is not JSON', file('<html>', 8), /not JSON/],
    ['that is a list', file('[]', 8), /not an object/],
    ['that is null', file('null', 8), /not an object/],
    ['with a tensor that is null', file('{"t":null}', 8), /tensor t/],
    ['with no dtype', file(tensor(undefined, [2], [0, 8]), 8), /tensor t .*dtype/],
    ['with a negative dimension', file(tensor('F32', [-2], [0, 8]), 8), /tensor t .*shape/],
    ['with half a dimension', file(tensor('F32', [0.5], [0, 2]), 8), /tensor t .*shape/],
    [
      'with an element type that is a name of every object’s',
      file(tensor('constructor', [2], [0, 8]), 7),
      /cut short/,
    ],
    [
      'with a shape beyond exact numbers',
      file(tensor('F32', [2 ** 40, 2 ** 40], [0, 8]), 8),
      /claims 8 bytes/,
    ],
    ['with offsets beyond exact numbers', file(tensor('F32', [2], [0, 2 ** 60]), 8), /offsets/],
    [
      'with more tensors than any model',
      file(crowd(200_001), 0),
      /200001 tensors, more than 200000/,
    ],
    ['with one offset', file(tensor('F32', [2], [0]), 8), /tensor t .*offsets/],
    ['with offsets that run backwards', file(tensor('F32', [2], [8, 0]), 8), /tensor t/],
    ['with offsets that are too few bytes', file(tensor('F32', [3], [0, 8]), 8), /claims 8 bytes/],
    ['with offsets that are too many bytes', file(tensor('F16', [2], [0, 8]), 8), /claims 8 bytes/],
    ['with data that is cut short', file(tensor('F32', [2], [0, 8]), 7), /tensor t .*cut short/],
    [
      'with tensors that overlap',
      file(
        JSON.stringify({
          a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
        }),
        8,
      ),
      /b overlaps/,
    ],
    ['with a gap', file(tensor('F32', [1], [4, 8]), 8), /4 bytes before tensor t/],
    ['of fewer bytes than its file', file(tensor('F32', [1], [0, 4]), 8), /end at byte \d+ of \d+/],
    [
      'with offsets beyond its file',
      file(tensor('U8', [4], [2 ** 40, 2 ** 40 + 4]), 8),
      /tensor t/,
    ],
  ];
  test.each(cases)('%s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringMatching(message),
    });
  });
});

test('of a file that claims a header of two gigabytes and has them, only the beginning is read', async () => {
  await writeFile(join(folder, 'x.safetensors'), file('{}', 0, 2n ** 31n));
  await truncate(join(folder, 'x.safetensors'), 3 * 2 ** 30);
  const source = new NodeFolderSource(folder);
  const read = vi.spyOn(source, 'read');
  await expect(readSafetensorsHeader(source, 'x.safetensors')).rejects.toThrow(
    'x.safetensors of ' + folder + ': its header claims 2147483648 bytes',
  );
  expect(read.mock.calls.map(([, start, end]) => end - start)).toEqual([8, 1024]);
});

test('every valid header is read as it was written', async () => {
  const sizes = { F64: 8, I64: 8, F32: 4, BF16: 2, F16: 2, U8: 1 } as const;
  const dtypes = Object.keys(sizes) as (keyof typeof sizes)[];
  const tensors = fc.dictionary(
    fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
    fc.record({
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    }),
    { maxKeys: 6 },
  );
  await fc.assert(
    fc.asyncProperty(tensors, async (entries) => {
      let end = 0;
      const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
      for (const [name, { dtype, shape }] of Object.entries(entries)) {
        const start = end;
        end += shape.reduce((n, dim) => n * dim, sizes[dtype]);
        header[name] = { dtype, shape, data_offsets: [start, end] };
      }
      const bytes = file(JSON.stringify(header), end);
      const found = await read(bytes);
      expect(found.size).toBe(Object.keys(entries).length);
      for (const [name, entry] of Object.entries(entries)) {
        expect(found.get(name)).toMatchObject(entry);
      }
      const last = Math.max(0, ...[...found.values()].map((entry) => entry.end));
      expect(found.size === 0 || last === bytes.length).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test.each(['F64', 'I64', 'F8_E4M3', 'X9'])(
  'a tensor of %s may be there, but no weight may need it',
  async (dtype) => {
    const bytes = dtype === 'F8_E4M3' || dtype === 'X9' ? 1 : 8;
    await writeFile(join(folder, 'model.safetensors'), file(tensor(dtype, [1], [0, bytes]), bytes));
    const component = await ComponentFiles.open(new NodeFolderSource(folder), '');
    expect(component.tensors.get('t')?.dtype).toBe(dtype);
    expect(() => component.find('t', [1])).toThrow(
      `Tensor t in checkpoint of ${folder} has element type ${dtype}`,
    );
    expect(() => toFloat32('t', dtype, new Uint8Array(8))).toThrow(/element type/);
  },
);

function halves(...bits: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint16Array.from(bits).buffer);
}

describe('element types', () => {
  test('BF16 is the upper half of float32', () => {
    const bits = halves(0x0000, 0x8000, 0x3f80, 0xc040, 0x7f80, 0xff80, 0x7fc0, 0x0001);
    expect([...toFloat32('t', 'BF16', bits)]).toEqual([
      0,
      -0,
      1,
      -3,
      Infinity,
      -Infinity,
      Number.NaN,
      2 ** -133,
    ]);
  });

  test('F16 has subnormals, infinities, and 65504 at the most', () => {
    const bits = halves(0x0000, 0x8000, 0x3c00, 0x0001, 0x03ff, 0x0400, 0x7bff, 0xfc00, 0x7e00);
    expect([...toFloat32('t', 'F16', bits)]).toEqual([
      0,
      -0,
      1,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      65504,
      -Infinity,
      Number.NaN,
    ]);
  });

  test('float16 weights are rounded to the nearest even, and F16 is passed as it is', () => {
    const weight: WeightInput = {
      name: 'w',
      source: 'w',
      dtype: 'float16',
      shape: [4],
      sourceShape: [4],
      packing: 'none',
    };
    const floats = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 2 ** -25);
    expect([...bindWeight(weight, 'F32', new Uint8Array(floats.buffer))]).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0,
    ]);
    // Half way to the number after the largest: it would be infinite.
    const beyond = new Uint8Array(Float32Array.of(1, 1, 65520, 1).buffer);
    expect(() => bindWeight(weight, 'F32', beyond)).toThrow('too large for float16');
    expect([...bindWeight(weight, 'F16', halves(1, 2, 0x7e01, 4))]).toEqual([1, 2, 0x7e01, 4]);
  });

  test('a 3-D kernel is folded: time goes before channels', () => {
    const [O, C, T, H, W] = [2, 3, 2, 2, 1] as const;
    const weight: WeightInput = {
      name: 'w',
      source: 'w',
      dtype: 'float32',
      shape: [O, T * C, H, W],
      sourceShape: [O, C, T, H, W],
      packing: 'fold-time',
    };
    const source = Float32Array.from({ length: O * C * T * H * W }, (_, i) => i);
    const folded = bindWeight(weight, 'F32', new Uint8Array(source.buffer));
    let index = 0;
    for (let o = 0; o < O; o++) {
      for (let t = 0; t < T; t++) {
        for (let c = 0; c < C; c++) {
          for (let y = 0; y < H; y++) {
            expect(folded[index++]).toBe(((o * C + c) * T + t) * H + y);
          }
        }
      }
    }
  });
});
