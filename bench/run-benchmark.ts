/** @file Runs one benchmark where it is loaded, and gathers its figures. */
import { type DeviceChoice, type DeviceReport, probeDevice } from '../src/runtime/device.ts';
import { openBackend } from '../src/runtime/open-backend.ts';
import type { FileSource } from '../src/weights/source.ts';
import type { BenchReport, Host, Place, Row, Size } from './context.ts';
import { loadBenchmark } from './registry.ts';

export interface Settings {
  readonly place: Place;
  readonly size: Size;
  readonly device: DeviceChoice;
}

export interface Surroundings {
  readonly gpu: GPU | undefined;
  readonly host: Host;
  readonly folder: (path: string) => Promise<FileSource>;
  readonly log: (text: string) => void;
}

/** Any adapter is better than none here: what is measured is the GPU's path, also in software. */
async function chooseDevice(
  choice: DeviceChoice,
  gpu: GPU | undefined,
): Promise<{ device: DeviceReport; deviceChoice: DeviceChoice }> {
  const adapter = choice === 'auto' ? await gpu?.requestAdapter() : undefined;
  const deviceChoice = choice === 'auto' ? (adapter ? 'webgpu' : 'wasm') : choice;
  return { device: await probeDevice(deviceChoice, gpu), deviceChoice };
}

export async function runBenchmark(
  name: string,
  { place, size, device: choice }: Settings,
  { gpu, host, folder, log }: Surroundings,
): Promise<BenchReport> {
  const benchmark = await loadBenchmark(name);
  const { device, deviceChoice } = await chooseDevice(choice, gpu);
  const where = `${device.adapter}${device.hasShaderF16 ? ', float16' : ''}`;
  const rows: Row[] = [];
  if (benchmark.places && !benchmark.places.includes(place)) {
    log(`runs in ${benchmark.places.join(' and ')} alone`);
    return { device: where, rows };
  }
  await benchmark.run({
    place,
    size,
    device,
    deviceChoice,
    gpu,
    host,
    folder,
    log,
    open: () => openBackend(deviceChoice, { gpu }),
    row(figure, value, unit, goal) {
      const isKnown = Number.isFinite(value);
      rows.push({
        name: `${place}/${name}/${figure}`,
        value: isKnown ? value : null,
        unit,
        goal: goal?.text ?? null,
        holds: goal ? isKnown && goal.holds(value) : null,
      });
    },
  });
  return { device: where, rows };
}
