/** @file The choice of a model: by keyboard, with a verdict and a licence, and nothing asked of anybody before that. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, open, test } from './app.ts';

/** Addresses that are not the page's own, as they are asked for; and the page's own models. */
function watchRequests(page: Page, own: string): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(own) && !url.startsWith('blob:') && !url.startsWith('data:'))
      asked.push(url);
  });
  return asked;
}

async function openModels(page: Page): Promise<void> {
  const models = page.locator('#models');
  if ((await models.getAttribute('open')) === null) await models.locator('> summary').click();
}

test('is made by keyboard, and fills in what the model wants', async ({ sharedPage, site }) => {
  const asked = watchRequests(sharedPage, site.url);
  await open(sharedPage, site);
  await sharedPage.locator('#models > summary').focus();
  await sharedPage.keyboard.press('Enter');
  await sharedPage.keyboard.press('Tab');
  await expect(sharedPage.getByRole('radio', { name: 'Pocket' })).toBeFocused();
  await sharedPage.keyboard.press('ArrowDown');
  const wan = sharedPage.getByRole('radio', { name: 'Wan 2.1 1.3B', exact: true });
  await expect(wan).toBeChecked();
  await expect(sharedPage.locator('#model-title')).toHaveText('Wan 2.1 1.3B');
  await expect(sharedPage.locator('#num-inference-steps')).toHaveValue('50', { timeout: 60_000 });
  await expect(sharedPage.locator('#flow-shift')).toHaveValue('3');
  await expect(sharedPage.locator('#storage')).toBeChecked();
  await expect(sharedPage.locator('#licence')).toContainText('Apache-2.0');
  await expect(sharedPage.locator('#download-report')).toContainText('28.7 GB in all');
  // The plan is made of the catalogue's configuration.
  await expect(sharedPage.locator('#plan')).toHaveAttribute('data-outcome', /resident|streamed/);
  await sharedPage.keyboard.press('ArrowDown');
  await expect(sharedPage.locator('#scheduler')).toHaveValue('FlowMatchLCMScheduler');
  await expect(sharedPage.locator('#guidance-scale')).toHaveValue('1');
  await expect(sharedPage.locator('#sigmas')).toHaveValue('1, 0.75, 0.5, 0.25');
  await expect(sharedPage.locator('#licence')).toContainText('CC-BY-NC-SA-4.0');
  await sharedPage.keyboard.press('ArrowDown');
  await expect(sharedPage.locator('#timesteps')).toHaveValue('1000, 757, 522');
  await sharedPage.keyboard.press('ArrowUp');
  await expect(sharedPage.locator('#timesteps')).toHaveValue('');
  expect(asked).toEqual([]);
});

test('comes with a verdict for each, and nothing is asked for it', async ({ sharedPage, site }) => {
  const asked = watchRequests(sharedPage, site.url);
  await open(sharedPage, site);
  await openModels(sharedPage);
  const verdicts = sharedPage.locator('#model-cards .verdict');
  for (const verdict of await verdicts.all()) {
    await expect(verdict).toHaveAttribute('data-level', /./, { timeout: 120_000 });
  }
  // The test's machine has no GPU: the CPU computes.
  await expect(sharedPage.locator('#verdict-pocket')).toHaveText('✓ Runs well');
  await sharedPage.locator('#advanced > summary').click();
  await sharedPage.locator('#device').selectOption('webgpu');
  const reason = sharedPage.locator('.model-card:has(#model-pocket) .model-reason');
  await expect(reason).toContainText('software adapter');
  await sharedPage.locator('#device').selectOption('wasm');
  await expect(reason).toContainText('by the CPU');
  for (const verdict of await verdicts.all()) {
    await expect(verdict).toHaveAttribute('data-level', /./, { timeout: 120_000 });
  }
  await expect(sharedPage.locator('#verdict-wan2\\.1-t2v-14b')).toHaveText(
    /Not practical|Does not fit/,
  );
  expect(asked).toEqual([]);
});

test('is kept in the address', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { model: 'fastwan2.1-t2v-1.3b', width: '320', height: '192' });
  await expect(sharedPage.locator('#model-title')).toHaveText('FastWan 2.1 1.3B');
  await expect(sharedPage.locator('#num-inference-steps')).toHaveValue('3', { timeout: 60_000 });
  await expect(sharedPage.locator('#width')).toHaveValue('320');
});

test('comes with its fast decoder by a tick, and nothing is asked for it', async ({
  sharedPage,
  site,
}) => {
  const asked = watchRequests(sharedPage, site.url);
  await open(sharedPage, site, { model: 'wan2.1-t2v-1.3b', device: 'wasm' });
  await openModels(sharedPage);
  const report = sharedPage.locator('#download-report');
  const facts = sharedPage.locator('#plan-facts');
  const fetched = async (): Promise<number> => {
    await expect(facts).toContainText('Fetches', { timeout: 120_000 });
    return Number(/Fetches ([\d.]+) GB/.exec((await facts.textContent()) ?? '')?.[1]);
  };
  const without = await fetched();
  await expect(report).not.toContainText('fast decoder');
  await sharedPage.getByLabel('Live preview by the fast decoder').check();
  await expect(report).toContainText('fast decoder9.84M parameters, 39.4 MB', { timeout: 120_000 });
  await expect(sharedPage.locator('#fast-decoder-offer')).toContainText('Nobody has run it here');
  await expect(sharedPage.locator('#licence')).toContainText('MIT');
  expect(await fetched()).toBeGreaterThanOrEqual(without);

  // Its decode is another plan than the model's own.
  const decode = sharedPage.locator('#plan-phases dd').last();
  const own = await decode.textContent();
  await sharedPage.getByLabel('Decode the clip by it too').check();
  await expect(sharedPage.locator('#decode')).toHaveValue('fast');
  await expect(decode).not.toHaveText(own ?? '', { timeout: 120_000 });

  // It goes with models that name it, and with no other.
  await sharedPage.getByRole('radio', { name: 'FastWan' }).check();
  await expect(sharedPage.getByLabel('Live preview by the fast decoder')).toBeChecked();
  await sharedPage.getByRole('radio', { name: 'Pocket' }).check();
  await expect(sharedPage.locator('#fast-decoder-offer')).toBeHidden();
  await expect(sharedPage.locator('#fast-decoder')).toHaveValue('');
  await expect(sharedPage.locator('#decode')).toHaveValue('');
  expect(asked).toEqual([]);
});

