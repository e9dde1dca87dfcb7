import { describe, expect, it } from 'vitest';
import type { MemoryReading, Progress } from '../pipeline/api.ts';
import { MemoryRecord } from './memory-record.ts';
import { drawTimeline } from './timeline-shapes.ts';
import { recordText, sampleText } from './timeline-text.ts';

function reading(
  weights: number,
  activations = 0,
  extra: Partial<MemoryReading> = {},
): MemoryReading {
  return {
    liveBytes: weights + activations,
    peakBytes: weights + activations,
    byKind: { weights, activations },
    ramBytes: 0,
    streamedBytes: 0,
    ...extra,
  };
}

function denoise(step: number, memory: MemoryReading): Progress {
  return { type: 'denoise', step, totalSteps: 2, fraction: step / 2, memory };
}

function run(budgetBytes?: number): MemoryRecord {
  const record = new MemoryRecord(budgetBytes);
  record.addProgress({ type: 'encode-prompt', fraction: 0, memory: reading(10e6) }, 1);
  const compile: Progress = {
    type: 'compile',
    stage: 'transformer',
    fraction: 1,
    memory: reading(0),
  };
  record.addProgress(compile, 2);
  record.addProgress(denoise(1, reading(20e6, 5e6)), 3);
  record.addReading(reading(30e6, 10e6, { ramBytes: 8e6, streamedBytes: 90e6 }), 3.5);
  record.addProgress(denoise(2, reading(20e6, 5e6, { streamedBytes: 100e6 })), 4);
  return record;
}

describe('MemoryRecord', () => {
  it('knows the phases, the first from the beginning', () => {
    expect(run().phases).toEqual([
      { phase: 'text', from: 0 },
      { phase: 'denoise', from: 2 },
    ]);
  });

  it('keeps the highest reading of each kind', () => {
    expect(run().peakByKind()).toMatchObject({ weights: 30e6, activations: 10e6, decode: 0 });
  });

  it('counts what is of no known kind as other', () => {
    const record = new MemoryRecord(undefined);
    record.addReading(reading(3e6, 1e6, { liveBytes: 9e6 }), 1);
    expect(record.peakByKind()).toMatchObject({ weights: 3e6, activations: 1e6, other: 5e6 });
  });

  it('keeps peaks and the end of a run with more readings than a chart can show', () => {
    const record = new MemoryRecord(undefined);
    for (let i = 0; i < 5000; i++) {
      const bytes = i === 1234 ? 50e6 : 1e6;
      record.addReading(reading(bytes, 0, { streamedBytes: i }), i);
    }
    expect(record.samples.length).toBeLessThanOrEqual(600);
    expect(record.peakByKind().weights).toBe(50e6);
    expect(record.seconds).toBe(4999);
    expect(record.most(({ streamedBytes }) => streamedBytes)).toBe(4999);
  });
});

describe('drawTimeline', () => {
  it('stacks kinds in steps that end where the run does', () => {
    const { topBytes, areas, phases } = drawTimeline(run());
    expect(topBytes).toBe(50e6);
    expect(areas.weights).toBe('M250 800H500V1000H750V600H875V400H1000V600V1000H250Z');
    expect(areas.activations).toContain('H875V200');
    expect(phases).toEqual([
      { phase: 'text', percent: 50 },
      { phase: 'denoise', percent: 50 },
    ]);
  });

  it('draws a budget that is in sight, and leaves one out that would flatten all else', () => {
    expect(drawTimeline(run(50e6)).budgetPercent).toBeCloseTo(100 - 5000 / 60);
    expect(drawTimeline(run(8e9)).budgetPercent).toBeUndefined();
  });

  it('draws nothing of nothing', () => {
    expect(drawTimeline(new MemoryRecord(undefined)).areas.weights).toBe('');
  });
});

describe('in words', () => {
  it('is the whole run', () => {
    expect(recordText(run(50e6))).toBe(
      'Memory on the device over 4 s: 40.0 MB at the most, of a budget of 50.0 MB. ' +
        'Highest readings by kind: weights 30.0 MB, activations 10.0 MB. ' +
        '8.0 MB of weights in RAM, 100 MB of weights written to the device.',
    );
  });

  it('is one moment', () => {
    const sample = run().samples[3];
    expect(sample && sampleText(sample)).toBe(
      '3.5 s, Denoising, step 1 of 2: 40.0 MB on the device: weights 30.0 MB, activations 10.0 MB; ' +
        '8.0 MB of weights in RAM; 90.0 MB of weights written to the device so far.',
    );
  });
});
