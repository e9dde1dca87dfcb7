/** @file The page's Content-Security-Policy: all that the page does is allowed, and what was smuggled into it does not run. */
import type { Page } from '@playwright/test';
import { expect, generate, open, SMALL, test } from './app.ts';

/** What the policy has refused, in the page and in its workers. */
async function watchViolations(page: Page): Promise<() => Promise<string[]>> {
  const said: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) said.push(message.text());
  });
  await page.addInitScript(() => {
    const violations: string[] = [];
    Object.assign(globalThis, { violations });
    document.addEventListener('securitypolicyviolation', (event) => {
      violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  return async () => [...said, ...(await page.evaluate<string[]>('globalThis.violations'))];
}

for (const device of ['wasm', 'webgpu']) {
  test(
    `a clip is made on ${device} and saved within the policy`,
    { tag: '@heavy' },
    async ({ browser, site }) => {
      const page = await browser.newPage();
      const violations = await watchViolations(page);
      const answer = page.waitForResponse(site.url + '**');
      await open(page, site, { ...SMALL, prompt: 'a red ball', device, storage: '' });
      expect((await answer).headers()['content-security-policy']).toContain("object-src 'none'");
      await generate(page);
      for (const container of device === 'wasm' ? ['mp4', 'gif', 'png'] : []) {
        const download = page.waitForEvent('download');
        await page.locator(`button[data-container="${container}"]`).click();
        expect((await download).suggestedFilename()).toContain('a-red-ball');
      }
      expect(await violations()).toEqual([]);
      await page.close();
    },
  );
}

for (const host of ['with its headers', 'from a host that sends no headers']) {
  test(`markup that brings a script does not run it, ${host}`, async ({ browser, site }) => {
    const page = await browser.newPage();
    const violations = await watchViolations(page);
    if (host !== 'with its headers') {
      await page.route(`${site.url}*`, async (route) => {
        const response = await route.fetch();
        const { 'content-security-policy': _, ...headers } = response.headers();
        await route.fulfill({ response, headers });
      });
    }
    await open(page, site, SMALL);
    await page.evaluate(() => {
      const inline = document.createElement('script');
      inline.textContent = 'globalThis.smuggled = "inline"';
      const elsewhere = document.createElement('script');
      elsewhere.src = 'https://elsewhere.example/x.js';
      const data = document.createElement('script');
      data.src = 'data:text/javascript,globalThis.smuggled = "data"';
      document.head.append(inline, elsewhere, data);
      const holder = document.createElement('div');
      holder.innerHTML = `<img src="x" onerror="globalThis.smuggled = 'handler'">
        <object data="x.svg"></object><base href="https://elsewhere.example/">`;
      document.body.append(holder);
      // As code would that builds code from a text.
      const later = setTimeout as unknown as (code: string, ms: number) => void;
      later('globalThis.smuggled = "eval"', 0);
    });
    await expect
      .poll(async () => (await violations()).map((each) => each.split(' ')[0]))
      .toEqual(
        expect.arrayContaining([
          'script-src-elem',
          'script-src-attr',
          'script-src',
          'object-src',
          'base-uri',
        ]),
      );
    expect(await page.evaluate('globalThis.smuggled')).toBeUndefined();
    expect(await page.evaluate(() => document.baseURI)).toContain(site.url);
    await page.close();
  });
}

test('a chosen theme is there before the first paint', async ({ browser, site }) => {
  const page = await browser.newPage();
  await open(page, site, SMALL);
  await page.evaluate(() => localStorage.setItem('theme', 'dark'));
  // The page's own script never comes: what sets the theme is not in it.
  await page.route(/assets\/index-.*\.js/, (route) => route.abort());
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.close();
});
