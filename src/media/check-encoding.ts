/** @file What a file may be written as, checked before there are frames, and without asking the browser. */
import { invalidArgument } from '../errors.ts';
import type { Container, VideoCodecName } from './clip.ts';
import { checkCodec, refuseCodec } from './codec-choice.ts';

export const CONTAINERS: readonly Container[] = ['mp4', 'webm', 'gif', 'png'];
export const LARGEST_SCALE = 64;

/** @throws ZoetropeError `invalid-argument` for a container that there is not, or that does not hold the codec. */
export function checkEncoding({
  container,
  codec,
}: {
  readonly container: Container;
  readonly codec?: VideoCodecName;
}): void {
  if (!CONTAINERS.includes(container)) {
    throw invalidArgument(
      'container',
      `${container} is not a known format.`,
      'Choose mp4, webm, gif or png.',
    );
  }
  if (container === 'gif' || container === 'png') refuseCodec(codec, container);
  else if (codec !== undefined) checkCodec(codec, container);
}
