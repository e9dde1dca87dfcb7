/** @file Animated GIF: no encoder of the browser's is needed. */
import { Encoder } from 'modern-gif';
import { clipFileName } from './clip-file-name.ts';
import type { ClipEncoderOptions, FrameSink } from './clip-encoder.ts';
import { clipTags } from './clip-tags.ts';
import { refuseCodec } from './codec-choice.ts';
import { withEncodingErrors } from './encoding-failure.ts';
import { withGifComment } from './gif-comment.ts';
import { gifDelays } from './gif-delays.ts';

/**
 * The palette is made from all frames, so they stay in memory until the end. The clip loops.
 *
 * @throws ZoetropeError `invalid-argument` when a codec is asked for.
 */
export function openGifSink(options: ClipEncoderOptions): FrameSink {
  refuseCodec(options.codec, 'gif');
  const width = options.width * options.scale;
  const height = options.height * options.scale;
  const delays = gifDelays(options.numFrames, options.frameRate);
  let encoder: Encoder | undefined = new Encoder({ width, height });
  return {
    codec: 'gif',
    width,
    height,
    write: (rgba, index) =>
      withEncodingErrors('gif', async () => {
        await encoder?.encode({ data: rgba, delay: (delays[index] ?? 0) * 10 });
      }),
    finish: () =>
      withEncodingErrors('gif', async () => {
        const gif = new Uint8Array((await encoder?.flush('arrayBuffer')) ?? new ArrayBuffer(0));
        encoder = undefined;
        const blob = new Blob([withGifComment(gif, clipTags(options.metadata).json)], {
          type: 'image/gif',
        });
        return [{ name: clipFileName(options.metadata, 'gif'), blob }];
      }),
    cancel: () => {
      encoder = undefined;
      return Promise.resolve();
    },
  };
}
