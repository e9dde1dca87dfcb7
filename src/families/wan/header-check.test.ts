import { describe, expect, test } from 'vitest';
import { headedFile, MemorySource } from '../../testing/memory-source.ts';
import { headerOf, tinyFiles, tinyNeeds, tinyWan } from '../../testing/tiny-wan.ts';
import { openCheckpoint } from '../open-checkpoint.ts';
import { openTransformer } from './components.ts';
import { countBlocks } from './header-check.ts';

const TRANSFORMER = 'transformer/config.json';

function openEdited(file: string, field: string, value: unknown): Promise<unknown> {
  return openCheckpoint(new MemorySource(tinyFiles({ [file]: { [field]: value } })));
}

describe('a configuration is held against the header before anything is built', () => {
  test.each([
    [TRANSFORMER, 'num_layers', 1e9, 'says 1000000000 for num_layers, but the weights hold 2'],
    [TRANSFORMER, 'num_layers', 3, 'says 3 for num_layers, but the weights hold 2'],
    ['text_encoder/config.json', 'num_layers', 1e15, 'but the weights hold 2'],
    ['vae/config.json', 'num_res_blocks', 1e6, 'for num_res_blocks, but the weights hold 1'],
    [TRANSFORMER, 'ffn_dim', 100000, 'shape [24, 16], expected [100000, 16]'],
    [TRANSFORMER, 'attention_head_dim', 60000, 'expected [120000, 4, 1, 2, 2]'],
    [TRANSFORMER, 'patch_size', [16, 16, 16], 'expected [16, 4, 16, 16, 16]'],
    [TRANSFORMER, 'freq_dim', 100000, 'expected [16, 100000]'],
    ['vae/config.json', 'base_dim', 16384, 'expected [32768, 4, 3, 3, 3]'],
    ['vae/config.json', 'dim_mult', [1, 64], 'expected [256, 4, 3, 3, 3]'],
    ['text_encoder/config.json', 'vocab_size', 16000000, 'expected [16000000, 8]'],
    ['text_encoder/config.json', 'd_kv', 100000, 'expected [200000, 8]'],
    ['text_encoder/config.json', 'relative_attention_num_buckets', 64, 'expected [64, 2]'],
  ])('%s: %s of %s', async (file, field, value, message) => {
    const started = performance.now();
    await expect(openEdited(file, field, value)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(message),
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('hundreds of blocks are refused even if the header has them', async () => {
    const { needs } = tinyNeeds();
    const blocks = Array.from({ length: 300 }, (_, block) =>
      needs.transformer
        .filter(({ name }) => name.startsWith('blocks.0.'))
        .map((need) => ({ ...need, name: need.name.replace('blocks.0.', `blocks.${block}.`) })),
    ).flat();
    const outer = needs.transformer.filter(({ name }) => !name.startsWith('blocks.'));
    const files = new Map(tinyWan());
    files.set('transformer/diffusion_pytorch_model.safetensors', headerOf([...outer, ...blocks]));
    const edited = tinyFiles({ [TRANSFORMER]: { num_layers: 300 } }, files);
    await expect(openCheckpoint(new MemorySource(edited))).rejects.toThrow(
      'says 300 for num_layers, more than the 256 that are supported',
    );
  });

  test('and so is what is derived from the shapes of a single file', async () => {
    const { header, dataBytes } = headerOf([
      ...tinyNeeds().needs.transformer,
      {
        name: 'blocks.999999999.x',
        tensor: { file: '', dtype: 'F32', shape: [1], start: 0, end: 4 },
      },
    ]);
    const path = 'model.safetensors';
    const files = new Map([[path, headedFile(JSON.stringify(header), dataBytes)]]);
    // Sixteen wide is no head of 128: what a count of a billion blocks would have come to is never asked.
    await expect(openTransformer({ source: new MemorySource(files), path })).rejects.toThrow(
      '16 wide, which is no number of heads of 128',
    );
  });

  test('blocks are counted by the numbers that there are, not by the largest', () => {
    const names = ['blocks.0.a', 'blocks.0.b', 'blocks.7.a', 'blocks.999999999.a', 'blocks.x.a'];
    expect(countBlocks(names, 'blocks.')).toBe(3);
    expect(countBlocks([], 'blocks.')).toBe(0);
    const many = Array.from({ length: 200_000 }, (_, i) => `blocks.${i}.a`);
    expect(countBlocks(many, 'blocks.')).toBe(200_000);
  });
});

test('a sampler that is not supported is refused before anything is fetched', async () => {
  const file = 'scheduler/scheduler_config.json';
  await expect(openEdited(file, '_class_name', 'constructor')).rejects.toMatchObject({
    code: 'model-format',
    message: expect.stringContaining('_class_name is "constructor", which is not supported'),
  });
  await expect(openEdited(file, 'flow_shift', 1e300)).rejects.toThrow('flow_shift is 1e+300');
});

describe('defaults of a checkpoint', () => {
  test.each([
    ['height', 17, 'not a multiple of 4'],
    ['height', 1e9, 'not a whole number from 4 to 4096'],
    ['numFrames', 0, 'not a whole number from 1 to'],
    ['numInferenceSteps', 1e9, 'not a whole number from 1 to 1000'],
    ['guidanceScale', 1e300, 'not a number from 0 to 100'],
    ['frameRate', 1e300, 'not a number from 1 to 240'],
    ['maxSequenceLength', 1e9, 'not a whole number from 1 to 512'],
    ['constructor', 1, 'constructor is not a setting'],
    ['latentColours', { pixels: 1e9 }, 'latentColours has no row'],
  ])('are checked as the options of a request are: %s of %s', async (field, value, message) => {
    await expect(openEdited('zoetrope.json', field, value)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(message),
    });
  });

  test('are the nearest to those of all Wans that the model can make', async () => {
    const files = tinyFiles();
    files.delete('zoetrope.json');
    const { defaults } = await openCheckpoint(new MemorySource(files));
    expect(defaults).toMatchObject({ width: 832, height: 480, numFrames: 81 });
  });
});
