/** @file The choice of a video codec: those that this browser offers for the clip, less those that did not work. */
import {
  CODEC_TITLES,
  CONTAINER_TITLES,
  VIDEO_CODECS,
  type VideoContainer,
} from '../media/codecs.ts';
import { offeredCodecs, videoPicture, type VideoPicture } from '../media/offered-codecs.ts';
import type { Container, VideoCodecName } from '../pipeline/api.ts';
import { select } from './elements.ts';

const CONTAINERS: readonly VideoContainer[] = ['mp4', 'webm'];

export function isVideo(container: Container): container is VideoContainer {
  return container === 'mp4' || container === 'webm';
}

export class CodecField {
  readonly #select = select('codec');
  /** Why a codec did not work, by codec and size. */
  readonly #failures = new Map<string, string>();
  #picture: VideoPicture = { width: 0, height: 0, frameRate: 1 };
  #offered: readonly VideoCodecName[] = [];

  /** Undefined: the first that works. */
  get value(): VideoCodecName | undefined {
    const { value } = this.#select;
    return value === '' ? undefined : (value as VideoCodecName);
  }

  /** Offers what the browser says that it can encode at this size. */
  async offer(clip: VideoPicture, scale: number): Promise<void> {
    const picture = videoPicture(clip, scale);
    this.#picture = picture;
    const offered = new Set<VideoCodecName>();
    for (const container of CONTAINERS) {
      for (const codec of await offeredCodecs(container, picture)) offered.add(codec);
    }
    // Another clip or size was chosen in the meantime.
    if (this.#picture !== picture) return;
    this.#offered = [...offered];
    this.#show();
  }

  /** Marks the codecs that were passed over, or the one that was asked for and failed. */
  note(container: VideoContainer, used: string | undefined, reason: string): void {
    const codecs = VIDEO_CODECS[container];
    const { value } = this;
    const failed =
      used === undefined
        ? codecs.filter((codec) => value === undefined || codec === value)
        : codecs.slice(0, Math.max(0, codecs.indexOf(used as VideoCodecName)));
    for (const codec of failed) this.#failures.set(this.#key(codec), reason);
    this.#show();
  }

  /** In words, if the codec that is chosen is not for this container. */
  conflict(container: Container): string | undefined {
    const { value } = this;
    if (value === undefined || !isVideo(container) || VIDEO_CODECS[container].includes(value)) {
      return undefined;
    }
    const others = VIDEO_CODECS[container]
      .filter((codec) => this.#isUsable(codec))
      .map((codec) => CODEC_TITLES[codec]);
    const choices = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format([
      'Automatic',
      ...others,
    ]);
    return `${CONTAINER_TITLES[container]} files cannot hold ${CODEC_TITLES[value]}: choose ${choices} as the codec.`;
  }

  #show(): void {
    const chosen = this.value;
    const options = this.#offered.map((codec) => {
      const reason = this.#failures.get(this.#key(codec));
      const label = `${CODEC_TITLES[codec]}${onlyIn(codec)}${reason === undefined ? '' : ': did not work here'}`;
      const option = new Option(label, codec);
      option.disabled = reason !== undefined;
      option.title = reason ?? '';
      return option;
    });
    this.#select.replaceChildren(new Option('Automatic', ''), ...options);
    this.#select.value = chosen !== undefined && this.#isUsable(chosen) ? chosen : '';
  }

  #isUsable(codec: VideoCodecName): boolean {
    return this.#offered.includes(codec) && !this.#failures.has(this.#key(codec));
  }

  #key(codec: VideoCodecName): string {
    return `${codec} ${this.#picture.width} × ${this.#picture.height}`;
  }
}

/** Where it matters to somebody who chooses. */
function onlyIn(codec: VideoCodecName): string {
  const [only, ...others] = CONTAINERS.filter((container) =>
    VIDEO_CODECS[container].includes(codec),
  );
  return only && others.length === 0 ? ` (${CONTAINER_TITLES[only]} only)` : '';
}
