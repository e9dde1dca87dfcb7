import { describe, expect, test } from 'vitest';
import { tileGrid, tilesOf } from './tile-grid.ts';

describe('tiles', () => {
  test.each([
    { length: 12, tile: 4, halo: 2 },
    { length: 13, tile: 4, halo: 2 },
    { length: 8, tile: 4, halo: 2 },
    { length: 9, tile: 1, halo: 1 },
    { length: 10, tile: 3, halo: 0 },
  ])('of $tile with a halo of $halo cover $length pixels', ({ length, tile, halo }) => {
    const grid = tileGrid({ height: length, width: 3 }, tile, halo);
    const size = grid.window.height;
    const covered = new Set<number>();
    for (const { rows, columns } of tilesOf(grid)) {
      expect(columns).toEqual({ start: 0, from: 0, to: 3 });
      expect(rows.start).toBeGreaterThanOrEqual(0);
      expect(rows.start + size).toBeLessThanOrEqual(length);
      // Right pixels are a halo away from the window's edges, but for those that are the frame's.
      expect(rows.from).toBeGreaterThanOrEqual(rows.start === 0 ? 0 : rows.start + halo);
      expect(rows.to).toBe(rows.start + size === length ? length : rows.start + size - halo);
      for (let row = rows.from; row < rows.to; row++) {
        expect(covered.has(row)).toBe(false);
        covered.add(row);
      }
    }
    expect(covered.size).toBe(length);
  });

  test('there is one, the frame, where no side is given or the window is no smaller', () => {
    const frame = { height: 6, width: 9 };
    const all = {
      rows: { start: 0, from: 0, to: 6 },
      columns: { start: 0, from: 0, to: 9 },
    };
    expect(tilesOf(tileGrid(frame, undefined, 2))).toEqual([all]);
    expect(tilesOf(tileGrid(frame, 5, 2))).toEqual([all]);
  });
});
