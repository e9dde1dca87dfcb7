/**
 * @file Runs inside the page: drives the engine through `window.zoetrope`. Playwright sends the function's text, so it
 * can use nothing from outside itself.
 */

/**
 * What crosses the boundary back.
 * @typedef {object} Outcome
 * @property {import('../../src/pipeline/api.ts').GenerationParameters} parameters
 * @property {import('../../src/pipeline/api.ts').DeviceReport} device
 * @property {readonly import('../../src/pipeline/api.ts').Notice[]} notices
 * @property {Record<string, number>} seconds
 * @property {import('../../src/pipeline/api.ts').MemoryReading} memory
 * @property {{ codec: string, files: number }} output
 */

/** @typedef {{ name: string, message: string, code?: string, hint?: string }} Failure */

/**
 * @param {{
 *   source: string,
 *   load: Pick<import('../../src/pipeline/api.ts').LoadOptions, 'device' | 'dtype' | 'memory' | 'storage' | keyof import('../../src/pipeline/api.ts').ModelParts | 'revision' | 'token' | 'hubUrl'>,
 *   generate: import('../../src/pipeline/api.ts').GenerateOptions,
 *   encode: import('../../src/pipeline/api.ts').EncodeOptions,
 * }} request
 * @returns {Promise<{ outcome: Outcome } | { failure: Failure }>}
 */
export async function generateInPage({ source, load, generate, encode }) {
  /** @type {any} */
  const page = globalThis;
  /** @type {import('../../src/page/driving.ts').DrivingHook} */
  const engine = page.zoetrope;
  const controller = new AbortController();
  page.cancelGeneration = () => controller.abort();
  const { signal } = controller;

  let reportedAt = 0;
  let reportedType = '';
  /** @param {import('../../src/pipeline/api.ts').Progress} progress */
  const onProgress = (progress) => {
    const now = performance.now();
    if (progress.type === reportedType && now - reportedAt < 100) return;
    reportedAt = now;
    reportedType = progress.type;
    page.reportProgress({ ...engine.describeProgress(progress), etaSeconds: progress.etaSeconds });
  };

  try {
    const startedAt = performance.now();
    const pipeline = await engine.VideoPipeline.fromPretrained(source, {
      ...load,
      clip: generate,
      signal,
      onProgress,
    });
    const loadedAt = performance.now();
    const result = await pipeline.generate({ ...generate, signal, onProgress });
    const generatedAt = performance.now();
    const encoded = await result.encode({ ...encode, signal, onProgress });
    const endedAt = performance.now();
    page.encodedFiles = encoded.files;
    const { encodePrompt, denoise, decode } = result.seconds;
    return {
      outcome: {
        parameters: result.parameters,
        device: pipeline.device,
        notices: result.notices,
        seconds: {
          load: (loadedAt - startedAt) / 1000,
          encodePrompt,
          denoise,
          decode,
          encode: (endedAt - generatedAt) / 1000,
          total: (endedAt - startedAt) / 1000,
        },
        memory: await pipeline.memory(),
        output: { codec: encoded.codec, files: encoded.files.length },
      },
    };
  } catch (error) {
    const { name, message, code, hint } = /** @type {Failure} */ (error);
    return { failure: { name, message, ...(code ? { code } : {}), ...(hint ? { hint } : {}) } };
  }
}

/**
 * One of the encoded files as base64.
 * @param {number} index
 * @returns {Promise<string>}
 */
export function readEncodedFile(index) {
  /** @type {any} */
  const page = globalThis;
  /** @type {Blob} */
  const blob = page.encodedFiles[index].blob;
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const url = /** @type {string} */ (reader.result);
      resolve(url.slice(url.indexOf(',') + 1));
    });
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
