import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixture from '../../../models/parity/fixtures/tokenizer-cases.json' with { type: 'json' };
import { pastedPrompts } from '../../testing/pasted-prompts.ts';
import { cleanPrompt } from './prompt.ts';

describe('cleanPrompt', () => {
  it.each([...fixture.cases, ...pastedPrompts()])(
    'cleans $prompt as WanPipeline does with ftfy',
    ({ prompt, cleaned }) => {
      expect(cleanPrompt(prompt)).toBe(cleaned);
    },
  );

  it('leaves what it has cleaned', () => {
    for (const { prompt } of pastedPrompts()) {
      const cleaned = cleanPrompt(prompt);
      // Entities are unescaped a fixed number of times.
      if (!cleaned.includes('&')) expect(cleanPrompt(cleaned)).toBe(cleaned);
    }
  });

  // Each pair is what `prompt_clean` gives.
  it.each([
    ['&amp;amp;amp;', '&'],
    ['a&nbsp;b', 'a b'],
    ['a\x1cb\x85c\ufeffd', 'ab…cd'],
    ['&ampersand &ltb', '&ersand <b'],
    ['<i> &amp;amp;amp;', '<i> &amp;'],
  ])('makes %j %j', (prompt, cleaned) => {
    expect(cleanPrompt(prompt)).toBe(cleaned);
  });

  it.each(longPrompts())('cleans 100,000 characters of %s in less than a second', (_, prompt) => {
    const start = performance.now();
    cleanPrompt(prompt);
    expect(performance.now() - start).toBeLessThan(1000);
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

  it('makes well-formed text of anything', () => {
    const bytes = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          'Ã',
          'â',
          '€',
          'ð',
          'Ð',
          ' ',
          '\ufffd',
          '?',
          '\x1a',
          '\x81',
          'и',
          '√',
          '&',
          ';',
        ),
        fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
        fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)),
      ),
    });
    const property = fc.property(bytes, (prompt) => {
      expect(cleanPrompt(prompt)).not.toMatch(/\p{Surrogate}/u);
    });
    fc.assert(property, { numRuns: 1000, seed: 1 });
  });
});

function many(part: string): string {
  return part.repeat(100_000 / part.length);
}

/** Texts on which careless patterns take the square of their length, or worse. */
function longPrompts(): [string, string][] {
  let nested = '&amp;';
  while (nested.length < 100_000) {
    const at = Math.max(3, nested.lastIndexOf('&#') + 2);
    nested = `${nested.slice(0, at)}&#${nested.charCodeAt(at)};${nested.slice(at + 1)}`;
  }
  return [
    ['plain words', many('a red ball ')],
    ['mojibake', many('Ã©')],
    ['first halves of mojibake', many('Ã')],
    ['mojibake among other text', many('日Ã©')],
    ['mojibake on lines of its own', many('Ã©\n')],
    ['mojibake with spaces', many('Ã ')],
    ['lost quotes', many('â€')],
    ['ampersands', many('&')],
    ['escaped ampersands', `&${many('amp;')}`],
    ['entities in entities', nested],
    ['one number of an entity', `&#${many('1')}`],
    ['beginnings of terminal escapes', many('\x1b[')],
    ['one terminal escape', `\x1b[${many('1;')}`],
    ['white space', many(' \t\u3000')],
    ['accents on one letter', `a${many('\u0301\u0316')}`],
    ['lone surrogates', many('\ud800')],
  ];
}
