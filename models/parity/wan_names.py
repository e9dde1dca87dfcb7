"""Names in Wan's own files, as diffusers' single-file loading translates them, and as transformers knows umT5's.

The lists of original names are written down here from the modules of Wan-Video/Wan2.1. Each translation is held against
the parameters of the library's own model, so that a name too many or too few fails here.
"""

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.loaders.single_file_utils import (
    convert_wan_transformer_to_diffusers,
    convert_wan_vae_to_diffusers,
)
from transformers import UMT5Config, UMT5EncoderModel

from fixture_io import FIXTURES, save_json

BOTH = ("weight", "bias")


def of(modules, parameters=BOTH):
    return [f"{module}.{parameter}" for module in modules for parameter in parameters]


def transformer_names(layers):
    """`WanModel` of model_type t2v."""
    names = of(["patch_embedding", "text_embedding.0", "text_embedding.2", "time_embedding.0", "time_embedding.2"])
    names += of(["time_projection.1", "head.head"]) + ["head.modulation"]
    for i in range(layers):
        block = f"blocks.{i}"
        for attention in ("self_attn", "cross_attn"):
            names += of(f"{block}.{attention}.{part}" for part in "qkvo")
            names += of((f"{block}.{attention}.{norm}" for norm in ("norm_q", "norm_k")), ("weight",))
        names += of([f"{block}.ffn.0", f"{block}.ffn.2", f"{block}.norm3"]) + [f"{block}.modulation"]
    return names


def residual_names(block, shortcut=False):
    names = of([f"{block}.residual.0", f"{block}.residual.3"], ("gamma",))
    names += of([f"{block}.residual.2", f"{block}.residual.6"])
    return names + (of([f"{block}.shortcut"]) if shortcut else [])


def vae_names():
    """`WanVAE_` with dim_mult 1, 2, 4, 4 and two residual blocks a side."""
    names = of(["conv1", "conv2"])
    for side, blocks in (("encoder", ENCODER), ("decoder", DECODER)):
        names += of([f"{side}.conv1", f"{side}.head.2"]) + [f"{side}.head.0.gamma"]
        names += residual_names(f"{side}.middle.0") + residual_names(f"{side}.middle.2")
        names += of([f"{side}.middle.1.to_qkv", f"{side}.middle.1.proj"]) + [f"{side}.middle.1.norm.gamma"]
        for index, kind in enumerate(blocks):
            block = f"{side}.{'downsamples' if side == 'encoder' else 'upsamples'}.{index}"
            if kind in ("same", "wider"):
                names += residual_names(block, shortcut=kind == "wider")
            else:
                names += of([f"{block}.resample.1"] + ([f"{block}.time_conv"] if kind == "3d" else []))
    return names


ENCODER = ["same", "same", "2d", "wider", "same", "3d", "wider", "same", "3d", "same", "same"]
DECODER = ["same"] * 3 + ["3d"] + ["wider", "same", "same", "3d"] + ["same"] * 3 + ["2d"] + ["same"] * 3


def umt5_names(layers):
    """`T5Encoder` with a table of relative positions in every block, and transformers' name of each."""
    pairs = [("token_embedding.weight", "shared.weight"), ("norm.weight", "encoder.final_layer_norm.weight")]
    for i in range(layers):
        attention, ffn = f"encoder.block.{i}.layer.0", f"encoder.block.{i}.layer.1"
        parts = {f"attn.{part}": f"{attention}.SelfAttention.{part}" for part in "qkvo"} | {
            "pos_embedding.embedding": f"{attention}.SelfAttention.relative_attention_bias",
            "norm1": f"{attention}.layer_norm",
            "norm2": f"{ffn}.layer_norm",
            "ffn.gate.0": f"{ffn}.DenseReluDense.wi_0",
            "ffn.fc1": f"{ffn}.DenseReluDense.wi_1",
            "ffn.fc2": f"{ffn}.DenseReluDense.wo",
        }
        pairs += [(f"blocks.{i}.{part}.weight", f"{name}.weight") for part, name in parts.items()]
    return pairs


def translated(names, convert):
    """Pairs of (original, translated), by marking every tensor with its number."""
    found = convert({name: torch.tensor([index]) for index, name in enumerate(names)})
    return [(names[int(tensor)], name) for name, tensor in found.items()]


def check(pairs, model):
    expected = {name for name, _ in model.named_parameters()}
    found = {name for _, name in pairs}
    assert found == expected and len(pairs) == len(found), sorted(found ^ expected)
    return [list(pair) for pair in sorted(pairs)]


def transformer_pairs(layers, prefix=""):
    """Translated; `prefix` is what ComfyUI's files put before every name."""
    names = [prefix + name for name in transformer_names(layers)]
    return translated(names, convert_wan_transformer_to_diffusers)


def make():
    tiny = dict(attention_head_dim=12, ffn_dim=10, text_dim=8, freq_dim=8)
    like_1_3b = WanTransformer3DModel(num_attention_heads=2, num_layers=2, **tiny)
    like_14b = WanTransformer3DModel(num_attention_heads=5, num_layers=3, **tiny)
    umt5 = UMT5EncoderModel(UMT5Config(vocab_size=8, d_model=4, d_kv=2, d_ff=6, num_layers=2, num_heads=2))
    save_json(
        FIXTURES / "wan-names.json",
        {
            "transformer, 1.3B": check(transformer_pairs(2), like_1_3b),
            "transformer, 14B": check(transformer_pairs(3), like_14b),
            "transformer, repackaged": check(transformer_pairs(2, "model.diffusion_model."), like_1_3b),
            "vae": check(translated(vae_names(), convert_wan_vae_to_diffusers), AutoencoderKLWan(base_dim=4)),
            "umt5": check(umt5_names(2), umt5),
        },
    )
    # What is assumed of a single file: the library's defaults, which are Wan 2.1's.
    config = dict(AutoencoderKLWan(base_dim=4).config) | {"base_dim": 96}
    kept = {name: value for name, value in config.items() if not name.startswith("_")}
    save_json(FIXTURES / "wan-vae-config.json", kept)
