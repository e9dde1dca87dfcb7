/** @file Help with the prompt: samples, a sentence built by keyboard, and an honest line about words that were never taught. */
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import type { PromptVocabulary } from '../src/index.ts';
import { expect, expectClip, open, SMALL, test } from './app.ts';

const { prompts } = JSON.parse(readFileSync('models/pocket/zoetrope.json', 'utf8')) as {
  prompts: PromptVocabulary;
};

/** Of a model that was taught two subjects at once, and a moving camera. */
const TWO: PromptVocabulary = {
  samples: ['an orange ball rises'],
  builder: {
    colours: ['orange', 'blue'],
    subjects: ['ball', 'ring'],
    motions: ['rises', 'spins'],
    pairMotions: ['rises'],
    relations: ['left of', 'above'],
    grounds: ['on black'],
    cameras: ['the camera pans left'],
  },
  words: 'a an orange blue ball ring rises spins left of above on black the'.split(' '),
};

async function tabTo(page: Page, id: string): Promise<void> {
  for (let press = 0; press < 12; press++) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate(() => document.activeElement?.id)) === id) return;
  }
  throw new Error(`#${id} was not reached`);
}

/** What the builder shows, as a sentence without its comma. */
async function shownSentence(page: Page): Promise<string> {
  return page.locator('#prompt-builder').evaluate((builder) =>
    [...builder.querySelectorAll('span[aria-hidden], select')]
      .filter((part) => part.checkVisibility())
      .map((part) => (part instanceof HTMLSelectElement ? part.value : part.textContent))
      .filter((text) => text !== '')
      .join(' '),
  );
}

test('a sentence is built by keyboard, and becomes a clip', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, device: 'wasm' });
  const prompt = sharedPage.getByLabel('Prompt', { exact: true });
  await prompt.focus();
  await tabTo(sharedPage, 'build-colour');
  await sharedPage.keyboard.type('orange');
  // What is still open was drawn.
  await expect(prompt).toHaveValue(/^an orange [a-z]+ [a-z]+/);
  await tabTo(sharedPage, 'build-subject');
  await sharedPage.keyboard.type('heart');
  await tabTo(sharedPage, 'build-motion');
  await sharedPage.keyboard.press('Home');
  await expect(prompt).toHaveValue(`an orange heart ${prompts.builder.motions[0]}`);
  await tabTo(sharedPage, 'build-ground');
  await sharedPage.keyboard.press('End');
  const sentence = `an orange heart ${prompts.builder.motions[0]} ${prompts.builder.grounds.at(-1)}`;
  await expect(prompt).toHaveValue(sentence);
  await sharedPage.keyboard.press('Control+Enter');
  await expectClip(sharedPage);
  await expect(sharedPage.locator('#canvas')).toHaveAttribute('aria-label', `Clip: ${sentence}`);
});

test('the dice draw sentences, and say them', async ({ sharedPage, site }) => {
  await open(sharedPage, site);
  const prompt = sharedPage.locator('#prompt');
  await prompt.focus();
  await tabTo(sharedPage, 'roll');
  const drawn = new Set<string>();
  for (let roll = 0; roll < 6; roll++) {
    await sharedPage.keyboard.press('Enter');
    const sentence = await prompt.inputValue();
    expect(await shownSentence(sharedPage)).toBe(sentence.replace(',', ''));
    await expect(sharedPage.locator('#drawn')).toHaveText(sentence);
    drawn.add(sentence);
  }
  expect(drawn.size).toBeGreaterThan(1);
  await expect(sharedPage.locator('#prompt-words')).toBeEmpty();
});

test('a sample is loaded by a click, and the builder follows it', async ({ sharedPage, site }) => {
  await open(sharedPage, site);
  const [sample = ''] = prompts.samples;
  await sharedPage.getByRole('button', { name: sample, exact: true }).click();
  await expect(sharedPage.locator('#prompt')).toHaveValue(sample);
  await expect(sharedPage.locator('#generate')).toBeFocused();
  expect(await shownSentence(sharedPage)).toBe(sample.replace(',', ''));
  const colour = sharedPage.getByRole('combobox', { name: 'Colour', exact: true });
  await colour.selectOption('orange');
  await expect(sharedPage.locator('#prompt')).toHaveValue(/^an orange /);
});

