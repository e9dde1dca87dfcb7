import { describe, expect, it } from 'vitest';
import { unescapeHtml, unescapeStrictly } from './html-entities.ts';

describe('unescapeHtml', () => {
  // Each pair is what Python's html.unescape gives when it is applied twice.
  it.each([
    ['&lt;b&gt; &quot;x&quot; &apos;y&apos;', '<b> "x" \'y\''],
    ['&amp;amp;amp;', '&amp;'],
    ['a&nbsp;b', 'a\u00a0b'],
    ['&copy 2026 &AMP; &COPY;', '© 2026 & ©'],
    ['&ampersand &ltb', '&ersand <b'],
    ['&hellip; &mdash; &rarr; &frac12;', '… — → ½'],
    ['&hellip', '&hellip'],
    ['&unknown; &; & &#; &#x;', '&unknown; &; & &#; &#x;'],
    ['&#65;&#x42;&#X43 &#68', 'ABC D'],
    ['&#128; &#x99; &#129;', '€ ™ \x81'],
    ['x&#1;&#11;&#127;y', 'xy'],
    ['&#0; &#xD800; &#1114112; &#99999999999999999999;', '\ufffd \ufffd \ufffd \ufffd'],
    ['x&#xFDD0;&#x1FFFE;y', 'xy'],
    ['&#x1F534;', '🔴'],
  ])('makes %j %j', (prompt, cleaned) => {
    expect(unescapeHtml(unescapeHtml(prompt))).toBe(cleaned);
  });

  it.each([
    ['&Jscr;&HilbertSpace;', '𝒥ℋ'],
    ['&alpha;&Alpha; &checkmark; &fjlig;', 'αΑ ✓ fj'],
    ['&notin; &notit; &notin', '∉ ¬it; ¬in'],
    ['&CounterClockwiseContourIntegral;', '∳'],
  ])('knows the names of HTML5: %j', (text, unescaped) => {
    expect(unescapeHtml(text)).toBe(unescaped);
  });
});

describe('unescapeStrictly', () => {
  // Each pair is what ftfy's unescape_html gives.
  it.each([
    ['&lt;b&gt; &amp;amp;', '<b> &amp;'],
    ['&amp &ampersand &#68 &copy2026', '&amp &ampersand &#68 &copy2026'],
    ['&#65;&#x42;&#128;&#0;', 'AB€\ufffd'],
    ['&ntilde; &Ntilde; &NTILDE; &nTILDE;', 'ñ Ñ Ñ &nTILDE;'],
    ['P&EACUTE;REZ BUNDESSTRA&SZLIG;E &HELLIP;', 'PÉREZ BUNDESSTRASSE …'],
    ['&DAGGER; &Dagger; &RARR; &Rarr;', '† ‡ → ↠'],
    ['&GTDOT; &LTIMES; &COPYSR; &gtdot;', '&GTDOT; &LTIMES; &COPYSR; ⋗'],
  ])('makes %j %j', (text, unescaped) => {
    expect(unescapeStrictly(text)).toBe(unescaped);
  });
});
