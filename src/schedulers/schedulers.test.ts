import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import fixture from '../../models/parity/fixtures/schedulers.json' with { type: 'json' };
import { createScheduler, type SchedulerOverride } from './create-scheduler.ts';
import { type NoiseSource, SCHEDULER_NAMES, type Scheduler } from './scheduler.ts';

/** null stands for NaN. */
type Values = (number | null)[];
interface ReferenceRun {
  steps: number;
  sigmas: Values;
  timesteps: Values;
  model_outputs: Values[];
  samples: Values[];
  /** What a sampler with fresh noise drew. */
  noise?: Values[];
}
interface CustomCase {
  config: object;
  set_timesteps: { timesteps?: number[]; sigmas?: number[] };
  run: ReferenceRun;
}
const CUSTOM: Record<string, CustomCase> = fixture.custom;
const CASES: Record<string, { config: object; runs: ReferenceRun[] }> = fixture.cases;
const SUPPORTED = Object.entries(CASES).filter(([name]) => name !== 'euler-dynamic');
const UNIPC = fixture.cases['unipc-shift-3'].config;
const EULER = fixture.cases['euler-shift-3'].config;
const LCM = fixture.cases['lcm-shift-5'].config;

/** For samplers that add no noise. */
const NONE: NoiseSource = { draw: () => expect.unreachable('drew noise') };

/** The recorded draws, in order. */
function recorded(noise: readonly Values[]): NoiseSource {
  let next = 0;
  return { draw: (values) => values.set(float32(noise[next++] ?? [])) };
}

function expectSchedule(scheduler: Scheduler, run: ReferenceRun): void {
  expect(scheduler.sigmas).toEqual(float32(run.sigmas));
  expect(scheduler.timesteps).toEqual(float32(run.timesteps));
}

// diffusers computes in float32, and its own roundings add up: in 50 steps it is up to 1.7e-6 from what it gives in
// float64.
function expectTrajectory(scheduler: Scheduler, run: ReferenceRun): void {
  const noise = run.noise ? recorded(run.noise) : NONE;
  const sample = Float32Array.from(fixture.initial_sample);
  for (const [i, output] of run.model_outputs.entries()) {
    if (output.includes(null)) return;
    scheduler.step(Float32Array.from(float32(output)), i, sample, noise);
    const expected = run.samples[i] ?? [];
    if (expected.includes(null)) {
      expect(sample.every(Number.isFinite)).toBe(true);
      return;
    }
    expect(relativeError(sample, expected)).toBeLessThan(run.steps === 50 ? 2e-6 : 1e-6);
  }
}

function float32(values: Values): number[] {
  return values.map((value) => Math.fround(value ?? NaN));
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ZoetropeError) return error.code;
    throw error;
  }
  return undefined;
}

/** The largest difference as a share of the largest reference value. */
function relativeError(actual: ArrayLike<number>, expected: Values): number {
  const largest = Math.max(...expected.map((value) => Math.abs(value ?? 0)));
  const differences = expected.map((value, i) => Math.abs((actual[i] ?? NaN) - (value ?? NaN)));
  return Math.max(...differences) / largest;
}

describe.each(SUPPORTED)('%s', (_, { config, runs }) => {
  it.each(runs)('has the schedule of diffusers for $steps steps', (run) => {
    const scheduler = createScheduler(config, run.steps);
    expect(config).toHaveProperty('_class_name', scheduler.name);
    expectSchedule(scheduler, run);
  });

  it.each(runs)('follows its trajectory of $steps steps', (run) => {
    expectTrajectory(createScheduler(config, run.steps), run);
  });
});

describe.each(Object.entries(CUSTOM))('times of the caller: %s', (_, custom) => {
  const { config, set_timesteps: times, run } = custom;
  const request = { numInferenceSteps: run.steps, ...times };

  it('have the schedule of diffusers', () => {
    expectSchedule(createScheduler(config, request), run);
  });

  it('follow its trajectory', () => {
    expectTrajectory(createScheduler(config, request), run);
  });
});

describe('times of the caller', () => {
  it.each([
    ['timesteps', { timesteps: [] }],
    ['timesteps', { timesteps: [1001, 500] }],
    ['timesteps', { timesteps: [1000, 0] }],
    ['timesteps', { timesteps: [1000, NaN] }],
    ['timesteps', { timesteps: [500, 750] }],
    ['timesteps', { timesteps: [500, 500] }],
    ['sigmas', { sigmas: [1.01, 0.5] }],
    ['sigmas', { sigmas: [0.5, -0.5] }],
    ['sigmas', { sigmas: [1, 1 - 1e-12] }],
    ['sigmas', { sigmas: [1, 0.5], timesteps: [1000, 500, 250] }],
    ['numInferenceSteps', { sigmas: [1, 0.5, 0.25] }],
  ])('are refused for their %s: %o', (name, times) => {
    for (const config of [EULER, LCM]) {
      const create = (): unknown => createScheduler(config, { numInferenceSteps: 2, ...times });
      expect(codeOf(create)).toBe('invalid-argument');
      expect(create).toThrow(new RegExp(`^${name}:`));
    }
  });

  it('cannot be timesteps for UniPC, as in diffusers', () => {
    const request = { numInferenceSteps: 2, timesteps: [1000, 500] };
    const create = (): unknown => createScheduler(UNIPC, request);
    expect(codeOf(create)).toBe('invalid-argument');
    expect(create).toThrow(/^timesteps:/);
  });
});

