import { describe, expect, test } from 'vitest';
import { openFile, openSource } from './open-source.ts';
import { parseReference, resolveReference } from './reference.ts';

function pathFile(path: string): { path: string; file: File } {
  return { path, file: new File([], path) };
}

const BASE = 'https://page.example/app/';

describe('a reference', () => {
  test.each([
    ['Wan-AI/Wan2.1', { repository: 'Wan-AI/Wan2.1', revision: undefined, path: '' }],
    ['a/b@v1.0', { repository: 'a/b', revision: 'v1.0', path: '' }],
    ['a/b@refs/pr/3/x', { repository: 'a/b', revision: 'refs/pr/3', path: 'x' }],
    [
      'a/b/sub/c.safetensors',
      { repository: 'a/b', revision: undefined, path: 'sub/c.safetensors' },
    ],
    ['https://huggingface.co/a/b', { repository: 'a/b', revision: undefined, path: '' }],
    ['https://huggingface.co/a/b/tree/v1/x', { repository: 'a/b', revision: 'v1', path: 'x' }],
    [
      'https://huggingface.co/a/b/blob/main/c%20d.safetensors',
      { repository: 'a/b', revision: 'main', path: 'c d.safetensors' },
    ],
  ])('%s is of the hub', (text, expected) => {
    expect(parseReference(text)).toEqual({ kind: 'hub', ...expected });
  });

  test.each([
    ['https://cdn.example/x', 'https://cdn.example/x'],
    ['./models/pocket', 'https://page.example/app/models/pocket'],
    ['../pocket', 'https://page.example/pocket'],
    ['/pocket', 'https://page.example/pocket'],
  ])('%s is an address', (text, href) => {
    expect(parseReference(text, { base: BASE })).toMatchObject({ kind: 'url', url: { href } });
    expect(resolveReference(text, BASE)).toBe(href);
  });

  test.each([
    '',
    'pocket',
    'models/',
    'a/b@',
    'a b/c',
    'a/b/../../c',
    'ftp://x/y',
    'javascript:alert(1)',
    'file:///etc/passwd',
    '//[',
    'https://',
    'owner/na me',
  ])('“%s” is refused with what to write instead', (text) => {
    expect(() => parseReference(text, { base: BASE })).toThrow(
      expect.objectContaining({ code: 'invalid-argument', hint: expect.stringMatching(/\w{3}/) }),
    );
  });

  test('that is relative needs a page', () => {
    expect(() => openSource('./x')).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

test('two revisions contradict each other; the same twice does not', () => {
  expect(openSource('a/b@v1', { revision: 'v1' }).name).toBe('a/b');
  expect(openSource('a/b', { revision: 'v2' }).name).toBe('a/b');
  for (const reference of ['a/b@v1', 'https://x.example/y']) {
    expect(() => openSource(reference, { revision: 'v2' })).toThrow(/revision/);
  }
});

describe('a file', () => {
  test.each([
    ['a/b/x/y.safetensors', 'a/b/x', 'y.safetensors'],
    ['a/b@v1/y.safetensors', 'a/b', 'y.safetensors'],
    ['https://x.example/z/y.safetensors?sign=1', 'https://x.example/z/', 'y.safetensors'],
    ['a/b', 'a/b', ''],
  ])('%s is in a folder', (reference, name, path) => {
    const opened = openFile(reference);
    expect([opened.source.name, opened.path]).toEqual([name, path]);
  });

  test('of a folder that was picked is the only one there is', () => {
    const one = { name: 'loras', files: [pathFile('a/x.safetensors'), pathFile('readme.md')] };
    expect(openFile(one).path).toBe('a/x.safetensors');
    expect(openFile({ ...one, files: [...one.files, pathFile('y.safetensors')] }).path).toBe('');
  });
});

describe('files of a folder', () => {
  const source = openSource({
    name: 'mine',
    files: [{ path: 'a/data', file: new File(['hello'], 'data', { lastModified: 7 }) }],
  });

  test('are read by ranges, and known by length and time', async () => {
    let counted = 0;
    const onBytes = (bytes: number): void => void (counted += bytes);
    expect(new TextDecoder().decode(await source.read('a/data', 1, 4, { onBytes }))).toBe('ell');
    expect(counted).toBe(3);
    expect(await source.readText('a/data')).toBe('hello');
    expect([await source.size('a/data'), await source.revision('a/data')]).toEqual([5, '7 5']);
    expect([await source.exists('a/data'), await source.exists('data')]).toEqual([true, false]);
  });

  test('that are not there, too short or changed are named', async () => {
    await expect(source.size('b')).rejects.toMatchObject({ code: 'model-format' });
    await expect(source.read('a/data', 3, 9)).rejects.toThrow(
      /a\/data of folder:mine ends 4 bytes/,
    );
    const gone = new File([], 'x');
    const slice = { arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) };
    gone.slice = () => slice as unknown as Blob;
    const changed = openSource({ name: 'mine', files: [{ path: 'x', file: gone }] });
    await expect(changed.read('x', 0, 1)).rejects.toThrow(/x of folder:mine has changed/);
  });
});
