/** @file Opens the backend that a device choice leads to. */
import type { Backend } from './backend.ts';
import { type DeviceChoice, openDevice } from './device.ts';
import { WasmBackend } from './wasm-backend.ts';
import { WebGpuBackend } from './webgpu-backend.ts';

/**
 * @param options.gpu Stands in for `navigator.gpu`.
 * @param options.scoreBytes On wasm, of one block of attention at the most; for tests.
 * @throws ZoetropeError `webgpu-unavailable` if WebGPU is forced and cannot be had.
 */
export async function openBackend(
  choice: DeviceChoice,
  { gpu, scoreBytes }: { gpu?: GPU | undefined; scoreBytes?: number | undefined } = {},
): Promise<Backend> {
  const opened = await openDevice(choice, gpu);
  return opened.device ? WebGpuBackend.open(opened) : WasmBackend.open(opened.report, scoreBytes);
}
