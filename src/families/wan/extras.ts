/**
 * @file Tensors of a checkpoint that this runtime has no use for. Each is ignored or refused by a rule that says why;
 * one that no rule knows is refused, since a model that has more than was asked for is another model.
 */
import { modelFormat } from '../../errors.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import type { CheckpointNotice, ComponentName } from '../family.ts';

interface Rule {
  readonly pattern: RegExp;
  /** Absent: nothing is lost without it. `loses`: what the clip loses. `refuses`: what the model is. */
  readonly loses?: string;
  readonly refuses?: string;
}

const RULES: Readonly<Record<ComponentName, readonly Rule[]>> = {
  text_encoder: [
    // The other name of `shared.weight`, and the half that turns an encoding into text.
    { pattern: /^encoder\.embed_tokens\.weight$/ },
    { pattern: /^(decoder\.|lm_head\.)/ },
    // A copy of the tokenizer, in ComfyUI's files.
    { pattern: /^spiece_model$/ },
    { pattern: /^scaled_fp8$|\.(scale_weight|scale_input|weight_scale)$/, refuses: 'FP8 weights' },
  ],
  transformer: [
    {
      // FastVideo's video sparse attention: attn1 = sparse + gate · coarse.
      pattern: /^blocks\.\d+\.(attn1\.|self_attn\.)?to_gate_compress\.(weight|bias)$/,
      loses:
        'the gates of FastVideo’s sparse attention: every token attends to every other instead, and the coarse branch is left out',
    },
    {
      // TurboDiffusion's sparse-linear attention: attn1 = sparse + proj_l(linear).
      pattern:
        /^blocks\.\d+\.(attn1|self_attn)\.((attn_op\.)?local_attn|attn_impl|attn_op)\.proj_l\.(weight|bias)$/,
      loses:
        'the linear branch of TurboDiffusion’s attention: every token attends to every other instead',
    },
    {
      pattern:
        /^(condition_embedder\.image_embedder|img_emb)\.|\.(add_k_proj|add_v_proj|norm_added_[kq]|k_img|v_img|norm_k_img)\./,
      refuses: 'an image-to-video model',
    },
    { pattern: /^vace_/, refuses: 'a VACE model' },
    {
      pattern: /^(motion_encoder|face_adapter|pose_patch_embedding)/,
      refuses: 'a Wan Animate model',
    },
    { pattern: /^(ref_conv|control_adapter)\./, refuses: 'a control model' },
    { pattern: /^scaled_fp8$|\.(scale_weight|scale_input|weight_scale)$/, refuses: 'FP8 weights' },
    { pattern: /\.(lora_|dora_scale|alpha$|diff(_b|_m)?$)/, refuses: 'a LoRA, not a whole model' },
  ],
  // What turns pictures into latents.
  vae: [{ pattern: /^(encoder|quant_conv)\./ }],
};

/**
 * @param needed Names that are used.
 * @returns What the user should know of those that are not.
 * @throws ZoetropeError `model-format`, naming the first tensor that may not be ignored.
 */
export function checkExtras(
  component: ComponentName,
  files: ComponentFiles,
  needed: ReadonlySet<string>,
): CheckpointNotice[] {
  const lost = new Map<string, string[]>();
  for (const name of files.tensors.keys()) {
    if (needed.has(name)) continue;
    const rule = RULES[component].find(({ pattern }) => pattern.test(name));
    if (!rule || rule.refuses !== undefined) throw refusal(component, files, name, rule?.refuses);
    if (rule.loses === undefined) continue;
    const names = lost.get(rule.loses);
    if (names) names.push(name);
    else lost.set(rule.loses, [name]);
  }
  return [...lost].map(([what, [first = '', ...others]]) => ({
    code: 'tensors-ignored',
    message: `Not used: ${first}${others.length > 0 ? ` and ${others.length} like it` : ''}, ${what}.`,
  }));
}

function refusal(
  component: ComponentName,
  files: ComponentFiles,
  name: string,
  kind: string | undefined,
): Error {
  const where = `${files.folder || component} of ${files.source.name}`;
  return kind === undefined
    ? modelFormat(
        `${where} has a tensor ${name}, which no supported model has.`,
        'The weights do not belong to the config.json beside them, or are of another model.',
      )
    : modelFormat(
        `${where} has a tensor ${name}: this is ${kind}.`,
        'Choose a text-to-video checkpoint with F32, F16 or BF16 weights; LoRAs go with one, as `loras`.',
      );
}
