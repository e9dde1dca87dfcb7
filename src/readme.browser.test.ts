/** @file Runs the examples of the documents in TypeScript, as they are written, on the bundled model. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { examples } from 'virtual:readme-examples';

beforeAll(() => {
  // Examples name the bundled model as a page at the root would.
  const base = document.createElement('base');
  base.href = '/';
  document.head.append(base);
});

const logged = vi.spyOn(console, 'log').mockImplementation(() => undefined);
const taken = globalThis as { drawn?: ImageData[] };

beforeEach(() => {
  logged.mockClear();
  taken.drawn = [];
});

afterEach(() => {
  delete taken.drawn;
});

describe('an example in the documents runs', () => {
  // The last ones first: one keeps a model, which an earlier one lists.
  test.each(examples.toReversed())('$title', async ({ code, run }) => {
    await run();
    if (code.includes('console.log(')) expect(logged).toHaveBeenCalled();
    if (code.includes('draw(')) expect(taken.drawn?.length).toBeGreaterThan(0);
  });

  test('and there are some', () => {
    expect(examples.length).toBeGreaterThanOrEqual(5);
  });
});
