import { describe, expect, test } from 'vitest';
import { Q4, Q8 } from '../../weights/quantize-format.ts';
import { repositoryFolder } from '../../testing/fixtures.ts';
import { openCheckpoint } from '../open-checkpoint.ts';
import type { PlannedModel } from '../family.ts';
import { withFastDecoder } from '../taehv/open.ts';
import { readLayout } from '../taehv/layout.ts';
import { planTaehv, taehvWeights } from '../taehv/planned.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { FAST_DECODERS } from './configs.ts';
import { CATALOGUE, findModel } from './entries.ts';
import type { ModelEntry } from './model-entry.ts';
import { describedTensors, plannedModel } from './planned-model.ts';

function entry(id: string): ModelEntry {
  const found = findModel(id);
  if (!found) throw new Error(`no ${id}`);
  return found;
}

const names = (model: PlannedModel): string[] => model.components.map(({ name }) => name);

describe('the bundled model', () => {
  test('is planned from its configuration as it is from its files', async () => {
    const checkpoint = await openCheckpoint(await repositoryFolder('models/pocket'));
    const planned = plannedModel(entry('pocket'));
    expect(planned.components).toEqual(checkpoint.components);
    expect(planned.constraints).toEqual(checkpoint.constraints);
    expect(planned.defaults).toEqual(checkpoint.defaults);
    expect(planned.schedulerName).toBe(checkpoint.schedulerName);
    for (const name of ['text_encoder', 'transformer', 'vae'] as const) {
      for (const weights of [undefined, Q8, Q4]) {
        const precision = { linear: 'float32', ...(weights ? { weights } : {}) } as const;
        expect(planned.storedBytes(name, precision)).toBe(checkpoint.storedBytes(name, precision));
      }
    }
  });
});

describe('the published models', () => {
  test.each([
    // Counted by diffusers and transformers; of the decoder's 126.9 M only its own half is fetched.
    ['wan2.1-t2v-1.3b', [5_680_910_336, 1_418_996_800, 73_295_603]],
    ['wan2.1-t2v-14b', [5_680_910_336, 14_288_491_584, 73_295_603]],
  ])('%s has as many parameters as the reference counts', (id, parameters) => {
    const { components } = plannedModel(entry(id));
    expect(components.map((each) => each.parameters)).toEqual(parameters);
    // All float32.
    expect(components.map(({ bytes }) => bytes)).toEqual(parameters.map((count) => 4 * count));
  });

  test('umT5-XXL is kept in less than 4 GB as q4, its table of embeddings as half floats', () => {
    const { storedBytes } = plannedModel(entry('wan2.1-t2v-1.3b'));
    const q4 = storedBytes('text_encoder', { linear: 'float32', weights: Q4 });
    const table = 2 * 256_384 * 4096;
    const linear = 5_680_910_336 - 256_384 * 4096;
    // Half a byte a weight, and a float32 scale for each 32; norms and tables of positions are small change.
    expect(q4).toBeGreaterThan(table + linear * 0.625);
    expect(q4).toBeLessThan(table + linear * 0.6255);
  });
});

describe('the fast decoder', () => {
  test('has as many parameters as its published code makes, and comes only if it is wanted', () => {
    const wan = entry('wan2.1-t2v-1.3b');
    expect(names(plannedModel(wan))).not.toContain('fast_decoder');
    expect(plannedModel(wan).fastDecoder).toBeUndefined();
    const model = plannedModel(wan, { fastDecoder: true });
    expect(names(model)).toContain('fast_decoder');
    const { summary, storedBytes } = model.fastDecoder ?? {};
    expect(summary).toMatchObject({ parameters: 9_844_611, bytes: 4 * 9_844_611 });
    expect(summary?.source).toBe(wan.fastDecoder?.source);
    expect(storedBytes).toBe(summary?.bytes);
  });

  test('is planned from its layout as it is from a file', async () => {
    const source = await repositoryFolder('models/parity/fixtures/taehv-21');
    const pocket = await openCheckpoint(await repositoryFolder('models/pocket'));
    const { fastDecoder } = await withFastDecoder(pocket, { source, path: '' });
    const files = await ComponentFiles.openFile(source, 'taew2_1.safetensors');
    const layout = readLayout(files);
    const described = planTaehv(layout, taehvWeights(layout, describedTensors('F16')), 'x');
    const { source: _, ...summary } = fastDecoder?.summary ?? {};
    expect(described.summary).toMatchObject(summary);
    expect(described.storedBytes).toBe(fastDecoder?.storedBytes);
    const latents = pocket.latentShape(pocket.defaults);
    expect(described.needs(latents)).toEqual(fastDecoder?.needs(latents));
  });

  test('is for the latents of whichever model names it', () => {
    for (const each of CATALOGUE) {
      if (!each.fastDecoder) continue;
      const { latentShape, constraints } = plannedModel(each);
      const { latentChannels } = FAST_DECODERS[each.fastDecoder.architecture];
      expect(latentShape({ ...each.sizes[0] }).channels).toBe(latentChannels);
      expect(constraints.frameMultiple).toBe(4);
    }
  });
});

describe('every entry', () => {
  test('can be told from the others, and found by its id and its source', () => {
    expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(CATALOGUE.length);
    expect(new Set(CATALOGUE.map(({ title }) => title)).size).toBe(CATALOGUE.length);
    for (const each of CATALOGUE) {
      expect(findModel(each.id)).toBe(each);
      expect(findModel(each.source)?.source).toBe(each.source);
    }
    expect(findModel('nobody/nothing')).toBeUndefined();
  });

  test.each(CATALOGUE.map((each) => [each.id, each] as const))('%s is consistent', (_, each) => {
    const { constraints } = plannedModel(each);
    for (const { width, height, numFrames } of each.sizes) {
      expect(width % constraints.sizeMultiple).toBe(0);
      expect(height % constraints.sizeMultiple).toBe(0);
      expect((numFrames - 1) % constraints.frameMultiple).toBe(0);
    }
    const areas = each.sizes.map(({ width, height, numFrames }) => width * height * numFrames);
    expect(areas).toEqual(areas.toSorted((a, b) => b - a));
    const { timesteps, sigmas, numInferenceSteps, guidanceScale } = each.generate;
    for (const times of [timesteps, sigmas]) {
      if (times) expect(times).toHaveLength(numInferenceSteps);
    }
    expect(guidanceScale).toBeGreaterThanOrEqual(1);
    for (const { url } of [
      each.licence,
      ...each.extras.map(({ licence }) => licence),
      ...(each.fastDecoder ? [each.fastDecoder.licence] : []),
    ]) {
      expect(url).toMatch(/^https:\/\//);
    }
    // Whatever loading fetches besides is listed, with its licence.
    const loras = each.load.loras ?? [];
    for (const { source } of loras)
      expect(each.extras.map((part) => part.source)).toContain(source);
    if (each.revision !== undefined) expect(each.revision).toMatch(/^[0-9a-f]{40}$/);
  });
});
