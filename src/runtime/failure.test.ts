import { describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import { runtimeFailure } from './failure.ts';

const CAUSES: readonly unknown[] = [
  new Error('failed to call OrtRun()'),
  new WebAssembly.RuntimeError('memory access out of bounds'),
  new WebAssembly.RuntimeError('unreachable'),
  1_234_567,
  { code: 7 },
  { message: 'a plain object' },
  Symbol('odd'),
  '',
  undefined,
  null,
];

describe('a failure of the runtime', () => {
  test.each(CAUSES)('is put in words, whatever was thrown: %s', (cause) => {
    for (const device of ['wasm', 'webgpu'] as const) {
      const { message, code, hint } = runtimeFailure('Running it failed.', cause, { device });
      expect(code).toBe('feature-missing');
      expect(message).toMatch(/^Running it failed\. [A-Za-z]/);
      expect(message).not.toMatch(/\[object|undefined|null|1234567/);
      expect(hint.includes('wasm device')).toBe(device === 'webgpu');
    }
  });

  test.each([1_234_567, ...CAUSES.slice(1, 3)])(
    'in a memory that has no room left is lack of memory: %s',
    (cause) => {
      const failure = runtimeFailure('Running it failed.', cause, { device: 'wasm', isFull: true });
      expect(failure.code).toBe('out-of-memory');
    },
  );

  test.each([
    'std::bad_alloc',
    'Out of memory',
    'failed to allocate 5 bytes',
    'GPUOutOfMemoryError',
    'no available backend found. ERR: [wasm] RangeError: WebAssembly.Memory(): could not allocate memory',
  ])('says so where memory ran out: %s', (text) => {
    const failure = runtimeFailure('Running it failed.', new Error(text), { device: 'wasm' });
    expect(failure.code).toBe('out-of-memory');
    expect(failure.message).toContain(text);
  });

  test('to load its own file is one of the network', () => {
    const cause = new Error('no available backend found. ERR: [wasm] TypeError: Failed to fetch');
    const failure = runtimeFailure('Compiling it failed.', cause, { device: 'wasm' });
    expect(failure.code).toBe('network');
    expect(failure.message).toBe(`onnxruntime could not be loaded: ${cause.message}`);
  });

  test('that has a code already stays unchanged', () => {
    const told = new ZoetropeError('device-lost', 'It is gone.', 'Try again.');
    expect(runtimeFailure('Running it failed.', told, { device: 'webgpu' })).toBe(told);
  });
});
