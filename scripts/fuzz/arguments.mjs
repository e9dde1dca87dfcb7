/** @file The command line of `npm run fuzz`. */
import { parseArgs } from 'node:util';
import { number, oneOf, parsing, UsageError } from '../command-line.mjs';

/**
 * @typedef {object} FuzzRequest
 * @property {string[]} targets
 * @property {number} seconds Of all targets together.
 * @property {number | undefined} seed
 * @property {number} first The number of the first case.
 * @property {number | undefined} cases A target; absent: as many as the time allows.
 * @property {boolean} save Whether cases that fail are written to the corpus.
 */

/** Names of `targets.ts`, which only the engine's loader can read; a test holds the two together. */
export const TARGET_NAMES = ['headers', 'configurations', 'loras', 'records', 'servers'];

export const USAGE = `Usage: npm run fuzz -- [options]

Feeds damaged inputs to the engine, at random but repeatable by their seed. Every case must end within two seconds, in
success or in an error with a code, a clear message and a hint. Exits with 1 if one did not.

  --seconds N     for all targets together                                             (60)
  --seed N        a whole number; the same seed makes the same cases                   (any)
  --only NAME     one target: ${TARGET_NAMES.join(', ')}
  --first N       the number of the first case                                         (0)
  --cases N       how many cases a target                                              (as the time allows)
  --save          writes what fails to scripts/fuzz/corpus, which npm test repeats
  --help          this text
`;

/**
 * @param {string[]} args
 * @returns {FuzzRequest | 'help'}
 * @throws {UsageError}
 */
export function parseCommandLine(args) {
  const { values } = parsing('fuzz', () =>
    parseArgs({
      args,
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string' },
        only: { type: 'string' },
        first: { type: 'string', default: '0' },
        cases: { type: 'string' },
        save: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }),
  );
  if (values.help) return 'help';
  const seconds = number('seconds', values.seconds);
  if (seconds <= 0)
    throw new UsageError('--seconds: it is not above 0.', 'For example --seconds 60');
  return {
    targets: values.only === undefined ? TARGET_NAMES : [oneOf('only', values.only, TARGET_NAMES)],
    seconds,
    seed: values.seed === undefined ? undefined : whole('seed', values.seed),
    first: whole('first', values.first),
    cases: values.cases === undefined ? undefined : whole('cases', values.cases),
    save: values.save,
  };
}

/**
 * @param {string} flag
 * @param {string} text
 */
function whole(flag, text) {
  const value = number(flag, text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(
    `--${flag}: ${text} is not a whole number from 0.`,
    `For example --${flag} 7`,
  );
}
