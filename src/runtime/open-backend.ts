/** @file Opens the backend that a device choice leads to. */
import type { Backend } from './backend.ts';
import { type DeviceChoice, openDevice } from './device.ts';
import { WasmBackend } from './wasm-backend.ts';
import { WebGpuBackend } from './webgpu-backend.ts';

/** @throws ZoetropeError `webgpu-unavailable` if WebGPU is forced and cannot be had. */
export async function openBackend(choice: DeviceChoice, gpu?: GPU): Promise<Backend> {
  const opened = await openDevice(choice, gpu);
  return opened.device ? WebGpuBackend.open(opened) : WasmBackend.open(opened.report);
}
