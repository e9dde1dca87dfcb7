import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTransformerConfig, parseUmt5Config, parseVaeConfig } from './config.ts';
import { patchify, unpatchify } from './patchify.ts';
import { relativePositionBuckets } from './umt5.ts';

const VAE = { z_dim: 2, latents_mean: [0, 0], latents_std: [1, 1] };
const TEXT = { vocab_size: 10, d_model: 8, d_kv: 4, d_ff: 16, num_layers: 1, num_heads: 2 };

const parsers = {
  transformer: [parseTransformerConfig, {}],
  vae: [parseVaeConfig, VAE],
  text_encoder: [parseUmt5Config, TEXT],
} as const;

describe('a configuration', () => {
  test.each([
    ['transformer', 'image_dim', 1280],
    ['transformer', 'added_kv_proj_dim', 5120],
    ['transformer', 'qk_norm', 'rms_norm'],
    ['transformer', '_class_name', 'WanVACETransformer3DModel'],
    ['transformer', 'patch_size', [2, 2]],
    ['transformer', 'patch_size', [0, 2, 2]],
    ['transformer', 'num_layers', 0],
    ['transformer', 'num_attention_heads', '12'],
    ['transformer', 'eps', '1e-6'],
    ['transformer', 'cross_attn_norm', 1],
    ['transformer', 'eps', -1],
    ['transformer', 'eps', 0],
    ['transformer', 'eps', 1],
    ['transformer', 'eps', 1e300],
    ['transformer', 'eps', Infinity],
    ['transformer', 'attention_head_dim', 1e9],
    ['transformer', 'attention_head_dim', 3],
    ['transformer', 'num_attention_heads', 100_000],
    ['transformer', 'freq_dim', 255],
    ['transformer', 'patch_size', [1, 1e9, 1e9]],
    ['transformer', 'rope_max_seq_len', 1e9],
    ['transformer', 'out_channels', [16]],
    ['vae', '_class_name', 'AutoencoderKL'],
    ['vae', 'latents_mean', undefined],
    ['vae', 'latents_mean', [0]],
    ['vae', 'latents_std', [1, null]],
    ['vae', 'latents_std', [1, 0]],
    ['vae', 'latents_std', [1, -1]],
    ['vae', 'latents_std', [1, Infinity]],
    ['vae', 'latents_mean', [0, 1e300]],
    ['vae', 'latents_mean', Array(1e6).fill(0)],
    ['vae', 'dim_mult', []],
    ['vae', 'dim_mult', Array(1e5).fill(1)],
    ['vae', 'dim_mult', [1, 1e9, 1, 1]],
    ['vae', 'patch_size', 1e9],
    ['vae', 'z_dim', 1e9],
    ['vae', 'attn_scales', [1]],
    ['vae', 'temperal_downsample', [true]],
    ['vae', 'patch_size', 1.5],
    ['text_encoder', 'model_type', 't5'],
    ['text_encoder', 'feed_forward_proj', 'relu'],
    ['text_encoder', 'd_model', undefined],
    ['text_encoder', 'vocab_size', -1],
    ['text_encoder', 'vocab_size', 1e9],
    ['text_encoder', 'layer_norm_epsilon', 0],
    ['text_encoder', 'relative_attention_num_buckets', 1e9],
    ['text_encoder', 'relative_attention_max_distance', 8],
  ] as const)('of the %s is refused for its %s: %o', (kind, field, value) => {
    const [parse, valid] = parsers[kind];
    expect(() => parse(valid)).not.toThrow();
    expect(() => parse({ ...valid, [field]: value })).toThrow(
      expect.objectContaining({
        code: 'model-format',
        message: expect.stringMatching(`^${kind}/config\\.json: ${field} `),
      }),
    );
  });

  test.each([null, [], 'text', 3])('that is %o is refused', (json) => {
    for (const [parse] of Object.values(parsers))
      expect(() => parse(json)).toThrow(/not an object/);
  });

  test('of a VAE gives the factors that its stages make', () => {
    expect(parseVaeConfig(VAE)).toMatchObject({ scaleFactorSpatial: 8, scaleFactorTemporal: 4 });
    const small = { ...VAE, dim_mult: [1, 2], temperal_downsample: [false], patch_size: 2 };
    expect(parseVaeConfig(small)).toMatchObject({ scaleFactorSpatial: 4, scaleFactorTemporal: 1 });
  });
});

describe('patches', () => {
  const dims = fc.integer({ min: 1, max: 3 });
  const patch = fc.tuple(dims, dims, dims);

  test('of one channel come back where they were', () => {
    fc.assert(
      fc.property(patch, patch, ([pt, ph, pw], [f, h, w]) => {
        const shape = { channels: 1, frames: f * pt, height: h * ph, width: w * pw };
        const latents = Float32Array.from({ length: f * pt * h * ph * w * pw }, (_, i) => i + 1);
        const tokens = new Float32Array(latents.length);
        patchify(latents, shape, [pt, ph, pw], tokens);
        const back = new Float32Array(latents.length);
        unpatchify(tokens, shape, [pt, ph, pw], back);
        expect(back).toEqual(latents);
      }),
    );
  });

  test('have channels slowest on the way in, fastest on the way out', () => {
    const shape = { channels: 2, frames: 1, height: 2, width: 2 };
    const tokens = new Float32Array(8);
    patchify(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), shape, [1, 2, 2], tokens);
    expect([...tokens]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const latents = new Float32Array(8);
    unpatchify(tokens, shape, [1, 2, 2], latents);
    expect([...latents]).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  });

  test('lie row by row', () => {
    const shape = { channels: 1, frames: 1, height: 2, width: 4 };
    const tokens = new Float32Array(8);
    patchify(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), shape, [1, 2, 2], tokens);
    expect([...tokens]).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  });
});

test('relative positions depend on the distance, and keys after a query have buckets of their own', () => {
  const tokens = 200;
  const buckets = relativePositionBuckets(tokens, 32, 128);
  const at = (query: number, key: number): number => buckets[query * tokens + key] ?? -1;
  for (let distance = 0; distance < tokens; distance++) {
    const before = at(tokens - 1, tokens - 1 - distance);
    const after = at(0, distance);
    expect(before).toBe(distance < 8 ? distance : before);
    expect(before).toBeGreaterThanOrEqual(Math.min(distance, 8));
    expect(before).toBeLessThan(16);
    expect(after).toBe(distance === 0 ? 0 : before + 16);
    if (distance > 0) expect(before).toBeGreaterThanOrEqual(at(tokens - 1, tokens - distance));
    if (distance >= 128) expect(before).toBe(15);
    expect(at(Math.min(5, distance), 0)).toBe(at(199, 199 - Math.min(5, distance)));
  }
});
