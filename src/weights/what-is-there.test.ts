import { describe, expect, test } from 'vitest';
import { headedFile, type MemoryFiles, MemorySource } from '../testing/memory-source.ts';
import { ComponentFiles } from './component.ts';
import type { FileSource } from './source.ts';
import { missingIndex } from './what-is-there.ts';

const tensor = (name: string, dtype = 'F32'): string =>
  JSON.stringify({ [name]: { dtype, shape: [1], data_offsets: [0, dtype === 'F32' ? 4 : 2] } });
const file = (name: string, dtype = 'F32') =>
  headedFile(tensor(name, dtype), dtype === 'F32' ? 4 : 2);

const source = (files: MemoryFiles): MemorySource => new MemorySource(files, 'place');

/** As a server, which does not list its files. */
function unlisted(files: MemoryFiles): FileSource {
  const listed = source(files);
  return {
    name: listed.name,
    readText: (path) => listed.readText(path),
    exists: (path) => listed.exists(path),
    size: (path) => listed.size(path),
    revision: () => listed.revision(),
    read: (path, start, end) => listed.read(path, start, end),
  };
}

const open = (at: FileSource): Promise<ComponentFiles> =>
  ComponentFiles.open(at, 'transformer', { stem: 'diffusion_pytorch_model' });

const shard = (i: number): string => `diffusion_pytorch_model-0000${i}-of-00003.safetensors`;

const failure = (...paths: string[]): Promise<Error> =>
  missingIndex(source(new Map(paths.map((path) => [path, '']))), '', 'model_index.json');

const STEM = 'transformer/diffusion_pytorch_model';

describe('weights that are missing: what is there is named', () => {
  test.each([
    [`${STEM}.bin`, 'There is diffusion_pytorch_model.bin, a PyTorch pickle', '-Diffusers'],
    [`${STEM}.bin.index.json`, 'There is diffusion_pytorch_model.bin, a PyTorch', '-Diffusers'],
    ['transformer/pytorch_model.bin', 'There is pytorch_model.bin, a PyTorch pickle', '-Diffusers'],
    ['transformer/model.onnx', 'There is model.onnx, an ONNX export', '.safetensors'],
    ['transformer/flax_model.msgpack', 'There is flax_model.msgpack, a file', 'PyTorch'],
    ['transformer/tf_model.h5', 'There is tf_model.h5, an HDF5 file', 'PyTorch'],
    [`${STEM}-00001-of-00003.safetensors`, 'is without an index', '.safetensors.index.json'],
  ])('%s', async (path, message, hint) => {
    const files = new Map([[path, '{}']]);
    for (const at of [source(files), unlisted(files)]) {
      await expect(open(at)).rejects.toMatchObject({
        code: 'model-format',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      });
      await expect(open(at)).rejects.toThrow(`place has no file ${STEM}.safetensors`);
    }
  });

  test('of any name, where the files are listed', async () => {
    const gguf = new Map([['transformer/wan-Q8_0.gguf', 'GGUF']]);
    await expect(open(source(gguf))).rejects.toThrow('There is wan-Q8_0.gguf, a GGUF file');
    const other = new Map([['transformer/wan.safetensors', file('a')]]);
    await expect(open(source(other))).rejects.toMatchObject({
      message: expect.stringContaining('What is there is wan.safetensors'),
      hint: expect.stringContaining('path of the file itself'),
    });
  });

  test('shards that the index lists', async () => {
    const weight_map = { a: shard(1), b: shard(2), c: shard(3) };
    const files = new Map<string, string | ReturnType<typeof file>>([
      [`${STEM}.safetensors.index.json`, JSON.stringify({ weight_map })],
      [`transformer/${shard(1)}`, file('a')],
    ]);
    await expect(open(source(files))).rejects.toMatchObject({
      code: 'model-format',
      message: `place has no file transformer/${shard(2)} and 1 more, which ${STEM}.safetensors.index.json lists: 2 of its 3 shards are missing.`,
      hint: expect.stringContaining('not downloaded completely'),
    });
    files.set(`transformer/${shard(3)}`, file('c'));
    await expect(open(source(files))).rejects.toThrow('1 of its 3 shards is missing');
  });
});

describe('a folder that is no model', () => {
  test.each([
    [['pytorch_lora_weights.safetensors'], 'it is a LoRA', '--lora'],
    [['adapter_config.json', 'adapter_model.bin'], 'it is a LoRA', '--lora'],
    [['Wan/model_index.json', 'Wan/x.bin'], 'has no file model_index.json', 'its folder Wan'],
    [['wan-Q8_0.gguf', 'README.md'], 'There is wan-Q8_0.gguf, a GGUF file', '.safetensors'],
    [
      ['Wan2.1_VAE.pth', 'models_t5.pth'],
      'Wan2.1_VAE.pth (and 1 more like it), a PyTorch',
      '-Diff',
    ],
    [['wan.safetensors'], 'What is there is wan.safetensors', 'as transformer, vae or'],
    [['README.md'], 'has no file model_index.json.', 'Check the model'],
  ])('is named: %j', async (paths, message, hint) => {
    expect(await failure(...paths)).toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });
});
