/** @file What can be known before the first byte is refused before it: every request to the model's server is counted. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startFileServer } from '../../../scripts/file-server.mjs';
import type { PlanOptions } from '../api.ts';
import { type Host, host } from '../host.ts';

const LOADED = { device: 'wasm' } as const;
const LISTENER = { progress: () => Promise.resolve() };
const { fetch } = globalThis;

let server: { url: string; close(): Promise<void> };
let model: string;
const asked: string[] = [];

beforeAll(async () => {
  server = await startFileServer([{ prefix: '/', root: 'models' }]);
  model = `${server.url}pocket`;
  globalThis.fetch = (input, init) => {
    const { url, headers } = new Request(input, init);
    asked.push(`${url} ${headers.get('range')}`);
    return fetch(input, init);
  };
});

afterAll(async () => {
  globalThis.fetch = fetch;
  await server.close();
});

beforeEach(() => {
  asked.length = 0;
});

function signal(): AbortSignal {
  return new AbortController().signal;
}

/** Options as untyped JavaScript gives them. */
type Loose = Readonly<Record<string, unknown>>;

const loose = (options: Loose): object => options;

function load(options: Loose): ReturnType<Host['load']> {
  return host.load(model, { ...LOADED, ...options }, LISTENER, signal());
}

const CLIPS: readonly (readonly [name: string, clip: Loose])[] = [
  ['prompt', { prompt: 7 }],
  ['prompt', { prompt: null }],
  ['negativePrompt', { negativePrompt: ['a'] }],
  ['promptEmbeds', { promptEmbeds: [1, 2] }],
  ['promptEmbeds', { promptEmbeds: new Float32Array(8), prompt: 'a ball' }],
  ['negativePromptEmbeds', { negativePromptEmbeds: new Float64Array(8) }],
  ['negativePromptEmbeds', { negativePromptEmbeds: new Float32Array(8), negativePrompt: 'x' }],
  ['width', { width: '64' }],
  ['width', { width: Number.NaN }],
  ['width', { width: -32 }],
  ['width', { width: 0 }],
  ['height', { height: 32.5 }],
  ['height', { height: Number.POSITIVE_INFINITY }],
  ['numFrames', { numFrames: 0 }],
  ['numFrames', { numFrames: 4.5 }],
  ['numFrames', { numFrames: '5' }],
  ['numInferenceSteps', { numInferenceSteps: 0 }],
  ['numInferenceSteps', { numInferenceSteps: 2.5 }],
  ['numInferenceSteps', { numInferenceSteps: 1001 }],
  ['numInferenceSteps', { numInferenceSteps: '20' }],
  ['numInferenceSteps', { numInferenceSteps: 3, timesteps: [1000, 500] }],
  ['timesteps', { timesteps: 500 }],
  ['timesteps', { timesteps: [] }],
  ['timesteps', { timesteps: [500, 1000] }],
  ['timesteps[0]', { timesteps: ['1000'] }],
  ['timesteps', { timesteps: [1000, Number.NaN] }],
  ['timesteps', { timesteps: [1000, 500], scheduler: 'UniPCMultistepScheduler' }],
  ['sigmas', { sigmas: [1.5] }],
  ['sigmas', { sigmas: [0.5, 0] }],
  ['sigmas', { sigmas: [0.5], timesteps: [1000, 500] }],
  ['initNoiseSigma', { initNoiseSigma: 0 }],
  ['guidanceScale', { guidanceScale: -1 }],
  ['guidanceScale', { guidanceScale: '5' }],
  ['guidanceScale', { guidanceScale: Number.NaN }],
  ['seed', { seed: 0.5 }],
  ['seed', { seed: '7' }],
  ['seed', { seed: 2 ** 53 }],
  ['seed', { seed: 2n ** 64n }],
  ['maxSequenceLength', { maxSequenceLength: 0 }],
  ['maxSequenceLength', { maxSequenceLength: '32' }],
  ['frameRate', { frameRate: 0 }],
  ['frameRate', { frameRate: Number.POSITIVE_INFINITY }],
  ['scheduler', { scheduler: 'DDIMScheduler' }],
  ['flowShift', { flowShift: 0 }],
  ['flowShift', { flowShift: '3' }],
  ['decode', { decode: 'quick' }],
  ['decode', { decode: 'fast' }],
  ['encode', { encode: 'mp4' }],
  ['container', { encode: {} }],
  ['encode.container', { encode: { container: 'avi' } }],
  ['encode.codec', { encode: { container: 'mp4', codec: 'h264' } }],
  ['codec', { encode: { container: 'webm', codec: 'avc' } }],
  ['codec', { encode: { container: 'gif', codec: 'vp9' } }],
  ['encode.scale', { encode: { container: 'gif', scale: 0 } }],
  ['guidance_scale', { guidance_scale: 5 }],
  ['numframes', { numframes: 5 }],
];

