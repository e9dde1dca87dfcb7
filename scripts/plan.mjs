/**
 * @file `npm run plan`: what a clip would take on the device, phase by phase, without fetching or computing anything.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages, ROOT } from './packages.mjs';

const USAGE = `Usage: npm run plan -- [options]

  --model NAME                a bundled model, or a folder in WanPipeline layout        (pocket)
  --width N  --height N       pixels                                   (the model's default)
  --num-frames N              frames of the clip                       (the model's default)
  --guidance-scale X          above 1 two passes are held at once      (the model's default)
  --dtype NAME                float32 or float16                                     (float16)
  --memory N                  budget of device memory in MB                        (no limit)
  --help                      this text
`;

const PHASES = /** @type {const} */ (['text_encoder', 'transformer', 'vae']);

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

/** @param {string | undefined} text */
function number(text) {
  return text === undefined ? undefined : Number(text);
}

/**
 * The engine is TypeScript; Vite, which builds the page, also loads it here.
 * @param {(load: (path: string) => Promise<Record<string, any>>) => Promise<void>} use
 */
async function withEngine(use) {
  const { createServer } = await import('vite');
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, ws: false },
  });
  try {
    await use((path) => server.ssrLoadModule(path));
  } finally {
    await server.close();
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'pocket' },
      width: { type: 'string' },
      height: { type: 'string' },
      'num-frames': { type: 'string' },
      'guidance-scale': { type: 'string' },
      dtype: { type: 'string', default: 'float16' },
      memory: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const bundled = join(ROOT, 'models', values.model);
  const folder = existsSync(join(bundled, 'model_index.json')) ? bundled : resolve(values.model);
  ensurePackages();
  await withEngine(async (load) => {
    const { NodeFolderSource } = await load('/src/weights/node-source.ts');
    const { openCheckpoint } = await load('/src/families/open-checkpoint.ts');
    const { resolveRequest } = await load('/src/pipeline/request.ts');
    const { planRun } = await load('/src/pipeline/plan.ts');
    const checkpoint = await openCheckpoint(new NodeFolderSource(folder));
    const { defaults, constraints } = checkpoint;
    const parameters = resolveRequest(
      {
        prompt: 'plan',
        width: number(values.width),
        height: number(values.height),
        numFrames: number(values['num-frames']),
        guidanceScale: number(values['guidance-scale']),
      },
      {
        model: values.model,
        scheduler: '',
        device: 'webgpu',
        dtype: values.dtype,
        defaults,
        constraints,
      },
    );
    const budget = (number(values.memory) ?? Number.POSITIVE_INFINITY) * 1e6;
    if (!(budget > 0)) throw new Error(`--memory: ${values.memory} is not a number of megabytes.`);
    const plan = planRun(checkpoint, parameters, values.dtype, budget);
    const { width, height, numFrames } = parameters;
    console.log(
      `${values.model}, ${width} × ${height}, ${numFrames} frames, ${values.dtype}; MB on the device`,
    );
    console.table(
      Object.fromEntries(
        PHASES.map((name) => {
          const phase = plan[name];
          return [
            name,
            {
              weights: megabytes(phase.weightBytes),
              'of them resident': megabytes(phase.residentWeightBytes),
              'working set': megabytes(phase.workingSetBytes),
              peak: megabytes(phase.predictedPeakBytes),
              'streamed stages': phase.streaming?.streamed.length ?? 0,
            },
          ];
        }),
      ),
    );
  });
}

try {
  await main();
} catch (error) {
  const { message, hint } = /** @type {{ message: string, hint?: string }} */ (error);
  console.error(hint === undefined ? message : `${message}\n${hint}`);
  process.exitCode = 1;
}
