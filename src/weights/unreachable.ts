/**
 * @file Why a server gave no answer. A browser's `fetch` fails in the same way for a server that is down, for one that
 * does not let other pages read its files, and without a network: what tells them apart is asked here, once all tries failed.
 */
export interface Unreachable {
  /** Ends a sentence: “the server does not answer”. */
  readonly reason: string;
  readonly hint: string;
}

const OFFLINE: Unreachable = {
  reason: 'this machine is offline',
  hint: 'Connect it to the network and try again. Models beside the page and folders of your own work without one.',
};

const MIXED: Unreachable = {
  reason: 'a page with an https:// address may not read from an http:// one',
  hint: 'Use the https:// address of the server, or download the folder and choose it here.',
};

const NO_CORS: Unreachable = {
  reason: 'the server is there, but does not let other pages read its files (CORS)',
  hint: 'Serve the files with the header Access-Control-Allow-Origin: *, or download the folder and choose it here.',
};

const SILENT: Unreachable = {
  reason: 'the server does not answer',
  hint: 'Check the address and the connection, and whether the server is running; then try again.',
};

/** Chromium reports no answer that a header of its own keeps from other pages (Cross-Origin-Resource-Policy). */
const UNREPORTED: Unreachable = {
  ...SILENT,
  hint: `${SILENT.hint} If the address opens in a browser tab, the server is there and keeps its files from other pages: it must send Access-Control-Allow-Origin: *.`,
};

const EITHER: Unreachable = {
  reason: 'the server does not answer, or does not let other pages read its files (CORS)',
  hint: 'Open the address in a browser tab. If the file comes there, the server must send the header Access-Control-Allow-Origin: *; else check the address and the connection.',
};

/** What Node says of a connection. */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing accepts connections there',
  ENOTFOUND: 'there is no machine of this name',
  EAI_AGAIN: 'the name of the machine could not be looked up',
  ENETUNREACH: 'there is no network to it',
  EHOSTUNREACH: 'there is no network to it',
  ETIMEDOUT: 'the server does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer',
};

const PROBE_MS = 5000;

/**
 * @param cause What `fetch` failed with, for each try.
 * @param send Without tokens.
 */
export async function whyUnreachable(
  url: string,
  cause: unknown,
  send: typeof fetch = globalThis.fetch.bind(globalThis),
): Promise<Unreachable> {
  const code = codeOf(cause);
  if (code !== undefined && Object.hasOwn(CODES, code)) {
    return { reason: CODES[code] ?? code, hint: SILENT.hint };
  }
  if (code?.includes('CERT') === true || code?.startsWith('ERR_TLS') === true) {
    return {
      reason: `the server’s certificate is not accepted (${code})`,
      hint: 'Use another address of the server, or mend its certificate.',
    };
  }
  const { location, navigator } = globalThis as {
    location?: { origin: string; protocol: string };
    navigator?: { onLine?: boolean };
  };
  const target = new URL(url);
  const isOwnMachine = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(target.hostname);
  if (navigator?.onLine === false && !isOwnMachine) return OFFLINE;
  if (!location || target.origin === location.origin) return SILENT;
  if (location.protocol === 'https:' && target.protocol === 'http:' && !isOwnMachine) return MIXED;
  return probe(url, send);
}

/**
 * An answer that no script may read shows that the server is there. In an isolated page even this is withheld; browsers
 * that report so, report it for answers alone.
 */
async function probe(url: string, send: typeof fetch): Promise<Unreachable> {
  const watch = watchBlocked(url);
  try {
    const signal = AbortSignal.timeout(PROBE_MS);
    const response = await send(url, { mode: 'no-cors', cache: 'no-store', signal });
    await response.body?.cancel().catch(() => undefined);
    return NO_CORS;
  } catch {
    if (!globalThis.crossOriginIsolated) return SILENT;
    if (!watch) return EITHER;
    return (await watch.wasBlocked()) ? NO_CORS : UNREPORTED;
  } finally {
    watch?.end();
  }
}

/** Reports come a little later than failures. */
const REPORT_MS = 1000;

interface BlockedWatch {
  wasBlocked(): Promise<boolean>;
  end(): void;
}

interface Report {
  readonly type: string;
  /** Its fields are in its JSON alone. */
  readonly body: { toJSON(): { blockedURL?: string } } | null;
}

type ReportingObserverClass = new (
  callback: (reports: readonly Report[]) => void,
  options: { types: string[] },
) => { observe(): void; disconnect(): void };

/** Undefined where the browser does not report what isolation blocks. */
function watchBlocked(url: string): BlockedWatch | undefined {
  const { ReportingObserver: Observer, navigator } = globalThis as {
    ReportingObserver?: ReportingObserverClass;
    navigator?: { userAgentData?: unknown };
  };
  // Only Chromium's has these reports; nothing but its own interfaces tells.
  if (!Observer || navigator?.userAgentData === undefined) return undefined;
  const { origin } = new URL(url);
  const blocked = new Set<string>();
  const observer = new Observer(
    (reports) => {
      for (const { body } of reports) {
        const { blockedURL } = body?.toJSON() ?? {};
        if (blockedURL !== undefined) blocked.add(blockedURL);
      }
    },
    // Not those that came before: they are of earlier requests.
    { types: ['coep'] },
  );
  observer.observe();
  const isBlocked = (): boolean => [...blocked].some((each) => each.startsWith(origin));
  return {
    async wasBlocked() {
      const deadline = Date.now() + REPORT_MS;
      while (!isBlocked() && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return isBlocked();
    },
    end: () => observer.disconnect(),
  };
}

/** The code of the error below `fetch`'s own. */
function codeOf(cause: unknown): string | undefined {
  for (let error: unknown = cause, depth = 0; error instanceof Error && depth < 4; depth++) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string') return code;
    error = error.cause;
  }
  return undefined;
}
