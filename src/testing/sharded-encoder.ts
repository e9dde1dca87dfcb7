/** @file The bundled model with its text encoder in two files. */
import { type ServedFile, servedBytes } from './hub-server-send.ts';
import { encodeSafetensors, readSafetensorsFile } from './safetensors-file.ts';

const ENCODER = 'text_encoder/model.safetensors';

/** @param i 1 or 2. */
export function shardName(i: number): string {
  return `model-0000${i}-of-00002.safetensors`;
}

/** @param files Of the bundled model. */
export async function shardEncoder(
  files: ReadonlyMap<string, ServedFile>,
): Promise<Map<string, ServedFile>> {
  const all = [...(await readSafetensorsFile(`models/pocket/${ENCODER}`))];
  const half = Math.ceil(all.length / 2);
  const index = {
    weight_map: Object.fromEntries(all.map(([name], i) => [name, shardName(i < half ? 1 : 2)])),
  };
  const sharded = new Map(files);
  sharded.delete(ENCODER);
  const text = new TextEncoder().encode(JSON.stringify(index));
  sharded.set(`${ENCODER}.index.json`, servedBytes(text, 'index.json'));
  for (const [i, shard] of [all.slice(0, half), all.slice(half)].entries()) {
    const bytes = encodeSafetensors(new Map(shard));
    sharded.set(`text_encoder/${shardName(i + 1)}`, servedBytes(bytes, ENCODER));
  }
  return sharded;
}
