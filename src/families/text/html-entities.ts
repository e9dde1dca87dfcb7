/**
 * @file HTML character references to text, without a DOM, by the rules of HTML5 as Python's `html.unescape` applies them.
 *
 * Of HTML's 2231 names, those of Latin-1 and of common punctuation, arrows and signs are known; Greek letters,
 * mathematics and the rest stay as they are written.
 */

/** In the order of their code points from U+00A0. Like the next four, valid without the semicolon, too. */
const LATIN_1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro ' +
  'para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil ' +
  'Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave ' +
  'Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml ' +
  'igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute ' +
  'thorn yuml';

const MARKUP = { amp: '&', lt: '<', gt: '>', quot: '"' };

const SIGNS = {
  apos: "'",
  OElig: 'Œ',
  oelig: 'œ',
  Scaron: 'Š',
  scaron: 'š',
  Yuml: 'Ÿ',
  fnof: 'ƒ',
  circ: 'ˆ',
  tilde: '˜',
  ensp: '\u2002',
  emsp: '\u2003',
  thinsp: '\u2009',
  zwnj: '\u200c',
  zwj: '\u200d',
  lrm: '\u200e',
  rlm: '\u200f',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
  dagger: '†',
  Dagger: '‡',
  bull: '•',
  hellip: '…',
  permil: '‰',
  prime: '′',
  Prime: '″',
  lsaquo: '‹',
  rsaquo: '›',
  euro: '€',
  trade: '™',
  larr: '←',
  uarr: '↑',
  rarr: '→',
  darr: '↓',
  harr: '↔',
  minus: '−',
  infin: '∞',
  ne: '≠',
  le: '≤',
  ge: '≥',
  spades: '♠',
  clubs: '♣',
  hearts: '♥',
  diams: '♦',
};

/** Names as they are written between `&` and the text that follows, the semicolon included. */
const NAMED = new Map<string, string>();
for (const [i, name] of LATIN_1.split(' ').entries()) {
  addLegacy(name, String.fromCodePoint(0xa0 + i));
}
for (const [name, text] of Object.entries(MARKUP)) addLegacy(name, text);
for (const name of ['AMP', 'LT', 'GT', 'QUOT', 'COPY', 'REG']) {
  addLegacy(name, NAMED.get(name.toLowerCase()) ?? '');
}
for (const [name, text] of Object.entries(SIGNS)) NAMED.set(`${name};`, text);

function addLegacy(name: string, text: string): void {
  NAMED.set(name, text);
  NAMED.set(`${name};`, text);
}

/** What browsers show for &#128; … &#159;: windows-1252, where it has a character. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const REFERENCE = /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|([^\t\n\f <&#;]{1,32};?))/gu;

/** Replaces every known reference once: `&amp;lt;` becomes `&lt;`. */
export function unescapeHtml(text: string): string {
  return text.replace(
    REFERENCE,
    (whole: string, decimal?: string, hexadecimal?: string, name?: string) => {
      if (decimal !== undefined) return numbered(Number.parseInt(decimal, 10));
      if (hexadecimal !== undefined) return numbered(Number.parseInt(hexadecimal, 16));
      return named(name ?? '') ?? whole;
    },
  );
}

function numbered(code: number): string {
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252[code - 0x80] ?? '';
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return isNoCharacter(code) ? '' : String.fromCodePoint(code);
}

/** Controls other than white space, and Unicode's noncharacters. */
function isNoCharacter(code: number): boolean {
  if (code < 0x20) return ![0x09, 0x0a, 0x0c, 0x0d].includes(code);
  if (code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef)) return true;
  return (code & 0xfffe) === 0xfffe;
}

/** The name, or the longest beginning of it that is one by itself: `&ampersand` reads as `&` and `ersand`. */
function named(name: string): string | undefined {
  for (let length = name.length; length > 1; length--) {
    const text = NAMED.get(name.slice(0, length));
    if (text !== undefined) return text + name.slice(length);
  }
  return undefined;
}
