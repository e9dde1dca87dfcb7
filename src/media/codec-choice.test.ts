import { describe, expect, it } from 'vitest';
import type { VideoCodecName } from './clip.ts';
import { chooseVideoCodec, refuseCodec } from './codec-choice.ts';
import { CodecFailure } from './encoding-failure.ts';

function browserWith(...codecs: VideoCodecName[]) {
  return (codec: VideoCodecName): Promise<boolean> => Promise.resolve(codecs.includes(codec));
}

describe('chooseVideoCodec', () => {
  it('takes the first of the container that can be encoded', async () => {
    const all = browserWith('avc', 'vp8', 'vp9', 'av1');
    expect(await chooseVideoCodec('mp4', undefined, all)).toBe('avc');
    expect(await chooseVideoCodec('webm', undefined, all)).toBe('vp9');
    expect(await chooseVideoCodec('mp4', undefined, browserWith('vp9', 'av1'))).toBe('vp9');
    expect(await chooseVideoCodec('webm', undefined, browserWith('vp8', 'av1'))).toBe('vp8');
  });

  it('takes the one asked for', async () => {
    expect(await chooseVideoCodec('webm', 'av1', browserWith('vp9', 'av1'))).toBe('av1');
  });

  it('names what can be encoded instead of the one asked for', async () => {
    const choice = chooseVideoCodec('mp4', 'avc', browserWith('av1', 'vp9', 'vp8'));
    await expect(choice).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringContaining('vp9, av1') as unknown,
    });
  });

  it('refuses a codec of another container', async () => {
    for (const [container, codec] of [['webm', 'avc'] as const, ['mp4', 'vp8'] as const]) {
      const choice = chooseVideoCodec(container, codec, browserWith('avc', 'vp8', 'vp9'));
      await expect(choice).rejects.toMatchObject({ code: 'invalid-argument' });
    }
  });

  it('passes over what has failed, and names each cause when nothing is left', async () => {
    const avc = new CodecFailure('avc', new Error('Encoder creation error.'));
    const vp9 = new CodecFailure('vp9', 'Flushing failed');
    const all = browserWith('avc', 'vp9');
    expect(await chooseVideoCodec('mp4', undefined, all, [avc])).toBe('vp9');
    const choice = chooseVideoCodec('mp4', undefined, all, [avc, vp9]);
    await expect(choice).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringContaining(
        '(H.264: Encoder creation error; VP9: Flushing failed; AV1: not offered at this size)',
      ) as unknown,
    });
  });

  it('says so when nothing can be encoded', async () => {
    for (const wanted of [undefined, 'vp9' as const]) {
      const choice = chooseVideoCodec('webm', wanted, browserWith());
      await expect(choice).rejects.toMatchObject({ code: 'feature-missing' });
    }
  });
});

describe('refuseCodec', () => {
  it('allows none only', () => {
    expect(() => refuseCodec(undefined, 'gif')).not.toThrow();
    expect(() => refuseCodec('avc', 'png')).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});
