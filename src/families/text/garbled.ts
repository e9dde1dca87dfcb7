/**
 * @file Whether a text looks like mojibake: UTF-8 that was read in a single-byte encoding.
 *
 * Mojibake puts characters side by side that writers do not: a letter with an accent before a currency sign, say. The
 * characters that occur in it are sorted here by what people use them for, and each rule names neighbours that do not
 * go together in any language written with them. A rule looks at four characters at most, except for a few words, so
 * that the time is linear in the length of the text.
 *
 * A rule need not be certain: what looks garbled is changed only where its bytes are UTF-8. It must not match what a
 * writer may mean, though: quotes after capitals (`CAFÉ»`), apostrophes (`d’être`), box drawings (`╔╗`).
 */

/** Those beyond Latin-1. */
const UPPER_BEYOND = 'ĀĂĄĆĈĊČĎĐĒĖĘĚĞĢĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŖŘŚŠŞŢŤŪŮŰŲŸŹŻŽ';
const UPPER_LATIN = `À-ÖØ-Þ${UPPER_BEYOND}`;
const LOWER_LATIN = 'à-öø-ÿāăąćĉċčďđēėęěğģīįıķĺļľłńņňōőœŕŗřśšşţťūůűųźżž';
const LATIN = UPPER_LATIN + LOWER_LATIN;
const UPPER_OTHER = 'ΆΈ-ΏΑ-ΡΣ-ΫЁ-Я';
const LOWER_OTHER = 'ΐά-ώа-џ';
const OTHER = UPPER_OTHER + LOWER_OTHER;
/** Code page 437 has capital gamma among its signs. */
const NOT_GAMMA = `ΆΈ-ΏΑΒΔ-ΡΣ-ΫЁ-Я${LOWER_OTHER}`;

const CURRENCY = '¢£¤¥€₧';
const NUMBER = '¹²³¼½¾';
/** Accents by themselves, quotes that open, and signs that stand before words or by themselves. */
const SIGN = '¡¦§¨¬¯±´µ¶¸¿ƒˆ˜†‡‰‹«˘ˇ˙˛˝';
/** Signs that may follow a word. */
const MARK = '©®ªº°·';
const BOX = '─-▟';
const MATH = '÷√≈∆∫∂∏∑∞≠≤≥Ω◊⁄¬';
/** What Mac OS Roman shows for the second byte of most accented letters. */
const AFTER_ROOT = `${SIGN}${MARK}${CURRENCY}•∂ÄÇÉÑÜàâäçèéêëìîïñôöùûüÀ`;
const LOST = '\ufffd';

const NEIGHBOURS: readonly (readonly [string, string])[] = [
  // Letters before what follows numbers, opens a quote, or stands by itself.
  [LOWER_LATIN, `${CURRENCY}ªº`],
  [LATIN, LOST],
  [LOWER_LATIN, SIGN],
  [`À-ÖÜ-Þ${UPPER_BEYOND}`, `${NUMBER}${SIGN}`],
  ['ÙÚÛ', '¡¦§¨¬¯±µ¶¸¿¹²³¼½'],
  [UPPER_LATIN, 'ªº'],
  ['ĀĂĄĆĹ', CURRENCY],
  ['ÄĀ', '°'],
  // The first halves of the commonest letters: hardly any word ends in one of these.
  ['ÂÐ', `¢£¤€${NUMBER}${SIGN}${MARK}»‘’“”–—•™‚„\u00a0\u00ad`],
  ['Ã', `¢£¤€${NUMBER}${SIGN}${MARK}»›‘“”–—•™‚„\u00a0\u00ad`],
  ['ÃÐÎÏ×', 'œžšŸ'],
  ['ÎÏ', `${MARK}£`],
  ['ØÛ', 'Œ'],
  ['Ð', 'Š'],
  ['Ø', '§¤¦¨ª¬¯°±²³µ¶¸¹º¼½¾'],
  ['×', `§¨©ª«¬\u00ad®¯°±²³´µ¶¸¹º¼½¾¿${LOST}˘˛`],
  // A capital inside of a word, and letters of two scripts in one.
  [LOWER_LATIN, UPPER_LATIN],
  [LATIN, OTHER],
  [NOT_GAMMA, LATIN],
  // Signs before what they do not belong to.
  [CURRENCY, `${UPPER_LATIN}${LOST}“¦`],
  ['»', `${LATIN}${SIGN}${CURRENCY}${NUMBER}`],
  ['™', UPPER_LATIN],
  ['â', 'œžš'],
  ['«»›‹', LOST],
  ['¤†', `${SIGN}${CURRENCY}${LOST}`],
  ['‚‰', `${MATH}${CURRENCY}`],
  [NUMBER, `${SIGN}${LATIN}`],
  ['\u00ad', `${SIGN}${CURRENCY}${NUMBER}${MARK}`],
  [LOST, LOST],
  [MATH, AFTER_ROOT],
  [BOX, `${LATIN}${OTHER}${SIGN}${MARK}${CURRENCY}${NUMBER}⌐`],
  [`${LATIN}${OTHER}`, BOX],
];

const LONGER = [
  // An accented capital inside of a word, with a sign after it.
  `[a-z][${UPPER_LATIN}][${CURRENCY}${NUMBER}${SIGN}©®ªº°•‚„‘“]`,
  `[A-Za-z][${UPPER_OTHER}][¤¨ª¬‰‡${LOST}]`,
  // Quotes and signs inside of a word.
  `[A-Za-z][${UPPER_LATIN}][”›][a-z]`,
  `[${UPPER_LATIN}]™[a-z]`,
  `[${UPPER_LATIN}]»[A-Za-z]`,
  `[${UPPER_LATIN}][‘“‚„][A-Za-z${LOWER_LATIN}]`,
  'Ä®[a-z]',
  `[ΞΟΒΠΡ][‘“‚„…•”][ΞΟΒΠΡ]`,
  `[РСВГДОЕШ][‘“‚„…†‡”¶№µ°»±${LOST}][РСВ]`,
  '[ØÙÚÛ][‘’“”•–—™ž›„…‚†‡‰ˆƒŠ][ØÙÚÛ]',
  '×[‘’“”•–—™ž›\u00a0 ]×',
  // An accented letter with a quote and a sign after it.
  `[${LOWER_LATIN}][‘“”•™…›][${CURRENCY}${NUMBER}${SIGN}]`,
  `[${LOWER_LATIN}][‚„][${SIGN}]`,
  // Curly quotes and dashes in windows-1251, windows-1253 and Mac OS Roman; an accented letter twice over in 1253.
  'вЂ',
  'β€[™°“”¦ ]',
  '‚Ä[™ôúùîìö¢†¶]',
  'Γƒ',
  // The letter à, whose second half became a space, and Portuguese words with it. Others end in Ã, in capitals.
  `(?:^|[a-z${LOWER_LATIN}])Ã `,
  String.raw`(?:^| )Ã (?:s|quel[ae]s?|quilo)\b`,
  `(?:^|[a-z])Â (?:$|[a-z])`,
  // Norwegian has the word å.
  `(?:^| )Ã¥[ a-z]`,
];

const GARBLED = new RegExp(
  [
    // Control characters that only misread windows-1252 has.
    '[\u0080-\u009f]',
    ...NEIGHBOURS.map(([first, second]) => `[${first}][${second}]`),
    ...LONGER,
  ].join('|'),
  'u',
);

export function looksGarbled(text: string): boolean {
  return GARBLED.test(text);
}
