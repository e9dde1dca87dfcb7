/**
 * @file The backend that a test runs on: WebGPU in a browser, wasm in Node. With `ZOETROPE_DAWN=1`, Node uses WebGPU
 * through Dawn and whatever Vulkan driver is installed: the light way to try a real GPU, or float16 on lavapipe.
 */
import type { Backend } from '../runtime/backend.ts';
import type { DeviceChoice } from '../runtime/device.ts';
import { openBackend } from '../runtime/open-backend.ts';
import { inBrowser } from './fixtures.ts';

let backend: Promise<Backend> | undefined;

/** Device options for the environment of the test. */
export async function testGpu(): Promise<{ device: DeviceChoice; gpu?: GPU }> {
  if (inBrowser) return { device: 'webgpu' };
  if (process.env['ZOETROPE_DAWN'] === undefined) return { device: 'wasm' };
  const { dawn } = await import('./dawn.ts');
  return { device: 'webgpu', gpu: dawn() };
}

/** One for all tests of a file: opening a device and compiling kernels are the dear parts. */
export function testBackend(): Promise<Backend> {
  backend ??= testGpu().then(({ device, gpu }) => openBackend(device, { gpu }));
  return backend;
}
