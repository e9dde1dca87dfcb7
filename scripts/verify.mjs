/**
 * @file `npm run verify`: reads every file of a model whole and compares it with the hash that the hub lists, in constant
 * memory.
 */
import { shownAddress, shownText } from '../src/weights/shown-address.mjs';
import { bundledModels } from './bundled-models.mjs';
import { EXIT_CANCELLED, EXIT_FAILURE, runCommand } from './command-line.mjs';
import { withEngine } from './engine.mjs';
import { ensurePackages } from './packages.mjs';
import { typedNames, withTypedNames } from './typed-names.mjs';
import { parseCommandLine, USAGE } from './verify/arguments.mjs';

/** @typedef {import('../src/pipeline/verify-files.ts').FileVerdict} FileVerdict */

/** Milliseconds between two lines of progress. */
const REPORT_EVERY_MS = 500;

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {FileVerdict} verdict */
function describe({ path, size, outcome, expected, actual }) {
  switch (outcome) {
    case 'right':
      return `right     ${path}, ${megabytes(size)}, ${expected}`;
    case 'wrong':
      return `WRONG     ${path}, ${megabytes(size)}: it has ${actual}, but ${expected} is listed`;
    case 'missing':
      return `MISSING   ${path}: it is not in the folder, or cannot be read there`;
    default:
      return `unlisted  ${path}, ${megabytes(size)}: no hash is listed for it`;
  }
}

/** How far it is, for a person who waits: on the terminal's other stream, and only if it is a terminal. */
class ProgressLine {
  #readBytes = 0;
  #totalBytes = 0;
  #startedAt = performance.now();
  #reportedAt = 0;

  /** @param {readonly { size: number }[]} files */
  start(files) {
    this.#totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#startedAt = performance.now();
  }

  /** @param {number} bytes */
  add(bytes) {
    this.#readBytes += bytes;
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#reportedAt < REPORT_EVERY_MS) return;
    this.#reportedAt = now;
    const rate = this.#readBytes / (now - this.#startedAt);
    const seconds = Math.ceil((this.#totalBytes - this.#readBytes) / rate / 1000);
    const left = Number.isFinite(seconds) ? `, about ${seconds} s left` : '';
    this.clear();
    process.stderr.write(
      `${megabytes(this.#readBytes)} of ${megabytes(this.#totalBytes)} read${left}`,
    );
  }

  clear() {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  }
}

/**
 * @param {import('./verify/arguments.mjs').VerifyRequest} request
 * @param {AbortSignal} signal
 */
async function verify({ model, hub, folder }, signal) {
  await withEngine(async (load) => {
    const { NodeFolderSource } = await load('/src/weights/node-source.ts');
    const { openSource } = await load('/src/weights/open-source.ts');
    const { verifyFiles } = await load('/src/pipeline/verify-files.ts');
    const line = new ProgressLine();
    /** @type {FileVerdict[]} */
    const verdicts = await verifyFiles(openSource(model, hub), {
      signal,
      copy: folder === undefined ? undefined : new NodeFolderSource(folder.path),
      onStart: line.start.bind(line),
      onBytes: line.add.bind(line),
      /** @param {FileVerdict} verdict */
      onFile(verdict) {
        line.clear();
        console.log(describe(verdict));
      },
    });
    /** @param {FileVerdict['outcome'][]} outcomes */
    const count = (...outcomes) =>
      verdicts.filter(({ outcome }) => outcomes.includes(outcome)).length;
    const where = folder?.typed ?? shownAddress(model);
    if (count('right') === verdicts.length) {
      console.log(`All ${verdicts.length} files of ${where} are right.`);
      return;
    }
    const [wrong, missing, unlisted] = [count('wrong'), count('missing'), count('unlisted')];
    console.log(
      `Of ${verdicts.length} files of ${where}, ${wrong} are wrong, ${missing} are missing, and for ${unlisted} no hash is listed.`,
    );
    if (wrong + missing > 0) {
      console.log(
        folder === undefined
          ? 'A proxy, a virus scanner or a mirror may change what arrives: try again later, or over another network.'
          : 'Download these files again.',
      );
    }
    process.exitCode = EXIT_FAILURE;
  });
}

async function main() {
  const request = parseCommandLine(process.argv.slice(2), bundledModels());
  if (request === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  for (const note of request.notes) console.error(shownText(note));
  ensurePackages();
  const cancelling = new AbortController();
  process.once('SIGINT', () => cancelling.abort());
  try {
    const { folder } = request;
    const names = typedNames(folder ? [{ at: folder.path, typed: folder.typed }] : []);
    await withTypedNames(names, () => verify(request, cancelling.signal));
  } catch (error) {
    if (!cancelling.signal.aborted) throw error;
    console.error('Cancelled.');
    process.exitCode = EXIT_CANCELLED;
  }
}

await runCommand(main);
