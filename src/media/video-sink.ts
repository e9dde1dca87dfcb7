/** @file MP4 and WebM by the browser's WebCodecs. */
import {
  BufferTarget,
  canEncodeVideo,
  Mp4OutputFormat,
  Output,
  Quality,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from 'mediabunny';
import { clipFileName } from './clip-file-name.ts';
import type { ClipEncoderOptions, FrameSink } from './clip-encoder.ts';
import { clipTags } from './clip-tags.ts';
import { chooseVideoCodec, type VideoContainer } from './codec-choice.ts';
import { withEncodingErrors } from './encoding-failure.ts';

/** @throws ZoetropeError as {@link chooseVideoCodec}. */
export async function openVideoSink(
  options: ClipEncoderOptions,
  container: VideoContainer,
): Promise<FrameSink> {
  const { frameRate, scale, metadata } = options;
  const width = even(options.width * scale);
  const height = even(options.height * scale);
  // Clips are short and their pixels are large and flat: quality costs little.
  const quality = new Quality('very-high');
  const codec = await chooseVideoCodec(container, options.codec, (candidate) =>
    canEncodeVideo(candidate, { width, height, frameRate, quality }),
  );
  const format = `${container} with ${codec}`;
  const source = new VideoSampleSource({ codec, quality });
  const output = new Output({
    format: container === 'mp4' ? new Mp4OutputFormat() : new WebMOutputFormat(),
    target: new BufferTarget(),
  });
  output.addVideoTrack(source, { frameRate });
  const { title, summary, json } = clipTags(metadata);
  output.setMetadataTags({ title, description: summary, comment: json });
  await withEncodingErrors(format, () => output.start());
  return {
    codec,
    width,
    height,
    write: (rgba, index) =>
      withEncodingErrors(format, async () => {
        using sample = new VideoSample(rgba, {
          format: 'RGBA',
          codedWidth: width,
          codedHeight: height,
          timestamp: index / frameRate,
          duration: 1 / frameRate,
        });
        await source.add(sample);
      }),
    finish: () =>
      withEncodingErrors(format, async () => {
        await output.finalize();
        const blob = new Blob([output.target.buffer ?? ''], { type: `video/${container}` });
        return [{ name: clipFileName(metadata, container), blob }];
      }),
    cancel: () => output.cancel(),
  };
}

function even(pixels: number): number {
  return pixels + (pixels % 2);
}
