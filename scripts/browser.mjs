/**
 * @file Finds a Chromium that can do WebGPU, and knows how to launch it. Shared by the end-to-end tests and the
 * headless command. Node alone: it also runs before anything is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { ROOT } from './packages.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const MAC_APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
];

const WINDOWS_PROGRAMS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
];

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether the file is a browser that starts: some distributions install a stub, and a downloaded browser may lack
 * system libraries.
 * @param {string} path
 */
function works(path) {
  if (!isExecutable(path)) return false;
  if (process.platform === 'win32') return true;
  try {
    execFileSync(path, ['--version', '--no-sandbox'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

function systemCandidates() {
  const { PLAYWRIGHT_CHROMIUM: chosen, PATH = '', PROGRAMFILES, LOCALAPPDATA } = process.env;
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  return [
    ...(chosen ? [chosen] : []),
    ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...(process.platform === 'darwin' ? MAC_APPLICATIONS : []),
    ...[PROGRAMFILES, LOCALAPPDATA].flatMap((base) =>
      base ? WINDOWS_PROGRAMS.map((program) => join(base, program)) : [],
    ),
  ];
}

/** Where Playwright keeps its own Chromium, whether it is there or not. */
function playwrightCandidates() {
  try {
    const require = createRequire(join(ROOT, 'package.json'));
    return [require('@playwright/test').chromium.executablePath()];
  } catch {
    return [];
  }
}

/**
 * The browser on this machine: `PLAYWRIGHT_CHROMIUM` if it is set, one of the system's, or Playwright's own.
 * @returns {string | undefined} Path of the executable.
 */
export function findBrowser() {
  return [...systemCandidates(), ...playwrightCandidates()].find(works);
}

/** Installs a browser where there is none. @returns {string | undefined} Path of the executable. */
export function ensureBrowser() {
  const found = findBrowser();
  if (found) return found;
  console.log('No Chromium found: trying Playwright’s own …');
  run(process.execPath, [
    join(ROOT, 'node_modules/@playwright/test/cli.js'),
    'install',
    '--no-shell',
    'chromium',
  ]);
  const downloaded = findBrowser();
  if (downloaded || process.platform !== 'linux') return downloaded;
  console.log('… and now the distribution’s package.');
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  for (const command of [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    const [program = '', ...args] = [...sudo, ...command];
    run(program, args);
  }
  return findBrowser();
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args) {
  spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', timeout: 15 * 60_000 });
}

/**
 * Which WebGPU adapter the browser shall offer: the machine's, Chromium's software one, or none.
 * @typedef {'hardware' | 'software' | 'none'} Adapter
 */

/** @type {Record<Adapter, string[]>} */
const ADAPTER_ARGUMENTS = {
  hardware: [
    '--enable-unsafe-webgpu',
    '--ignore-gpu-blocklist',
    ...(process.platform === 'linux' ? ['--enable-features=Vulkan'] : []),
  ],
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  none: ['--disable-features=WebGPU', '--disable-gpu'],
};

/**
 * Launch options for Playwright's `chromium.launch`.
 * @param {Adapter} adapter
 * @param {{ executablePath?: string | undefined, headed?: boolean | undefined }} [options]
 */
export function launchOptions(adapter, { executablePath = findBrowser(), headed = false } = {}) {
  return {
    ...(executablePath === undefined ? {} : { executablePath }),
    headless: !headed,
    // Ctrl-C is the caller's to handle: it cancels a run before it closes the browser.
    handleSIGINT: false,
    handleSIGTERM: false,
    // The token goes to the page alone: a browser's processes and crash reports have no use for it.
    env: { ...process.env, HF_TOKEN: undefined },
    args: [
      ...ADAPTER_ARGUMENTS[adapter],
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      // Chromium's sandbox refuses to run as root, which is what containers are.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  };
}
