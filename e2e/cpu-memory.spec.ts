/** @file On the CPU, what a plan says is what a clip takes: the whole WebAssembly memory, and the tensors beside it. */
import type { Page, Worker } from '@playwright/test';
import { CPU_CLIPS } from './cpu-clips.ts';
import { expect, open, type Site, test } from './app.ts';

/** Has the worker keep every memory that is made in it, so that the engine's word is not taken for it. */
async function keepMemories(page: Page): Promise<void> {
  await page.route(/\/assets\/worker[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    const keep = `globalThis.memories = [];
WebAssembly.Memory = new Proxy(WebAssembly.Memory, { construct(target, [descriptor]) {
  const memory = new target(descriptor);
  globalThis.memories.push(memory);
  return memory;
} });\n`;
    await route.fulfill({ response, body: keep + (await response.text()) });
  });
}

function largestMemory(worker: Worker | undefined): Promise<number> {
  if (!worker) throw new Error('no worker was started');
  return worker.evaluate(() => {
    const { memories } = globalThis as unknown as { memories: WebAssembly.Memory[] };
    return Math.max(...memories.map(({ buffer }) => buffer.byteLength));
  });
}

test('the plan for the CPU is never below what is taken, and at most 15 % above', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await keepMemories(page);
  await open(page, site satisfies Site);
  const figures: string[] = [];
  for (const { clip, memory } of CPU_CLIPS) {
    const { plan, reading } = await page.evaluate(
      async ([size, options]) => {
        const { VideoPipeline, planMemory } = window.zoetrope ?? {};
        if (!VideoPipeline || !planMemory) throw new Error('The page exposes no engine.');
        const source = new URL('models/pocket', document.baseURI).href;
        const settings = { device: 'wasm', memory: options } as const;
        const { predictedPeakBytes } = await planMemory(source, { ...settings, ...size });
        const pipeline = await VideoPipeline.fromPretrained(source, settings);
        const request = { prompt: 'a red ball moves right', seed: 1, numInferenceSteps: 1 };
        const result = await pipeline.generate({ ...request, ...size });
        const { memory: reading } = result;
        await result.dispose();
        await pipeline.dispose();
        return { plan: predictedPeakBytes, reading };
      },
      [clip, memory] as const,
    );
    const heap = await largestMemory(page.workers()[0]);
    const tensors = reading.peakBytes - (reading.byKind.onnxruntime ?? 0);
    const taken = heap + tensors;
    figures.push(`${JSON.stringify({ ...clip, ...memory })}: ${plan} for ${taken}`);
    expect(tensors, figures.join('\n')).toBeGreaterThan(1e6);
    expect(plan, figures.join('\n')).toBeGreaterThanOrEqual(taken);
    expect(plan, figures.join('\n')).toBeLessThanOrEqual(1.15 * taken);
  }
  test.info().annotations.push({ type: 'figures', description: figures.join('\n') });
  await page.close();
});
