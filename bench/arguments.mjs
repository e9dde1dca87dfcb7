/** @file The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

/**
 * @typedef {'node' | 'chromium'} Place
 * @typedef {object} Arguments
 * @property {string | undefined} only
 * @property {Place | undefined} place Both, where both can run, if absent.
 * @property {'auto' | 'webgpu' | 'wasm'} device
 * @property {'tiny' | 'small' | 'large'} size
 * @property {string | undefined} json
 * @property {boolean} strict
 * @property {boolean} help
 */

const PLACES = /** @type {const} */ (['node', 'chromium']);
const DEVICES = /** @type {const} */ (['auto', 'webgpu', 'wasm']);
const SIZES = /** @type {const} */ (['tiny', 'small', 'large']);

/** @param {readonly { name: string, title: string }[]} benchmarks */
export function usage(benchmarks) {
  const width = Math.max(...benchmarks.map(({ name }) => name.length)) + 2;
  const list = benchmarks.map(({ name, title }) => `  ${name.padEnd(width)}${title}`).join('\n');
  return `Usage: npm run bench -- [options]

Measures side by side what the documentation claims, on whatever device is there, in Node and in Chromium.
Exits with 1 on errors alone; a goal that is missed is a figure, not an error, unless --strict is given.

  --only NAME        one benchmark
  --in PLACE         node or chromium                                    (both, where both can run)
  --device NAME      auto, webgpu or wasm; auto takes any WebGPU adapter, also a software one  (auto)
  --size NAME        tiny (does it work?), small (two slow cores), large (a GPU)              (small)
  --json FILE        writes { device, rows: [{ name, value, unit, goal, holds }] }
  --strict           exit with 1 also if a goal does not hold
  --help             this text

Benchmarks:
${list}
`;
}

/**
 * @template {string} T
 * @param {string} option
 * @param {string} value
 * @param {readonly T[]} allowed
 * @returns {T}
 */
function oneOf(option, value, allowed) {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`--${option}: ${value} is not ${allowed.join(', ')}.`);
  return found;
}

/**
 * @param {string[]} args
 * @returns {Arguments}
 * @throws {Error} For what is not an option or not one of its values.
 */
export function parseCommandLine(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      in: { type: 'string' },
      device: { type: 'string', default: 'auto' },
      size: { type: 'string', default: 'small' },
      json: { type: 'string' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    only: values.only,
    place: values.in === undefined ? undefined : oneOf('in', values.in, PLACES),
    device: oneOf('device', values.device, DEVICES),
    size: oneOf('size', values.size, SIZES),
    json: values.json,
    strict: values.strict,
    help: values.help,
  };
}
