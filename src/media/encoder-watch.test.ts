import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encoderPatience, EncoderWatch } from './encoder-watch.ts';

const PATIENCE = { tickMs: 1000, ticks: 30 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

describe('EncoderWatch', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    const watch = new EncoderWatch(PATIENCE);
    await expect(watch.during(Promise.resolve(7))).resolves.toBe(7);
    await expect(watch.during(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends the waiting after the silence, counted from the last sign', async () => {
    const watch = new EncoderWatch(PATIENCE);
    let ended = '';
    const waiting = watch.during(never()).catch((error: unknown) => (ended = String(error)));
    await vi.advanceTimersByTimeAsync(29_000);
    watch.sign();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(ended).toBe('');
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
    expect(ended).toContain('did not answer for 30 seconds');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends the waiting when the signal aborts, before and during', async () => {
    const controller = new AbortController();
    const watch = new EncoderWatch(PATIENCE, controller.signal);
    const waiting = watch.during(never());
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(watch.during(never())).rejects.toMatchObject({ name: 'AbortError' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('encoderPatience', () => {
  it('grows with the picture', () => {
    expect(encoderPatience(96, 96)).toEqual({ tickMs: 1000, ticks: 31 });
    expect(encoderPatience(4096, 2304).ticks).toBe(78);
  });
});