const LOADS: readonly (readonly [name: string, options: Loose])[] = [
  ['device', { device: 'gpu' }],
  ['dtype', { dtype: 'bfloat16' }],
  ['memory', { memory: 512e6 }],
  ['memory', { memory: null }],
  ['memory.budgetBytes', { memory: { budgetBytes: 0 } }],
  ['memory.budgetBytes', { memory: { budgetBytes: '64' } }],
  ['memory.ramBytes', { memory: { ramBytes: 1e6 } }],
  ['memory.weights', { memory: { weights: 'int8' } }],
  ['memory.weights', { memory: { weights: { decoder: 'q8' } } }],
  ['memory.weights', { memory: { weights: null } }],
  ['memory.guidance', { memory: { guidance: 'both' } }],
  ['memory.tile', { memory: { tile: -1 } }],
  ['memory.budget', { memory: { budget: 64e6 } }],
  ['storage', { storage: 'yes' }],
  ['textEncoder', { textEncoder: 'none' }],
  ['revision', { revision: 3 }],
  ['revision', { revision: 'main' }],
  ['token', { token: 5 }],
  ['hubUrl', { hubUrl: 'hub' }],
  ['fastDecoder', { fastDecoder: 7 }],
  ['transformer', { transformer: '' }],
  ['transformer', { transformer: 'not a place' }],
  ['textEncoderFrom', { textEncoderFrom: 'ftp://host.example/x' }],
  ['vae', { vae: 'owner/name/../x' }],
  ['fastDecoder', { fastDecoder: 'nameless' }],
  ['loras[1].source', { loras: [{ source: 'owner/a' }, { source: 'b' }] }],
  ['vae', { vae: { name: 'x' } }],
  ['vae', { vae: { name: 'x', files: [5] } }],
  ['vae', { vae: { name: 'x', files: [{ path: 'a', file: 'b' }] } }],
  ['textEncoderFrom', { textEncoderFrom: true }],
  ['loras', { loras: 'a.safetensors' }],
  ['loras', { loras: { source: 'owner/a' } }],
  ['loras[0]', { loras: ['owner/a'] }],
  ['loras[0].source', { loras: [{ scale: 1 }] }],
  ['loras', { loras: [{ source: 'owner/a', scale: 101 }] }],
  ['loras', { loras: [{ source: 'owner/a', scale: '0.8' }] }],
  ['loras', { loras: [{ source: 'owner/a', scale: Number.NaN }] }],
  ['loras[0].weight', { loras: [{ source: 'owner/a', weight: 0.8 }] }],
  ['clip', { clip: 5 }],
  ['Storage', { Storage: true }],
];

/** A refusal that begins with the option's name, and not one request. */
async function expectRefused(name: string, call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({
    name: 'ZoetropeError',
    code: 'invalid-argument',
    message: expect.stringMatching(new RegExp(`^${name.replaceAll(/[[\].]/g, '\\$&')}: `)),
    hint: expect.stringMatching(/\w/),
  });
  expect(asked).toEqual([]);
}

