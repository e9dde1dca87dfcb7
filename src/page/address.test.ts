import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ADDRESS_FIELDS } from './address-fields.ts';
import { publicAddress } from './address.ts';
import { shownPlace } from './model-choice.ts';

const PAGE = 'https://page.example/app/';

describe('the address of the page', () => {
  test('fills in fields of the form, none of them a secret or a consent', async () => {
    const markup = await readFile('index.html', 'utf8');
    for (const id of ADDRESS_FIELDS) {
      const [field] =
        new RegExp(`<(?:input|select|textarea)\\s[^>]*\\bid="${id}"[^>]*>`).exec(markup) ?? [];
      expect([id, field]).toEqual([id, expect.any(String)]);
      if (id !== 'storage') {
        expect([id, field]).toEqual([
          id,
          expect.not.stringMatching(/type="(?:password|checkbox|radio|file)"/),
        ]);
      }
    }
    for (const id of ['token', 'remember-token', 'hub-url', 'folder', 'use-fast-decoder']) {
      expect(ADDRESS_FIELDS).not.toContain(id);
    }
  });

  test.each([
    ['?model=owner/name&lora=a/b:0.5&prompt=a?b@c', '?model=owner/name&lora=a/b:0.5&prompt=a?b@c'],
    ['?token=hf_secret&seed=1', '?seed=1'],
    ['?model=https://u:p@host/x&seed=1', '?model=https%3A%2F%2Fhost%2Fx&seed=1'],
    ['?vae=https://host/x%3Fsig=S', '?vae=https%3A%2F%2Fhost%2Fx'],
    ['?lora=https://u:p@host/x%3Fsig=S:0.5', '?lora=https%3A%2F%2Fhost%2Fx%3A0.5'],
    ['?lora=a/b:2&lora=https://h/x%3Fs=1', '?lora=a%2Fb%3A2&lora=https%3A%2F%2Fh%2Fx'],
    ['?fast-decoder=https://host/x%3Fsig%3DS#end', '?fast-decoder=https%3A%2F%2Fhost%2Fx#end'],
    ['?model=folder:what?#1', '?model=folder:what?#1'],
    ['', ''],
  ])('%s is kept as %s', (search, shown) => {
    expect(publicAddress(PAGE + search)).toBe(PAGE + shown);
  });
});

test('a place is shown without its secrets, a folder by its whole name', () => {
  expect(shownPlace('https://u:p@host/x?sig=S')).toBe('https://host/x?…');
  expect(shownPlace('folder:my #1 ?')).toBe('folder:my #1 ?');
});
