/** @file The memory of a run in words: for those who do not see the chart, and for the figures beside it. */
import { formatBytes } from '../format-bytes.ts';
import { formatSeconds } from './format.ts';
import {
  bytesOf,
  type Kind,
  KINDS,
  type MemoryRecord,
  type MemorySample,
} from './memory-record.ts';

const KIND_NAMES: Record<Kind, string> = {
  weights: 'weights',
  activations: 'activations',
  decode: 'decoder',
  staging: 'staging',
  other: 'other',
};

/** A moment: `4 s, Denoising, step 3 of 8`. */
export function momentText({ seconds, stage }: MemorySample): string {
  return `${seconds < 10 ? `${seconds.toFixed(1)} s` : formatSeconds(seconds)}, ${stage}`;
}

/** A moment with its figures. */
export function sampleText(sample: MemorySample): string {
  const { reading } = sample;
  const { liveBytes, ramBytes, streamedBytes } = reading;
  return (
    `${momentText(sample)}: ${formatBytes(liveBytes)} on the device` +
    `${listKinds((kind) => bytesOf(reading, kind))}; ${formatBytes(ramBytes)} of weights in RAM; ` +
    `${formatBytes(streamedBytes)} of weights written to the device so far.`
  );
}

/** The whole run. */
export function recordText(record: MemoryRecord): string {
  const { budgetBytes, seconds } = record;
  const peak = record.most(({ peakBytes }) => peakBytes);
  const ram = record.most(({ ramBytes }) => ramBytes);
  const streamed = record.most(({ streamedBytes }) => streamedBytes);
  const budget = budgetBytes === undefined ? '' : `, of a budget of ${formatBytes(budgetBytes)}`;
  const peaks = record.peakByKind();
  return (
    `Memory on the device over ${formatSeconds(seconds)}: ${formatBytes(peak)} at the most${budget}. ` +
    `Highest readings by kind${listKinds((kind) => peaks[kind])}. ` +
    `${formatBytes(ram)} of weights in RAM, ${formatBytes(streamed)} of weights written to the device.`
  );
}

function listKinds(bytes: (kind: Kind) => number): string {
  const parts = KINDS.filter((kind) => bytes(kind) > 0).map(
    (kind) => `${KIND_NAMES[kind]} ${formatBytes(bytes(kind))}`,
  );
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}