describe('before the first byte', () => {
  test.each(CLIPS)('a clip is refused for its %s: %o', async (name, clip) => {
    await expectRefused(name, load({ clip }));
  });

  test.each(LOADS)('loading is refused for its %s: %o', async (name, options) => {
    await expectRefused(name, load(options));
  });

  test.each([
    ['hubUrl', { hubUrl: 'user:S3cret-word@hub.example' }],
    ['hubUrl', { hubUrl: 'ftp://hub.example/?token=S3cret-word' }],
    ['hubUrl', { hubUrl: 'https://user:S3cret-word@hub.example' }],
    ['loras', { loras: 'https://host.example/x.safetensors?sig=S3cret-word' }],
    ['loras[0]', { loras: ['https://user:S3cret-word@host.example/x.safetensors'] }],
  ])('the refusal of %s does not repeat its secret: %o', async (name, options) => {
    const call = load(options);
    await expectRefused(name, call);
    const refusal: unknown = await call.catch((error: unknown) => error);
    expect(JSON.stringify(refusal) + String(refusal)).not.toContain('S3cret');
  });

  test.each([undefined, null, 7, '', {}, []])(
    'loading is refused for the model %j',
    async (wrong) => {
      const call = host.load(wrong as string, LOADED, LISTENER, signal());
      await expectRefused('model', call);
    },
  );

  test.each([
    ['width', { width: '64' }],
    ['guidanceScale', { guidanceScale: -1 }],
    ['memory.budgetBytes', { memory: { budgetBytes: -1 } }],
    ['decode', { decode: 'fast' }],
    ['device', { device: 'gpu' }],
    ['preview', { preview: 'yes' }],
    ['prompt', { prompt: 'a plan has none' }],
    ['loras[0]', { loras: [null] }],
  ])('a plan is refused for its %s: %o', async (name, options) => {
    await expectRefused(name, host.plan(model, options as unknown as PlanOptions, signal()));
  });

  test.each([
    ['width', { width: '64' }],
    ['storage', { storage: true }],
    ['memory.tile', { memory: { tile: 0 } }],
  ])('a plan of a listed model is refused for its %s: %o', async (name, options) => {
    await expectRefused(name, host.planListed('wan2.1-t2v-1.3b', options as object, signal()));
  });

  test('inspecting, assessing, verifying and probing are refused for their options', async () => {
    await expectRefused('device', host.inspect(model, loose({ device: 'wasm' }), signal()));
    await expectRefused('token', host.inspect(model, loose({ token: 5 }), signal()));
    await expectRefused('isstored', host.assess('pocket', loose({ isstored: true })));
    await expectRefused('signal', host.assess('pocket', loose({ signal: true })));
    await expectRefused('device', host.probe('gpu' as 'auto'));
    const stored = {} as Parameters<Host['verify']>[0];
    const verified = host.verify(stored, loose({ folder: 'x', hubURL: '' }), LISTENER, signal());
    await expectRefused('hubURL', verified);
  });

  test('an arithmetic that the device lacks is refused', async () => {
    await expect(load({ dtype: 'float16' })).rejects.toMatchObject({ code: 'feature-missing' });
    expect(asked).toEqual([]);
  });

  test('a misspelt option is answered with the one that was meant', async () => {
    for (const [clip, meant] of [
      [{ guidance_scale: 5 }, 'guidanceScale'],
      [{ guidanceScle: 5 }, 'guidanceScale'],
      [{ num_inference_steps: 5 }, 'numInferenceSteps'],
      [{ negativeprompt: 'x' }, 'negativePrompt'],
    ] as const) {
      const hint = `Did you mean ${meant}?`;
      await expect(load({ clip })).rejects.toMatchObject({ hint });
    }
    const memory = { budget_bytes: 5 };
    await expect(load({ memory })).rejects.toMatchObject({
      hint: 'Did you mean memory.budgetBytes?',
    });
    await expect(load({ fps: 5 })).rejects.toMatchObject({
      hint: expect.stringContaining('storage'),
    });
  });
});

describe('with the configuration read, before the weights', () => {
  let inspecting: readonly string[];

  beforeAll(async () => {
    asked.length = 0;
    await host.inspect(model, {}, signal());
    inspecting = [...asked];
  });

  /** Loading is refused, after no other requests than those of inspecting the model. */
  async function expectRefusedEarly(name: string, options: Loose): Promise<void> {
    // Another spelling of the address than the one that was inspected: nothing is known of it.
    const call = host.load(`${model}/`, { ...LOADED, ...options }, LISTENER, signal());
    await expect(call).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^${name}: `)),
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((each) => !inspecting.includes(each))).toEqual([]);
  }

  test.each([
    ['width', { clip: { width: 100 } }],
    ['height', { clip: { height: 1e6 } }],
    ['numFrames', { clip: { numFrames: 6 } }],
    ['maxSequenceLength', { clip: { maxSequenceLength: 10_000 } }],
    ['timesteps', { clip: { timesteps: [1000.5] } }],
    ['promptEmbeds', { clip: { promptEmbeds: new Float32Array(7) } }],
    ['promptEmbeds', { clip: { prompt: 'a ball' }, textEncoder: false }],
  ])('a clip is refused for its %s: %o', async (name, options) => {
    await expectRefusedEarly(name, options);
  });

  test.each(['prompt', 'negativePrompt'])(
    'a clip is refused for a %s that is too long',
    async (text) => {
      await expectRefusedEarly('prompt', {
        clip: { prompt: 'x', guidanceScale: 4, [text]: 'x'.repeat(100_001) },
      });
    },
  );

  test('a model that was inspected is not asked again, and names the nearest size', async () => {
    for (const [clip, nearest] of [
      [{ width: -32 }, 16],
      [{ width: 50 }, 48],
      [{ numFrames: 6 }, 5],
    ] as const) {
      await expect(load({ clip })).rejects.toMatchObject({
        hint: expect.stringContaining(`nearest valid: ${nearest}.`),
      });
    }
    expect(asked).toEqual([]);
  });
});

test('a clip that can be made is loaded for', async () => {
  const clip = {
    prompt: '',
    negativePrompt: 'x',
    seed: -1,
    width: 32,
    height: 32,
    numFrames: 5,
    numInferenceSteps: 2,
    guidanceScale: 1,
    maxSequenceLength: 8,
    frameRate: 8,
    scheduler: 'FlowMatchEulerDiscreteScheduler',
    flowShift: 3,
    decode: 'full',
    initNoiseSigma: 1,
    encode: { container: 'gif', scale: 2 },
  };
  const memory = {
    budgetBytes: 512e6,
    weights: { transformer: 'q8' },
    guidance: 'batched',
    tile: 64,
  };
  const pipeline = await load({ clip, memory, dtype: 'auto', storage: false, textEncoder: true });
  await pipeline.dispose();
});
