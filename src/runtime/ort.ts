/** @file Loads the onnxruntime-web bundle for a device, once. Only workers and Node import this: never the page. */
import type * as Ort from 'onnxruntime-web';
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';

export type OrtModule = typeof Ort;

type Bundle = 'webgpu' | 'wasm';

let webgpu: Promise<OrtModule> | undefined;
let wasm: Promise<OrtModule> | undefined;

/** What broke a bundle's WebAssembly module. A module has one instance a thread, which cannot be made again. */
const broken = new Map<Bundle, unknown>();

/** To call with everything that a call of onnxruntime throws. */
export function noteFailure(bundle: Bundle, error: unknown): void {
  if ((isTrap(error) || isNotStarted(error)) && !broken.has(bundle)) broken.set(bundle, error);
}

export function isNotStarted(error: unknown): boolean {
  return error instanceof Error && NOT_STARTED.test(error.message);
}

/** What a call throws when onnxruntime could not be started. It remembers that, and never tries again. */
const NOT_STARTED = /no available backend found/;

/** A trap stops WebAssembly in the middle of a function: its stack and its locks stay as they were just then. */
function isTrap(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof RangeError && /call stack|recursion/i.test(error.message);
}

/** Whether only another worker, or another process of Node, can compute on it. */
export function isBroken(bundle: Bundle): boolean {
  return broken.has(bundle);
}

export function isAnyBroken(): boolean {
  return broken.size > 0;
}

/** @throws ZoetropeError `worker-lost`. */
export function checkUsable(bundle: Bundle): void {
  if (!broken.has(bundle)) return;
  const cause = broken.get(bundle);
  throw new ZoetropeError(
    'worker-lost',
    `onnxruntime broke in an earlier call: ${describeUnknown(cause)}`,
    'Load the model again in a new worker, or in a new process of Node.',
    { cause },
  );
}

/** The native WebGPU backend. One thread: its work is on the GPU. */
export async function loadWebGpuOrt(): Promise<OrtModule> {
  checkUsable('webgpu');
  webgpu ??= loading('webgpu', import('onnxruntime-web/webgpu'), 1);
  return webgpu;
}

/**
 * Browsers remember that a script could not be loaded, so only another worker can try again.
 * @throws ZoetropeError `network`.
 */
async function loading(
  bundle: Bundle,
  module: Promise<OrtModule>,
  threads: number,
): Promise<OrtModule> {
  try {
    const ort = await module;
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = 'error';
    return ort;
  } catch (cause) {
    broken.set(bundle, cause);
    throw notLoaded(describeUnknown(cause), cause);
  }
}

export function notLoaded(problem: string, cause: unknown): ZoetropeError {
  return new ZoetropeError(
    'network',
    `onnxruntime could not be loaded: ${problem}`,
    'Check the connection, and try again.',
    { cause },
  );
}

/** Threads that WebAssembly computes on. */
export function wasmThreads(): number {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return globalThis.crossOriginIsolated ? Math.min(cores, 8) : 1;
}

/** The CPU backend, in as many threads as cross-origin isolation allows. */
export async function loadWasmOrt(): Promise<OrtModule> {
  checkUsable('wasm');
  wasm ??= loading('wasm', import('onnxruntime-web/wasm'), wasmThreads());
  return wasm;
}
