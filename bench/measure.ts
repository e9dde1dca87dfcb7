/** @file Times and how to compare them: side by side in one run, so that what slows the machine slows both. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export async function seconds(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await task();
  return (performance.now() - started) / 1000;
}

/** A slow machine makes fewer rounds than were asked for once this has passed: its times are long enough to compare. */
const PATIENCE_SECONDS = 45;

/**
 * Median seconds of each task. A round runs each once; the first round warms up and does not count.
 * @param rounds At the most, and at least one.
 * @returns In the order of `tasks`.
 */
export async function interleaved(
  tasks: readonly (() => Promise<unknown>)[],
  rounds: number,
): Promise<number[]> {
  const times: number[][] = tasks.map(() => []);
  const started = performance.now();
  for (let round = -1; round < rounds; round++) {
    const isOverdue = performance.now() - started > 1000 * PATIENCE_SECONDS;
    if (round > 0 && isOverdue) break;
    for (const [index, task] of tasks.entries()) {
      const taken = await seconds(task);
      if (round >= 0) times[index]?.push(taken);
    }
  }
  return times.map(median);
}

/** How many elements differ, bit for bit. */
export function differingElements(a: Float32Array, b: Float32Array): number {
  const [left, right] = [a, b].map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );
  if (!left || !right || left.length !== right.length) return Number.POSITIVE_INFINITY;
  return left.reduce((count, bits, i) => count + (bits === right[i] ? 0 : 1), 0);
}

/** max |a − b| over max |b|. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (const [i, value] of b.entries()) {
    difference = Math.max(difference, Math.abs((a[i] ?? Number.NaN) - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return difference / largest;
}
