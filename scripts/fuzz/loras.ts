/** @file Damaged LoRAs in the naming of every trainer, found their place in a model, and added to its weights. */
import { loraTarget } from '../../src/families/wan/lora.ts';
import { MemorySource } from '../../src/testing/memory-source.ts';
import { tinyNeeds } from '../../src/testing/tiny-wan.ts';
import { openLora } from '../../src/weights/lora-file.ts';
import { applyEdits, type BaseFiles, type Edit, type HeaderFile, randomEdit } from './edits.ts';
import { type Target, WrongResult } from './target.ts';

const target = loraTarget(tinyNeeds().needs.transformer);

const WIDTH = 16;
const RANK = 4;

/** A file of these tensors in float32, with the notes of its maker. */
function file(
  tensors: Readonly<Record<string, readonly number[]>>,
  metadata?: Readonly<Record<string, string>>,
): HeaderFile {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, shape]) => {
    const start = end;
    end += shape.reduce((n, dim) => n * dim, 4);
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }] as const;
  });
  const header = {
    ...(metadata ? { __metadata__: metadata } : {}),
    ...Object.fromEntries(entries),
  };
  return { header, dataBytes: end };
}

const down = [RANK, WIDTH];
const up = [WIDTH, RANK];

const ADAPTER = {
  peft_type: 'LORA',
  r: RANK,
  lora_alpha: 8,
  alpha_pattern: { 'blocks.0.attn1.to_k': 2, '^blocks.1.attn1.to_q': 16 },
  use_rslora: false,
  use_dora: false,
};

const noted = Object.fromEntries(
  Object.entries(ADAPTER).map(([name, value]) => [`transformer.${name}`, value]),
);

const BASES: ReadonlyMap<string, BaseFiles> = new Map<string, BaseFiles>([
  [
    'diffusers',
    new Map([
      [
        'pytorch_lora_weights.safetensors',
        file(
          {
            'transformer.blocks.0.attn1.to_q.lora_A.weight': down,
            'transformer.blocks.0.attn1.to_q.lora_B.weight': up,
            'transformer.blocks.1.attn2.to_k.lora_A.weight': down,
            'transformer.blocks.1.attn2.to_k.lora_B.weight': up,
          },
          { lora_adapter_metadata: JSON.stringify(noted) },
        ),
      ],
    ]),
  ],
  [
    'peft',
    new Map<string, HeaderFile | { json: unknown }>([
      [
        'adapter_model.safetensors',
        file({
          'base_model.model.blocks.0.attn1.to_k.lora_A.weight': down,
          'base_model.model.blocks.0.attn1.to_k.lora_B.weight': up,
          'base_model.model.blocks.1.attn1.to_q.lora_A.default.weight': down,
          'base_model.model.blocks.1.attn1.to_q.lora_B.default.weight': up,
        }),
      ],
      ['adapter_config.json', { json: ADAPTER }],
    ]),
  ],
  [
    'original',
    new Map([
      [
        'pytorch_lora_weights.safetensors',
        file({
          'diffusion_model.blocks.0.self_attn.q.lora_down.weight': down,
          'diffusion_model.blocks.0.self_attn.q.lora_up.weight': up,
          'diffusion_model.blocks.0.self_attn.q.alpha': [],
          'diffusion_model.blocks.0.self_attn.q.diff_b': [WIDTH],
          'diffusion_model.blocks.1.norm3.diff': [WIDTH],
          'diffusion_model.blocks.1.diff_m': [1, 6, WIDTH],
        }),
      ],
    ]),
  ],
  [
    'kohya',
    new Map([
      [
        'pytorch_lora_weights.safetensors',
        file({
          lora_unet_blocks_0_cross_attn_v: [0],
          'lora_unet_blocks_0_cross_attn_k.lora_down.weight': down,
          'lora_unet_blocks_0_cross_attn_k.lora_up.weight': up,
          'lora_unet_blocks_0_cross_attn_k.alpha': [1],
        }),
      ],
    ]),
  ],
]);

const SCALES = [1, 0.5, 0, -1, 100, 1e30, -1e300, Infinity];

export const loras: Target = {
  name: 'loras',
  about: 'damaged LoRAs: headers, names, alphas, settings and scales',
  generate(random) {
    const style = random.pick([...BASES.keys()]);
    const base = BASES.get(style) ?? new Map();
    const length = random.pick([0, 1, 1, 2, 3]);
    const edits = Array.from({ length }, () => randomEdit(base, random));
    return { style, scale: String(random.chance(80) ? 1 : random.pick(SCALES)), edits };
  },
  async run(input) {
    const base = BASES.get(String(input['style'])) ?? new Map();
    const source = new MemorySource(applyEdits(base, input['edits'] as readonly Edit[]));
    const at = { source, path: '', scale: Number(input['scale']) };
    const { additions } = await openLora(at, target);
    for (const [name, all] of additions) {
      const [rows = 1, ...rest] = target.shapes.get(name) ?? [];
      const columns = rest.reduce((n, dim) => n * dim, 1);
      const values = new Float32Array(rows * columns).fill(1);
      for (const addition of all) await addition.addTo(values, 0, columns);
      // All factors in these files are zeros: whatever they are multiplied by, they add nothing.
      if (!values.every((value) => value === 1)) throw new WrongResult(`values of ${name}`);
    }
  },
};
