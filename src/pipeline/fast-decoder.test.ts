import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelCheckpoint } from '../families/family.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { withFastDecoder } from '../families/taehv/open.ts';
import { ANY_GPU as GPU } from '../testing/device-reports.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FilesAt, FileSource } from '../weights/source.ts';
import type { FrameGroup, GenerateOptions, MemoryOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';
import { planMemory } from './memory-plan.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  seed: 3,
  width: 64,
  height: 32,
  numFrames: 9,
  numInferenceSteps: 3,
  guidanceScale: 4,
};

let model: FileSource;
let fastDecoder: FilesAt;
let pipeline: EnginePipeline;
let checkpoint: ModelCheckpoint;

const fixture = async (name: string, path: string): Promise<FilesAt> => ({
  source: await repositoryFolder(`models/parity/fixtures/${name}`),
  path,
});

async function make(
  options: Partial<GenerateOptions> = {},
  by = pipeline,
): Promise<{ latents: Float32Array; frames: readonly FrameGroup[]; notices: readonly string[] }> {
  const steps: Float32Array[] = [];
  const result = await by.generate({ ...REQUEST, ...options }, (_, latents) => {
    steps.push(latents.slice());
  });
  const frames = [...(await result.frames())];
  await result.dispose();
  const latents = steps.at(-1) ?? new Float32Array();
  return { latents, frames, notices: result.notices.map(({ code }) => code) };
}

/** The checkpoint without its `zoetrope.json`. */
function withoutColours(source: FileSource): FileSource {
  return {
    name: source.name,
    exists: async (path, options) =>
      path !== 'zoetrope.json' && (await source.exists(path, options)),
    readText: (path, options) => source.readText(path, options),
    size: (path, options) => source.size(path, options),
    revision: (path, options) => source.revision(path, options),
    read: (path, start, end, options) => source.read(path, start, end, options),
  };
}

function open(memory?: MemoryOptions, source = model): Promise<EnginePipeline> {
  return EnginePipeline.fromSource(source, {
    device: 'wasm',
    fastDecoder,
    ...(memory ? { memory } : {}),
  });
}

beforeAll(async () => {
  model = await repositoryFolder('models/pocket');
  fastDecoder = await fixture('taehv-21', '');
  pipeline = await open();
  checkpoint = await withFastDecoder(await openCheckpoint(model), fastDecoder);
});

afterAll(() => pipeline.dispose());

