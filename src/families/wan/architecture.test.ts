import { expect, test } from 'vitest';
import { Q4 } from '../../weights/quantize-format.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { repositoryFolder } from '../../testing/fixtures.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { readJson } from '../../weights/source.ts';
import { CONFIGS } from '../catalogue/configs.ts';
import { wanArchitecture } from './architecture.ts';
import { parseTransformerConfig, parseUmt5Config, parseVaeConfig } from './config.ts';
import { EMBEDDING } from './umt5.ts';

test('a table of embeddings in float32 is kept as half floats in a narrower model, and rows are nearly the same', async () => {
  const source = await repositoryFolder('models/parity/fixtures/umt5-a');
  const files = await ComponentFiles.open(source, '', { stem: 'model' });
  const textEncoder = parseUmt5Config(await readJson(source, 'config.json'));
  const architecture = wanArchitecture({
    textEncoder,
    transformer: {
      ...parseTransformerConfig(CONFIGS.pocket.transformer),
      textDim: textEncoder.dModel,
    },
    vae: parseVaeConfig(CONFIGS.pocket.vae),
  });
  const table = async (precision: Parameters<typeof architecture.weights>[2]) => {
    const needs = architecture.weights('text_encoder', files, precision);
    return HostWeights.load(
      files,
      needs.filter(({ name }) => name === EMBEDDING),
    );
  };
  const whole = await table({ linear: 'float32' });
  const narrow = await table({ linear: 'float32', weights: Q4 });
  expect(narrow.ramBytes).toBe(whole.ramBytes / 2);
  const [exact, near] = [whole, narrow].map((weights) =>
    weights.row(EMBEDDING, 3, textEncoder.dModel),
  );
  for (const [i, value] of (exact ?? []).entries()) {
    expect(Math.abs((near?.[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(
      2 ** -11 * Math.abs(value) + 2 ** -25,
    );
  }
});
