/**
 * @file `npm run plan`: what a clip would take on the device, phase by phase, without computing anything, and of what is
 * elsewhere without fetching more than headers.
 */
import { join } from 'node:path';
import { shownText } from '../src/weights/shown-address.mjs';
import { bundledModels } from './bundled-models.mjs';
import { EXIT_FAILURE, runCommand } from './command-line.mjs';
import { withEngine } from './engine.mjs';
import { mapParts } from './model-arguments.mjs';
import { ensurePackages, ROOT } from './packages.mjs';
import { parseCommandLine, USAGE } from './plan/arguments.mjs';
import { typedNames, withTypedNames } from './typed-names.mjs';

/** @typedef {import('../src/pipeline/api.ts').PhaseMemory} Phase */

/** WebGPU's smallest legal limits: what fits them fits every GPU. */
const LIMITS = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };

/** @param {string} dtype */
function anyGpu(dtype) {
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

/**
 * The model with its parts, from headers alone.
 * @param {import('./plan/arguments.mjs').PlanRequest} request
 * @param {(path: string) => Promise<Record<string, any>>} load
 */
async function openModel({ model, hub, parts }, load) {
  const { NodeFolderSource } = await load('/src/weights/node-source.ts');
  const { openFile, openSource } = await load('/src/weights/open-source.ts');
  const { openCheckpoint } = await load('/src/families/open-checkpoint.ts');
  const { withFastDecoder } = await load('/src/families/taehv/open.ts');
  const { token, hubUrl } = hub;
  const { fastDecoder, loras, transformer, textEncoderFrom, vae } = mapParts(parts, (place) =>
    typeof place === 'string'
      ? openFile(place, { token, hubUrl })
      : { source: new NodeFolderSource(place.folder), path: place.file },
  );
  const source =
    model.url === undefined
      ? new NodeFolderSource(model.folder ?? join(ROOT, 'models', model.name))
      : openSource(model.url, hub);
  const checkpoint = await openCheckpoint(source, {
    components: {
      ...(transformer ? { transformer } : {}),
      ...(textEncoderFrom ? { text_encoder: textEncoderFrom } : {}),
      ...(vae ? { vae } : {}),
    },
    loras: loras.map(({ source: at, scale }) => ({ ...at, scale })),
  });
  return fastDecoder ? withFastDecoder(checkpoint, fastDecoder) : checkpoint;
}

/** @param {import('./plan/arguments.mjs').PlanRequest} request */
function namesOf({ model, parts }) {
  const at = model.folder ?? join(ROOT, 'models', model.name);
  const served = model.url === undefined ? [{ at, typed: model.typed }] : [];
  mapParts(parts, (place) => {
    if (typeof place === 'string') return;
    const { folder, file, typed } = place;
    served.push({ at: folder, typed, ...(file === '' ? {} : { file }) });
  });
  return typedNames(served);
}

/**
 * @param {import('./plan/arguments.mjs').PlanRequest} request
 * @param {(text: string) => string} names
 */
async function plan(request, names) {
  await withEngine(async (load) => {
    const { planMemory } = await load('/src/pipeline/memory-plan.ts');
    const checkpoint = await openModel(request, load);
    const { probeDevice } = await load('/src/runtime/device.ts');
    const { clip, device, dtype, memory, model } = request;
    const report = device === 'wasm' ? await probeDevice('wasm') : anyGpu(dtype);
    const made = planMemory(checkpoint, report, {
      ...clip,
      dtype,
      memory,
      preview: request.parts.fastDecoder !== undefined,
    });
    const { width, height, numFrames } = { ...checkpoint.defaults, ...clip };
    console.log(
      `${model.typed}, ${width} × ${height}, ${numFrames} frames, weights ${made.weights}; ` +
        `download ${megabytes(made.downloadBytes)} MB, kept ${megabytes(made.storedBytes)} MB.`,
    );
    for (const { source, scale, tensors } of checkpoint.loras) {
      console.log(`LoRA ${names(source)} × ${scale}: merged into ${tensors} tensors.`);
    }
    console.log(names(made.reason));
    if (made.outcome === 'too-large') {
      process.exitCode = EXIT_FAILURE;
      return;
    }
    console.log('MB on the device:');
    console.table(
      Object.fromEntries(
        /** @type {Phase[]} */ (made.phases).map((phase) => [
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

async function main() {
  const request = parseCommandLine(process.argv.slice(2), bundledModels());
  if (request === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  for (const note of request.notes) console.error(shownText(note));
  ensurePackages();
  const names = namesOf(request);
  await withTypedNames(names, () => plan(request, names));
}

await runCommand(main);
