/** @file HTML character references to text, without a DOM. The names are those of HTML5, all 2231 of them. */
import { decodeHTML, decodeHTMLStrict } from 'entities/decode';
import { WINDOWS_1252 } from './charmaps.ts';

const REFERENCE = /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|([^\t\n\f <&#;]{1,32};?))/gu;

/**
 * Replaces every known reference once: `&amp;lt;` becomes `&lt;`. The rules are those of HTML5 as Python's `html.unescape`
 * applies them: a semicolon may be missing after a number and after the oldest names, even inside of a word.
 */
export function unescapeHtml(text: string): string {
  return text.replace(
    REFERENCE,
    (whole: string, decimal?: string, hexadecimal?: string) =>
      numbered(decimal, hexadecimal) ?? decodeHTML(whole),
  );
}

const STRICT_REFERENCE = /&(?:#(\d{1,24});|#[xX]([\da-fA-F]{1,23});|([\dA-Za-z]{1,24});)/g;

/**
 * Replaces every reference that ends in a semicolon once, and those in capitals: `&EACUTE;` is the capital of `&eacute;`.
 * This is what `ftfy` takes for certain in text that is not HTML.
 */
export function unescapeStrictly(text: string): string {
  return text.replace(
    STRICT_REFERENCE,
    (whole: string, decimal?: string, hexadecimal?: string, name?: string) =>
      numbered(decimal, hexadecimal) ?? known(whole) ?? inCapitals(name ?? '') ?? whole,
  );
}

function known(reference: string): string | undefined {
  const text = decodeHTMLStrict(reference);
  return text === reference ? undefined : text;
}

/** Names in capitals that need no semicolon, which HTML reads even at the beginning of a longer name. */
const OLD_CAPITALS = /^(?:AMP|COPY|GT|LT|QUOT|REG)/;

function inCapitals(name: string): string | undefined {
  if (name !== name.toUpperCase() || OLD_CAPITALS.test(name)) return undefined;
  return known(`&${name.toLowerCase()};`)?.toUpperCase();
}

function numbered(
  decimal: string | undefined,
  hexadecimal: string | undefined,
): string | undefined {
  const digits = decimal ?? hexadecimal;
  return digits === undefined
    ? undefined
    : withNumber(Number.parseInt(digits, decimal === undefined ? 16 : 10));
}

function withNumber(code: number): string {
  // As browsers show them.
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charAt(code - 0x80);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  return isNoCharacter(code) ? '' : String.fromCodePoint(code);
}

/** Controls other than white space, and Unicode's noncharacters. */
function isNoCharacter(code: number): boolean {
  if (code < 0x20) return ![0x09, 0x0a, 0x0c, 0x0d].includes(code);
  if (code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef)) return true;
  return (code & 0xfffe) === 0xfffe;
}
