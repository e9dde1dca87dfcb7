"""LoRAs for `wan-transformer-a` in every naming, and the weights and outputs once diffusers and peft have fused them."""

import torch
from diffusers import WanPipeline, WanTransformer3DModel
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fixture_io import FIXTURES, case_folder, randn, save_tensors, seeded
from wan_transformer import TEXT_LENGTH, forward

BASE = FIXTURES / "wan-transformer-a"
FOLDER = "wan-lora"
LINEARS = ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "cross_attn.q", "cross_attn.k",
           "cross_attn.v", "cross_attn.o", "ffn.0", "ffn.2"]  # fmt: skip
# Those that a case changes: enough to see every kind, few enough for small files.
SOME = ["self_attn.q", "self_attn.o", "cross_attn.k", "ffn.0", "ffn.2"]


def base():
    return WanTransformer3DModel.from_pretrained(BASE).eval()


def matrix_shapes(name, rank):
    width, ffn = 48, 80
    rows, columns = {"ffn.0": (ffn, width), "ffn.2": (width, ffn)}.get(name, (width, width))
    return (rank, columns), (rows, rank)


def random_pair(generator, name, rank, dtype=torch.float32):
    down, up = (0.3 * torch.randn(shape, generator=generator) for shape in matrix_shapes(name, rank))
    return down.to(dtype), up.to(dtype)


def make_diffusers(seed):
    """As a training script saves it: ranks and alphas by pattern, in the file's metadata; the patches' convolution too."""
    model = base()
    targets = ["to_q", "to_out.0", "ffn.net.2", "patch_embedding", "condition_embedder.time_proj", "proj_out"]
    config = LoraConfig(
        r=4, lora_alpha=6, target_modules=targets, init_lora_weights=False,
        rank_pattern={"blocks.1.attn2.to_q": 2, "ffn.net.2": 5}, alpha_pattern={"blocks.0.attn1.to_q": 3, "ffn.net.2": 4},
    )  # fmt: skip
    model.add_adapter(config)
    generator = seeded(seed)
    layers = get_peft_model_state_dict(model)
    layers = {name: 0.3 * torch.randn(value.shape, generator=generator) for name, value in sorted(layers.items())}
    config = model.peft_config["default"].to_dict()
    # Sets come out in an order of their own at every run.
    metadata = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    WanPipeline.save_lora_weights(
        case_folder(FOLDER), transformer_lora_layers=layers, weight_name="diffusers.safetensors",
        transformer_lora_adapter_metadata=metadata,
    )  # fmt: skip
    # Again with one note: the order of two is another one at every run.
    path = FIXTURES / FOLDER / "diffusers.safetensors"
    with safe_open(path, "pt") as file:
        text = file.metadata()["lora_adapter_metadata"]
    save_file(load_file(path), path, metadata={"lora_adapter_metadata": text})


def make_original(seed):
    """In Wan's own names, with alphas, and differences of biases, in float16."""
    generator = seeded(seed)
    tensors = {}
    for block in range(2):
        for name in SOME:
            module = f"diffusion_model.blocks.{block}.{name}"
            rank = 2 + 2 * block
            down, up = random_pair(generator, name, rank, torch.float16)
            tensors |= {f"{module}.lora_down.weight": down, f"{module}.lora_up.weight": up}
            if name.startswith("self_attn"):
                # diffusers multiplies the float16 matrix by alpha / rank: by powers of two nothing is rounded.
                tensors[f"{module}.alpha"] = torch.tensor(1.0, dtype=torch.float16)
            tensors[f"{module}.diff_b"] = torch.randn(up.shape[0], generator=generator).to(torch.float16)
    save_tensors(FIXTURES / FOLDER / "original.safetensors", tensors)


def make_kohya(seed):
    """As kohya's trainers write it: every linear layer, dots as underscores, in bfloat16."""
    generator = seeded(seed)
    tensors = {}
    for block in range(2):
        for name in LINEARS:
            module = f"lora_unet_blocks_{block}_{name.replace('.', '_')}"
            down, up = random_pair(generator, name, 2, torch.bfloat16)
            alpha = torch.tensor(1.0 + block, dtype=torch.bfloat16)
            tensors |= {f"{module}.lora_down.weight": down, f"{module}.lora_up.weight": up, f"{module}.alpha": alpha}
    save_tensors(FIXTURES / FOLDER / "kohya.safetensors", tensors)


def make_differences(seed):
    """Whole differences, which diffusers leaves out and ComfyUI adds: of norms, a layer, and the modulation tables."""
    generator = seeded(seed)
    weights = base().state_dict()
    names = {
        "blocks.0.self_attn.norm_k.diff": "blocks.0.attn1.norm_k.weight",
        "blocks.1.norm3.diff": "blocks.1.norm2.weight",
        "blocks.1.norm3.diff_b": "blocks.1.norm2.bias",
        "head.head.diff": "proj_out.weight",
        "patch_embedding.diff": "patch_embedding.weight",
        "blocks.0.diff_m": "blocks.0.scale_shift_table",
        "blocks.1.modulation.diff": "blocks.1.scale_shift_table",
        "head.diff_m": "scale_shift_table",
    }
    differences = {key: 0.2 * torch.randn(weights[name].shape, generator=generator) for key, name in names.items()}
    save_tensors(
        FIXTURES / FOLDER / "differences.safetensors",
        {f"diffusion_model.{key}": value for key, value in differences.items()},
    )
    return {name: weights[name] + DIFFERENCE_SCALE * differences[key] for key, name in names.items()}


DIFFERENCE_SCALE = 0.75
# Files and their scales.
FUSED = {
    "diffusers": [("diffusers", 1.0)],
    "original": [("original", 0.8)],
    "kohya": [("kohya", 1.0)],
    "two": [("diffusers", 0.6), ("original", -0.35)],
}


def fuse(files):
    """The base with these files at these scales, by the library's own loading and fusing."""
    model = base()
    for name, _ in files:
        state, metadata = WanPipeline.lora_state_dict(
            FIXTURES / FOLDER, weight_name=f"{name}.safetensors", return_lora_metadata=True
        )
        model.load_lora_adapter(state, adapter_name=name, metadata=metadata)
    model.set_adapters([name for name, _ in files], [scale for _, scale in files])
    model.fuse_lora(adapter_names=[name for name, _ in files])
    model.unload_lora()
    return model


def make():
    for number, make_case in enumerate([make_diffusers, make_original, make_kohya]):
        make_case(20_000 + number)
    merged = {"differences": make_differences(20_010)}
    before = base().state_dict()
    for name, files in FUSED.items():
        weights = fuse(files).state_dict()
        merged[name] = {key: value for key, value in weights.items() if not torch.equal(value, before[key])}
    latents, text = randn(20_020, 1, 16, 2, 4, 6), randn(20_021, 1, TEXT_LENGTH, 32)
    record = {"latents": latents, "encoder_hidden_states": text, "timestep": torch.tensor([700.0])}
    for name, changed in merged.items():
        model = base()
        model.load_state_dict(before | changed)
        record[f"{name}.output"] = forward(model, latents, record["timestep"], text)[0]
        record |= {f"{name}/{key}": value for key, value in changed.items()}
    save_tensors(FIXTURES / FOLDER / "reference.safetensors", record)
