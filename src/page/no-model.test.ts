import { expect, test } from 'vitest';
import { encodeSafetensors, floats } from '../testing/safetensors-file.ts';
import { noModelIn } from './no-model.ts';

const chosen = (path: string, ...content: BlobPart[]) => ({
  path,
  file: new File(content, path.split('/').at(-1) ?? path),
});

test.each([
  ['wan-Q8_0.gguf', 'GGUF\x03\0\0\0', 'wan-Q8_0.gguf is a GGUF file'],
  ['Wan2.1_VAE.pth', new Uint8Array([0x80, 2, 0x7d]), 'Wan2.1_VAE.pth is a PyTorch pickle'],
  [
    'lora.safetensors',
    encodeSafetensors(new Map([['blocks.0.self_attn.q.lora_A.weight', floats(1)]])),
    'lora.safetensors is a LoRA for Wan; a model is a folder',
  ],
])('one file says what it is: %s', async (name, content, message) => {
  const error = (await noModelIn([chosen(name, content)])) as Error;
  expect(error.message).toContain(message);
  expect(error.message).not.toContain('folder:');
});

test.each([
  [
    ['comfy/wan.safetensors', 'comfy/notes.txt'],
    'comfy has no file model_index.json. What is there is wan.safetensors',
  ],
  [
    ['Wan/Wan2.1_VAE.pth', 'Wan/google/tokenizer.json'],
    'There is Wan2.1_VAE.pth, a PyTorch pickle',
  ],
  [['adapter/adapter_config.json', 'adapter/adapter_model.safetensors'], 'it is a LoRA'],
  [['photos/cat.jpg'], 'photos has no file model_index.json.'],
  [[], 'what was chosen has no file model_index.json.'],
])('a folder without a model says what it has: %j', async (paths, message) => {
  const error = await noModelIn(paths.map((path) => chosen(path, '')));
  expect(error).toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining(message),
  });
});
