import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { launchOptions } from './scripts/browser.mjs';
import { readmeExamplesPlugin } from './scripts/readme/examples.mjs';

/** Tests of what Node cannot show (WebGPU, IndexedDB): parity runs on both sides, `*.browser.test.ts` here alone. */
const IN_BROWSER = ['src/**/*.{parity,browser}.test.ts'];

export default defineConfig({
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  test: {
    // Graph compilation and reference runs are seconds each on a small machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['{src,scripts,bench}/**/*.test.{ts,mjs}'],
          exclude: ['**/*.browser.test.ts', '**/*.heavy.test.*', '**/node_modules/**'],
          environment: 'node',
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          // Minutes each, so `npm test` leaves these to `npm run test:all`.
          name: 'heavy',
          include: ['{src,scripts,bench}/**/*.heavy.test.{ts,mjs}'],
          environment: 'node',
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        plugins: [readmeExamplesPlugin()],
        test: {
          name: 'chromium',
          include: IN_BROWSER,
          // A software GPU compiles each kernel for seconds.
          testTimeout: 400_000,
          hookTimeout: 400_000,
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: launchOptions('software') }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
