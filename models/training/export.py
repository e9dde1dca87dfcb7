"""Write the trained parts as a folder that ``WanPipeline.from_pretrained`` opens.

Where only the VAE's decoder was trained on, only the VAE of the folder is replaced.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch

import settings
import world
from cache_latents import load_vae
from dit_model import STEPS, few_step_scheduler, load_modules


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_vae(work: Path, out: Path) -> None:
    stats = torch.load(work / "latents.pt")
    vae = load_vae(work)
    vae.register_to_config(
        latents_mean=[round(float(v), 6) for v in stats["mean"]],
        latents_std=[round(float(v), 6) for v in stats["std"]],
    )
    shutil.rmtree(out / "vae", ignore_errors=True)
    vae.half().save_pretrained(out / "vae")


def write_rest(work: Path, out: Path, teacher: bool) -> None:
    """All but the VAE, which must be there."""
    state = torch.load(work / "dit.pt", map_location="cpu")
    modules = load_modules(state, state["ema"])
    text_encoder, transformer = modules["text_encoder"], modules["transformer"]
    distilled = (work / "student.pt").exists() and not teacher
    if distilled:
        transformer.load_state_dict(torch.load(work / "student.pt", map_location="cpu")["ema"])

    for part in ("transformer", "text_encoder", "tokenizer", "scheduler"):
        shutil.rmtree(out / part, ignore_errors=True)
    transformer.half().save_pretrained(out / "transformer")
    text_encoder.half().save_pretrained(out / "text_encoder")
    shutil.copytree(work / "tokenizer", out / "tokenizer")
    scheduler = few_step_scheduler()
    if not distilled:
        scheduler.register_to_config(solver_order=2, disable_corrector=[])
    scheduler.save_pretrained(out / "scheduler")
    settings.update(
        out,
        height=world.SIZE,
        width=world.SIZE,
        numFrames=world.FRAMES,
        numInferenceSteps=STEPS if distilled else 12,
        guidanceScale=1 if distilled else 3,
        frameRate=8,
    )
    write_json(
        out / "model_index.json",
        {
            "_class_name": "WanPipeline",
            "_diffusers_version": json.loads((out / "vae/config.json").read_text())["_diffusers_version"],
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--teacher", action="store_true", help="the model before it was distilled")
    args = parser.parse_args()

    write_vae(args.work, args.out)
    if (args.work / "dit.pt").exists() or not (args.out / "transformer").exists():
        write_rest(args.work, args.out, args.teacher)
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
