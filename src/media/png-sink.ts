/** @file A clip as numbered PNGs, exact to the pixel. */
import { ZoetropeError } from '../errors.ts';
import type { ClipEncoderOptions, EncodedFile, FrameSink } from './clip-encoder.ts';
import { clipTags } from './clip-tags.ts';
import { refuseCodec } from './codec-choice.ts';
import { withEncodingErrors } from './encoding-failure.ts';
import { withPngText } from './png-text.ts';

/**
 * @throws ZoetropeError `invalid-argument` when a codec is asked for; `feature-missing` without `OffscreenCanvas` or for
 *   pictures too large for it.
 */
export function openPngSink(options: ClipEncoderOptions): FrameSink {
  refuseCodec(options.codec, 'png');
  const width = options.width * options.scale;
  const height = options.height * options.scale;
  const context = openContext(width, height);
  const { title, summary, json, software } = clipTags(options.metadata);
  const text = { Title: title, Description: summary, Software: software, Comment: json };
  const files: EncodedFile[] = [];
  return {
    codec: 'png',
    width,
    height,
    write: (rgba, index) =>
      withEncodingErrors('png', async () => {
        context.putImageData(new ImageData(rgba, width, height), 0, 0);
        const picture = await context.canvas.convertToBlob({ type: 'image/png' });
        const png = withPngText(new Uint8Array(await picture.arrayBuffer()), text);
        files.push({
          name: `frame-${String(index).padStart(5, '0')}.png`,
          blob: new Blob([png], { type: 'image/png' }),
        });
      }),
    finish: () => Promise.resolve(files.splice(0)),
    cancel: () => {
      files.length = 0;
      return Promise.resolve();
    },
  };
}

function openContext(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context =
    typeof OffscreenCanvas === 'undefined'
      ? null
      : // Pixels are written and read back, never drawn: no use in a GPU canvas.
        new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context) return context;
  throw new ZoetropeError(
    'feature-missing',
    `This browser cannot make ${width} × ${height} PNG pictures in a worker.`,
    'Save the clip as GIF, or try another browser.',
  );
}
