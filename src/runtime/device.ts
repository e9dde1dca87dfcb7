/** @file Finds the GPU, says what it can do, and opens it with everything the adapter offers. */
import { ZoetropeError } from '../errors.ts';
import { INSECURE, isInsecureContext, OPEN_SECURELY } from '../insecure-context.ts';
import { Ledger, watchDevice } from './ledger.ts';

/** Where the computation runs. */
export type DeviceChoice = 'auto' | 'webgpu' | 'wasm';

/** What an adapter is and can do. */
export interface DeviceReport {
  readonly device: 'webgpu' | 'wasm';
  /** Vendor, architecture and description as far as the browser tells. */
  readonly adapter: string;
  /** A software implementation of WebGPU (SwiftShader, lavapipe, WARP). */
  readonly isSoftware: boolean;
  readonly hasShaderF16: boolean;
  readonly hasSubgroups: boolean;
  /** Bytes; 0 on wasm. */
  readonly maxBufferSize: number;
  /** Bytes; 0 on wasm. */
  readonly maxStorageBufferBindingSize: number;
  /** Why this device and not another, where the choice needs a word. */
  readonly notice?: string;
  /** What `notice` is about, for programs. */
  readonly noticeCode?: 'no-webgpu' | 'software-device';
}

export interface OpenDevice {
  readonly device: GPUDevice;
  readonly ledger: Ledger;
  readonly report: DeviceReport;
}

const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/**
 * onnxruntime's attention kernel gives wrong sums with subgroups of four and eight, which software adapters have; without
 * the feature it takes another path, which is right (docs/decisions/0001).
 */
const MIN_SUBGROUP_SIZE = 16;

/** Limits that are asked for at the adapter's maximum: onnxruntime sizes its kernels and splits tensors by them. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|\bwarp\b|basic render|software/i;

const WASM_REPORT: DeviceReport = {
  device: 'wasm',
  adapter: 'CPU (WebAssembly)',
  isSoftware: false,
  hasShaderF16: false,
  hasSubgroups: false,
  maxBufferSize: 0,
  maxStorageBufferBindingSize: 0,
};

function offers(adapter: GPUAdapter, feature: GPUFeatureName): boolean {
  if (!adapter.features.has(feature)) return false;
  return feature !== 'subgroups' || adapter.info.subgroupMinSize >= MIN_SUBGROUP_SIZE;
}

function describeAdapter(adapter: GPUAdapter): DeviceReport {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  const name = [...new Set(words)].join(' ') || 'unnamed adapter';
  return {
    device: 'webgpu',
    adapter: name,
    isSoftware: adapter.info.isFallbackAdapter || SOFTWARE.test(name),
    hasShaderF16: adapter.features.has('shader-f16'),
    hasSubgroups: offers(adapter, 'subgroups'),
    maxBufferSize: adapter.limits.maxBufferSize,
    maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
  };
}

/**
 * Chooses a device without opening it.
 * @throws ZoetropeError `webgpu-unavailable` if WebGPU is forced and there is no adapter.
 */
export async function probeDevice(
  choice: DeviceChoice = 'auto',
  gpu: GPU | undefined = globalThis.navigator?.gpu,
): Promise<DeviceReport> {
  return (await choose(choice, gpu)).report;
}

async function choose(
  choice: DeviceChoice,
  gpu: GPU | undefined,
): Promise<{ adapter: GPUAdapter | undefined; report: DeviceReport }> {
  if (choice === 'wasm') return { adapter: undefined, report: WASM_REPORT };
  const adapter = (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
  if (!adapter) {
    const isKept = gpu === undefined && isInsecureContext();
    if (choice === 'webgpu' && isKept) {
      const message = `${INSECURE}: browsers keep WebGPU from such pages.`;
      throw new ZoetropeError('webgpu-unavailable', message, OPEN_SECURELY);
    }
    if (choice === 'webgpu') {
      throw new ZoetropeError(
        'webgpu-unavailable',
        gpu ? 'No WebGPU adapter was found.' : 'This browser has no WebGPU.',
        'Use a current Chrome, Edge, Safari or Firefox with hardware acceleration on, or choose the wasm device.',
      );
    }
    const notice = isKept
      ? `${INSECURE}, and browsers keep WebGPU and video encoders from such pages: computing on the CPU with WebAssembly, slowly. ${OPEN_SECURELY}`
      : 'No WebGPU adapter was found: computing on the CPU with WebAssembly, slowly.';
    return { adapter, report: { ...WASM_REPORT, notice, noticeCode: 'no-webgpu' } };
  }
  const report = describeAdapter(adapter);
  if (choice === 'auto' && report.isSoftware) {
    const notice = `WebGPU is here only in software (${report.adapter}): computing on the CPU with WebAssembly, which is faster.`;
    return {
      adapter: undefined,
      report: { ...WASM_REPORT, notice, noticeCode: 'software-device' },
    };
  }
  return { adapter, report };
}

/** Opens the chosen device; `undefined` for the wasm backend. */
export async function openDevice(
  choice: DeviceChoice = 'auto',
  gpu: GPU | undefined = globalThis.navigator?.gpu,
): Promise<OpenDevice | { readonly device: undefined; readonly report: DeviceReport }> {
  const { adapter, report } = await choose(choice, gpu);
  if (!adapter) return { device: undefined, report };
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredFeatures: FEATURES.filter((feature) => offers(adapter, feature)),
      requiredLimits,
    });
  } catch (cause) {
    throw new ZoetropeError(
      'webgpu-unavailable',
      `The adapter ${report.adapter} gave no device.`,
      'Close other pages that use the GPU, or restart the browser.',
      { cause },
    );
  }
  const ledger = new Ledger();
  watchDevice(device, ledger);
  return { device, ledger, report };
}
