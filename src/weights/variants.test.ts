import { describe, expect, test } from 'vitest';
import { type HeadedFile, headedFile, MemorySource } from '../testing/memory-source.ts';
import { ComponentFiles } from './component.ts';

function file(dtype: 'F32' | 'F16' | 'BF16'): HeadedFile {
  const bytes = dtype === 'F32' ? 4 : 2;
  return headedFile(JSON.stringify({ a: { dtype, shape: [1], data_offsets: [0, bytes] } }), bytes);
}

function open(files: ReadonlyMap<string, string | HeadedFile>): Promise<ComponentFiles> {
  const stem = 'diffusion_pytorch_model';
  return ComponentFiles.open(new MemorySource(files), 'transformer', { stem });
}

const STEM = 'transformer/diffusion_pytorch_model';

describe('files of a variant', () => {
  test.each([
    [['fp16', 'bf16'], 'F16'],
    [['bf16'], 'BF16'],
  ])('are opened where there are no plain ones, fp16 before bf16: %j', async (found, dtype) => {
    const files = new Map(
      found.map((variant) => [
        `${STEM}.${variant}.safetensors`,
        file(variant === 'fp16' ? 'F16' : 'BF16'),
      ]),
    );
    expect((await open(files)).tensors.get('a')).toMatchObject({ dtype });
    files.set(`${STEM}.safetensors`, file('F32'));
    expect((await open(files)).tensors.get('a')).toMatchObject({ dtype: 'F32' });
  });

  test.each([
    'diffusion_pytorch_model.fp16-00001-of-00001',
    'diffusion_pytorch_model-00001-of-00001.fp16',
  ])('are found by their index, in shards of either name: %s', async (name) => {
    const files = new Map<string, string | HeadedFile>([
      [
        `${STEM}.safetensors.index.fp16.json`,
        JSON.stringify({ weight_map: { a: `${name}.safetensors` } }),
      ],
      [`transformer/${name}.safetensors`, file('F16')],
    ]);
    expect((await open(files)).tensors.get('a')?.file).toBe(`transformer/${name}.safetensors`);
  });
});
