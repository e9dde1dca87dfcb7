/** @file Runs UMT5 over one prompt: token ids in, embeddings out, which `WanPipeline` pads with zeros. */
import type { Precision } from '../../graph/index.ts';
import { modelFormat } from '../../errors.ts';
import { output, type StageRunner } from '../../runtime/stage-runner.ts';
import { checkRow } from '../../weights/check-weights.ts';
import type { ComponentWeights } from '../../weights/component-weights.ts';
import type { Umt5Config } from './config.ts';
import type { Tap } from './transformer.ts';
import { EMBEDDING, relativePositionBuckets, umt5Stages } from './umt5.ts';

/**
 * @param ids The prompt's tokens, the end token included; no padding.
 * @returns `[ids.length, dModel]`.
 */
export async function encodeTokens(
  config: Umt5Config,
  precision: Precision,
  runner: StageRunner,
  weights: ComponentWeights,
  ids: readonly number[],
  tap?: Tap,
): Promise<Float32Array<ArrayBuffer>> {
  const tokens = ids.length;
  const stages = umt5Stages(config, tokens, precision);
  const rows = new Float32Array(tokens * config.dModel);
  for (const [i, id] of ids.entries()) {
    if (id >= config.vocabSize) {
      throw modelFormat(
        `The tokenizer made token ${id}; the text encoder knows ${config.vocabSize}.`,
        'The tokenizer and the text encoder are of different checkpoints.',
      );
    }
    const row = await weights.row(EMBEDDING, id, config.dModel);
    checkRow(EMBEDDING, id, row);
    rows.set(row, i * config.dModel);
  }
  const data = relativePositionBuckets(
    tokens,
    config.relativeAttentionNumBuckets,
    config.relativeAttentionMaxDistance,
  );
  const buckets = runner.put('int32', [tokens, tokens], data);
  let hidden = runner.put('float32', [1, tokens, config.dModel], rows);
  for (const stage of stages.layers) {
    const [outputs] = await runner.run(stage, [{ hidden, buckets }]);
    runner.free(hidden);
    hidden = output(outputs, 'output');
    await tap?.(stage.name, [hidden]);
  }
  const [outputs] = await runner.run(stages.finalNorm, [{ hidden }]);
  const normed = output(outputs, 'output');
  const embeddings = await runner.backend.download(normed);
  runner.free(hidden, normed, buckets);
  return embeddings;
}
