import { decodeFrames } from 'modern-gif';
import { describe, expect, it } from 'vitest';
import { createEncoder, type ClipEncoder, type ClipEncoderOptions } from './clip-encoder.ts';
import { colorAt, PARAMETERS, testGroup } from './test-clip.ts';
import { readGifComment } from './test-gif-comment.ts';

const { width, height, numFrames, frameRate } = PARAMETERS;
const GIF: ClipEncoderOptions = {
  container: 'gif',
  width,
  height,
  numFrames,
  frameRate,
  scale: 3,
  metadata: PARAMETERS,
};
const INVALID = expect.objectContaining({ code: 'invalid-argument' });

async function encodeWhole(encoder: ClipEncoder): Promise<ArrayBuffer> {
  await encoder.add(testGroup(0, 1));
  await encoder.add(testGroup(1, 4));
  const [file] = await encoder.finish();
  return (await file?.blob.arrayBuffer()) ?? new ArrayBuffer(0);
}

describe('GIF', () => {
  it('keeps colours, sizes and times, and says how it was made', async () => {
    const encoder = await createEncoder(GIF);
    expect(encoder.codec).toBe('gif');
    const bytes = await encodeWhole(encoder);
    const frames = decodeFrames(bytes);
    expect(frames.map(({ delay }) => delay)).toEqual([60, 70, 60, 60, 60]);
    for (const [i, frame] of frames.entries()) {
      expect([frame.width, frame.height]).toEqual([width * 3, height * 3]);
      for (let at = 0; at < frame.data.length / 4; at++) {
        const column = Math.floor((at % frame.width) / 3);
        const pixel = [...frame.data.subarray(at * 4, at * 4 + 3)];
        expect(pixel).toEqual([...colorAt(i, column)]);
      }
    }
    const comment: unknown = JSON.parse(readGifComment(new Uint8Array(bytes)) ?? '');
    expect(comment).toEqual({ software: 'Zoetrope', ...PARAMETERS });
  });

  it('is named after its prompt and seed', async () => {
    const encoder = await createEncoder(GIF);
    await encoder.add(testGroup(0, 5));
    const [file] = await encoder.finish();
    expect(file?.name).toBe('a-red-circle-moves-right-seed-7.gif');
    expect(file?.blob.type).toBe('image/gif');
  });
});

describe('createEncoder', () => {
  it.each([
    ['scale', 0],
    ['scale', 1.5],
    ['scale', 65],
    ['width', 0],
    ['height', NaN],
    ['numFrames', 0],
    ['frameRate', 0],
    ['frameRate', Infinity],
    ['codec', 'vp9'],
    ['container', 'avi'],
  ])('refuses %s %s', async (name, value) => {
    await expect(createEncoder({ ...GIF, [name]: value })).rejects.toThrow(INVALID);
  });

  it.each(['mp4', 'webm', 'png'] as const)('tells where %s cannot be made', async (container) => {
    // Node has neither WebCodecs nor a canvas.
    const missing = expect.objectContaining({ code: 'feature-missing' });
    await expect(createEncoder({ ...GIF, container })).rejects.toThrow(missing);
  });
});

describe('add and finish', () => {
  it('refuse frames out of turn, too many, of another size, and clips with frames missing', async () => {
    const encoder = await createEncoder(GIF);
    for (const group of [
      testGroup(1, 1),
      testGroup(0, 6),
      testGroup(0, 1, 5, 4),
      { ...testGroup(0, 1), count: 2 },
    ]) {
      await expect(encoder.add(group)).rejects.toThrow(INVALID);
    }
    await encoder.add(testGroup(0, 1));
    await expect(encoder.add(testGroup(0, 1))).rejects.toThrow(INVALID);
    await expect(encoder.finish()).rejects.toThrow(INVALID);
    await encoder.add(testGroup(1, 4));
    await expect(encoder.finish()).resolves.toHaveLength(1);
  });

  it('are over after the end', async () => {
    const encoder = await createEncoder(GIF);
    await encoder.cancel();
    await encoder.cancel();
    await expect(encoder.add(testGroup(0, 1))).rejects.toThrow(INVALID);
    await expect(encoder.finish()).rejects.toThrow(INVALID);
  });
});
