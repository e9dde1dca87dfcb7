import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixture from '../../../models/parity/fixtures/tokenizer-cases.json' with { type: 'json' };
import { cleanPrompt, requirePrompt } from './prompt.ts';

describe('cleanPrompt', () => {
  it.each(fixture.cases)('cleans $prompt as WanPipeline without ftfy', (reference) => {
    expect(cleanPrompt(reference.prompt)).toBe(reference.cleaned_without_ftfy);
  });

  // Each pair is what Python's html.unescape, applied twice, gives.
  it.each([
    ['&lt;b&gt; &quot;x&quot; &apos;y&apos;', '<b> "x" \'y\''],
    ['&amp;amp;amp;', '&amp;'],
    ['a&nbsp;b', 'a b'],
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
    ['a\x1cb\x85c\ufeffd', 'a b c\ufeffd'],
  ])('makes %j %j', (prompt, cleaned) => {
    expect(cleanPrompt(prompt)).toBe(cleaned);
  });

  it('leaves no white space at the ends nor twice in a row', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '&', ' ', '\t', '\u3000', '&nbsp;', '&#32;'),
    });
    const property = fc.property(text, (prompt) => {
      expect(cleanPrompt(prompt)).not.toMatch(/^\s|\s$|\s\s/);
    });
    fc.assert(property, { numRuns: 500, seed: 1 });
  });
});

describe('requirePrompt', () => {
  it('gives the cleaned prompt', () => {
    expect(requirePrompt('  a  red&nbsp;circle ')).toBe('a red circle');
  });

  it.each(['', '  \n', '&nbsp;', '&amp;nbsp;'])('refuses %j', (prompt) => {
    const refusal = expect.objectContaining({
      code: 'invalid-argument',
      message: expect.stringContaining('prompt'),
    });
    expect(() => requirePrompt(prompt)).toThrow(refusal);
  });
});
