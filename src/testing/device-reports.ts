/** @file What devices say of themselves, for tests that open none. */
import type { DeviceReport } from '../runtime/device.ts';

/** With float16, and limits somewhat above the least. */
export const ANY_GPU: DeviceReport = {
  device: 'webgpu',
  adapter: 'any',
  isSoftware: false,
  hasShaderF16: true,
  hasSubgroups: true,
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
};
