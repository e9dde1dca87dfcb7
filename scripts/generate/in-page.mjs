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
 * @property {{ encodePrompt: number, denoise: number, decode: number, encode: number, total: number }} seconds
 * @property {import('../../src/pipeline/api.ts').MemoryReading} memory
 * @property {{ codec: string, files: number }} output
 */

/** @typedef {{ name: string, message: string, code?: string, hint?: string }} Failure */

/**
 * @typedef {Pick<import('../../src/pipeline/api.ts').GenerateOptions, 'width' | 'height' | 'numFrames' | 'maxSequenceLength' | 'guidanceScale' | 'decode'>} Size
 *
 * @typedef {object} Model
 * @property {string} source
 * @property {Pick<import('../../src/pipeline/api.ts').LoadOptions, 'device' | 'dtype' | 'memory' | 'storage' | 'clip' | keyof import('../../src/pipeline/api.ts').ModelParts | 'revision' | 'token' | 'hubUrl'>} load
 */

/**
 * Loads the model, for the clips that follow.
 * @param {Model} model
 * @returns {Promise<{ seconds: number } | { failure: Failure }>}
 */
export async function loadInPage({ source, load }) {
  /** @type {any} */
  const page = globalThis;
  /** @type {import('../../src/page/driving.ts').DrivingHook} */
  const engine = page.zoetrope;

  let reportedAt = 0;
  let reportedType = '';
  /** @param {import('../../src/pipeline/api.ts').Progress} progress */
  page.passProgress = (progress) => {
    const now = performance.now();
    if (progress.type === reportedType && now - reportedAt < 100) return;
    reportedAt = now;
    reportedType = progress.type;
    page.reportProgress({ ...engine.describeProgress(progress), etaSeconds: progress.etaSeconds });
  };
  /**
   * What a call gives, or why it failed; it ends if the command is cancelled.
   * @param {(signal: AbortSignal) => Promise<object>} run
   */
  page.cancellable = async (run) => {
    const controller = new AbortController();
    page.cancelGeneration = () => controller.abort();
    try {
      return await run(controller.signal);
    } catch (error) {
      const message = engine.describeUnknown(error);
      const { name, code, hint } = /** @type {Failure} */ (Object(error));
      const known = { ...(code ? { code } : {}), ...(hint ? { hint } : {}) };
      return { failure: { name: name ?? 'Error', message, ...known } };
    }
  };

  return page.cancellable(async (/** @type {AbortSignal} */ signal) => {
    const startedAt = performance.now();
    page.pipeline = await engine.VideoPipeline.fromPretrained(source, {
      ...load,
      signal,
      onProgress: page.passProgress,
    });
    return { seconds: (performance.now() - startedAt) / 1000 };
  });
}

/**
 * Which of these sizes the model cannot make, and why. Nothing but its configuration and headers is read.
 * @param {Pick<Model, 'source'> & { load: object, sizes: Size[] }} request
 * @returns {Promise<{ problems: { index: number, problem: string }[] } | { failure: Failure }>}
 */
export async function checkInPage({ source, load, sizes }) {
  /** @type {any} */
  const page = globalThis;
  /** @type {import('../../src/page/driving.ts').DrivingHook} */
  const engine = page.zoetrope;
  const controller = new AbortController();
  page.cancelGeneration = () => controller.abort();
  const problems = [];
  for (const [index, size] of sizes.entries()) {
    try {
      const options = { ...load, ...size, signal: controller.signal };
      const { outcome, reason } = await engine.planMemory(source, options);
      if (outcome === 'too-large') problems.push({ index, problem: reason });
    } catch (error) {
      const { name, code, hint = '' } = /** @type {Failure} */ (Object(error));
      const message = engine.describeUnknown(error);
      // Anything else is not the size's fault, and loading says what it is.
      if (code === 'invalid-argument') problems.push({ index, problem: `${message} ${hint}` });
      if (name === 'AbortError') return { failure: { name, message } };
    }
  }
  return { problems };
}

/**
 * Makes a clip of the model that was loaded, and encodes it.
 * @param {{
 *   generate: import('../../src/pipeline/api.ts').GenerateOptions,
 *   encode: import('../../src/pipeline/api.ts').EncodeOptions,
 * }} request
 * @returns {Promise<{ outcome: Outcome } | { failure: Failure }>}
 */
export function generateInPage({ generate, encode }) {
  /** @type {any} */
  const page = globalThis;
  /** @type {import('../../src/pipeline/api.ts').VideoPipelineInterface} */
  const pipeline = page.pipeline;
  /** @type {import('../../src/page/driving.ts').DrivingHook} */
  const engine = page.zoetrope;
  const onProgress = page.passProgress;
  return page.cancellable(async (/** @type {AbortSignal} */ signal) => {
    const { width, height, frameRate } = { ...pipeline.checkpoint.defaults, ...generate };
    // Sizes that are wrong are the run's to refuse.
    if (width > 0 && height > 0 && frameRate > 0 && Number.isInteger(width + height)) {
      await engine.tryEncoding(encode, { width, height, frameRate }, signal);
    }
    const startedAt = performance.now();
    const result = await pipeline.generate({ ...generate, signal, onProgress });
    const generatedAt = performance.now();
    const encoded = await result.encode({ ...encode, signal, onProgress });
    const endedAt = performance.now();
    page.encodedFiles = encoded.files;
    const { encodePrompt, denoise, decode } = result.seconds;
    const memory = await pipeline.memory();
    await result.dispose();
    return {
      outcome: {
        parameters: result.parameters,
        device: pipeline.device,
        notices: [...result.notices, ...encoded.notices],
        seconds: {
          encodePrompt,
          denoise,
          decode,
          encode: (endedAt - generatedAt) / 1000,
          total: (endedAt - startedAt) / 1000,
        },
        memory,
        output: { codec: encoded.codec, files: encoded.files.length },
      },
    };
  });
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
