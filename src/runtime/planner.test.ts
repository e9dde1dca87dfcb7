import { describe, expect, test } from 'vitest';
import { GraphBuilder, linearLayer } from '../graph/index.ts';
import { formatBytes } from '../format-bytes.ts';
import { planPhase, stageWeightBytes } from './planner.ts';
import type { Stage } from './stage.ts';

function stage(name: string, width: number, once?: true): Stage {
  const g = new GraphBuilder(`dense ${width}`);
  g.output('y', linearLayer(g, g.input('x', 'float32', [4, width]), 'dense', width));
  return { name, graph: g.build(), prefix: `${name}.`, ...(once ? { once } : {}) };
}

const first = stage('first', 64);
const blocks = Array.from({ length: 10 }, (_, i) => stage(`blocks.${i}`, 256));
const stages = [first, ...blocks];
const each = stageWeightBytes(stage('block', 256));
const fixed = stageWeightBytes(first);
const needs = { stages, activationBytes: 100_000 };
const { workingSetBytes } = planPhase(needs, Number.POSITIVE_INFINITY);

describe('the plan of a phase', () => {
  test('keeps everything on the device if it fits', () => {
    const plan = planPhase(needs, workingSetBytes + fixed + 10 * each);
    expect(plan.streaming).toBeUndefined();
    expect(plan.residentWeightBytes).toBe(fixed + 10 * each);
  });

  test.each([9, 5, 3, 2, 1])('with room for %i blocks stays within the budget', (room) => {
    const budget = workingSetBytes + fixed + room * each + 100;
    const plan = planPhase(needs, budget);
    expect(plan.predictedPeakBytes).toBe(budget - 100);
    const { streamed = [], slots = 0 } = plan.streaming ?? {};
    expect(slots).toBe(Math.min(2, room));
    // The first stage, of a size of its own, would save no memory if it were streamed.
    expect(streamed.every(({ name }) => name.startsWith('blocks.'))).toBe(true);
    expect(streamed.length - slots).toBe(10 - room);
  });

  test('lets stages stay that lie between streamed ones', () => {
    const budget = workingSetBytes + fixed + 6 * each;
    const { streamed = [] } = planPhase(needs, budget).streaming ?? {};
    const gaps = streamed.map(({ name }, i) => {
      const next = streamed[(i + 1) % streamed.length]?.name ?? '';
      return (Number(next.slice(7)) - Number(name.slice(7)) + 10) % 10;
    });
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
  });

  test('streams stages that are all different, and counts every size that the pool will hold', () => {
    const different = [64, 128, 192, 128, 64].map((width, i) => stage(`${i}`, width));
    const plan = planPhase({ stages: different, activationBytes: 0 }, Number.POSITIVE_INFINITY);
    const [small = 0, middle = 0, large = 0] = different.map(stageWeightBytes);
    // The last and the first stage follow each other, so two of the small size are there at once.
    const least = plan.workingSetBytes + middle + large + 2 * small;
    const streamed = planPhase({ stages: different, activationBytes: 0 }, least);
    expect(streamed.predictedPeakBytes).toBe(least);
    expect(streamed.streaming?.slots).toBe(2);
    expect(streamed.streaming?.streamed.map(({ name }) => name)).toEqual(['0', '1', '2', '3']);
  });

  test('forgets what is visited once before the others come', () => {
    const text = stage('text', 512, true);
    const withText = { stages: [text, ...stages], activationBytes: 100_000 };
    const base = planPhase(withText, Number.POSITIVE_INFINITY).workingSetBytes;
    const plan = planPhase(withText, base + stageWeightBytes(text));
    expect(plan.predictedPeakBytes).toBe(base + stageWeightBytes(text));
    expect(plan.streaming?.streamed).not.toContain(text);
    expect(() => planPhase(withText, base + stageWeightBytes(text) - 1)).toThrow('is the least');
  });

  test('says the least that would do', () => {
    const least = workingSetBytes + fixed + each;
    expect(() => planPhase(needs, least - 1)).toThrow(`${formatBytes(least, 'up')} is the least`);
    expect(planPhase(needs, least).predictedPeakBytes).toBe(least);
  });
});
