/**
 * @file The engine as `window.zoetrope`, for driving the page without its form: the headless command and the tests use
 * exactly this.
 */
import { inspectCheckpoint, probeDevice, VideoPipeline } from '../index.ts';

export interface DrivingHook {
  readonly VideoPipeline: typeof VideoPipeline;
  readonly probeDevice: typeof probeDevice;
  readonly inspectCheckpoint: typeof inspectCheckpoint;
}

declare global {
  interface Window {
    zoetrope?: DrivingHook;
  }
}

export function exposeForDriving(): void {
  window.zoetrope = { VideoPipeline, probeDevice, inspectCheckpoint };
}
