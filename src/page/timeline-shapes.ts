/** @file A run's memory as shapes: SVG paths in a box of 1000 × 1000, y downwards, and places in percent. */
import type { MemoryReading } from '../pipeline/api.ts';
import { bytesOf, type Kind, KINDS, type MemoryRecord, type RunPhase } from './memory-record.ts';

const BOX = 1000;

/** A budget this much above all else would flatten everything: it is told, not drawn. */
const BUDGET_IN_SIGHT = 2.5;

export interface TimelineShapes {
  /** Bytes at the top edge. */
  readonly topBytes: number;
  /** Each kind's area with all that is below it, so that later ones are painted first. */
  readonly areas: Readonly<Record<Kind, string>>;
  readonly peak: string;
  readonly ram: string;
  /** Undefined if there is none, or it is far above everything. */
  readonly budgetPercent: number | undefined;
  readonly phases: readonly { readonly phase: RunPhase; readonly percent: number }[];
}

export function drawTimeline(record: MemoryRecord): TimelineShapes {
  const { samples, seconds, budgetBytes } = record;
  const highest = Math.max(
    record.most(({ peakBytes }) => peakBytes),
    record.most(({ ramBytes }) => ramBytes),
    1,
  );
  const isBudgetInSight = budgetBytes !== undefined && budgetBytes <= highest * BUDGET_IN_SIGHT;
  const topBytes = roundUp(Math.max(highest, isBudgetInSight ? budgetBytes : 0) * 1.04);

  const xs = samples.map((sample) => (sample.seconds / Math.max(seconds, 1e-9)) * BOX);
  const line = (of: (reading: MemoryReading) => number): string =>
    steps(
      xs,
      samples.map(({ reading }) => BOX - (of(reading) / topBytes) * BOX),
    );
  const areas = Object.fromEntries(
    KINDS.map((kind, index) => {
      const upTo = KINDS.slice(0, index + 1);
      const outline = line((reading) =>
        upTo.reduce((sum, each) => sum + bytesOf(reading, each), 0),
      );
      return [kind, outline === '' ? '' : `${outline}V${BOX}H${round(xs[0] ?? 0)}Z`];
    }),
  ) as Record<Kind, string>;

  return {
    topBytes,
    areas,
    peak: line(({ peakBytes }) => peakBytes),
    ram: record.most(({ ramBytes }) => ramBytes) > 0 ? line(({ ramBytes }) => ramBytes) : '',
    budgetPercent: isBudgetInSight ? 100 - (budgetBytes / topBytes) * 100 : undefined,
    phases: record.phases.map(({ phase, from }, index) => {
      const to = record.phases[index + 1]?.from ?? seconds;
      return { phase, percent: ((to - from) / Math.max(seconds, 1e-9)) * 100 };
    }),
  };
}

/** A reading holds until the next: memory comes and goes in steps. */
function steps(xs: readonly number[], ys: readonly number[]): string {
  let path = '';
  let last = '';
  for (const [i, y] of ys.entries()) {
    const x = round(xs[i] ?? 0);
    const height = round(y);
    if (i === 0) path = `M${x} ${height}`;
    else if (height !== last) path += `H${x}V${height}`;
    else if (i === ys.length - 1) path += `H${x}`;
    last = height;
  }
  return path;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

/** 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten: half of it reads well too. */
function roundUp(bytes: number): number {
  const power = 10 ** Math.floor(Math.log10(bytes));
  const factor = [1, 1.5, 2, 3, 4, 5, 6, 8].find((each) => each * power >= bytes) ?? 10;
  return factor * power;
}
