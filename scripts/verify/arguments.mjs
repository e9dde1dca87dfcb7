/** @file The command line of `npm run verify`. */
import { parseFlags, refuseEmpty, refusePositionals, UsageError } from '../command-line.mjs';
import { findModel, hubOptions } from '../model-arguments.mjs';
import { pathOf, statOf } from '../places.mjs';

export const USAGE = `Usage: npm run verify -- --model owner/name [options]

  --model NAME                a repository of the Hugging Face hub: owner/name, owner/name/folder, or
                              the address of its page
  --revision NAME             branch, tag or commit on the hub                   (its default)
  --folder PATH               a copy of it on this machine: its bytes are compared with the hashes
                              that the hub lists, and no weights are fetched
  --help                      this text

Every file that loading the model reads something of is read whole, and compared with the hash that
the hub lists: SHA-256 for files in LFS, Git's own for the others. A file that is wrong is read once
more. HF_TOKEN in the environment is the access token for gated and private repositories.

Exit codes: 0 every file is right, 1 a file is wrong or could not be verified, 2 the command line is
wrong, 130 cancelled by Ctrl-C.
`;

/**
 * @typedef {object} VerifyRequest
 * @property {string[]} notes About the command line.
 * @property {string} model
 * @property {ReturnType<typeof hubOptions>} hub
 * @property {{ path: string, typed: string }} [folder]
 */

/**
 * @param {string[]} args
 * @param {string[]} bundled Names of the bundled models.
 * @returns {VerifyRequest | 'help'}
 */
export function parseCommandLine(args, bundled) {
  const { values, positionals, notes } = parseFlags('verify', args, {
    model: { type: 'string' },
    revision: { type: 'string' },
    folder: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (values.help) return 'help';
  refusePositionals(positionals, 'The model goes with --model: --model owner/name');
  refuseEmpty(values, ['model', 'revision', 'folder']);
  if (values.model === undefined) {
    throw new UsageError('--model is missing.', 'For example --model owner/name');
  }
  const model = findModel(values.model, bundled);
  const { url } = model;
  if (url === undefined) {
    throw new UsageError(
      `--model: “${values.model}” is a folder on this machine, which lists no hashes.`,
      'Give the repository that it came from as --model, and the folder as --folder.',
    );
  }
  const hub = hubOptions(values.revision, model);
  const { folder: typed } = values;
  if (typed === undefined) return { notes, model: url, hub };
  const path = pathOf('folder', typed);
  const found = statOf(path);
  if (found?.isDirectory()) return { notes, model: url, hub, folder: { path, typed } };
  throw new UsageError(
    found ? `--folder: ${typed} is a file.` : `--folder: there is no folder “${typed}”.`,
    'Give the folder of the copy.',
  );
}
