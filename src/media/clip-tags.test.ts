import { expect, it } from 'vitest';
import { parseExact } from '../exact-json.mjs';
import { clipTags } from './clip-tags.ts';
import { PARAMETERS } from './test-clip.ts';

it('holds all that it takes to make a clip again', () => {
  const { title, summary, json } = clipTags(PARAMETERS);
  expect(title).toBe(PARAMETERS.prompt);
  expect(summary).toContain('seed 7');
  expect(JSON.parse(json)).toEqual({ software: 'Zoetrope', ...PARAMETERS });
});

it.each([-1, 2n ** 64n - 1n, -(2n ** 63n)])('writes every digit of the seed %d', (seed) => {
  const { summary, json } = clipTags({ ...PARAMETERS, seed });
  expect(summary).toContain(`seed ${seed},`);
  expect(json).toContain(`"seed":${seed},`);
  expect(parseExact(json)).toEqual({ software: 'Zoetrope', ...PARAMETERS, seed });
});

it('says where embeddings were given in the place of a prompt', () => {
  const parameters = { ...PARAMETERS, prompt: '', promptEmbeds: 'given' } as const;
  const { title, json } = clipTags(parameters);
  expect(title).toBe('From prompt embeddings');
  expect(JSON.parse(json)).toMatchObject({ promptEmbeds: 'given' });
});
