/** @file Videos by the browser's own encoders, and by encoders that promise and fail. */
import { ALL_FORMATS, BlobSource, Input, type VideoSample, VideoSampleSink } from 'mediabunny';
import { afterEach, describe, expect, it } from 'vitest';
import type { FrameGroup, VideoCodecName } from './clip.ts';
import type { ClipEncoderOptions } from './clip-encoder.ts';
import { VIDEO_CODECS, type VideoContainer } from './codecs.ts';
import { type EncodedClip, KeptClipEncoder } from './kept-clip-encoder.ts';
import { offeredCodecs } from './offered-codecs.ts';
import { PARAMETERS } from './test-clip.ts';
import { breakEncoders, type Breakage } from './test-encoders.ts';
import { videoColour } from './video-colour.ts';

const COLOURS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
  [255, 255, 255],
  [0, 0, 0],
  [128, 128, 128],
  [200, 150, 100],
] as const;
const BAND = 16;
const WIDTH = COLOURS.length * BAND;
const HEIGHT = 32;
const FRAMES = 6;

let repair = (): void => undefined;
afterEach(() => repair());

function group(firstFrame: number, count: number, width = WIDTH, height = HEIGHT): FrameGroup {
  const rgba = new Uint8ClampedArray(count * width * height * 4);
  for (let i = 0; i < rgba.length / 4; i++) {
    const band = Math.floor((i % width) / BAND);
    rgba.set([...(COLOURS[band] ?? [0, 0, 0]), 255], i * 4);
  }
  return { firstFrame, count, width, height, rgba };
}

function optionsFor(
  container: VideoContainer,
  codec?: VideoCodecName,
  size = { width: WIDTH, height: HEIGHT },
): ClipEncoderOptions {
  return {
    container,
    ...(codec ? { codec } : {}),
    ...size,
    frameRate: 16,
    numFrames: FRAMES,
    scale: 1,
    metadata: { ...PARAMETERS, ...size, numFrames: FRAMES },
    patience: { tickMs: 50, ticks: 20 },
  };
}

async function encode(options: ClipEncoderOptions): Promise<EncodedClip> {
  const { width, height } = options;
  const encoder = await KeptClipEncoder.open(options);
  await encoder.add(group(0, 1, width, height));
  await encoder.add(group(1, 5, width, height));
  return encoder.finish();
}

/** What a player finds in the file. */
async function read({ files }: EncodedClip) {
  const [file] = files;
  using input = new Input({
    formats: ALL_FORMATS,
    source: new BlobSource(file?.blob ?? new Blob()),
  });
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new Error('no video track');
  const space = await track.getColorSpace();
  const decoded: number[][] = [];
  let frames = 0;
  let decodedSpace: VideoColorSpaceInit | undefined;
  for await (const sample of new VideoSampleSink(track).samples()) {
    if (frames === 0) decoded.push(...(await bandCentres(sample)));
    decodedSpace ??= sample.colorSpace.toJSON();
    frames += 1;
    sample.close();
  }
  return { codec: await track.getCodec(), space, decodedSpace, decoded, frames };
}

/** Y, U and V in the middle of each band, as they are decoded. */
async function bandCentres(sample: VideoSample): Promise<number[][]> {
  const frame = sample.toVideoFrame();
  const planes = new Uint8Array(frame.allocationSize());
  const [y, u, v] = await frame.copyTo(planes);
  frame.close();
  if (!y || !u || !v) throw new Error(`${frame.format} is not I420`);
  return COLOURS.map((_, band) => {
    const x = band * BAND + BAND / 2;
    const row = HEIGHT / 2;
    return [
      planes[y.offset + row * y.stride + x] ?? 0,
      planes[u.offset + (row / 2) * u.stride + x / 2] ?? 0,
      planes[v.offset + (row / 2) * v.stride + x / 2] ?? 0,
    ];
  });
}

function toRgb([y = 0, u = 0, v = 0]: readonly number[], codec: VideoCodecName): number[] {
  const { red, blue } = videoColour(codec).weights;
  const luma = (y - 16) / 219;
  const r = luma + ((2 * (1 - red)) / 224) * (v - 128);
  const b = luma + ((2 * (1 - blue)) / 224) * (u - 128);
  const g = (luma - red * r - blue * b) / (1 - red - blue);
  return [r, g, b].map((value) => Math.min(255, Math.max(0, value * 255)));
}

