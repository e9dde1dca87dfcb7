/**
 * @file `npm run plan`: what a clip would take on the device, phase by phase, without fetching or computing anything.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePackages, ROOT } from './packages.mjs';

const USAGE = `Usage: npm run plan -- [options]

  --model NAME                a bundled model, a folder in WanPipeline layout, owner/name of the
                              Hugging Face hub, or a folder’s https:// address          (pocket)
  --revision NAME             branch, tag or commit on the hub                   (its default)
  --width N  --height N       pixels                                   (the model's default)
  --num-frames N              frames of the clip                       (the model's default)
  --guidance-scale X          above 1 two passes are held at once      (the model's default)
  --dtype NAME                float32 or float16                                     (float16)
  --memory N                  budget of device memory in MB                        (no limit)
  --weights NAME              f32, f16, q8 or q4                            (as --dtype says)
  --guidance NAME             batched or sequential              (batched, if that can be made)
  --tile N                    pixels a side of a decoder tile       (whole frames, if they can)
  --help                      this text
`;

/** @typedef {import('../src/pipeline/api.ts').PhaseMemory} Phase */

/** WebGPU's smallest legal limits: what fits them fits every device. */
const LIMITS = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };

/** @param {string} dtype */
function device(dtype) {
  return {
    device: 'webgpu',
    adapter: 'any',
    isSoftware: false,
    hasShaderF16: dtype === 'float16',
    hasSubgroups: true,
    ...LIMITS,
  };
}

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
      revision: { type: 'string' },
      width: { type: 'string' },
      height: { type: 'string' },
      'num-frames': { type: 'string' },
      'guidance-scale': { type: 'string' },
      dtype: { type: 'string', default: 'float16' },
      memory: { type: 'string' },
      weights: { type: 'string' },
      guidance: { type: 'string' },
      tile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const bundled = join(ROOT, 'models', values.model);
  const folder = [bundled, resolve(values.model)].find((path) =>
    existsSync(join(path, 'model_index.json')),
  );
  ensurePackages();
  await withEngine(async (load) => {
    const { NodeFolderSource } = await load('/src/weights/node-source.ts');
    const { openCheckpoint } = await load('/src/families/open-checkpoint.ts');
    const { planMemory } = await load('/src/pipeline/memory-plan.ts');
    const { openSource } = await load('/src/weights/open-source.ts');
    const { HF_TOKEN: token, HF_ENDPOINT: hubUrl } = process.env;
    const source =
      folder === undefined
        ? openSource(values.model, { revision: values.revision, token, hubUrl })
        : new NodeFolderSource(folder);
    const checkpoint = await openCheckpoint(source);
    const { defaults } = checkpoint;
    const width = number(values.width) ?? defaults.width;
    const height = number(values.height) ?? defaults.height;
    const numFrames = number(values['num-frames']) ?? defaults.numFrames;
    const megabyte = number(values.memory);
    const tile = number(values.tile);
    const { weights, guidance } = values;
    const plan = planMemory(checkpoint, device(values.dtype), {
      width,
      height,
      numFrames,
      guidanceScale: number(values['guidance-scale']),
      dtype: values.dtype,
      memory: {
        ...(megabyte === undefined ? {} : { budgetBytes: megabyte * 1e6 }),
        ...(weights === undefined ? {} : { weights }),
        ...(guidance === undefined ? {} : { guidance }),
        ...(tile === undefined ? {} : { tile }),
      },
    });
    console.log(
      `${values.model}, ${width} × ${height}, ${numFrames} frames, weights ${plan.weights}; ` +
        `download ${megabytes(plan.downloadBytes)} MB, kept ${megabytes(plan.storedBytes)} MB.`,
    );
    console.log(plan.reason);
    if (plan.outcome === 'too-large') {
      process.exitCode = 1;
      return;
    }
    console.log('MB on the device:');
    console.table(
      Object.fromEntries(
        /** @type {Phase[]} */ (plan.phases).map((phase) => [
          phase.name,
          {
            weights: megabytes(phase.weightBytes),
            'of them resident': megabytes(phase.residentWeightBytes),
            'working set': megabytes(phase.workingSetBytes),
            peak: megabytes(phase.predictedPeakBytes),
            'streamed stages': `${phase.streamedStages} of ${phase.stages}`,
          },
        ]),
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
