/** @file The memory that a progress report and a result tell: the device's by the ledger, and weights in RAM. */
import type { Backend } from '../runtime/backend.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { MemoryReading } from './api.ts';

export function readMemory(
  backend: Backend,
  weights: Iterable<ComponentWeights> = [],
): MemoryReading {
  const { liveBytes, byLabel, weightBytesWritten } = backend.ledger.read();
  const { heapBytes, peakWithHeapBytes } = backend.ledger.readHeap();
  let ramBytes = 0;
  for (const component of weights) ramBytes += component.ramBytes;
  return {
    liveBytes: liveBytes + heapBytes,
    peakBytes: peakWithHeapBytes,
    byKind: heapBytes > 0 ? { ...byLabel, onnxruntime: heapBytes } : byLabel,
    ramBytes,
    streamedBytes: weightBytesWritten,
  };
}
