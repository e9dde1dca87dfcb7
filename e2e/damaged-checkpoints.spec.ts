/** @file Damaged, incomplete and foreign checkpoints: refused with a message that says what is wrong. */
import { expect, open, SMALL, test } from './app.ts';
import { DAMAGES } from './checkpoints.ts';

for (const [name, { file }] of Object.entries(DAMAGES)) {
  test(`${name}: ${file}`, async ({ sharedPage, site }) => {
    await open(sharedPage, site, {
      ...SMALL,
      prompt: 'a red ball',
      device: 'wasm',
      model: `/damaged/${name}`,
    });
    const alert = sharedPage.getByRole('alert');
    // Headers are read before the button is pressed; tensors only after.
    if (!(await alert.isVisible())) {
      await sharedPage.getByRole('button', { name: 'Generate' }).click();
    }
    await expect(alert.getByText('model-format')).toBeVisible({ timeout: 120_000 });
    const words = (await alert.innerText()).replace('model-format', '');
    expect(words.length).toBeGreaterThan(30);
    expect(words).not.toMatch(/undefined|\[object|TypeError|NaN/);
    test.info().annotations.push({ type: 'says', description: words.trim() });
  });
}
