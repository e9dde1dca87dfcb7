/** @file WebGPU in Node, by Dawn. */
import { create, globals } from 'webgpu';

/** Dawn on the first Vulkan driver that it accepts; no adapter if there is none. */
export function dawn(): GPU {
  Object.assign(globalThis, globals);
  // onnxruntime-web hands over views of its shared heap, which Dawn's binding refuses.
  const queue = (globals as unknown as { GPUQueue: { prototype: GPUQueue } }).GPUQueue.prototype;
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { writeBuffer } = queue;
  queue.writeBuffer = function copyShared(this: GPUQueue, buffer, offset, data, from, size) {
    const view = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const start = from ?? 0;
    const end = size === undefined ? view.byteLength : start + size;
    return writeBuffer.call(this, buffer, offset, view.slice(start, end));
  };
  const gpu = create([]);
  // onnxruntime-web asks the navigator whether there is WebGPU at all.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  return gpu;
}
