import { expect, test } from 'vitest';
import { placeFor, whatItHolds } from './what-it-holds.ts';

const lora = (...modules: string[]): string[] =>
  modules.flatMap((module) => [`${module}.lora_A.weight`, `${module}.lora_B.weight`]);
const kohya = (...modules: string[]): string[] =>
  modules.flatMap((module) => [
    `${module}.lora_down.weight`,
    `${module}.lora_up.weight`,
    `${module}.alpha`,
  ]);

test.each([
  // As their trainers and converters name them.
  [lora('transformer.blocks.0.attn1.to_q'), 'lora', 'a LoRA for Wan', true],
  [kohya('lora_unet_blocks_0_self_attn_q'), 'lora', 'a LoRA for Wan', true],
  [
    lora('diffusion_model.blocks.0.cross_attn.k_img', 'diffusion_model.blocks.0.cross_attn.k'),
    'lora',
    'a LoRA for Wan',
    true,
  ],
  [
    kohya('lora_unet_double_blocks_0_img_attn_qkv', 'lora_unet_single_blocks_0_linear1'),
    'lora',
    'a LoRA for HunyuanVideo',
    false,
  ],
  [lora('diffusion_model.double_blocks.0.img_attn_qkv'), 'lora', 'a LoRA for HunyuanVideo', false],
  [
    lora('transformer.single_transformer_blocks.39.attn.to_q'),
    'lora',
    'a LoRA for HunyuanVideo',
    false,
  ],
  [lora('diffusion_model.double_blocks.0.img_attn.qkv'), 'lora', 'a LoRA for Flux', false],
  [
    lora('transformer.single_transformer_blocks.0.attn.to_q'),
    'lora',
    'a LoRA for Flux or HunyuanVideo',
    false,
  ],
  [
    kohya('lora_unet_input_blocks_4_1_proj_in', 'lora_te1_text_model_encoder_layers_0_mlp_fc1'),
    'lora',
    'a LoRA for Stable Diffusion',
    false,
  ],
  [lora('unet.down_blocks.0.attentions.0.proj_in'), 'lora', 'a LoRA for Stable Diffusion', false],
  [lora('transformer.transformer_blocks.0.attn2.to_k'), 'lora', 'a LoRA for LTX-Video', false],
  [lora('transformer.transformer_blocks.0.attn1.to_k'), 'lora', 'a LoRA for CogVideoX', false],
  [lora('transformer.transformer_blocks.0.img_mlp.net.2'), 'lora', 'a LoRA for Qwen-Image', false],
  [lora('x'), 'lora', 'a LoRA', false],
  [
    ['patch_embedding.weight', 'blocks.0.self_attn.q.weight'],
    'transformer',
    'the transformer of a Wan',
    true,
  ],
  [
    ['blocks.0.attn1.to_q.weight', 'blocks.0.attn2.add_k_proj.weight'],
    'transformer',
    'the transformer of a Wan image-to-video',
    false,
  ],
  [
    ['patch_embedding.weight', 'vace_blocks.0.before_proj.weight'],
    'transformer',
    'the transformer of a Wan VACE',
    false,
  ],
  [['double_blocks.0.img_attn_qkv.weight'], 'transformer', 'of another model, HunyuanVideo', false],
  [
    ['model.diffusion_model.patchify_proj.weight'],
    'transformer',
    'of another model, LTX-Video',
    false,
  ],
  [['decoder.conv1.weight', 'decoder.head.2.weight'], 'vae', 'the decoder (VAE) of a Wan', true],
  [['decoder.up_blocks.0.resnets.0.conv1.weight'], 'vae', 'a decoder (VAE)', true],
  [
    ['token_embedding.weight', 'blocks.0.attn.q.weight', 'blocks.0.ffn.fc1.weight'],
    'text_encoder',
    'umT5, the text encoder of Wan',
    true,
  ],
  [
    ['shared.weight', 'encoder.block.0.layer.0.SelfAttention.q.weight'],
    'text_encoder',
    'a T5 text encoder',
    true,
  ],
  [['text_model.encoder.layers.0.mlp.fc1.weight'], 'text_encoder', 'a CLIP text encoder', false],
  [['model.layers.0.self_attn.q_proj.weight'], 'text_encoder', 'a language model', false],
  [['decoder.1.weight', 'decoder.3.conv.0.weight'], 'fast_decoder', 'a fast decoder (TAEHV)', true],
  [
    [
      'model.diffusion_model.blocks.0.self_attn.q.weight',
      'vae.conv1.weight',
      'text_encoders.umt5xxl.x',
    ],
    'everything',
    'a whole Wan in one file: transformer, text encoder and decoder together',
    true,
  ],
  [
    ['model.diffusion_model.input_blocks.0.0.weight', 'first_stage_model.x', 'cond_stage_model.x'],
    'everything',
    'a whole Stable Diffusion in one file: transformer, text encoder and decoder together',
    false,
  ],
] as const)('tensors tell what a file is: %j', (names, kind, what, isWan) => {
  expect(whatItHolds(names)).toEqual({ kind, what, isWan });
});

test('what no rule knows is not guessed', () => {
  expect(whatItHolds([])).toBeUndefined();
  expect(whatItHolds(['a', 'b.weight'])).toBeUndefined();
});

test('every kind has a place of its own', () => {
  const kinds = ['lora', 'transformer', 'vae', 'text_encoder', 'fast_decoder'] as const;
  const flags = ['--lora', '--transformer', '--vae', '--text-encoder', '--fast-decoder'];
  const places = kinds.map((kind) => placeFor({ kind, what: '', isWan: true }));
  for (const [i, place] of places.entries()) expect(place).toContain(flags[i]);
  expect(placeFor({ kind: 'lora', what: '', isWan: false })).toContain('text-to-video');
});
