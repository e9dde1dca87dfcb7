import { describe, expect, test } from 'vitest';
import { add, type Graph, GraphBuilder, linearLayer, reshape } from '../graph/index.ts';
import { openDevice } from './device.ts';
import { output, StageRunner } from './stage-runner.ts';
import { WebGpuBackend } from './webgpu-backend.ts';

async function open(): Promise<{ device: GPUDevice; backend: WebGpuBackend }> {
  const opened = await openDevice('webgpu');
  if (!opened.device) throw new Error('no device');
  return { device: opened.device, backend: await WebGpuBackend.open(opened) };
}

function linearGraph(): Graph {
  const g = new GraphBuilder('linear');
  const y = linearLayer(g, g.input('x', 'float32', [2, 4]), 'proj', 4);
  g.output('y', reshape(g, add(g, y, y), [8]));
  return g.build();
}

const ONES = {
  get: (_: string, { shape }: { shape: readonly number[] }) =>
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
};

async function compute(backend: WebGpuBackend): Promise<number | undefined> {
  const runner = new StageRunner(backend, ONES);
  const stage = { name: 'a', prefix: 'a.', graph: linearGraph() };
  try {
    await runner.load([stage]);
    const x = runner.put('float32', [2, 4], new Float32Array(8).fill(1));
    const [outputs] = await runner.run(stage, [{ x }]);
    return (await backend.download(output(outputs, 'y')))[0];
  } finally {
    await runner.dispose();
  }
}

/** A fault, and what a run after it is to report. */
const FAULTS: readonly (readonly [
  name: string,
  harm: (device: GPUDevice) => void,
  error: { readonly code: string; readonly message: RegExp },
])[] = [
  ['is lost', (device) => device.destroy(), { code: 'device-lost', message: /The GPU was lost/ }],
  [
    'ran out of memory',
    (device) => {
      const error = new GPUOutOfMemoryError('no room for a buffer');
      device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
    },
    { code: 'out-of-memory', message: /GPUOutOfMemoryError: no room for a buffer/ },
  ],
  [
    'had an error that no call caught',
    (device) => {
      const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST });
      device.queue.writeBuffer(buffer, 16, new Uint32Array(1));
    },
    { code: 'feature-missing', message: /GPUValidationError/ },
  ],
];

describe('a device that', () => {
  test.each(FAULTS)(
    '%s is reported, and another one computes',
    async (_, harm, { code, message }) => {
      const { device, backend } = await open();
      expect(await compute(backend)).toBe(10);
      expect(backend.failure).toBeUndefined();
      harm(device);
      await expect.poll(() => backend.failure).toBeDefined();
      expect(backend.failure).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(backend.failure?.message).not.toContain('[object');
      await expect(compute(backend)).rejects.toBe(backend.failure);
      await backend.dispose();
      expect(backend.ledger.read().liveBytes).toBe(0);

      const { backend: next } = await open();
      expect(await compute(next)).toBe(10);
      await next.dispose();
    },
  );

  test('is lost while a result is read back is lost, and not cancelled', async () => {
    const { device, backend } = await open();
    const tensor = backend.allocate('float32', [4], 'activations');
    const reading = backend.download(tensor);
    device.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'device-lost' });
    await backend.dispose();
  });

  test('has no room for what onnxruntime needs says so, and another one computes', async () => {
    const { backend } = await open();
    const runner = new StageRunner(backend, ONES);
    const stage = { name: 'a', prefix: 'a.', graph: linearGraph() };
    await runner.load([stage]);
    const x = runner.put('float32', [2, 4], new Float32Array(8).fill(1));
    backend.allocate('float32', [8], 'activations');
    backend.ledger.limit(backend.ledger.read().liveBytes + 40);
    await expect(runner.run(stage, [{ x }])).rejects.toMatchObject({ code: 'out-of-memory' });
    await runner.dispose();
    await backend.dispose();

    const { backend: next } = await open();
    expect(await compute(next)).toBe(10);
    await next.dispose();
  });
});
