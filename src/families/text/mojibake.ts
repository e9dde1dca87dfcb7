/**
 * @file Repairs mojibake: text in UTF-8 that was read in a single-byte encoding, once or several times over, and text in
 * windows-1252 that was read in Latin-1.
 *
 * The text is turned back into the bytes that it was read from, and read as UTF-8. That only succeeds when all of it is
 * such text, which right text hardly ever is by chance; and only text that looks garbled is tried at all.
 */
import { ENCODINGS, encodeText, WINDOWS_1252 } from './charmaps.ts';
import { looksGarbled } from './garbled.ts';
import { replaceLostBytes, restoreSpaces } from './mended-bytes.ts';
import { decodeUtf8 } from './utf8-variants.ts';

/** Real text has three at most. */
const MOST_LAYERS = 16;

export function fixEncoding(text: string): string {
  for (let layer = 0; layer < MOST_LAYERS; layer++) {
    const fixed = fixOneLayer(text);
    if (fixed === text) break;
    text = fixed;
  }
  return text;
}

function fixOneLayer(text: string): string {
  if (!looksGarbled(text)) return text;
  const decoded = decodeAgain(text) ?? text.replace(SEQUENCES, fixRun);
  return decoded === text ? fixControls(text) : decoded;
}

/** All of the text, in the first encoding in which it is UTF-8. */
function decodeAgain(text: string): string | undefined {
  for (const encoding of ENCODINGS) {
    let bytes = encodeText(text, encoding);
    if (!bytes) continue;
    if (encoding.mends !== 'nothing') bytes = restoreSpaces(bytes);
    if (encoding.mends === 'spaces-and-lost') bytes = replaceLostBytes(bytes);
    const decoded = decodeUtf8(bytes);
    if (decoded !== undefined && decoded !== text) return decoded;
  }
  return undefined;
}

function fixRun(run: string): string {
  return looksGarbled(run) ? (decodeAgain(run) ?? run) : run;
}

/** Punctuation that ends or joins words, too: mojibake may follow it. */
const PUNCTUATION = '›‘’“”‚„…–—•';
const NEXT = charactersOf(0x80, 0xbf);
const NEXT_NOT_PUNCTUATION = NEXT.split('').filter((one) => !PUNCTUATION.includes(one));

/**
 * Runs of mojibake among other text: whole sequences, and not the rest of a longer one. A space may have been 0xA0 where
 * that is common.
 */
const SEQUENCES = new RegExp(
  `(?<![${NEXT_NOT_PUNCTUATION.join('')}])(?:` +
    [
      `[${charactersOf(0xc2, 0xdf)}][${NEXT}]`,
      `[${charactersOf(0xe0, 0xef)}][${NEXT}]{2}`,
      `[${charactersOf(0xf0, 0xf4)}][${NEXT}]{3}`,
      `[ÂÃÅÐÙ] `,
      `[âã](?: [${NEXT}]|[${NEXT}] )`,
    ].join('|') +
    ')+',
  'gu',
);

/** What bytes of that range read as in the encodings that occur among other text. */
function charactersOf(first: number, last: number): string {
  const among = ENCODINGS.filter(({ mends }) => mends !== 'nothing');
  const all = among.flatMap(({ characters }) =>
    characters.slice(first - 0x80, last - 0x80 + 1).split(''),
  );
  return [...new Set(all)].join('');
}

/** As browsers do: control characters of these numbers are hardly ever meant. */
function fixControls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (control) =>
    WINDOWS_1252.charAt(control.charCodeAt(0) - 0x80),
  );
}
