import type { Page } from '@playwright/test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseCommandLine, type Request } from './arguments.mjs';
import { possibleClips } from './drive-batch.mjs';

const output = { path: '', typed: '', container: 'png', scale: 1 } as const;

/** A batch with a clip a width, of which those from `there` on are to be made, by a model that cannot do odd widths. */
async function possible(widths: number[], keepGoing: boolean, there = 0): Promise<string[]> {
  const request = parseCommandLine(['a', '--out', join(tmpdir(), 'none.gif')], ['pocket']);
  if (request === 'help') return expect.unreachable();
  const batch = widths.map((width) => ({ prompt: 'a', width }));
  const clips = batch.map((generate, index) => ({
    name: `00${index}`,
    generate,
    output,
    report: { path: '', typed: '' },
    replaces: false,
  }));
  const page = {
    evaluate(_run: unknown, { sizes }: { sizes: { width: number }[] }) {
      const problems = sizes.flatMap(({ width }, index) =>
        width % 2 === 0 ? [] : [{ index, problem: `${width} is odd.` }],
      );
      return Promise.resolve({ problems });
    },
  };
  const asked: Request = { ...request, batch, keepGoing };
  const made = await possibleClips(
    asked,
    clips.slice(there),
    page as unknown as Page,
    'http://127.0.0.1/',
  );
  return made.map(({ name }) => name);
}

it('names each clip that the model cannot make', async () => {
  await expect(possible([16, 17, 18, 17], false)).rejects.toMatchObject({
    message: 'this model cannot make 2 of these clips:\n  001: 17 is odd.\n  003: 17 is odd.',
    hint: 'Change their options, or make the others with --keep-going.',
  });
});

it('makes the others with --keep-going', async () => {
  expect(await possible([16, 17, 18, 17], true)).toEqual(['000', '002']);
});

it('names the clips if none is possible, with --keep-going too', async () => {
  const refusal = { message: expect.stringContaining('  001: 19 is odd.') as string };
  await expect(possible([17, 19], true)).rejects.toMatchObject(refusal);
  // The other one is there already.
  await expect(possible([16, 19], true, 1)).rejects.toMatchObject({
    ...refusal,
    hint: 'Change their options.',
  });
});

it('leaves one size of all prompts to the loading of the model', async () => {
  expect(await possible([17, 17], false)).toEqual(['000', '001']);
});
