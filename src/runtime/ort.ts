/** @file Loads the onnxruntime-web bundle for a device, once. Only workers and Node import this: never the page. */
import type * as Ort from 'onnxruntime-web';

export type OrtModule = typeof Ort;

let webgpu: Promise<OrtModule> | undefined;
let wasm: Promise<OrtModule> | undefined;

/** The native WebGPU backend. One thread: its work is on the GPU. */
export function loadWebGpuOrt(): Promise<OrtModule> {
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
export function loadWasmOrt(): Promise<OrtModule> {
  wasm ??= import('onnxruntime-web/wasm').then((ort: OrtModule) => {
    ort.env.wasm.numThreads = wasmThreads();
    ort.env.logLevel = 'error';
    return ort;
  });
  return wasm;
}
