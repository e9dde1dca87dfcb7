/**
 * @file The public interface of a video pipeline: the same on the page's side of the worker boundary and inside it.
 * Names are diffusers' parameter names in camelCase.
 */

import type { DeviceReport } from '../runtime/device.ts';
import type { EncodePromptOptions, GenerateOptions } from './api/generate-options.ts';
import type { MemoryReading } from './api/progress.ts';
import type { CheckpointReport } from './api/reports.ts';
import type { PromptEmbeddings, VideoResult } from './api/results.ts';

export type * from './api/load-options.ts';
export type * from './api/generate-options.ts';
export type * from './api/reports.ts';
export type * from './api/progress.ts';
export type * from './api/results.ts';
export type * from './api/verify.ts';
export type {
  CheckpointNotice,
  ComponentName,
  ComponentSummary,
  GenerationDefaults,
  LoraSummary,
  PartName,
  PromptLists,
  PromptVocabulary,
  SizeConstraints,
} from '../families/family.ts';
export type {
  ComputeDtype,
  Container,
  FrameGroup,
  GenerationParameters,
  VideoCodecName,
} from '../media/clip.ts';
export type { Seed } from '../seed.mjs';
export type { SchedulerName } from '../schedulers/scheduler.ts';
export type { DeviceChoice, DeviceReport } from '../runtime/device.ts';
export type { FolderFiles, ModelReference } from '../weights/open-source.ts';

export interface VideoPipelineInterface {
  readonly device: DeviceReport;
  readonly checkpoint: CheckpointReport;
  /**
   * Whether it can compute no more, because its worker has ended or onnxruntime broke in it. Every call rejects with
   * `worker-lost`, and the model has to be loaded again. A lost GPU is another thing: the next call opens a new device.
   */
  readonly isLost: boolean;
  /**
   * Makes a clip. One at a time.
   * @throws ZoetropeError `invalid-argument`, `out-of-memory`, `device-lost`, `worker-lost`; `AbortError`, also when the
   *   pipeline is disposed of meanwhile.
   */
  generate(options: GenerateOptions): Promise<VideoResult>;
  /**
   * The embeddings of a prompt, or of a negative one. An empty prompt has them too.
   * @throws ZoetropeError `invalid-argument`, also without a text encoder; `out-of-memory`, `device-lost`,
   *   `worker-lost`; `AbortError`.
   */
  encodePrompt(prompt: string, options?: EncodePromptOptions): Promise<PromptEmbeddings>;
  /** Bytes on the device now, and at the most since it was opened. */
  memory(): Promise<MemoryReading>;
  /**
   * Frees what is on the device. A call that is running rejects with an `AbortError`; clips that were made stay readable
   * until they are disposed of themselves.
   */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
