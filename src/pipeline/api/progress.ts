/** @file What is told while a model is loaded or a clip is made. */
import type { CheckpointNotice } from '../../families/family.ts';
import type { EncodingNotice } from '../../media/clip.ts';
import type { TensorKind } from '../../runtime/backend.ts';

export type MemoryKind = TensorKind | 'onnxruntime';

/** Bytes. On wasm: tensors, and the WebAssembly memory, which never shrinks. */
export interface MemoryReading {
  readonly liveBytes: number;
  readonly peakBytes: number;
  /** Live bytes by what they are for; `onnxruntime` is what it allocates for itself. */
  readonly byKind: Readonly<Partial<Record<MemoryKind, number>>>;
  /** Weights held in RAM. */
  readonly ramBytes: number;
  /** Weights written to the device since the run began. */
  readonly streamedBytes: number;
}

interface ProgressBase {
  /** 0–1 within this stage. */
  readonly fraction: number;
  readonly memory: MemoryReading;
  /** Seconds until the whole call ends, once it can be told. */
  readonly etaSeconds?: number;
}

export type Progress =
  | (ProgressBase & {
      readonly type: 'download';
      readonly file: string;
      readonly loadedBytes: number;
      readonly totalBytes: number;
      /** Over the network, in the last seconds, once it can be told. `etaSeconds` is then that of the download. */
      readonly bytesPerSecond?: number;
    })
  | (ProgressBase & { readonly type: 'compile'; readonly stage: string })
  | (ProgressBase & { readonly type: 'encode-prompt' })
  | (ProgressBase & {
      readonly type: 'denoise';
      readonly step: number;
      readonly totalSteps: number;
    })
  | (ProgressBase & {
      readonly type: 'decode';
      readonly frame: number;
      readonly totalFrames: number;
    })
  | (ProgressBase & {
      readonly type: 'encode';
      readonly frame: number;
      readonly totalFrames: number;
    });

/** Something that the user should read but that does not stop the run. */
export interface Notice {
  readonly code:
    | CheckpointNotice['code']
    | EncodingNotice['code']
    | 'prompt-truncated'
    | 'software-device'
    | 'no-webgpu'
    | 'no-shader-f16'
    | 'single-thread'
    | 'storage-unavailable'
    | 'stored-again'
    | 'not-kept'
    | 'no-preview';
  readonly message: string;
}
