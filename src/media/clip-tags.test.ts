import { expect, it } from 'vitest';
import { clipTags } from './clip-tags.ts';
import { PARAMETERS } from './test-clip.ts';

it('holds all that it takes to make a clip again', () => {
  const { title, summary, json } = clipTags(PARAMETERS);
  expect(title).toBe(PARAMETERS.prompt);
  expect(summary).toContain('seed 7');
  expect(JSON.parse(json)).toEqual({ software: 'Zoetrope', ...PARAMETERS });
});

it('says where embeddings were given in the place of a prompt', () => {
  const parameters = { ...PARAMETERS, prompt: '', promptEmbeds: 'given' } as const;
  const { title, json } = clipTags(parameters);
  expect(title).toBe('From prompt embeddings');
  expect(JSON.parse(json)).toMatchObject({ promptEmbeds: 'given' });
});
