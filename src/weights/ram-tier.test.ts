import { describe, expect, test } from 'vitest';
import { GraphBuilder, linearLayer } from '../graph/index.ts';
import { openBackend } from '../runtime/open-backend.ts';
import type { Stage } from '../runtime/stage.ts';
import { output, StageRunner } from '../runtime/stage-runner.ts';
import { RandomWeights } from '../testing/synthetic-wan.ts';
import type { ComponentWeights } from './component-weights.ts';
import { RamTier } from './ram-tier.ts';

/** Eight dense stages of 80 bytes each. */
const EACH = 80;
const stages: Stage[] = Array.from({ length: 8 }, (_, i) => {
  const g = new GraphBuilder('dense');
  g.output('y', linearLayer(g, g.input('x', 'float32', [1, 4]), 'dense', 4));
  return { name: `${i}`, graph: g.build(), prefix: `${i}.` };
});

function stored(): { source: RandomWeights; weights: ComponentWeights } {
  const source = new RandomWeights();
  const weights: ComponentWeights = {
    ramBytes: 0,
    get: (prefix, weight) => Promise.resolve(source.get(prefix, weight)),
    row: (_name, index, columns) => Promise.resolve(new Float32Array(columns).fill(index)),
  };
  return { source, weights };
}

/** Visits all stages, two of which stay on the device; bytes read in each of the cycles, and what came out. */
async function cycles(
  weights: ComponentWeights,
  source: RandomWeights,
  count: number,
): Promise<{ read: number[]; values: number[] }> {
  const backend = await openBackend('wasm');
  const streaming = { streamed: stages.slice(2), slots: 1 };
  const runner = new StageRunner(backend, weights, { streaming });
  const read: number[] = [];
  const values: number[] = [];
  for (let cycle = 0; cycle < count; cycle++) {
    const before = source.bytesRead;
    let x = runner.put('float32', [1, 4], Float32Array.of(1, 2, 3, 4));
    for (const stage of stages) {
      const [outputs] = await runner.run(stage, [{ x }]);
      runner.free(x);
      x = output(outputs, 'y');
    }
    values.push(...(await backend.download(x)));
    runner.free(x);
    read.push(source.bytesRead - before);
  }
  await runner.dispose();
  await backend.dispose();
  return { read, values };
}

describe('the RAM tier', () => {
  test.each([0, 1, 3, 6])(
    'with room for %i stages saves reading them in every cycle',
    async (n) => {
      const plain = stored();
      const expected = await cycles(plain.weights, plain.source, 3);
      const { source, weights } = stored();
      const tier = new RamTier(n * EACH + 10);
      const held = tier.hold(weights);
      const { read, values } = await cycles(held, source, 3);
      expect(values).toEqual(expected.values);
      expect(held.ramBytes).toBe(n * EACH);
      // Six are streamed; the one slot is filled with the next stage as soon as it is free.
      expect(read.slice(1)).toEqual([(6 - n) * EACH, (6 - n) * EACH]);
    },
  );

  test('holds nothing of what is read once', async () => {
    const { weights } = stored();
    const held = new RamTier(1e6).hold(weights);
    for (const { graph, prefix } of stages) {
      for (const weight of graph.weights) await held.get(prefix, weight);
    }
    expect(held.ramBytes).toBe(0);
    expect(await held.row('table', 3, 2)).toEqual(Float32Array.of(3, 3));
  });

  test('gives the allowance to the component that is read now', async () => {
    const tier = new RamTier(3 * EACH);
    const [text, blocks] = [stored(), stored()].map(({ weights }) => tier.hold(weights));
    const readAll = async (weights = text): Promise<void> => {
      for (const { graph, prefix } of stages) {
        for (const weight of graph.weights) await weights?.get(prefix, weight, 'cycle');
      }
    };
    await readAll(text);
    expect(text?.ramBytes).toBe(3 * EACH);
    await readAll(blocks);
    expect([text?.ramBytes, blocks?.ramBytes]).toEqual([0, 3 * EACH]);
  });

  test('holds a copy of what is part of a larger buffer', async () => {
    const { weights } = stored();
    const large = new Float32Array(1000);
    const held = new RamTier(1e6).hold({ ...weights, get: () => large.subarray(0, 20) });
    const [weight] = stages[0]?.graph.weights ?? [];
    if (!weight) throw new Error('no weight');
    await held.get('0.', weight, 'cycle');
    expect((await held.get('0.', weight, 'cycle')).buffer.byteLength).toBe(80);
  });
});