describe('a checkpoint with a fast decoder', () => {
  test('names it among what is fetched', () => {
    const { components, downloadBytes, previews } = pipeline.checkpoint;
    const part = components.find(({ name }) => name === 'fast_decoder');
    expect(part?.bytes).toBe(2 * (part?.parameters ?? 0));
    expect(downloadBytes).toBe(components.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(previews).toBe('decoded');
  });

  test('decodes by it when asked to: other pictures of the same latents, and the request says so', async () => {
    const full = await make();
    const fast = await make({ decode: 'fast' });
    expect(fast.latents).toEqual(full.latents);
    const shapes = fast.frames.map(({ firstFrame, count, width, height }) => [
      firstFrame,
      count,
      width,
      height,
    ]);
    expect(shapes).toEqual([
      [0, 1, 64, 32],
      [1, 4, 64, 32],
      [5, 4, 64, 32],
    ]);
    expect(fast.frames[1]?.rgba).not.toEqual(full.frames[1]?.rgba);
    const result = await pipeline.generate({ ...REQUEST, decode: 'fast' });
    expect(result.parameters.decode).toBe('fast');
    await result.dispose();
  });

  test('shows every step, and the clip is the same to the bit', async () => {
    const alone = await make();
    const previews: FrameGroup[] = [];
    const shown = await make({ onPreview: (frames) => void previews.push(frames) });
    expect(shown.latents).toEqual(alone.latents);
    expect(shown.frames).toEqual(alone.frames);
    // Three latent frames; the finest previews that are cheap beside a step of so small a model are two pixels a latent.
    expect(previews.length).toBeGreaterThanOrEqual(1);
    for (const { firstFrame, count, width, height, rgba } of previews) {
      expect([firstFrame, count, width, height]).toEqual([0, 3, 16, 8]);
      expect(rgba).toHaveLength(3 * 16 * 8 * 4);
    }
    expect(shown.notices).not.toContain('no-preview');
  });
});

describe('without what it takes', () => {
  test('a fast decode without a fast decoder is refused before anything is computed', async () => {
    const plain = await EnginePipeline.fromSource(model, { device: 'wasm' });
    expect(plain.checkpoint.previews).not.toBe('decoded');
    await expect(plain.generate({ ...REQUEST, decode: 'fast' })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('decode'),
    });
    await expect(plain.generate({ ...REQUEST, decode: 'slow' as 'fast' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await plain.dispose();
  });

  test.each([
    {
      name: 'of other latents',
      at: () => fixture('taehv-22', 'taew2_2.safetensors'),
      message: /6 channels.*16 channels/,
    },
    {
      name: 'that is no TAEHV file',
      at: async () => ({
        source: await repositoryFolder('models/pocket/vae'),
        path: 'diffusion_pytorch_model.safetensors',
      }),
      message: /no tensor decoder\.1\.weight/,
    },
    {
      name: 'that is not there',
      at: async () => ({ source: await repositoryFolder('models/pocket'), path: '' }),
      message: /taew2_1\.safetensors/,
    },
  ])('a fast decoder $name is refused before anything is fetched', async ({ at, message }) => {
    const opening = EnginePipeline.fromSource(model, { device: 'wasm', fastDecoder: await at() });
    await expect(opening).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringMatching(message),
    });
  });
});

describe('the plan', () => {
  const size = { width: 64, height: 64, numFrames: 17 };

  test('tells the fast decode in the place of the full one', () => {
    const full = planMemory(checkpoint, GPU, size);
    const fast = planMemory(checkpoint, GPU, { ...size, decode: 'fast' });
    expect(fast.phases.map(({ name }) => name)).toEqual([
      'text_encoder',
      'transformer',
      'fast_decoder',
    ]);
    const bytes = full.phases.map(({ predictedPeakBytes }) => predictedPeakBytes);
    expect(fast.phases[2]?.predictedPeakBytes).toBeLessThan(bytes[2] ?? 0);
    expect(fast.phases[1]?.predictedPeakBytes).toBe(bytes[1]);
  });

  test('makes room for previews by streaming, and leaves them out where nothing makes room', async () => {
    const clip = { ...size, decode: 'fast' } as const;
    const denoising = planMemory(checkpoint, GPU, clip).phases[1]?.predictedPeakBytes ?? 0;
    const roomy = planMemory(checkpoint, GPU, { ...clip, preview: true });
    const { previewBytes = 0 } = roomy;
    expect(previewBytes).toBeGreaterThan(0);
    expect(roomy.phases[1]?.predictedPeakBytes).toBe(denoising + previewBytes);

    const memory = { budgetBytes: denoising };
    const budgeted = planMemory(checkpoint, GPU, { ...clip, preview: true, memory });
    expect(budgeted.previewBytes).toBeGreaterThan(0);
    expect(budgeted.phases[1]?.streamedStages).toBeGreaterThan(0);
    expect(budgeted.predictedPeakBytes).toBeLessThanOrEqual(denoising);

    const { leastBudgetBytes = 0 } = planMemory(checkpoint, GPU, {
      ...clip,
      memory: { budgetBytes: 1e6 },
    });
    const least = { budgetBytes: leastBudgetBytes };
    const tight = planMemory(checkpoint, GPU, { ...clip, preview: true, memory: least });
    expect(tight.outcome).toBe('streamed');
    expect(tight.previewBytes).toBeUndefined();
  });

  test('is kept to within a budget: decoded pictures, else linear ones, else a notice', async () => {
    const clip = { ...REQUEST, decode: 'fast' } as const;
    const { device } = pipeline;
    // First, since what it compiles stays in the heap that the plans below look at.
    const alone = await make(clip);
    const least = planMemory(checkpoint, device, { ...clip, memory: { budgetBytes: 1e6 } });
    const room = planMemory(checkpoint, device, { ...clip, preview: true, memory: {} });
    const { leastBudgetBytes = 0 } = least;
    const { previewBytes = 0 } = room;
    // In the first budget, a page of the heap above the sum, the finest decoded pictures do not fit, coarser ones do.
    for (const { source, budgetBytes, width, notices } of [
      { source: model, budgetBytes: leastBudgetBytes + previewBytes + 65_536, width: 16 },
      { source: model, budgetBytes: leastBudgetBytes, width: 32 },
      { source: withoutColours(model), budgetBytes: leastBudgetBytes, notices: ['no-preview'] },
    ]) {
      const tight = await open({ budgetBytes }, source);
      const widths = new Set<number>();
      const made = await make({ ...clip, onPreview: (each) => void widths.add(each.width) }, tight);
      expect([...widths]).toEqual(width === undefined ? [] : [width]);
      expect(made.notices.filter((code) => code === 'no-preview')).toEqual(notices ?? []);
      expect(made.frames).toEqual(alone.frames);
      expect((await tight.memory()).peakBytes).toBeLessThanOrEqual(budgetBytes);
      await tight.dispose();
    }
  });
});
