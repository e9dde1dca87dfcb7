/**
 * @file The engine as `window.zoetrope`, for driving the page without its form: the headless command and the tests use
 * exactly this.
 */
import {
  deleteStoredModel,
  inspectCheckpoint,
  listStoredModels,
  planMemory,
  probeDevice,
  VideoPipeline,
} from '../index.ts';
import { describeUnknown } from '../describe-unknown.ts';
import type { tryEncoding } from '../media/try-encoding.ts';
import type { Progress } from '../pipeline/api.ts';
import { overallFraction, stageText } from './overall.ts';

export interface DrivingHook {
  readonly VideoPipeline: typeof VideoPipeline;
  readonly probeDevice: typeof probeDevice;
  readonly inspectCheckpoint: typeof inspectCheckpoint;
  readonly planMemory: typeof planMemory;
  readonly listStoredModels: typeof listStoredModels;
  readonly deleteStoredModel: typeof deleteStoredModel;
  /** Rejects where this browser cannot encode such a clip. */
  readonly tryEncoding: typeof tryEncoding;
  /** A progress event as the page would show it. */
  readonly describeProgress: typeof describeProgress;
  /** Any failure as the page would show it. */
  readonly describeUnknown: typeof describeUnknown;
}

declare global {
  interface Window {
    zoetrope?: DrivingHook;
  }
}

function describeProgress(progress: Progress): { fraction: number | undefined; text: string } {
  return { fraction: overallFraction(progress), text: stageText(progress) };
}

export function exposeForDriving(): void {
  window.zoetrope = {
    VideoPipeline,
    probeDevice,
    inspectCheckpoint,
    planMemory,
    listStoredModels,
    deleteStoredModel,
    tryEncoding: async (...request) =>
      (await import('../media/try-encoding.ts')).tryEncoding(...request),
    describeProgress,
    describeUnknown,
  };
}
