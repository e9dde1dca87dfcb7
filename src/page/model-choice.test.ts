import { describe, expect, test } from 'vitest';
import { readModelChoice } from './model-choice.ts';

const BASE = 'http://localhost:5173/app/';

describe('a model is', () => {
  test('an entry of the catalogue, by id or source', () => {
    expect(readModelChoice('pocket', BASE)).toMatchObject({
      source: 'http://localhost:5173/app/models/pocket',
      entry: { id: 'pocket' },
      isRemote: false,
    });
    const wan = readModelChoice('wan2.1-t2v-1.3b', BASE);
    expect(wan).toMatchObject({ source: 'Wan-AI/Wan2.1-T2V-1.3B-Diffusers', isRemote: true });
    expect(readModelChoice('Wan-AI/Wan2.1-T2V-1.3B-Diffusers', BASE)).toEqual(wan);
  });

  test.each([
    ['someone/some-model', 'someone/some-model', 'https://huggingface.co/someone/some-model'],
    [
      ' someone/some.model@v1.0 ',
      'someone/some.model@v1.0',
      'https://huggingface.co/someone/some.model',
    ],
    ['https://huggingface.co/a/b', 'https://huggingface.co/a/b', 'https://huggingface.co/a/b'],
    [
      'https://huggingface.co/a/b/tree/main',
      'https://huggingface.co/a/b/tree/main',
      'https://huggingface.co/a/b',
    ],
  ])('a repository on the hub: %s', (text, source, page) => {
    expect(readModelChoice(text, BASE)).toEqual({ source, page, isRemote: true });
  });

  test.each([
    ['other', 'http://localhost:5173/app/models/other', false],
    ['/damaged/one', 'http://localhost:5173/damaged/one', false],
    ['./models/one', 'http://localhost:5173/app/models/one', false],
    ['http://localhost:5173/x', 'http://localhost:5173/x', false],
    ['https://example.org/model', 'https://example.org/model', true],
  ])('an address: %s', (text, source, isRemote) => {
    expect(readModelChoice(text, BASE)).toEqual({ source, isRemote });
  });

  test.each(['', 'owner/', 'a//b', 'a b/c', 'ftp://x/y', 'owner/na me', 'https://', '@owner/name'])(
    'not %j',
    (text) => {
      const read = (): unknown => readModelChoice(text, BASE);
      expect(read).toThrow(
        expect.objectContaining({
          code: 'invalid-argument',
          message: expect.stringMatching(/^model: /),
        }),
      );
    },
  );
});
