/** @file Encoders that promise a codec and fail, as hardware encoders do; the real one stands behind them. */

export type Breakage =
  /** Right after `configure`. */
  | 'at configure'
  /** With the frame of that number, from 1. */
  | { readonly atFrame: number }
  /** `encode` throws by itself. */
  | 'throws'
  | 'at flush'
  /** `flush` is never answered. */
  | 'silent'
  /** One packet is missing. */
  | 'drops'
  /** Works, but does not say which colours it has written. */
  | 'colourless';

/** By the beginning of a codec string: `avc1`, `vp09`, `vp8`, `av01`. */
export type Breakages = Readonly<Record<string, Breakage>>;

const Real = globalThis.VideoEncoder;

/** @returns Puts the real encoder back. */
export function breakEncoders(breakages: Breakages): () => void {
  globalThis.VideoEncoder = class extends Real {
    readonly #error: (error: DOMException) => void;
    #breakage: Breakage | undefined;
    #frames = 0;

    constructor(init: VideoEncoderInit) {
      let hasDropped = false;
      super({
        error: init.error,
        output: (chunk, metadata) => {
          if (this.#breakage === 'drops' && !hasDropped) {
            hasDropped = true;
            return;
          }
          if (this.#breakage === 'colourless') delete metadata?.decoderConfig?.colorSpace;
          init.output(chunk, metadata);
        },
      });
      this.#error = init.error;
    }

    override configure(config: VideoEncoderConfig): void {
      super.configure(config);
      const [, breakage] =
        Object.entries(breakages).find(([prefix]) => config.codec.startsWith(prefix)) ?? [];
      this.#breakage = breakage;
      if (breakage === 'at configure') queueMicrotask(() => this.#fail());
    }

    override encode(frame: VideoFrame, options?: VideoEncoderEncodeOptions): void {
      this.#frames += 1;
      const breakage = this.#breakage;
      if (breakage === 'throws') throw new TypeError('The frame cannot be encoded');
      super.encode(frame, options);
      if (typeof breakage === 'object' && breakage.atFrame === this.#frames) this.#fail();
    }

    override async flush(): Promise<void> {
      if (this.#breakage === 'silent') return new Promise(() => undefined);
      if (this.#breakage === 'at flush') throw new DOMException('Flushing failed', 'EncodingError');
      return super.flush();
    }

    #fail(): void {
      if (this.state === 'closed') return;
      this.close();
      this.#error(new DOMException('Encoder creation error', 'OperationError'));
    }
  };
  return () => {
    globalThis.VideoEncoder = Real;
  };
}
