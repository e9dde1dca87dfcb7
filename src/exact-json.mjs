/**
 * @file JSON with whole numbers of any length: a BigInt is written as its digits, and digits that a number cannot hold are
 * read as a BigInt. `JSON` itself throws at the one and rounds the other. JavaScript, because the commands run without a
 * build.
 */

/** Texts, so that digits inside them are left alone, and numbers. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** No text of a caller has it. `crypto.randomUUID` wants a secure context, which a page may lack. */
function randomMark() {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

/**
 * `JSON.stringify` for values that may hold BigInts.
 * @param {unknown} value An object, a list, or anything else that JSON can write.
 * @param {number} [indent]
 * @returns {string}
 */
export function stringifyExact(value, indent) {
  const mark = randomMark();
  const text = JSON.stringify(
    value,
    (_key, each) => (typeof each === 'bigint' ? `${mark}${each}` : each),
    indent,
  );
  const [start = '', ...marked] = text.split(`"${mark}`);
  return start + marked.map((part) => part.replace('"', '')).join('');
}

/**
 * `JSON.parse`, but a whole number beyond ±(2^53 − 1) becomes a BigInt.
 * @param {string} text
 * @returns {unknown}
 */
export function parseExact(text) {
  const mark = randomMark();
  const marked = text.replace(TOKENS, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${mark}${token}"` : token,
  );
  return JSON.parse(marked, (_key, each) =>
    typeof each === 'string' && each.startsWith(mark) ? BigInt(each.slice(mark.length)) : each,
  );
}
