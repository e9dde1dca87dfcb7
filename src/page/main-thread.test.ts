/** @file What the page's own thread loads: a model's regular expressions may never run there, where nothing can end them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** Modules that are loaded with `file`, now or later; types and workers are not. */
function reachable(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  if (!file.endsWith('.ts') || !existsSync(file)) return found;
  const text = readFileSync(file, 'utf8');
  const imports = text.matchAll(
    /(?:^|\n)(?:import|export) (?!type )(?:[^;]*? from )?'([^']+)'|import\('([^']+)'\)/g,
  );
  for (const [, fixed, late] of imports) {
    const name = fixed ?? late ?? '';
    reachable(name.startsWith('.') ? join(dirname(file), name) : name, found);
  }
  return found;
}

test('the page loads no tokenizer, its worker does', () => {
  const page = reachable('src/page/main.ts');
  // It is really followed: through the library to where the worker is started.
  expect(page).toContain('src/pipeline/client.ts');
  expect([...page].filter((name) => name.includes('tokenizer'))).toEqual([]);
  expect(reachable('src/pipeline/worker.ts')).toContain('@huggingface/tokenizers');
});

test('nothing that the page loads makes a regular expression of what a model says', () => {
  const makers = [...reachable('src/page/main.ts')].filter(
    (file) => existsSync(file) && readFileSync(file, 'utf8').includes('new RegExp('),
  );
  // Constants of its own only.
  expect(makers).toEqual(['src/weights/reference.ts']);
});
