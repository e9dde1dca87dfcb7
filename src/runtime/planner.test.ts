import { describe, expect, test } from 'vitest';
import { GraphBuilder, linearLayer } from '../graph/index.ts';
import { planPhase, stageWeightBytes } from './planner.ts';
import type { Stage } from './stage.ts';

function stage(name: string, width: number): Stage {
  const g = new GraphBuilder(`dense ${width}`);
  g.output('y', linearLayer(g, g.input('x', 'float32', [4, width]), 'dense', width));
  return { name, graph: g.build(), prefix: `${name}.` };
}

const first = stage('first', 64);
const blocks = Array.from({ length: 10 }, (_, i) => stage(`blocks.${i}`, 256));
const stages = [first, ...blocks];
const each = stageWeightBytes(blocks[0] ?? first);
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
    expect(plan.predictedPeakBytes).toBeLessThanOrEqual(budget);
    const { streamed = [], slots = 0 } = plan.streaming ?? {};
    expect(streamed.length - slots).toBe(10 - room);
    expect(slots).toBe(Math.min(2, room));
    // What stays are the first blocks: the ring is read ahead while they run.
    expect(streamed).toEqual(blocks.slice(10 - streamed.length).map(({ name }) => name));
  });

  test('says the least that would do', () => {
    const least = workingSetBytes + fixed + each;
    expect(() => planPhase(needs, least - 1)).toThrow(
      `${(least / 1e6).toFixed(1)} MB is the least`,
    );
    expect(planPhase(needs, least).predictedPeakBytes).toBe(least);
  });
});
