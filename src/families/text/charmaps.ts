/**
 * @file Single-byte encodings that UTF-8 is mistaken for, from characters back to bytes.
 *
 * A byte without a character stands for the control character of the same number, as in browsers. `TextDecoder` has most of
 * these tables, but not the same ones in every engine.
 */

export interface Encoding {
  /** Which bytes that other software lost are worth restoring: spaces, and those that became `\ufffd`. */
  readonly mends: 'spaces' | 'spaces-and-lost' | 'nothing';
  /** The characters of bytes 0x80 to 0xFF. */
  readonly characters: string;
}

/** Bytes 0x80 to 0x9F, where most encodings have control characters. */
const CONTROLS = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => 0x80 + i));
const LATIN_1 = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 0x80 + i));
export const WINDOWS_1252 =
  '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿' +
  'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ';

/** In the order in which they are tried. */
export const ENCODINGS: readonly Encoding[] = [
  { mends: 'spaces', characters: LATIN_1 },
  { mends: 'spaces-and-lost', characters: WINDOWS_1252 },
  {
    // windows-1251
    mends: 'spaces-and-lost',
    characters:
      'ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї' +
      'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя',
  },
  {
    // windows-1250
    mends: 'spaces-and-lost',
    characters:
      '€\x81‚\x83„…†‡\x88‰Š‹ŚŤŽŹ\x90‘’“”•–—\x98™š›śťžź\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż' +
      'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  },
  {
    // windows-1253
    mends: 'spaces-and-lost',
    characters:
      '€\x81‚ƒ„…†‡\x88‰\x8a‹\x8c\x8d\x8e\x8f\x90‘’“”•–—\x98™\x9a›\x9c\x9d\x9e\x9f\u00a0΅Ά£¤¥¦§¨©ª«¬\u00ad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ' +
      'ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ',
  },
  {
    // windows-1254
    mends: 'spaces-and-lost',
    characters:
      '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8d\x8e\x8f\x90‘’“”•–—˜™š›œ\x9d\x9eŸ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿' +
      'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ',
  },
  {
    // windows-1257
    mends: 'spaces-and-lost',
    characters:
      '€\x81‚\x83„…†‡\x88‰\x8a‹\x8c¨ˇ¸\x90‘’“”•–—\x98™\x9a›\x9c¯˛\x9f\u00a0¡¢£¤¥¦§Ø©Ŗ«¬\u00ad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ' +
      'ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙',
  },
  {
    // iso-8859-2
    mends: 'spaces',
    characters:
      CONTROLS +
      '\u00a0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u00adŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎ' +
      'ĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
  },
  {
    // macintosh
    mends: 'nothing',
    characters:
      'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø' +
      '¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ',
  },
  {
    // code page 437
    mends: 'nothing',
    characters:
      'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
      '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  },
];

/** What 0x1A stands for among bytes: one that was lost, since other software wrote `\ufffd` for it. */
export const LOST_BYTE = 0x1a;

/** The bytes that would read as `text`, or undefined where the encoding lacks one of its characters. */
export function encodeText(text: string, encoding: Encoding): Uint8Array | undefined {
  const map = charmapOf(encoding);
  const bytes = new Uint8Array(text.length);
  const hasLost = encoding.mends === 'spaces-and-lost';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const byte = code < 0x80 ? code : hasLost && code === 0xfffd ? LOST_BYTE : map.get(code);
    // A 0x1A of the text itself looks like a lost byte.
    if (byte === undefined || (hasLost && code === LOST_BYTE)) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Made at the first use. */
const charmaps = new WeakMap<Encoding, ReadonlyMap<number, number>>();

function charmapOf(encoding: Encoding): ReadonlyMap<number, number> {
  const known = charmaps.get(encoding);
  if (known) return known;
  const map = new Map<number, number>();
  for (let i = 0; i < 128; i++) map.set(encoding.characters.charCodeAt(i), 0x80 + i);
  charmaps.set(encoding, map);
  return map;
}
