import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Graph, GraphBuilder, linearLayer } from '../graph/index.ts';
import type { WeightInput } from '../graph/types.ts';
import { openBackend } from './open-backend.ts';
import type { Stage } from './stage.ts';
import { output, StageRunner } from './stage-runner.ts';
import type { StreamingPlan } from './streamed-weights.ts';

const backend = await openBackend('wasm');
afterAll(() => backend.dispose());

function graph(width: number): Graph {
  const g = new GraphBuilder(`dense ${width}`);
  g.output('y', linearLayer(g, g.input('x', 'float32', [1, 4]), 'dense', width));
  return g.build();
}

/** Multiplies by i + 1; every other one is twice as wide. */
function stage(i: number): Stage {
  return { name: `${i}`, graph: graph(i % 2 === 0 ? 4 : 8), prefix: `${i}.` };
}

const stages = Array.from({ length: 5 }, (_, i) => stage(i));

class Source {
  readonly reads: string[] = [];
  readonly failing = new Set<string>();

  async get(prefix: string, { name, shape }: WeightInput): Promise<Float32Array<ArrayBuffer>> {
    await Promise.resolve();
    if (name === 'dense.weight') this.reads.push(prefix);
    if (this.failing.delete(prefix)) throw new Error(`${prefix} cannot be read`);
    const value = name === 'dense.bias' ? 0 : Number.parseInt(prefix) + 1;
    return new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
  }
}

let runner: StageRunner | undefined;
afterEach(() => runner?.dispose());

function open(source: Source, streaming: StreamingPlan): StageRunner {
  runner = new StageRunner(backend, source, { streaming });
  return runner;
}

/** The first number that the stage makes of four ones. */
async function visit(opened: StageRunner, stage: Stage): Promise<number | undefined> {
  const x = opened.put('float32', [1, 4], new Float32Array(4).fill(1));
  const [outputs] = await opened.run(stage, [{ x }]);
  const y = output(outputs, 'y');
  const [value] = await backend.download(y);
  opened.free(x, y);
  return value;
}

function weightBytes(): number {
  return backend.ledger.read().byLabel['weights'] ?? 0;
}

describe('streamed weights', () => {
  const [narrow, wide] = [80, 160];
  test.each([
    { slots: 1, window: wide },
    { slots: 2, window: wide + narrow },
    { slots: 3, window: 2 * wide + narrow },
  ])('with $slots slots are right through several cycles', async ({ slots, window }) => {
    const opened = open(new Source(), { streamed: stages.slice(1), slots });
    const values: (number | undefined)[] = [];
    let most = 0;
    for (const stage of [...stages, ...stages, ...stages]) {
      values.push(await visit(opened, stage));
      most = Math.max(most, weightBytes());
    }
    expect(values).toEqual([4, 8, 12, 16, 20, 4, 8, 12, 16, 20, 4, 8, 12, 16, 20]);
    expect(most).toBe(narrow + window);
  });

  test('are read once a cycle, the next one while one is in use', async () => {
    const source = new Source();
    const opened = open(source, { streamed: stages, slots: 2 });
    for (const stage of stages) await visit(opened, stage);
    source.reads.length = 0;
    for (const stage of stages) await visit(opened, stage);
    // The last two of this cycle's reads are for the next one.
    expect(source.reads.toSorted()).toEqual(['0.', '1.', '2.', '3.', '4.']);
  });

  test('can be left in the middle of a cycle, and begun elsewhere', async () => {
    const opened = open(new Source(), { streamed: stages, slots: 2 });
    for (const i of [0, 1, 4, 2, 2, 0]) {
      expect(await visit(opened, stage(i))).toBe(4 * (i + 1));
    }
  });

  test('that cannot be read fail the stage that wants them, and can be read again', async () => {
    const source = new Source();
    const opened = open(source, { streamed: stages, slots: 2 });
    source.failing.add('1.');
    await visit(opened, stage(0));
    await expect(visit(opened, stage(1))).rejects.toThrow('1. cannot be read');
    expect(await visit(opened, stage(1))).toBe(8);
  });

  test('leave nothing behind, also while they are being read', async () => {
    const opened = open(new Source(), { streamed: stages, slots: 2 });
    await visit(opened, stage(0));
    await opened.dispose();
    expect(weightBytes()).toBe(0);
  });

  test('of a stage that is visited once go with it', async () => {
    const once: Stage = { ...stage(0), name: 'once', prefix: '9.', once: true };
    const opened = open(new Source(), { streamed: stages.slice(1), slots: 1 });
    await opened.load([once, ...stages]);
    const resident = weightBytes();
    expect(await visit(opened, once)).toBe(40);
    expect(weightBytes()).toBe(resident);
  });
});
