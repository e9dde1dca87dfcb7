import { describe, expect, test } from 'vitest';
import { type HeadedFile, MemorySource } from '../testing/memory-source.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { isWeightsFile } from './what-is-it.ts';

const encode = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A local header of a ZIP archive, as `torch.save` writes the first. */
const zip = (name: string): string =>
  `PK\x03\x04${'\0'.repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}`;

function refusal(head: string, path: string, size = 5000): Promise<unknown> {
  const file: HeadedFile = { head: encode(head), size: Math.max(size, head.length) };
  const source = new MemorySource(new Map([[path, file]]), 'place');
  return readSafetensorsHeader(source, path).catch((error: unknown) => error);
}

describe('a file instead of safetensors is named', () => {
  const lfs = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 5676070424\n`;
  const html = `<!DOCTYPE html>\n<html><head><title>\n Sign in </title></head></html>`;
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>`;
  test.each([
    ['GGUF', 'GGUF\x03\0\0\0', 'x.safetensors', 'a GGUF file', 'q8 or q4'],
    ['GGUF before', 'tjgg\x03\0\0\0', 'x.bin', 'a GGUF file', 'q8 or q4'],
    ['PyTorch', zip('archive/data.pkl'), 'x.pth', 'a PyTorch pickle', '-Diffusers'],
    [
      'PyTorch under another name',
      zip('Wan2.1_VAE/data.pkl'),
      'x.safetensors',
      'a PyTorch pickle',
      '-Diffusers',
    ],
    [
      'old PyTorch',
      '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.',
      'x.ckpt',
      'a PyTorch pickle',
      '-Diffusers',
    ],
    ['an archive', zip('model/model.safetensors'), 'x.safetensors', 'a packed archive', 'Unpack'],
    ['gzip', '\x1F\x8B\x08\0', 'x.safetensors', 'a packed archive', 'Unpack'],
    ['HDF5', '\x89HDF\r\n\x1a\n', 'x.safetensors', 'HDF5', 'PyTorch'],
    ['NumPy', '\x93NUMPY\x01\0', 'x.npy', 'NumPy', '.safetensors'],
    ['Flax', '\x82\xa6params\x81', 'x.msgpack', 'JAX', 'PyTorch'],
    ['ONNX', '\x08\x08\x12\x07pytorch', 'x.onnx', 'ONNX', '.safetensors'],
    ['a picture', '\x89PNG\r\n\x1a\n', 'x.safetensors', 'a picture', '.safetensors'],
    [
      'an LFS pointer',
      lfs,
      'x.safetensors',
      'Git LFS pointer, which only stands for the file (of 5.7 GB)',
      'git lfs pull',
    ],
    ['a page', html, 'x.safetensors', 'a web page (“Sign in”)', 'browser tab'],
    [
      'a page without a title',
      '<html><body>x</body></html>',
      'x.safetensors',
      'a web page.',
      'browser tab',
    ],
    ['an error of S3', xml, 'x.safetensors', 'says “AccessDenied”', 'expired'],
    ['zeros', '\0'.repeat(80), 'x.safetensors', 'filled with zeros', 'has not finished'],
  ])('%s', async (_, head, path, what, hint) => {
    expect(await refusal(head, path)).toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(`${path} of place is `),
      hint: expect.stringContaining(hint),
    });
    expect(await refusal(head, path)).toHaveProperty('message', expect.stringContaining(what));
    // As short as it is, too.
    const short = await refusal(head, path, head.length);
    expect(short).toHaveProperty('message', expect.stringContaining(what));
  });

  test('if it is empty', async () => {
    expect(await refusal('', 'x.safetensors', 0)).toMatchObject({
      message: 'x.safetensors of place is empty (0 bytes).',
      hint: expect.stringContaining('get the file again'),
    });
  });

  test('but what is not known is only said to be damaged', async () => {
    expect(await refusal('\x01\x02\x03\x04\x05\x06\x07\x08', 'x.safetensors')).toMatchObject({
      message: expect.stringContaining('its header claims'),
    });
  });
});

test.each([
  ['a/x.safetensors', true],
  ['x.GGUF', true],
  ['Wan2.1_VAE.pth', true],
  ['Wan-AI/Wan2.1-T2V-1.3B', false],
  ['models/pocket.v2', false],
])('a path with weights is known from a folder by its name: %s', (path, expected) => {
  expect(isWeightsFile(path)).toBe(expected);
});