function sigmasOf(config: unknown, override: SchedulerOverride): readonly number[] {
  return createScheduler(config, 12, override).sigmas;
}

function referenceSigmas(name: string): readonly number[] {
  return float32(CASES[name]?.runs[4]?.sigmas ?? []);
}

describe('createScheduler', () => {
  it.each([0, -1, 1.5, NaN, Infinity, 1001])('refuses %d steps', (steps) => {
    for (const config of [UNIPC, EULER, LCM]) {
      expect(codeOf(() => createScheduler(config, steps))).toBe('invalid-argument');
    }
  });

  it.each([
    ['prediction_type', 'epsilon'],
    ['prediction_type', undefined],
    ['use_flow_sigmas', false],
    ['predict_x0', false],
    ['solver_order', 4],
    ['solver_order', '2'],
    ['solver_type', 'bh3'],
    ['final_sigmas_type', 'one'],
    ['use_karras_sigmas', true],
    ['thresholding', true],
    ['solver_p', {}],
    ['disable_corrector', [0.5]],
    ['flow_shift', 0],
    ['num_train_timesteps', -1],
    ['num_train_timesteps', 1e15],
    ['flow_shift', 1e300],
    ['_class_name', 'DDIMScheduler'],
    ['lower_order_final', false],
  ])('refuses UniPC with %s %o, and names it', (option, value) => {
    const create = (): unknown => createScheduler({ ...UNIPC, [option]: value }, 4);
    expect(codeOf(create)).toBe('model-format');
    expect(create).toThrow(option);
  });

  it.each<[object & { _class_name: string }, string, unknown]>([
    ...[EULER, LCM].flatMap((config) =>
      ['use_dynamic_shifting', 'invert_sigmas', 'shift_terminal', 'use_beta_sigmas'].map(
        (option): [typeof config, string, unknown] => [config, option, true],
      ),
    ),
    [LCM, 'scale_factors', [0.5]],
    [LCM, '_class_name', 'LCMScheduler'],
  ])('refuses $_class_name with %s %o, and names it', (config, option, value) => {
    const create = (): unknown => createScheduler({ ...config, [option]: value }, 4);
    expect(codeOf(create)).toBe('model-format');
    expect(create).toThrow(option);
  });

  it('refuses a sampler that there is not, and lists those that there are', () => {
    const name = 'DDIMScheduler' as 'FlowMatchLCMScheduler';
    const create = (): unknown => createScheduler(UNIPC, 4, { name });
    expect(codeOf(create)).toBe('invalid-argument');
    const hint = expect.stringContaining(SCHEDULER_NAMES.join(', '));
    expect(create).toThrow(expect.objectContaining({ hint }));
  });

  it.each([[null], [[]], ['text'], [3]])('refuses a config that is %o', (config) => {
    expect(codeOf(() => createScheduler(config, 4))).toBe('model-format');
  });

  it('changes the sampler and the shift', () => {
    const [unipc, euler, lcm] = SCHEDULER_NAMES;
    for (const config of [UNIPC, EULER, LCM]) {
      for (const name of SCHEDULER_NAMES)
        expect(createScheduler(config, 4, { name }).name).toBe(name);
    }
    expect(sigmasOf(UNIPC, { name: lcm, flowShift: 5 })).toEqual(referenceSigmas('euler-shift-5'));
    expect(sigmasOf(LCM, { name: unipc })).toEqual(referenceSigmas('unipc-shift-5'));
    expect(sigmasOf(UNIPC, { flowShift: 5 })).toEqual(referenceSigmas('unipc-shift-5'));
    expect(sigmasOf(EULER, { flowShift: 5 })).toEqual(referenceSigmas('euler-shift-5'));
    expect(sigmasOf(UNIPC, { name: euler, flowShift: 5 })).toEqual(
      referenceSigmas('euler-shift-5'),
    );
    expect(sigmasOf(EULER, { name: unipc, flowShift: 5 })).toEqual(
      referenceSigmas('unipc-shift-5'),
    );
    expect(sigmasOf(UNIPC, { name: euler })).toEqual(createScheduler(EULER, 12).sigmas);
    expect(sigmasOf(UNIPC, { name: unipc })).toEqual(createScheduler(UNIPC, 12).sigmas);
  });

  it.each([0, -3, NaN, Infinity, 1e-40, 1e-3, 101, 1e30, 1e300])(
    'refuses a shift of %d',
    (flowShift) => {
      for (const config of [UNIPC, EULER, LCM]) {
        const create = (): unknown => createScheduler(config, 4, { flowShift });
        expect(codeOf(create)).toBe('invalid-argument');
        expect(create).toThrow(/^flowShift:/);
      }
    },
  );

  it.each([0.01, 0.1, 1, 100])('has finite steps with a shift of %d', (flowShift) => {
    for (const config of [UNIPC, EULER, LCM]) {
      for (const steps of [1, 2, 50, 1000]) {
        const scheduler = createScheduler(config, steps, { flowShift });
        const sample = Float32Array.of(1, -2);
        const output = Float32Array.of(0.5, -0.5);
        for (const [i] of scheduler.timesteps.entries()) {
          scheduler.step(output, i, sample, { draw: (values) => values.fill(0.3) });
        }
        expect(sample.every((x) => Math.abs(x) < 100)).toBe(true);
      }
    }
  });

  it('refuses sigmas between which UniPC has no finite step, and names them', () => {
    const request = { numInferenceSteps: 2, sigmas: [1, 0.99999994] };
    const create = (): unknown => createScheduler(UNIPC, request);
    expect(codeOf(create)).toBe('invalid-argument');
    expect(create).toThrow(/^sigmas: step 1 has no finite result/);
  });

  it('refuses a shift of the configuration with which the sigmas are not finite', () => {
    for (const config of [EULER, LCM]) {
      const create = (): unknown => createScheduler({ ...config, shift: 1e300 }, 4);
      expect(codeOf(create)).toBe('model-format');
      expect(create).toThrow('shift');
    }
  });
});

