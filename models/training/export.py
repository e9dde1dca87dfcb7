"""Write the trained parts as a folder that ``WanPipeline.from_pretrained`` opens."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler

import tokenizer as pocket_tokenizer
from cache_latents import load_vae
from dit_model import build_text_encoder, build_transformer


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    stats = torch.load(args.work / "latents.pt")
    vae = load_vae(args.work)
    vae.register_to_config(
        latents_mean=[round(float(v), 6) for v in stats["mean"]],
        latents_std=[round(float(v), 6) for v in stats["std"]],
    )
    state = torch.load(args.work / "dit.pt", map_location="cpu")
    text_encoder = build_text_encoder(state["vocab"], state["text_width"])
    transformer = build_transformer(
        state["text_width"],
        heads=state["heads"],
        ffn_dim=state["heads"] * 256,
        layers=state["layers"],
    )
    modules = torch.nn.ModuleDict({"text_encoder": text_encoder, "transformer": transformer})
    modules.load_state_dict(state["ema"])

    for part in ("vae", "transformer", "text_encoder", "tokenizer", "scheduler"):
        shutil.rmtree(args.out / part, ignore_errors=True)
    vae.half().save_pretrained(args.out / "vae")
    transformer.half().save_pretrained(args.out / "transformer")
    text_encoder.half().save_pretrained(args.out / "text_encoder")
    shutil.copytree(args.work / "tokenizer", args.out / "tokenizer")
    UniPCMultistepScheduler(
        num_train_timesteps=1000,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=3.0,
        solver_order=2,
        solver_type="bh2",
        final_sigmas_type="zero",
    ).save_pretrained(args.out / "scheduler")
    write_json(
        args.out / "model_index.json",
        {
            "_class_name": "WanPipeline",
            "_diffusers_version": json.loads((args.out / "vae/config.json").read_text())[
                "_diffusers_version"
            ],
            "scheduler": ["diffusers", "UniPCMultistepScheduler"],
            "text_encoder": ["transformers", "UMT5EncoderModel"],
            "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
            "transformer": ["diffusers", "WanTransformer3DModel"],
            "transformer_2": [None, None],
            "vae": ["diffusers", "AutoencoderKLWan"],
            "boundary_ratio": None,
            "expand_timesteps": False,
        },
    )
    # Folder names such as the training folder would leak into the configurations.
    for path in args.out.glob("*/config.json"):
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)
        write_json(path, config)
    for path in args.out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    size = sum(p.stat().st_size for p in args.out.rglob("*") if p.is_file())
    print(f"{args.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
