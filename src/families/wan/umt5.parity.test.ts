import { describe, expect, test } from 'vitest';
import { locateWeights } from '../../runtime/stage.ts';
import { StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import { openFixture, relativeError } from '../../testing/fixtures.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { parseUmt5Config } from './config.ts';
import { encodeTokens } from './text-encoder.ts';
import { EMBEDDING, umt5Stages } from './umt5.ts';

const F32 = { linear: 'float32' } as const;

describe.each(['a', 'b'])('UMT5EncoderModel %s against transformers', (letter) => {
  test.each([1, 7, 40])('%i tokens: every layer and the last hidden state', async (length) => {
    const { files, config: json, reference } = await openFixture(`umt5-${letter}`);
    const config = parseUmt5Config(json);
    const { layers, finalNorm } = umt5Stages(config, length, F32);
    const table = files.find(EMBEDDING, [config.vocabSize, config.dModel]);
    const needs = [
      ...locateWeights(files, [...layers, finalNorm]),
      { name: EMBEDDING, tensor: table, storage: 'source' as const },
    ];
    const host = await HostWeights.load(files, needs);
    const backend = await testBackend();
    const runner = new StageRunner(backend, host);
    const ids = [...reference.get(`length${length}.input_ids`).data];
    const errors: number[] = [];
    try {
      const embeddings = await encodeTokens(
        config,
        F32,
        runner,
        host,
        ids,
        async (name, [hidden]) => {
          const block = name.replace('encoder.block', `length${length}.block`);
          if (hidden)
            errors.push(relativeError(await backend.download(hidden), reference.get(block).data));
        },
      );
      const last = reference.get(`length${length}.last_hidden_state`).data;
      errors.push(relativeError(embeddings, last));
    } finally {
      await runner.dispose();
    }
    expect(errors).toHaveLength(config.numLayers + 1);
    for (const error of errors) expect(error).toBeLessThan(1e-3);
  });
});
