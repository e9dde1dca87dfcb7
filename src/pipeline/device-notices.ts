/** @file What the user should know of the device that computes, where something better could be had. */
import { OPEN_SECURELY, isInsecureContext } from '../insecure-context.ts';
import type { DeviceReport, Notice } from './api.ts';

/** What decides how many threads WebAssembly has. */
interface Surroundings {
  /** Undefined in Node, whose threads need no isolation. */
  readonly crossOriginIsolated?: boolean;
  readonly cores: number;
}

const here = (): Surroundings => {
  const { crossOriginIsolated, navigator } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { hardwareConcurrency?: number };
  };
  return {
    ...(crossOriginIsolated === undefined ? {} : { crossOriginIsolated }),
    cores: navigator?.hardwareConcurrency ?? 1,
  };
};

export function deviceNotices(report: DeviceReport, surroundings = here()): Notice[] {
  const notices: Notice[] = [];
  if (report.notice !== undefined && report.noticeCode !== undefined) {
    notices.push({ code: report.noticeCode, message: report.notice });
  }
  if (report.device === 'webgpu' && !report.hasShaderF16) {
    const message = 'This GPU has no float16 arithmetic: computing in float32.';
    notices.push({ code: 'no-shader-f16', message });
  }
  const { crossOriginIsolated, cores } = surroundings;
  if (report.device === 'wasm' && crossOriginIsolated === false && cores > 1) {
    notices.push({ code: 'single-thread', message: singleThread(cores) });
  }
  return notices;
}

function singleThread(cores: number): string {
  const headers =
    'the server must send the page with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
  const secure = isInsecureContext() ? ` ${OPEN_SECURELY}` : '';
  return `Computing on one of ${cores} CPU cores, because the page is not cross-origin isolated. To use more, ${headers}.${secure}`;
}
