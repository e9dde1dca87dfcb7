import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors, type FileTensor, floats } from '../testing/safetensors-file.ts';
import { openFile, openSource } from '../weights/open-source.ts';
import { LoneFile } from '../weights/lone-file.ts';
import { NodeFolderSource } from '../weights/node-source.ts';
import type { FilesAt } from '../weights/source.ts';
import { openCheckpoint } from './open-checkpoint.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrong-files-'));
  const write = (name: string, ...tensors: string[]): Promise<void> => {
    const content = new Map(tensors.map((tensor): [string, FileTensor] => [tensor, floats(1)]));
    return writeFile(join(folder, name), encodeSafetensors(content));
  };
  await writeFile(join(folder, 'wan-Q8_0.gguf'), 'GGUF\x03\0\0\0');
  await writeFile(join(folder, 'vae.pth'), '\x80\x02}q\0.'.padEnd(40, '\0'), 'latin1');
  await write('everything.safetensors', 'model.diffusion_model.patch_embedding.weight', 'vae.x');
  await write('transformer.safetensors', 'patch_embedding.weight', 'head.head.weight');
  await write('vae.safetensors', 'decoder.head.2.weight', 'conv1.weight');
  await write('umt5.safetensors', 'token_embedding.weight', 'blocks.0.attn.q.weight');
  await write(
    'lora.safetensors',
    'blocks.0.self_attn.q.lora_A.weight',
    'blocks.0.self_attn.q.lora_B.weight',
  );
  await write(
    'flux.safetensors',
    'lora_unet_double_blocks_0_img_mlp_0.lora_down.weight',
    'lora_unet_double_blocks_0_img_mlp_0.lora_up.weight',
  );
  await write('image.safetensors', 'patch_embedding.weight', 'img_emb.proj.0.weight');
});

afterAll(() => rm(folder, { recursive: true }));

const place = (name: string): FilesAt => ({ source: new NodeFolderSource(folder), path: name });
const base = new NodeFolderSource('models/pocket');

const causes: readonly (readonly [name: string, what: string])[] = [
  ['wan-Q8_0.gguf', 'is a GGUF file'],
  ['vae.pth', 'is a PyTorch pickle'],
  ['everything.safetensors', 'is a whole'],
  ['transformer.safetensors', 'is the transformer of a Wan'],
  ['vae.safetensors', 'is the decoder (VAE) of a Wan'],
  ['umt5.safetensors', 'is umT5'],
  ['lora.safetensors', 'is a LoRA for Wan'],
  ['flux.safetensors', 'is a LoRA for Flux'],
  ['image.safetensors', 'is the transformer of a Wan image-to-video'],
];

describe.each(causes)('%s', (name, what) => {
  test.each(['transformer', 'vae', 'text_encoder'] as const)('is named as the %s', async (part) => {
    // What it is rightly has other checks.
    if (name.startsWith(part.replace('text_encoder', 'umt5'))) return;
    const opening = openCheckpoint(base, { components: { [part]: place(name) } });
    await expect(opening).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(`${name} of ${folder} ${what}`),
    });
  });

  test('is named as a LoRA', async () => {
    if (name === 'lora.safetensors') return;
    const opening = openCheckpoint(base, { loras: [{ ...place(name), scale: 1 }] });
    await expect(opening).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(`${name} of ${folder} ${what}`),
    });
  });

  test('is named as a model', async () => {
    const { source, path } = place(name);
    const opening = openCheckpoint(new LoneFile(source, path));
    await expect(opening).rejects.toMatchObject({ code: 'model-format' });
    await expect(opening).rejects.toThrow(what);
  });
});

test('a reference to a file is a part, or a model that says what it is', () => {
  for (const text of [
    'https://somewhere/models/x.gguf?key=1',
    'owner/name/folder/x.gguf',
    'https://huggingface.co/owner/name/resolve/main/x.gguf',
  ]) {
    expect(openFile(text).path).toBe('x.gguf');
    expect(openSource(text)).toBeInstanceOf(LoneFile);
    expect(openSource(text).name).not.toContain('?');
  }
  for (const text of ['owner/name.bin', 'https://somewhere/models/pocket', 'owner/name']) {
    expect(openFile(text).path).toBe('');
    expect(openSource(text)).not.toBeInstanceOf(LoneFile);
  }
});

test('files of a folder on the page are named, whichever weights they are', async () => {
  const bytes = await readFile(join(folder, 'wan-Q8_0.gguf'));
  const file = new File([bytes], 'wan-Q8_0.gguf');
  const at = openFile({ name: basename(folder), files: [{ path: file.name, file }] });
  expect(at.path).toBe('wan-Q8_0.gguf');
  await expect(openCheckpoint(base, { components: { vae: at } })).rejects.toThrow('a GGUF file');
  await expect(openCheckpoint(at.source)).rejects.toThrow('There is wan-Q8_0.gguf, a GGUF file');
});

test('a folder of a LoRA instead of a transformer is named', async () => {
  const lora = await mkdtemp(join(dirname(folder), 'lora-folder-'));
  await writeFile(join(lora, 'pytorch_lora_weights.safetensors'), '');
  const transformer = { source: new NodeFolderSource(lora), path: '' };
  const opening = openCheckpoint(base, { components: { transformer } });
  await expect(opening).rejects.toMatchObject({
    message: expect.stringContaining('it is a LoRA'),
    hint: expect.stringContaining('--lora'),
  });
  await rm(lora, { recursive: true });
});