test('another model is asked nothing before Check', async ({ sharedPage, site }) => {
  const asked = watchRequests(sharedPage, site.url);
  const host = 'http://127.0.0.1:9';
  await open(sharedPage, site, { model: `${host}/some/model` });
  await openModels(sharedPage);
  await expect(sharedPage.locator('#other-model')).toBeVisible();
  await expect(sharedPage.locator('#plan-reason')).toContainText('Press Check');
  expect(asked).toEqual([]);
  await sharedPage.getByRole('button', { name: 'Check', exact: true }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('network');
});

test('a LoRA goes on a model of the list too, and is asked for after Check only', async ({
  sharedPage,
  site,
}) => {
  const asked = watchRequests(sharedPage, site.url);
  const lora = 'http://127.0.0.1:9/x.safetensors';
  await open(sharedPage, site, { model: 'pocket', lora });
  await openModels(sharedPage);
  await expect(sharedPage.getByLabel('LoRAs')).toHaveValue(lora);
  await expect(sharedPage.locator('#plan-reason')).toContainText('headers from 127.0.0.1:9,');
  expect(asked).toEqual([]);
  await sharedPage.getByRole('radio', { name: 'Wan 2.1 1.3B', exact: true }).check();
  await expect(sharedPage.locator('#plan-reason')).toContainText('huggingface.co, 127.0.0.1:9,');
  expect(asked).toEqual([]);
  await sharedPage.getByRole('radio', { name: 'Pocket' }).check();
  await sharedPage.getByRole('button', { name: 'Check now' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('network');
  await sharedPage.getByLabel('LoRAs').fill('');
  await sharedPage.getByLabel('LoRAs').blur();
  await expect(sharedPage.locator('#plan-facts')).toBeVisible();
});

test('Generate checks a model that was not looked at first', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { model: 'http://127.0.0.1:9/some/model', prompt: 'a' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('network');
  await expect(sharedPage.locator('#progress')).toBeHidden();
});

for (const name of ['owner/na me', 'owner/', 'ftp://example.org/model', '']) {
  test(`no model's name: “${name}”`, async ({ sharedPage, site }) => {
    const asked = watchRequests(sharedPage, site.url);
    await open(sharedPage, site);
    await openModels(sharedPage);
    await sharedPage.getByRole('radio', { name: 'Another model' }).check();
    await expect(sharedPage.locator('#model')).toBeFocused();
    await sharedPage.keyboard.type(name);
    await sharedPage.keyboard.press('Enter');
    await expect(sharedPage.getByRole('alert')).toContainText('model: ');
    await expect(sharedPage.getByRole('alert')).toContainText('invalid-argument');
    await expect(sharedPage.locator('#model')).toHaveAttribute('aria-invalid', 'true');
    expect(asked).toEqual([]);
  });
}

test('a token is forgotten with the tab, unless it is to be remembered', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, { token: 'hf_from_an_address' });
  const token = sharedPage.locator('#token');
  await expect(token).toHaveValue('');
  await openModels(sharedPage);
  await sharedPage.locator('.hub-access > summary').click();
  await token.fill('hf_secret');
  await token.blur();
  expect(await sharedPage.evaluate(() => JSON.stringify(localStorage))).not.toContain('hf_secret');
  await sharedPage.getByLabel('Remember it in this browser').check();
  await open(sharedPage, site);
  await expect(token).toHaveValue('hf_secret');
  await openModels(sharedPage);
  await sharedPage.locator('.hub-access > summary').click();
  await sharedPage.getByLabel('Remember it in this browser').uncheck();
  expect(await sharedPage.evaluate(() => JSON.stringify(localStorage))).not.toContain('hf_secret');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing in the open list (${colorScheme})`, async ({ sharedPage, site }) => {
    await sharedPage.emulateMedia({ colorScheme });
    await sharedPage.setViewportSize({ width: 360, height: 740 });
    await open(sharedPage, site, { model: 'wan2.1-t2v-1.3b-self-forcing' });
    await openModels(sharedPage);
    await sharedPage.locator('.hub-access > summary').click();
    await expect(sharedPage.locator('#verdict-wan2\\.1-t2v-14b')).toHaveAttribute(
      'data-level',
      /./,
      {
        timeout: 120_000,
      },
    );
    for (const model of ['Wan 2.1 1.3B, 4 steps', 'Another model']) {
      await sharedPage.getByRole('radio', { name: model }).check();
      const { violations } = await new AxeBuilder({ page: sharedPage })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      const width = await sharedPage.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(360);
      await test.info().attach(`${model} ${colorScheme}`, {
        body: await sharedPage.screenshot({ fullPage: true }),
        contentType: 'image/png',
      });
    }
    await sharedPage.setViewportSize({ width: 1280, height: 720 });
    await sharedPage.emulateMedia({ colorScheme: null });
  });
}
