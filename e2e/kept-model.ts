/** @file A clip whose model the browser keeps, and how its requests look. */
import type { Request } from '@playwright/test';
import { SMALL } from './app.ts';

/** The form's fields. */
export const KEPT = {
  ...SMALL,
  'num-frames': '1',
  prompt: 'a red ball',
  device: 'wasm',
  dtype: 'float32',
  storage: '',
};

/** More bytes than the header of the safetensors file has. */
export const HEADER_BYTES = 100_000;

/** How much of a file is asked for. */
export function rangeLength(request: Request): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers()['range'] ?? '') ?? [];
  return first === undefined ? 0 : Number(last) - Number(first) + 1;
}
