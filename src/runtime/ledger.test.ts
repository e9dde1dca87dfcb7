import { expect, test } from 'vitest';
import { Ledger } from './ledger.ts';

test('a heap that has passed the limit is counted, and refuses what comes next, not what has failed', () => {
  const ledger = new Ledger();
  ledger.limit(100);
  expect(() => ledger.checkHeap(101)).toThrow(/needs 101 bytes more, 0 of 100/);
  ledger.noteHeap(120);
  expect(ledger.readHeap()).toEqual({ heapBytes: 120, peakWithHeapBytes: 120 });
  expect(() => ledger.reserve('activations', 1)).toThrow(/120 of 100 are in use/);
  ledger.noteHeap(90);
  ledger.reserve('activations', 10);
  expect(ledger.read().liveBytes).toBe(10);
});
