/**
 * @file Repairs text as people paste it, as Python's `ftfy.fix_text` does with its default options. The rules are rebuilt
 * from its documentation, by their names there:
 *
 * | rule                                                  | here                                                  |
 * | ----------------------------------------------------- | ----------------------------------------------------- |
 * | `unescape_html` (`auto`)                              | every name of HTML5, until the first `<`              |
 * | `fix_encoding`, `decode_inconsistent_utf8`            | the documented encodings; see `mojibake.ts`           |
 * | `restore_byte_a0`, `replace_lossy_sequences`          | in the encodings of Windows and ISO; `mended-bytes.ts` |
 * | `fix_c1_controls`                                     | as windows-1252                                       |
 * | `fix_latin_ligatures`, `fix_character_width`          | by Unicode's compatibility mappings                   |
 * | `uncurl_quotes`, `fix_line_breaks`, `fix_surrogates`  | all                                                   |
 * | `remove_terminal_escapes`, `remove_control_chars`     | all                                                   |
 * | `normalization`                                       | NFC                                                   |
 *
 * What looks like mojibake is decided by rules of our own (`garbled.ts`), so that unusual mojibake may be repaired here
 * and not there, or the reverse: most in Greek, Cyrillic, Mac OS and MS-DOS encodings, or several layers of them. Texts are
 * not cut at a million characters, and nothing explains what was repaired.
 */
import { unescapeStrictly } from './html-entities.ts';
import { fixEncoding } from './mojibake.ts';

const PLAIN = /^[\n\f\t\x20-\x25\x27-\x7e]*$/;
/** Nothing but a line feed ends a line here: others are only made into one. */
const LINES = /[^\n]*\n|[^\n]+/g;

export function fixText(text: string): string {
  if (PLAIN.test(text)) return text;
  // Text with a tag in it is HTML, where entities are meant as such, from there on.
  let isHtml = false;
  return text.replace(LINES, (line) => {
    isHtml ||= line.includes('<');
    return fixLine(line, !isHtml);
  });
}

/** Real text needs a handful. Made-up text can nest thousands, at a cost that grows with their square. */
const MOST_ROUNDS = 24;

/** Repairs until nothing changes, since one repair may show what the next one has to do. */
function fixLine(line: string, mayUnescape: boolean): string {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const fixed = fixOnce(line, mayUnescape);
    if (fixed === line) break;
    line = fixed;
  }
  return line;
}

/** Sorting such a pile of accents, as NFC does, takes the square of its height; no letter has ten. */
const PILE_OF_ACCENTS = /\p{M}{256}/u;

function fixOnce(line: string, mayUnescape: boolean): string {
  const fixed = fixEncoding(mayUnescape ? unescapeStrictly(line) : line)
    .replace(LIGATURES, compatible)
    .replace(WIDE_OR_NARROW, compatible)
    .replace(SINGLE_QUOTES, "'")
    .replace(DOUBLE_QUOTES, '"')
    .replace(LINE_BREAKS, '\n')
    .replace(LONE_SURROGATES, '\ufffd')
    .replace(TERMINAL_ESCAPES, '')
    .replace(INVISIBLE, '');
  return PILE_OF_ACCENTS.test(fixed) ? fixed : fixed.normalize('NFC');
}

/** Latin ones only: those of other scripts may be meant. */
const LIGATURES = /[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬆ]/g;
const WIDE_OR_NARROW = /[\u3000\uff01-\uffee]/g;
const SINGLE_QUOTES = /[ʼ‘’‚‛]/g;
const DOUBLE_QUOTES = /[“”„‟]/g;
const LINE_BREAKS = /\r\n?|[\x85\u2028\u2029]/g;
const LONE_SURROGATES = /\p{Surrogate}/gu;
/** Colours, and clearing of the screen: Select Graphic Rendition and its like. */
// oxlint-disable-next-line no-control-regex
const TERMINAL_ESCAPES = /\x1b\[[\d;]*[A-Za-z]/g;
/** Controls without a look, byte order marks among them. */
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;

/** The long s of this one stays a long s. */
const LONG_S_AND_T = 'ﬅ';

/** The usual form of a ligature or of a wide or narrow character. */
function compatible(character: string): string {
  return character === LONG_S_AND_T ? 'ſt' : character.normalize('NFKC');
}
