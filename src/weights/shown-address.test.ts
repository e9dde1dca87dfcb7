import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shownAddress, shownText } from './shown-address.mjs';

const TOKEN = `hf_${'aB3'.repeat(12)}`;

describe('an address is shown', () => {
  test.each([
    ['https://host/models/x', 'https://host/models/x'],
    ['https://host:8080/a@b/c', 'https://host:8080/a@b/c'],
    ['https://host/x?X-Amz-Signature=abc', 'https://host/x?…'],
    ['https://host/x?sig=abc#part', 'https://host/x?…'],
    ['https://host/x#access_token=abc', 'https://host/x'],
    ['https://user:pw@host/x', 'https://host/x'],
    ['https://user@host/x?sig=a@b', 'https://host/x?…'],
    ['https:\\\\user:pw@host/x', 'https://host/x'],
    ['https://user:p/w@host/x', 'https://host/x'],
    ['https://user:p?w@host/x', 'https://…'],
    ['htps:/host?@sig=abc', '…'],
    ['https://user:pw@', 'https://'],
    ['ftp://user:pw@host/x?sig=a', 'ftp://host/x?…'],
    ['user:pw@host/x', 'host/x'],
    ['./models/x?sig=abc', './models/x?…'],
    ['host/x?sig=abc', 'host/x?…'],
    ['//user:pw@host/x', '//host/x'],
    ['owner/name', 'owner/name'],
    ['owner/name@refs/pr/3/x', 'owner/name@refs/pr/3/x'],
    ['owner/hf_wan_converted', 'owner/hf_wan_converted'],
    [TOKEN, 'hf_…'],
    ['', ''],
  ])('%s as %s', (text, shown) => {
    expect(shownAddress(text)).toBe(shown);
  });

  test('with nothing for its query, for a link', () => {
    expect(shownAddress('https://u:p@host/x?sig=abc', { mark: '' })).toBe('https://host/x');
  });

  test('without its secret, wherever that stands', () => {
    const secret = 'Sup3rS3cret';
    const word = fc.stringMatching(/^[a-z]{0,6}$/);
    const separator = fc.constantFrom('', '/', ':', '@', '?', '#', '&', '%', '=', '\\', ' ');
    const noise = fc.array(fc.oneof(word, separator), { maxLength: 6 }).map((all) => all.join(''));
    const scheme = fc.constantFrom('https://', 'http://', 'ftp://', 's3://', 'HTTPS://', 'htps:/');
    const inUser = fc
      .tuple(scheme, word, noise)
      .map(([start, user, rest]) => `${start}${user}:${secret}@host/${rest}`);
    const inQuery = fc
      .tuple(fc.oneof(scheme, fc.constantFrom('', './', '/')), word, noise)
      .map(([start, path, more]) => `${start}host/${path}?${more}sig=${secret}`);
    fc.assert(
      fc.property(fc.oneof(inUser, inQuery), (text) => {
        expect(shownAddress(text)).not.toContain(secret);
        expect(shownAddress(shownAddress(text))).toBe(shownAddress(text));
      }),
      { numRuns: 2000 },
    );
  });
});

test('every address in a text is shown, and the rest is unmodified', () => {
  const text = `Failed: “https://u:p@host/x?sig=1” and (http://b/c?d ), with ${TOKEN}: why?`;
  expect(shownText(text)).toBe('Failed: “https://host/x?…” and (http://b/c?… ), with hf_…: why?');
});
