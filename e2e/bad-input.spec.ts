/** @file Every wrong value is told in words, with its code, and with a way out where there is one. */
import type { Page } from '@playwright/test';
import { expect, generate, open, SMALL, test } from './app.ts';

const GOOD = { ...SMALL, prompt: 'a red ball', device: 'wasm' };

const CASES: readonly {
  readonly title: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly says: RegExp;
  readonly fix?: string;
}[] = [
  { title: 'an empty prompt', fields: { prompt: '' }, says: /prompt/ },
  { title: 'a prompt of spaces', fields: { prompt: '   ' }, says: /prompt/ },
  { title: 'a width between sizes', fields: { width: '50' }, says: /width: 50/, fix: '48' },
  { title: 'a height of zero', fields: { height: '0' }, says: /height: 0/, fix: '16' },
  { title: 'a negative width', fields: { width: '-32' }, says: /width: -32/, fix: '16' },
  { title: 'no frames', fields: { 'num-frames': '0' }, says: /numFrames: 0/, fix: '1' },
  { title: 'half a frame', fields: { 'num-frames': '4.5' }, says: /numFrames: 4.5/, fix: '5' },
  { title: 'frames off the grid', fields: { 'num-frames': '6' }, says: /numFrames: 6/, fix: '5' },
  { title: 'no steps', fields: { 'num-inference-steps': '0' }, says: /Steps: 0/, fix: '1' },
  { title: 'no memory', fields: { memory: '0' }, says: /budget/ },
  { title: 'a seed in words', fields: { seed: 'seven' }, says: /seed: “seven” is not a whole/ },
  {
    title: 'a sampler in the address that there is not',
    fields: { scheduler: 'DDIMScheduler' },
    says: /scheduler: there is no DDIMScheduler/,
  },
  {
    title: 'a width in words in the address',
    fields: { width: 'wide' },
    says: /width: what is in the field is not what/,
  },
  {
    title: 'a format in the address that there is not',
    fields: { weights: 'q5' },
    says: /memory.weights: q5/,
  },
  {
    title: 'a LoRA at a scale that there is not',
    fields: { lora: './models/x.safetensors:1000' },
    says: /loras: a scale of 1000/,
  },
  {
    title: 'a seed beyond 64 bits',
    fields: { seed: '18446744073709551616' },
    says: /seed: 18446744073709551616 is not/,
  },
];

/** The files of models that are fetched from here on. */
async function fetchedOf(page: Page): Promise<string[]> {
  await expect(page.locator('#plan')).toHaveAttribute('aria-busy', 'false');
  const urls: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/models/')) urls.push(request.url());
  });
  return urls;
}

for (const { title, fields, says, fix } of CASES) {
  test(title, async ({ sharedPage, site }) => {
    await open(sharedPage, site, { ...GOOD, ...fields });
    const fetched = await fetchedOf(sharedPage);
    await sharedPage.getByRole('button', { name: 'Generate' }).click();
    const alert = sharedPage.getByRole('alert');
    await expect(alert).toContainText(says, { timeout: 120_000 });
    await expect(alert).toContainText('invalid-argument');
    expect(fetched).toEqual([]);
    const [name = ''] = Object.keys(fields);
    const field = sharedPage.locator(`#${name}`);
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    if (fix === undefined) return;
    await alert.getByRole('button', { name: `Use ${fix}` }).click();
    await expect(field).toHaveValue(fix);
    await expect(alert).toBeHidden();
    await expect(field).not.toHaveAttribute('aria-invalid');
  });
}

test('an empty prompt is asked for at its field, which gets the focus', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, { ...GOOD, prompt: '' });
  const message = sharedPage.getByText('Describe what the video should show.').first();
  await expect(message).toBeHidden();
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const prompt = sharedPage.locator('#prompt');
  await expect(prompt).toBeFocused();
  await expect(message).toBeVisible();
  await expect(sharedPage.locator('#stage')).toHaveAttribute('data-state', 'idle');
  await sharedPage.keyboard.type('a red ball');
  await expect(message).toBeHidden();
  await expect(sharedPage.getByRole('alert')).toBeHidden();
});

test('a seed of 20 digits is kept to the last one', async ({ sharedPage, site }) => {
  const seed = '18446744073709551615';
  const clip = {
    ...GOOD,
    width: '16',
    height: '16',
    'num-frames': '1',
    'num-inference-steps': '1',
  };
  await open(sharedPage, site, { ...clip, seed });
  await generate(sharedPage);
  await expect(sharedPage.locator('#seed')).toHaveValue(seed);
  await expect(sharedPage.locator('#summary')).toContainText(`seed ${seed}.`);
  await expect(sharedPage.getByRole('button', { name: `a red ball, seed ${seed}` })).toBeVisible();
  const copied = async (what: string): Promise<string> => {
    await sharedPage.getByRole('button', { name: `Copy ${what}` }).click();
    await expect(sharedPage.locator('#save-status')).toHaveText(new RegExp(`^${what} copied`, 'i'));
    return sharedPage.evaluate(() => navigator.clipboard.readText());
  };
  expect(await copied('parameters')).toContain(`"seed": ${seed},`);
  expect(new URL(await copied('link')).searchParams.get('seed')).toBe(seed);
  const download = sharedPage.waitForEvent('download');
  await sharedPage.getByRole('button', { name: 'GIF' }).click();
  expect((await download).suggestedFilename()).toContain(seed);
});

test('a guidance that is not a number', async ({ sharedPage, site }) => {
  await open(sharedPage, site, GOOD);
  const field = sharedPage.locator('#guidance-scale');
  await field.clear();
  await field.press('e');
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const alert = sharedPage.getByRole('alert');
  await expect(alert).toContainText('guidanceScale: what is in the field', { timeout: 120_000 });
  await expect(alert).toContainText('invalid-argument');
});

test('a model that is not there', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...GOOD, model: 'no-such-model' });
  const alert = sharedPage.getByRole('alert');
  await expect(alert).toContainText('no-such-model');
  await expect(alert).toContainText('model-format');
});

test('a model on a host that does not answer', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...GOOD, model: 'http://127.0.0.1:9/pocket' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('network');
});

test('a form that no model can do asks no machine for anything', async ({ sharedPage, site }) => {
  const model = 'http://127.0.0.1:9/pocket';
  await open(sharedPage, site, { ...GOOD, model, sigmas: '0.5, 1' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('sigmas: 1 follows 0.5');
  await expect(sharedPage.getByRole('alert')).toContainText('invalid-argument');
});

test('memory that is too little, with a way to need less', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...GOOD, width: '256', height: '256', memory: '24' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const alert = sharedPage.getByRole('alert');
  await expect(alert).toContainText('out-of-memory', { timeout: 120_000 });
  await alert.getByRole('button', { name: 'Try a smaller clip' }).click();
  await expect(sharedPage.locator('#width')).toHaveValue('128');
  await expect(alert).toBeHidden();
  await expect(sharedPage.locator('#plan')).toHaveAttribute('data-outcome', 'streamed');
});

test('memory that is too little for any clip', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...GOOD, memory: '1' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const alert = sharedPage.getByRole('alert');
  await expect(alert).toContainText('even the smallest clip takes', { timeout: 120_000 });
  await expect(alert.getByRole('button')).toHaveCount(0);
});
