/** @file The plan for the CPU holds in Firefox too. A page drives the engine and posts what it read: no driver is needed. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { expect, test } from '@playwright/test';
import { DIST } from '../../scripts/build.mjs';
import { ISOLATION_HEADERS, serveFolder } from '../../scripts/file-handler.mjs';
import { findFirefox, openInFirefox } from '../../scripts/firefox.mjs';
import { CPU_CLIPS } from '../cpu-clips.ts';

const firefox = findFirefox();

interface Figure {
  readonly plan: number;
  readonly peak: number;
  readonly heap: number;
}

/** The page itself in a frame, whose engine is driven from outside. */
const DRIVER = `<!doctype html><meta charset="utf-8"><iframe src="/"></iframe><script type="module">
const frame = document.querySelector('iframe');
while (!frame.contentWindow.zoetrope) await new Promise((resolve) => setTimeout(resolve, 100));
const { VideoPipeline, planMemory } = frame.contentWindow.zoetrope;
const source = new URL('/models/pocket', location.href).href;
const figures = [];
try {
  for (const { clip, memory } of ${JSON.stringify(CPU_CLIPS)}) {
    const { predictedPeakBytes: plan } = await planMemory(source, { device: 'wasm', memory, ...clip });
    const pipeline = await VideoPipeline.fromPretrained(source, { device: 'wasm', memory });
    const result = await pipeline.generate({ prompt: 'a red ball', seed: 1, numInferenceSteps: 1, ...clip });
    const { peakBytes: peak, byKind } = result.memory;
    figures.push({ plan, peak, heap: byKind.onnxruntime ?? 0 });
    await pipeline.dispose();
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(figures) });
} catch (error) {
  await fetch('/report', { method: 'POST', body: JSON.stringify({ error: String(error) }) });
}
</script>`;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

test('in Firefox the plan for the CPU is never below what is taken, and at most 15 % above', async () => {
  test.skip(firefox === undefined, 'Firefox is not installed.');
  const files = serveFolder({ prefix: '/', root: DIST });
  const reports = new EventEmitter();
  const reported = once(reports, 'report') as Promise<[string]>;
  const server = createServer((request, response) => {
    if (request.url === '/driver') {
      response.writeHead(200, { 'Content-Type': 'text/html', ...ISOLATION_HEADERS }).end(DRIVER);
    } else if (request.url === '/report') {
      void bodyOf(request).then((text) => reports.emit('report', text));
      response.end();
    } else {
      void files(request, response, () => response.writeHead(404).end());
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const opened = openInFirefox(firefox ?? '', `http://127.0.0.1:${port}/driver`);
  try {
    const report: unknown = JSON.parse((await reported)[0]);
    expect(report).toHaveLength(CPU_CLIPS.length);
    console.log('Firefox:', JSON.stringify(report));
    for (const { plan, peak, heap } of report as Figure[]) {
      expect(heap).toBeGreaterThanOrEqual(16 * 2 ** 20);
      expect(plan).toBeGreaterThanOrEqual(peak);
      expect(plan).toBeLessThanOrEqual(1.15 * peak);
    }
  } finally {
    opened.close();
    server.closeAllConnections();
    server.close();
  }
});
