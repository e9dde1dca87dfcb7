/** @file Linear systems of a few unknowns. */

/**
 * Solves `matrix · x = right` by Gaussian elimination with row pivoting, in float64. A singular system gives values that
 * are not finite.
 */
export function solveLinear(
  matrix: readonly (readonly number[])[],
  right: readonly number[],
): number[] {
  const size = right.length;
  let rows = matrix.map((row, i) => [...row.slice(0, size), right[i] ?? 0]);
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (at(row, column, 'size') > at(best, column, 'size') ? row : best));
    const below = rows.slice(column).filter((row) => row !== pivot);
    const cleared = below.map((row) => {
      const factor = at(row, column) / at(pivot, column);
      return row.map((value, k) => (k <= column ? 0 : value - factor * at(pivot, k)));
    });
    rows = [...rows.slice(0, column), pivot, ...cleared];
  }
  const solution = Array.from({ length: size }, () => 0);
  for (let i = size - 1; i >= 0; i--) {
    const row = rows[i] ?? [];
    const known = solution.reduce((sum, value, k) => (k > i ? sum + at(row, k) * value : sum), 0);
    solution[i] = (at(row, size) - known) / at(row, i);
  }
  return solution;
}

function at(row: readonly number[], column: number, as?: 'size'): number {
  const value = row[column] ?? NaN;
  return as === 'size' ? Math.abs(value) : value;
}