describe.each([
  ['mp4', 'avc'],
  ['mp4', 'vp9'],
  ['mp4', 'av1'],
  ['webm', 'vp9'],
  ['webm', 'vp8'],
  ['webm', 'av1'],
] as const)('%s with %s', (container, codec) => {
  it('has the right colours in limited range, marked in the container and the bitstream', async () => {
    const clip = await encode(optionsFor(container, codec));
    const { space, decodedSpace, decoded, ...rest } = await read(clip);
    expect(rest).toEqual({ codec, frames: FRAMES });
    const matrix = codec === 'vp8' ? 'smpte170m' : 'bt709';
    expect(space).toMatchObject({
      primaries: 'bt709',
      transfer: 'bt709',
      fullRange: false,
      matrix,
    });
    expect(decodedSpace).toMatchObject({ fullRange: false, matrix });
    const errors = decoded.flatMap((yuv, band) =>
      toRgb(yuv, codec).map((value, k) => Math.abs(value - (COLOURS[band]?.[k] ?? 0))),
    );
    expect(errors).toHaveLength(COLOURS.length * 3);
    expect(Math.max(...errors)).toBeLessThan(4);
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(1);
  });

  it('is marked also where the encoder does not say what it has written', async () => {
    repair = breakEncoders({
      avc1: 'colourless',
      vp0: 'colourless',
      vp8: 'colourless',
      av01: 'colourless',
    });
    const { space } = await read(await encode(optionsFor(container, codec)));
    expect(space).toEqual(videoColour(codec).space);
  });
});

it('shows the colours of the frames in a video element', async () => {
  const { files } = await encode(optionsFor('mp4'));
  const video = document.createElement('video');
  video.muted = true;
  video.src = URL.createObjectURL(files[0]?.blob ?? new Blob());
  const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  await video.play();
  await shown;
  video.pause();
  const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d');
  context?.drawImage(video, 0, 0);
  const errors = COLOURS.flatMap((colour, band) => {
    const pixel = context?.getImageData(band * BAND + BAND / 2, HEIGHT / 2, 1, 1).data;
    return colour.map((value, k) => Math.abs(value - (pixel?.[k] ?? 0)));
  });
  // Chromium's own conversion on the CPU is off by up to 12 in saturated blue; a wrong range is off by more everywhere.
  expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(3);
  expect(Math.max(...errors)).toBeLessThan(14);
});

describe('a size that the codec cannot have', () => {
  it.each([
    ['odd', 97, 95],
    ['small', 16, 16],
  ])('is made even, or is fine: %s', async (_, width, height) => {
    const clip = await encode(optionsFor('mp4', undefined, { width, height }));
    expect(clip).toMatchObject({ codec: 'avc', notices: [] });
  });

  it('is encoded by the next codec, with a notice', async () => {
    const clip = await encode(optionsFor('mp4', undefined, { width: 4, height: 6 }));
    expect(clip.codec).toBe('vp9');
    expect(clip.notices).toEqual([
      { code: 'codec-changed', message: expect.stringContaining('does not offer H.264') as string },
    ]);
  });
});

describe('an encoder that promises and fails', () => {
  const breakages: [string, Breakage][] = [
    ['at configure', 'at configure'],
    ['at the first frame', { atFrame: 1 }],
    ['at the fourth frame', { atFrame: 4 }],
    ['by throwing', 'throws'],
    ['at flush', 'at flush'],
    ['in silence', 'silent'],
    ['by dropping a frame', 'drops'],
  ];

  it.each(breakages)('%s gives way to the next one, from the first frame', async (_, breakage) => {
    repair = breakEncoders({ avc1: breakage });
    expect(await offeredCodecs('mp4', { width: WIDTH, height: HEIGHT, frameRate: 16 })).toEqual(
      VIDEO_CODECS.mp4,
    );
    const clip = await encode(optionsFor('mp4'));
    const { codec, frames } = await read(clip);
    expect([clip.codec, codec, frames]).toEqual(['vp9', 'vp9', FRAMES]);
    expect(clip.notices).toEqual([
      {
        code: 'codec-changed',
        message: expect.stringMatching(
          /^H\.264 failed in this browser \(.+\): the MP4 is encoded as VP9 instead\./,
        ) as string,
      },
    ]);
  });

  it('gives way twice, in WebM too', async () => {
    repair = breakEncoders({ vp09: 'at flush', vp8: { atFrame: 2 } });
    const { codec, notices } = await encode(optionsFor('webm'));
    expect(codec).toBe('av1');
    expect(notices[0]?.message).toMatch(/VP9 failed.+; VP8 failed.+encoded as AV1/);
  });

  it.each(breakages)('%s is not replaced where it was named', async (_, breakage) => {
    repair = breakEncoders({ avc1: breakage, av01: 'at configure' });
    await expect(encode(optionsFor('mp4', 'avc'))).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringContaining('offers H.264, but could not encode') as string,
      // AV1 is offered, but was tried.
      hint: expect.stringMatching(/^Choose VP9 \(vp9\), which works here/) as string,
    });
  });

  it('is reported with its cause where no codec is left', async () => {
    repair = breakEncoders({ avc1: 'at flush', vp09: { atFrame: 1 }, av01: 'silent' });
    await expect(encode(optionsFor('mp4'))).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringMatching(
        /H\.264: .*Flushing failed; VP9: .*Encoder creation error; AV1: .*did not answer/,
      ) as string,
      hint: expect.stringContaining('GIF or PNG') as string,
    });
  });

  it('does not hold a cancel up', async () => {
    repair = breakEncoders({ avc1: 'silent' });
    const controller = new AbortController();
    const encoding = encode({
      ...optionsFor('mp4'),
      patience: { tickMs: 60_000, ticks: 10 },
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 200);
    await expect(encoding).rejects.toMatchObject({ name: 'AbortError' });
  });
});
