/**
 * @file What the hub's refusals mean. It answers 401 for what is gated, private or not there at all, and says which in
 * `X-Error-Code`, which scripts of other origins may read.
 */
import { invalidArgument, type ZoetropeError } from '../errors.ts';

interface Asked {
  readonly repository: string;
  readonly revision: string | undefined;
}

/** @returns undefined for what is no matter of the hub's rules: a server that is down, say. */
export function hubFailure(
  { status, headers, url }: Response,
  { repository, revision }: Asked,
  { hubUrl, hasToken }: { hubUrl: string; hasToken: boolean },
): ZoetropeError | undefined {
  // Bytes come from other machines, which know nothing of licences.
  if (url !== '' && new URL(url).origin !== new URL(hubUrl).origin) return undefined;
  const code = headers.get('X-Error-Code');
  const page = `${hubUrl}/${repository}`;
  if (code === 'GatedRepo') {
    return hasToken
      ? invalidArgument(
          'token',
          `its account has no access to ${repository} yet.`,
          `Accept the licence on ${page}; some authors then take a while to grant access.`,
        )
      : invalidArgument(
          'token',
          `${repository} is gated: it is only for accounts that have accepted its licence.`,
          `Accept the licence on ${page}, then give an access token of that account.`,
        );
  }
  if (code === 'DisabledRepo') {
    return invalidArgument('model', `${repository} was disabled by the hub.`, `See ${page}.`);
  }
  if (code === 'RevisionNotFound') {
    return invalidArgument(
      'revision',
      `${repository} has no revision ${revision ?? 'main'}.`,
      `Its branches and tags are listed on ${page}/tree/main.`,
    );
  }
  if (status === 401 && /credentials/i.test(headers.get('X-Error-Message') ?? '')) {
    return invalidArgument(
      'token',
      'the hub does not accept it.',
      'It may have expired or been revoked: make another at https://huggingface.co/settings/tokens.',
    );
  }
  if (code === 'RepoNotFound' || ((status === 401 || status === 404) && code === null)) {
    return invalidArgument(
      'model',
      hasToken
        ? `there is no repository ${repository}, or the token may not read it.`
        : `there is no public repository ${repository}.`,
      hasToken
        ? 'Check the name, and that the token may read this repository.'
        : 'Check the name; a private repository needs an access token.',
    );
  }
  if (status === 403) {
    return invalidArgument(
      'token',
      `the hub refuses access to ${repository}.`,
      hasToken ? `Check what the token may read, and ${page}.` : 'Give an access token.',
    );
  }
  return undefined;
}
