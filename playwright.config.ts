import { defineConfig } from '@playwright/test';
import { launchOptions } from './scripts/browser.mjs';

export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/build.ts',
  // A software GPU compiles each kernel for seconds and computes on few cores: one test at a time, with patience.
  workers: 1,
  fullyParallel: false,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  retries: 0,
  forbidOnly: Boolean(process.env['CI']),
  outputDir: 'test-results',
  reporter: 'list',
  projects: [
    { name: 'chromium', testIgnore: 'heavy/**', grepInvert: /@heavy/ },
    // Minutes each, so `npm test` leaves these to `npm run test:all`.
    { name: 'heavy', grep: /heavy\/|@heavy/, timeout: 3_600_000 },
  ],
  use: { browserName: 'chromium', launchOptions: launchOptions('software') },
});
