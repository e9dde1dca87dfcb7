/** @file What `npm run bench` prints and writes. */

/** @typedef {import('./context.ts').Row} Row */

/**
 * @param {number | null} value
 * @param {string} [unit]
 */
function figure(value, unit) {
  if (value === null) return '–';
  // What matters of a cosine is how far from 1 it is.
  if (unit === 'cosine') return value.toFixed(6);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? value.toPrecision(4) : value.toExponential(2);
}

/** @param {boolean | null} holds */
function verdict(holds) {
  return holds === null ? '' : holds ? 'holds' : 'MISSED';
}

/**
 * A table of one benchmark's figures, columns aligned.
 * @param {readonly Row[]} rows
 */
export function table(rows) {
  const cells = rows.map(({ name, value, unit, goal, holds }) => [
    name.split('/').slice(2).join('/'),
    figure(value, unit),
    unit,
    goal ?? '',
    verdict(holds),
  ]);
  const header = ['figure', 'value', 'unit', 'goal', ''];
  const widths = header.map((_, column) =>
    Math.max(...[header, ...cells].map((row) => (row[column] ?? '').length)),
  );
  /** @param {string[]} row */
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.map(line)]
    .map((text) => `  ${text}`)
    .join('\n');
}

/** @param {readonly Row[]} rows */
export function summary(rows) {
  const withGoal = rows.filter(({ holds }) => holds !== null);
  const missed = withGoal.filter(({ holds }) => holds === false);
  return [
    `${rows.length} figures, ${withGoal.length} with a goal, ${missed.length} missed`,
    ...missed.map(({ name, value, goal }) => `  ${name}: ${figure(value)}, goal ${goal}`),
  ].join('\n');
}
