/** @file The backend that a test runs on: WebGPU in a browser, wasm in Node. */
import type { Backend } from '../runtime/backend.ts';
import { openBackend } from '../runtime/open-backend.ts';
import { inBrowser } from './fixtures.ts';

let backend: Promise<Backend> | undefined;

/** One for all tests of a file: opening a device and compiling kernels are the dear parts. */
export function testBackend(): Promise<Backend> {
  backend ??= openBackend(inBrowser ? 'webgpu' : 'wasm');
  return backend;
}
