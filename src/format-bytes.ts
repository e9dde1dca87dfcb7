/** @file Bytes as people read them: on the page, in plans and in messages. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/**
 * `24.1 MB`: decimal units, as download sizes are given everywhere else.
 * @param rounding `up` for a least: what is read as enough must be enough.
 */
export function formatBytes(bytes: number, rounding: 'nearest' | 'up' = 'nearest'): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const shown = rounding === 'up' ? Math.ceil(value * 10 ** digits) / 10 ** digits : value;
  return `${shown.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}
