/** @file A clip outlives the encoder that fails while it is decoded. */
import { afterEach, expect, it } from 'vitest';
import { PARAMETERS, testGroup } from '../media/test-clip.ts';
import { breakEncoders } from '../media/test-encoders.ts';
import { encodeFrames, FrameStore } from './frame-store.ts';

const SIZE = { width: 32, height: 16 };
const CLIP = { ...PARAMETERS, ...SIZE };
const MEMORY = { liveBytes: 0, peakBytes: 0, byKind: {}, ramBytes: 0, streamedBytes: 0 };

let repair = (): void => undefined;
afterEach(() => repair());

async function decodeInto(frames: FrameStore): Promise<void> {
  await frames.open();
  await frames.add(testGroup(0, 1, SIZE.width, SIZE.height));
  await frames.add(testGroup(1, 4, SIZE.width, SIZE.height));
}

it('is encoded by the next codec, with a notice', async () => {
  repair = breakEncoders({ avc1: { atFrame: 4 } });
  const frames = new FrameStore(CLIP, { encode: { container: 'mp4' } });
  await decodeInto(frames);
  expect(await frames.finish()).toMatchObject({ codec: 'vp9', container: 'mp4' });
  expect(frames.notices).toMatchObject([{ code: 'codec-changed' }]);
});

it('is kept without a file where the codec was named, and can be encoded otherwise', async () => {
  repair = breakEncoders({ avc1: { atFrame: 4 } });
  const shown: number[] = [];
  const frames = new FrameStore(CLIP, {
    encode: { container: 'mp4', codec: 'avc' },
    onFrames: ({ firstFrame }) => void shown.push(firstFrame),
  });
  await decodeInto(frames);
  expect(await frames.finish()).toBeUndefined();
  expect(frames.notices).toEqual([
    { code: 'not-encoded', message: expect.stringContaining('Choose VP9 (vp9) or AV1') as string },
  ]);
  expect(shown).toEqual([0, 1]);
  expect(frames.groups.map(({ count }) => count)).toEqual([1, 4]);
  const encoded = await encodeFrames(frames.groups, CLIP, { container: 'mp4' }, () => MEMORY);
  expect(encoded).toMatchObject({ codec: 'vp9', notices: [{ code: 'codec-changed' }] });
});

it('is not started where the codec that was named does not work, and says what does', async () => {
  repair = breakEncoders({ avc1: { atFrame: 2 } });
  const frames = new FrameStore(CLIP, { encode: { container: 'mp4', codec: 'avc' } });
  await expect(frames.open()).rejects.toMatchObject({
    code: 'feature-missing',
    hint: expect.stringContaining('Choose VP9 (vp9) or AV1 (av1), which works here') as string,
  });
});

it('is not started where the browser does not offer the codec', async () => {
  const frames = new FrameStore(
    { ...CLIP, width: 4, height: 4 },
    { encode: { container: 'mp4', codec: 'avc' } },
  );
  await expect(frames.open()).rejects.toMatchObject({ code: 'feature-missing' });
});
