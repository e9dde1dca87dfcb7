/** @file The first minute with Zoetrope: from a click in the built page to the bundled model's first picture and its clip. */
import type { BenchContext, Benchmark, Clicks, Size } from './context.ts';
import { atMost, type Goal } from './goals.ts';
import { median } from './measure.ts';

/** No two alike: a prompt that was encoded before is not encoded again. */
const PROMPTS = [
  'a red ball moves right',
  'a blue heart moves up',
  'a green star moves left',
  'a white ball moves down',
];

/** The model's own clip, except where it is only to be seen that all of this works. */
const FIELDS: Record<Size, Readonly<Record<string, string>>> = {
  tiny: { width: '32', height: '32', 'num-frames': '5', 'num-inference-steps': '2' },
  small: {},
  large: {},
};

interface Waited {
  readonly device: 'webgpu' | 'wasm';
  readonly adapter: Clicks['adapter'];
  /** Of the whole clip, in seconds. */
  readonly goal?: Goal;
}

async function measure(context: BenchContext, { device, adapter, goal }: Waited): Promise<void> {
  const { size, host } = context;
  const where = adapter === 'software' ? `${device} in software` : device;
  context.log(`${where}: ${PROMPTS.length} clips`);
  const [cold, ...warm] = await host.clickThrough({
    adapter,
    fields: { ...FIELDS[size], device },
    prompts: size === 'tiny' ? PROMPTS.slice(0, 2) : PROMPTS,
  });
  if (!cold || warm.length === 0) throw new Error('a click had no clip');
  for (const [state, clicked] of [
    ['cold', [cold]],
    ['warm', warm],
  ] as const) {
    const first = median(clicked.map(({ firstFrame }) => firstFrame));
    const finished = median(clicked.map((each) => each.finished));
    context.row(`${where}, ${state}, click to first picture`, first, 's');
    context.row(`${where}, ${state}, click to finished clip`, finished, 's', goal);
  }
}

export const pocket: Benchmark = {
  title: 'the bundled model in the page: seconds from click to first picture and to the clip',
  places: ['chromium'],
  async run(context) {
    const { device, deviceChoice } = context;
    if (deviceChoice === 'webgpu') {
      await measure(context, {
        device: 'webgpu',
        adapter: device.isSoftware ? 'software' : 'hardware',
        // Nobody has promised anything of an adapter that is no GPU.
        ...(device.isSoftware ? {} : { goal: atMost(2) }),
      });
    }
    await measure(context, { device: 'wasm', adapter: 'none', goal: atMost(60) });
  },
};
