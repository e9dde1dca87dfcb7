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
  if (isTrap(error) && !broken.has(bundle)) broken.set(bundle, error);
}

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
  webgpu ??= import('onnxruntime-web/webgpu').then((ort: OrtModule) => {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return ort;
  });
  return webgpu;
}

/** Threads that WebAssembly computes on. */
export function wasmThreads(): number {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return globalThis.crossOriginIsolated ? Math.min(cores, 8) : 1;
}

/** The CPU backend, in as many threads as cross-origin isolation allows. */
export async function loadWasmOrt(): Promise<OrtModule> {
  checkUsable('wasm');
  wasm ??= import('onnxruntime-web/wasm').then((ort: OrtModule) => {
    ort.env.wasm.numThreads = wasmThreads();
    ort.env.logLevel = 'error';
    return ort;
  });
  return wasm;
}
