/** @file Safetensors files made or changed for a test. Node only. */
import { readFile, writeFile } from 'node:fs/promises';

export interface FileTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The file's bytes, tensors in the order given. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, FileTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = [...tensors].map(([name, { dtype, shape, data }]) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  });
  const header = {
    ...(metadata ? { __metadata__: metadata } : {}),
    ...Object.fromEntries(entries),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const { data } of tensors.values()) {
    bytes.set(data, at);
    at += data.byteLength;
  }
  return bytes;
}

export async function readSafetensorsFile(path: string): Promise<Map<string, FileTensor>> {
  const file = await readFile(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(file.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [name, { dtype, shape, data: file.subarray(start + from, start + to) }],
    ),
  );
}

/** Writes the file anew with other tensors. */
export async function editSafetensorsFile(
  path: string,
  edit: (tensors: Map<string, FileTensor>) => void,
): Promise<void> {
  const tensors = await readSafetensorsFile(path);
  edit(tensors);
  await writeFile(path, encodeSafetensors(tensors));
}

export function floats(...values: readonly number[]): FileTensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { dtype: 'F32', shape: [values.length], data };
}