describe('step', () => {
  it('reaches a constant clean sample exactly where the velocity points to it', () => {
    // v = (x − x₀)/σ makes every predicted clean sample x₀.
    const target = [0.5, -1.25, 2];
    const property = fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0.5, max: 12, noNaN: true }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom('bh1', 'bh2'),
      (steps, flowShift, solver_order, solver_type) => {
        const config = { ...UNIPC, solver_order, solver_type };
        const scheduler = createScheduler(config, steps, { flowShift });
        const sample = Float32Array.of(1, 2, -3);
        for (let i = 0; i < steps; i++) {
          const sigma = scheduler.sigmas[i] ?? NaN;
          scheduler.step(
            sample.map((x, k) => (x - (target[k] ?? NaN)) / sigma),
            i,
            sample,
            NONE,
          );
        }
        expect(relativeError(sample, target)).toBeLessThan(1e-5);
      },
    );
    fc.assert(property, { numRuns: 200, seed: 1 });
  });

  it('is the same for a second clip, and does not write into the model output', () => {
    const scheduler = createScheduler(UNIPC, 5);
    const clip = (): Float32Array => {
      const sample = Float32Array.of(1, 2, 3);
      for (let i = 0; i < 5; i++) {
        const output = Float32Array.of(0.1 * i, -0.2, 0.3);
        const kept = output.slice();
        scheduler.step(output, i, sample, NONE);
        expect(output).toEqual(kept);
      }
      return sample;
    };
    const first = clip();
    scheduler.step(Float32Array.of(NaN, NaN, NaN), 0, new Float32Array(3), NONE);
    expect(clip()).toEqual(first);
  });

  it('refuses other lengths, steps out of turn and steps past the end', () => {
    for (const config of [UNIPC, EULER, LCM]) {
      const scheduler = createScheduler(config, 3);
      const [three, four] = [new Float32Array(3), new Float32Array(4)];
      for (const index of [-1, 3, 0.5]) {
        expect(codeOf(() => scheduler.step(three, index, three.slice(), NONE))).toBe(
          'invalid-argument',
        );
      }
      expect(codeOf(() => scheduler.step(three, 0, four, NONE))).toBe('invalid-argument');
    }
    const unipc = createScheduler(UNIPC, 3);
    const three = new Float32Array(3);
    expect(codeOf(() => unipc.step(three, 1, three.slice(), NONE))).toBe('invalid-argument');
    unipc.step(three, 0, three.slice(), NONE);
    expect(codeOf(() => unipc.step(three, 2, three.slice(), NONE))).toBe('invalid-argument');
    expect(codeOf(() => unipc.step(new Float32Array(4), 1, new Float32Array(4), NONE))).toBe(
      'invalid-argument',
    );
  });
});
