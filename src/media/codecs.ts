/** @file The video codecs by container. */
import type { Container, VideoCodecName } from './clip.ts';

export type VideoContainer = 'mp4' | 'webm';

/** In order of preference: what plays in most places first. */
export const VIDEO_CODECS: Readonly<Record<VideoContainer, readonly VideoCodecName[]>> = {
  mp4: ['avc', 'vp9', 'av1'],
  webm: ['vp9', 'vp8', 'av1'],
};

/** Frames that find out whether a codec works: some encoders take the first one and fail with the next. */
export const TRIAL_FRAMES = 3;

/** The names that people know. */
export const CODEC_TITLES: Readonly<Record<VideoCodecName, string>> = {
  avc: 'H.264',
  vp8: 'VP8',
  vp9: 'VP9',
  av1: 'AV1',
};

export const CONTAINER_TITLES: Readonly<Record<Container, string>> = {
  mp4: 'MP4',
  webm: 'WebM',
  gif: 'GIF',
  png: 'PNG',
};
