/**
 * @file Runs inside the page: one round of the soak. Playwright sends the function's text, so it can use nothing from
 * outside itself.
 */

/**
 * What a round does with its clip.
 * @typedef {'finish' | 'cancel' | 'refuse' | 'throw' | 'dispose'} Ending
 */

/**
 * @typedef {object} Round
 * @property {'wasm' | 'webgpu'} device
 * @property {import('../src/pipeline/api.ts').GenerateOptions} clip
 * @property {Ending} ending
 */

/**
 * @typedef {object} Made
 * @property {string} outcome `done`, or the name or code of what was thrown.
 * @property {string} message Of what was thrown.
 * @property {string} hash SHA-256 of the frames.
 * @property {number} seconds
 * @property {number} liveBytes The ledger, when the clip was disposed of.
 */

/**
 * @param {Round} round
 * @returns {Promise<Made>}
 */
export async function soakInPage({ device, clip, ending }) {
  /** @type {any} */
  const page = globalThis;
  /** @type {import('../src/page/driving.ts').DrivingHook} */
  const engine = page.zoetrope;
  if (!page.pipeline || page.pipeline.isLost) {
    const source = new URL('models/pocket', document.baseURI).href;
    page.pipeline = await engine.VideoPipeline.fromPretrained(source, { device });
  }
  /** @type {import('../src/index.ts').VideoPipeline} */
  const pipeline = page.pipeline;
  const controller = new AbortController();
  const endings = {
    finish: () => undefined,
    refuse: () => undefined,
    cancel: () => controller.abort(),
    dispose: () => void pipeline.dispose(),
    throw() {
      throw new Error('a mistake of the caller');
    },
  };
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  try {
    const result = await pipeline.generate({
      ...clip,
      ...(ending === 'refuse' ? { width: 17 } : {}),
      signal: controller.signal,
      onStepEnd: endings[ending],
    });
    const groups = await result.frames();
    const blob = new Blob(groups.map(({ rgba }) => rgba));
    const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
    const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
    await result.dispose();
    const { liveBytes } = await pipeline.memory();
    return { outcome: 'done', message: '', hash: hash.join(''), seconds: seconds(), liveBytes };
  } catch (error) {
    const { name, code } = /** @type {{ name: string, code?: unknown }} */ (error);
    const outcome = typeof code === 'string' ? code : name;
    const message = engine.describeUnknown(error);
    if (ending === 'dispose') page.pipeline = undefined;
    const liveBytes = page.pipeline?.isLost === false ? (await pipeline.memory()).liveBytes : 0;
    return { outcome, message, hash: '', seconds: seconds(), liveBytes };
  }
}

/** Counts the WebAssembly memories of a worker that has not loaded onnxruntime yet. */
export function watchMemories() {
  /** @type {any} */
  const worker = globalThis;
  /** @type {WebAssembly.Memory[]} */
  const memories = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(target, args) {
      const memory = new target(args[0]);
      memories.push(memory);
      return memory;
    },
  });
  worker.wasmBytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
