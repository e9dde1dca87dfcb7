import { describe, expect, test } from 'vitest';
import pairsByCase from '../../../models/parity/fixtures/wan-names.json' with { type: 'json' };
import type { NameMap } from '../../weights/component.ts';
import { umt5Names } from './names-umt5.ts';
import { vaeNames } from './names-vae.ts';
import { flatModule, originalModule, transformerNames } from './names.ts';

const MAPS: Readonly<Record<string, NameMap>> = {
  'transformer, 1.3B': transformerNames,
  'transformer, 14B': transformerNames,
  'transformer, repackaged': transformerNames,
  vae: vaeNames,
  umt5: umt5Names,
};

describe.each(Object.entries(pairsByCase))('names of %s', (name, pairs) => {
  const map = MAPS[name];
  if (!map) throw new Error(`no map for ${name}`);
  const originals = pairs.map(([original = '']) => original);
  const expected = pairs.map(([, diffusers]) => diffusers);

  test('are translated as diffusers does', () => {
    expect(originals.map(map(originals))).toEqual(expected);
  });

  test('are left alone if they are diffusers’ already', () => {
    const names = expected.map((each) => each ?? '');
    expect(names.map(map(names))).toEqual(expected);
  });
});

test('of the original, what is not known keeps its name', () => {
  const names = ['head.head.weight', 'blocks.0.self_attn.attn_op.local_attn.proj_l.weight', 'x'];
  expect(names.map(transformerNames(names)).slice(1)).toEqual(names.slice(1));
  expect(vaeNames(['decoder.head.2.weight'])('decoder.other.weight')).toBe('decoder.other.weight');
  expect(umt5Names(['token_embedding.weight'])('blocks.0.other.weight')).toBe(
    'blocks.0.other.weight',
  );
});

test.each(['constructor', 'toString', '__proto__'])('a tensor may be named like %s', (word) => {
  const block = `blocks.0.${word}.weight`;
  expect(umt5Names(['token_embedding.weight'])(block)).toBe(block);
  expect(vaeNames(['decoder.head.2.weight'])(`${word}.weight`)).toBe(`${word}.weight`);
  expect(transformerNames(['head.head.weight'])(block)).toBe(block);
});

test('umT5’s table of embeddings may have either of its names', () => {
  expect(umt5Names(['encoder.embed_tokens.weight'])('encoder.embed_tokens.weight')).toBe(
    'shared.weight',
  );
  const both = ['shared.weight', 'encoder.embed_tokens.weight'];
  expect(both.map(umt5Names(both))).toEqual(both);
});

test('modules are found by the names that LoRAs use', () => {
  expect(originalModule('blocks.12.cross_attn.o')).toBe('blocks.12.attn2.to_out.0');
  expect(originalModule('head.head')).toBe('proj_out');
  expect(originalModule('blocks.0.attn1.to_q')).toBeUndefined();
  expect(flatModule('blocks_12_self_attn_norm_q')).toBe('blocks.12.attn1.norm_q');
  expect(flatModule('blocks_3_attn1_to_out_0')).toBe('blocks.3.attn1.to_out.0');
  expect(flatModule('blocks_3_ffn_net_0_proj')).toBe('blocks.3.ffn.net.0.proj');
  expect(flatModule('time_projection_1')).toBe('condition_embedder.time_proj');
  expect(flatModule('blocks_3_cross_attn_k_img')).toBeUndefined();
});
