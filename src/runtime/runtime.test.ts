import { afterAll, describe, expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { add, type Graph, GraphBuilder, linearLayer, reshape } from '../graph/index.ts';
import { openDevice, probeDevice } from './device.ts';
import { Ledger } from './ledger.ts';
import { Mutex } from './mutex.ts';
import { openBackend } from './open-backend.ts';
import { output, StageRunner } from './stage-runner.ts';

describe('a ledger', () => {
  test('counts by label, and drops labels that have nothing left', () => {
    const ledger = new Ledger();
    ledger.reserve('weights', 100);
    ledger.reserve('decode', 20);
    ledger.reserve('weights', 5);
    expect(ledger.read()).toEqual({
      liveBytes: 125,
      peakBytes: 125,
      weightBytesWritten: 0,
      byLabel: { weights: 105, decode: 20 },
    });
    ledger.release('weights', 105);
    expect(ledger.read()).toMatchObject({ liveBytes: 20, peakBytes: 125, byLabel: { decode: 20 } });
  });

  test('starts a new peak at the present level', () => {
    const ledger = new Ledger();
    ledger.reserve('weights', 100);
    ledger.release('weights', 70);
    ledger.resetPeak();
    expect(ledger.read().peakBytes).toBe(30);
    ledger.reserve('weights', 10);
    expect(ledger.read().peakBytes).toBe(40);
  });

  test('refuses what passes its limit, counts nothing of it, and allows what just fits', () => {
    const ledger = new Ledger();
    ledger.limit(100);
    ledger.reserve('weights', 60);
    expect(() => ledger.reserve('decode', 41)).toThrow(
      expect.objectContaining({ code: 'out-of-memory', message: expect.stringMatching(/^decode/) }),
    );
    expect(ledger.read()).toEqual({
      liveBytes: 60,
      peakBytes: 60,
      byLabel: { weights: 60 },
      weightBytesWritten: 0,
    });
    ledger.reserve('decode', 40);
    expect(ledger.read().liveBytes).toBe(100);
  });
});

test('a mutex runs tasks one at a time, in order, and goes on after one that fails', async () => {
  const mutex = new Mutex();
  const events: string[] = [];
  const task = (name: string, fails = false) =>
    mutex.run(async () => {
      events.push(`${name} starts`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      events.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const expected = ['a', 'b', 'c'].flatMap((name) => [`${name} starts`, `${name} ends`]);
  expect(events).toEqual(expected);
});

/** A browser whose adapter is `info`; without it, one that finds none. */
function browser(info?: Partial<GPUAdapterInfo>): GPU {
  const adapter = info && {
    info: {
      vendor: '',
      architecture: '',
      device: '',
      description: '',
      isFallbackAdapter: false,
      subgroupMinSize: 32,
      ...info,
    },
    features: new Set(['subgroups']),
    limits: { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 30 },
    requestDevice: () => Promise.reject(new TypeError('the GPU process is gone')),
  };
  return { requestAdapter: () => Promise.resolve(adapter ?? null) } as unknown as GPU;
}

describe('the device', () => {
  test('is the CPU, with a word why, where there is no adapter or only a software one', async () => {
    const none = await probeDevice('auto', browser());
    expect(none).toMatchObject({ device: 'wasm', notice: expect.stringContaining('No WebGPU') });
    const swiftShader = browser({ vendor: 'google', architecture: 'swiftshader' });
    expect(await probeDevice('auto', swiftShader)).toMatchObject({
      device: 'wasm',
      notice: expect.stringContaining('google swiftshader'),
    });
    const fallback = await probeDevice('auto', browser({ isFallbackAdapter: true }));
    expect(fallback.device).toBe('wasm');
  });

  test('is the CPU without a word where that was asked for', async () => {
    const report = await probeDevice('wasm', browser({ vendor: 'nvidia' }));
    expect(report).toMatchObject({ device: 'wasm' });
    expect(report).not.toHaveProperty('notice');
  });

  test('is the GPU where there is one, or a software one if it is forced', async () => {
    expect(await probeDevice('auto', browser({ vendor: 'nvidia' }))).toMatchObject({
      device: 'webgpu',
      adapter: 'nvidia',
      isSoftware: false,
      hasShaderF16: false,
      hasSubgroups: true,
      maxBufferSize: 2 ** 31,
    });
    const software = browser({ description: 'llvmpipe', subgroupMinSize: 8 });
    expect(await probeDevice('webgpu', software)).toMatchObject({
      device: 'webgpu',
      isSoftware: true,
      hasSubgroups: false,
    });
  });

  test('that is forced and cannot be had is an error', async () => {
    await expect(openDevice('webgpu', browser())).rejects.toMatchObject({
      code: 'webgpu-unavailable',
      message: 'No WebGPU adapter was found.',
    });
    await expect(openDevice('auto', browser({ vendor: 'nvidia' }))).rejects.toMatchObject({
      code: 'webgpu-unavailable',
      message: expect.stringContaining('nvidia gave no device'),
      cause: expect.any(TypeError),
    });
  });
});

const backend = await openBackend('wasm');
afterAll(() => backend.dispose());

function linearGraph(name: string, isBroken = false): Graph {
  const g = new GraphBuilder(name);
  const x = g.input('x', 'float32', [2, 3]);
  const y = linearLayer(g, x, 'proj', 4);
  // Claims a shape that the data cannot have, which shows only when it runs.
  const rows = isBroken ? g.input('rows', 'int64', [2]) : undefined;
  const odd = rows && g.node('Reshape', [y, rows], [{ dtype: 'float32', shape: [2, 4] }])[0];
  g.output('y', reshape(g, add(g, odd ?? y, y), [8]));
  return g.build();
}

const ONES = {
  get: (_: string, { shape }: { shape: readonly number[] }) =>
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
};

describe('a stage runner', () => {
  const stage = { name: 'a', prefix: 'a.', graph: linearGraph('linear') };

  test('runs a stage over a batch with one set of weights, and frees everything at its end', async () => {
    const before = backend.ledger.read().liveBytes;
    const runner = new StageRunner(backend, ONES, { kind: 'decode' });
    await runner.load([stage]);
    const inputs = [1, 2].map((n) => ({
      x: runner.put('float32', [2, 3], new Float32Array(6).fill(n)),
    }));
    const results = await runner.run(stage, inputs);
    const values = [];
    for (const each of results) values.push((await backend.download(output(each, 'y')))[0]);
    expect(values).toEqual([8, 14]);
    expect(backend.ledger.read().byLabel).toEqual({ weights: 64, decode: 2 * 24 + 2 * 32 });
    await runner.dispose();
    expect(backend.ledger.read().liveBytes).toBe(before);
  });

  test('frees everything after an error in the middle', async () => {
    const before = backend.ledger.read().liveBytes;
    const broken = { name: 'b', prefix: 'b.', graph: linearGraph('broken', true) };
    const runner = new StageRunner(backend, ONES);
    await runner.load([stage, broken]);
    const x = runner.zeros('float32', [2, 3]);
    const rows = runner.put('int64', [2], BigInt64Array.of(5n, 5n));
    await runner.run(stage, [{ x }]);
    await expect(runner.run(broken, [{ x, rows }])).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringContaining('Running broken failed'),
    });
    expect(backend.ledger.read().liveBytes).toBeGreaterThan(before);
    await runner.dispose();
    expect(backend.ledger.read().liveBytes).toBe(before);
  });

  test('stops before it starts, and between the members of a batch', async () => {
    const aborted = new StageRunner(backend, ONES, { signal: AbortSignal.abort() });
    await expect(aborted.load([stage])).rejects.toSatisfy(isAbortError);
    const controller = new AbortController();
    const runner = new StageRunner(backend, ONES, { signal: controller.signal });
    await runner.load([stage]);
    const x = runner.zeros('float32', [2, 3]);
    const running = runner.run(
      stage,
      Array.from({ length: 50 }, () => ({ x })),
    );
    setImmediate(() => controller.abort());
    await expect(running).rejects.toSatisfy(isAbortError);
    await runner.dispose();
    expect(backend.ledger.read().liveBytes).toBe(0);
  });

  test('frees a tensor once, however often it is told to', () => {
    const runner = new StageRunner(backend, ONES);
    const tensor = runner.zeros('float32', [4]);
    runner.free(tensor);
    runner.free(tensor);
    expect(backend.ledger.read().liveBytes).toBe(0);
  });
});
