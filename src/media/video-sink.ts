/** @file MP4 and WebM by the browser's WebCodecs. */
import {
  BufferTarget,
  Mp4OutputFormat,
  Output,
  VideoSample,
  VideoSampleSource,
  WebMOutputFormat,
} from 'mediabunny';
import type { VideoCodecName } from './clip.ts';
import { clipFileName } from './clip-file-name.ts';
import type { ClipEncoderOptions, FrameSink } from './clip-encoder.ts';
import { clipTags } from './clip-tags.ts';
import { chooseVideoCodec } from './codec-choice.ts';
import { TRIAL_FRAMES, VIDEO_CODECS, type VideoContainer } from './codecs.ts';
import { encoderPatience, EncoderWatch } from './encoder-watch.ts';
import { withCodecFailures } from './encoding-failure.ts';
import { isOffered, videoPicture } from './offered-codecs.ts';
import { createI420Converter, videoColour } from './video-colour.ts';
import { videoQuality } from './video-quality.ts';

/** @throws ZoetropeError as {@link chooseVideoCodec}; `CodecFailure` when the encoder does not start. */
export async function openVideoSink(
  options: ClipEncoderOptions,
  container: VideoContainer,
): Promise<FrameSink> {
  const { frameRate, scale, metadata } = options;
  const picture = videoPicture(options, scale);
  const { width, height } = picture;
  const codec = await chooseVideoCodec(
    container,
    options.codec,
    (candidate) => isOffered(candidate, picture),
    options.failed,
  );
  const watch = new EncoderWatch(
    options.patience ?? encoderPatience(width, height),
    options.signal,
  );
  const guarded = <T>(encode: () => Promise<T>): Promise<T> =>
    withCodecFailures(codec, () => watch.during(encode()), options.signal);
  const colour = videoColour(codec);
  const toI420 = createI420Converter(colour, width, height);
  let framesGiven = 0;
  let packets = 0;
  const source = new VideoSampleSource({
    codec,
    quality: videoQuality(codec, picture),
    onEncodedPacket(_packet, chunkMetadata) {
      packets += 1;
      watch.sign();
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
  await guarded(() => output.start());
  return {
    codec,
    width,
    height,
    write: (rgba, index) =>
      guarded(async () => {
        using sample = new VideoSample(toI420(rgba), {
          format: 'I420',
          codedWidth: width,
          codedHeight: height,
          timestamp: index / frameRate,
          duration: 1 / frameRate,
          colorSpace: colour.space,
        });
        framesGiven += 1;
        await source.add(sample);
      }),
    finish: () =>
      guarded(async () => {
        await output.finalize();
        if (packets !== framesGiven) {
          throw new Error(`the encoder gave ${packets} of ${framesGiven} frames`);
        }
        const blob = new Blob([output.target.buffer ?? ''], { type: `video/${container}` });
        return [{ name: clipFileName(metadata, container), blob }];
      }),
    cancel: () => output.cancel(),
  };
}

/** Those of the container that did encode a few frames of this clip's size, `except` one. */
export async function provenCodecs(
  options: ClipEncoderOptions,
  container: VideoContainer,
  except: VideoCodecName,
): Promise<VideoCodecName[]> {
  const proven: VideoCodecName[] = [];
  for (const codec of VIDEO_CODECS[container]) {
    if (codec !== except && (await encodesTrial({ ...options, codec }, container))) {
      proven.push(codec);
    }
  }
  return proven;
}

async function encodesTrial(
  options: ClipEncoderOptions,
  container: VideoContainer,
): Promise<boolean> {
  try {
    const sink = await openVideoSink(options, container);
    const grey = new Uint8ClampedArray(sink.width * sink.height * 4).fill(128);
    for (let i = 0; i < TRIAL_FRAMES; i++) await sink.write(grey, i);
    await sink.finish();
    return true;
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}