test('words that were never taught are named, and keep nobody from generating', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, { prompt: 'A Red CIRCLE, moves (right)!' });
  const line = sharedPage.locator('#prompt-words');
  await expect(line).toBeEmpty();
  await sharedPage.locator('#prompt').fill('a red dragon moves right');
  await expect(line).toHaveText('The model was never taught ‘dragon’; it will guess.');
  await expect(line).toHaveRole('status');
  await expect(sharedPage.locator('#generate')).toBeEnabled();
  // The builder cannot say it, and says nothing.
  expect(await shownSentence(sharedPage)).toBe('a');
  await sharedPage.locator('#prompt').fill('a dragon and a castle');
  await expect(line).toContainText('‘dragon’ and ‘castle’');
  await sharedPage.getByRole('button', { name: prompts.samples[0] ?? '' }).click();
  await expect(line).toBeEmpty();
});

test('there is help before any weights have come, and none for other models', async ({
  sharedPage,
  site,
}) => {
  const builder = sharedPage.getByRole('group', { name: 'Prompt builder' });
  await sharedPage.route('**/*.safetensors', () => {}); // They never come.
  await sharedPage.goto(`${site.url}?prompt=a+dragon`);
  await expect(builder).toBeVisible();
  await expect(sharedPage.locator('#samples button')).toHaveCount(prompts.samples.length);
  await expect(sharedPage.locator('#prompt-words')).toContainText('‘dragon’');
  await sharedPage.locator('#models > summary').click();
  await sharedPage.getByRole('radio', { name: 'Wan 2.1 1.3B', exact: true }).check();
  await expect(builder).toBeHidden();
  await expect(sharedPage.locator('#samples')).toBeHidden();
  await expect(sharedPage.locator('#prompt-words')).toBeEmpty();
  await sharedPage.unroute('**/*.safetensors');
  await sharedPage.getByRole('radio', { name: 'Pocket' }).check();
  await expect(builder).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`two subjects and a camera: readable, on a phone too (${colorScheme})`, async ({
    sharedPage,
    site,
  }) => {
    await sharedPage.route('**/pocket/zoetrope.json', (route) =>
      route.fulfill({ json: { prompts: TWO } }),
    );
    await sharedPage.emulateMedia({ colorScheme });
    await open(sharedPage, site, { prompt: 'an orange ball rises above a blue dragon' });
    await expect(sharedPage.locator('#prompt-words')).toContainText('‘dragon’');
    await expect(sharedPage.locator('#build-other')).toBeHidden();
    await sharedPage.locator('#prompt').fill('an orange ball rises above a blue ring on black');
    await expect(sharedPage.locator('#build-other')).toBeVisible();
    await sharedPage.getByLabel('Colour of the other subject').selectOption('orange');
    await expect(sharedPage.locator('#prompt')).toHaveValue(
      'an orange ball rises above an orange ring on black',
    );
    // One subject at a time was shown while the camera moved.
    await sharedPage.getByLabel('Camera').selectOption('the camera pans left');
    await expect(sharedPage.locator('#prompt')).toHaveValue(
      'an orange ball on black, the camera pans left',
    );
    await sharedPage.locator('#prompt').pressSequentially(' again');
    await expect(sharedPage.locator('#prompt-words')).toContainText('‘camera’, ‘pans’ and ‘again’');
    await sharedPage.locator('#prompt').fill('an orange ball rises above a blue ring on black');
    for (const width of [360, 1280]) {
      await sharedPage.setViewportSize({ width, height: 740 });
      const { violations } = await new AxeBuilder({ page: sharedPage })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      expect(
        await sharedPage.evaluate(() => document.documentElement.scrollWidth),
      ).toBeLessThanOrEqual(width);
      await test.info().attach(`${width} ${colorScheme}`, {
        body: await sharedPage.screenshot({ fullPage: true }),
        contentType: 'image/png',
      });
    }
    await sharedPage.getByLabel('Relation').selectOption('');
    await expect(sharedPage.locator('#prompt')).toHaveValue('an orange ball rises on black');
    await sharedPage.unroute('**/pocket/zoetrope.json');
    await sharedPage.emulateMedia({ colorScheme: null });
  });
}
