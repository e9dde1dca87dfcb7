/** @file MP4 and WebM by the browser's WebCodecs. */
import {
  BufferTarget,
  canEncodeVideo,
  Mp4OutputFormat,
  Output,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from 'mediabunny';
import { clipFileName } from './clip-file-name.ts';
import type { ClipEncoderOptions, FrameSink } from './clip-encoder.ts';
import { clipTags } from './clip-tags.ts';
import { chooseVideoCodec, type VideoContainer } from './codec-choice.ts';
import { withEncodingErrors } from './encoding-failure.ts';
import { createI420Converter, videoColour } from './video-colour.ts';
import { videoQuality } from './video-quality.ts';

/** @throws ZoetropeError as {@link chooseVideoCodec}. */
export async function openVideoSink(
  options: ClipEncoderOptions,
  container: VideoContainer,
): Promise<FrameSink> {
  const { frameRate, scale, metadata } = options;
  const width = even(options.width * scale);
  const height = even(options.height * scale);
  const picture = { width, height, frameRate };
  const codec = await chooseVideoCodec(container, options.codec, (candidate) =>
    canEncodeVideo(candidate, { ...picture, quality: videoQuality(candidate, picture) }),
  );
  const format = `${container} with ${codec}`;
  const colour = videoColour(codec);
  const toI420 = createI420Converter(colour, width, height);
  const source = new VideoSampleSource({
    codec,
    quality: videoQuality(codec, picture),
    onEncodedPacket(_packet, chunkMetadata) {
      // Where the browser does not say what it has written, the container says what it was given.
      const config = chunkMetadata?.decoderConfig;
      if (config && !config.colorSpace?.matrix) config.colorSpace = { ...colour.space };
    },
  });
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
        using sample = new VideoSample(toI420(rgba), {
          format: 'I420',
          codedWidth: width,
          codedHeight: height,
          timestamp: index / frameRate,
          duration: 1 / frameRate,
          colorSpace: colour.space,
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
