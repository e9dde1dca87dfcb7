"""Run the whole chain for a preset: tokenizer, VAE, latents, diffusion model, export.

    python train.py --preset cpu --work work --out ../pocket

Stages that are done are not repeated: stop it and start it again at will.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def run(script: str, *options: object) -> None:
    print(f"== {script}", flush=True)
    subprocess.run([sys.executable, "-u", str(HERE / script), *map(str, options)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--out", type=Path, default=HERE.parent / "pocket")
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--guidance", type=float, default=4.0)
    args = parser.parse_args()
    preset = tomllib.loads((HERE / "presets.toml").read_text())[args.preset]
    work = args.work
    work.mkdir(parents=True, exist_ok=True)
    machine = ["--threads", preset["threads"], "--device", preset["device"]]

    if not (work / "tokenizer").exists():
        # Token ids are part of a model's interface: a folder that has a tokenizer keeps it.
        if (args.out / "tokenizer").exists():
            shutil.copytree(args.out / "tokenizer", work / "tokenizer")
        else:
            run("tokenizer.py", "--out", work / "tokenizer")
    if not (work / "latents.pt").exists():
        run(
            "train_vae.py", "--work", work, "--minutes", preset["vae_minutes"],
            "--base-dim", preset["base_dim"], "--batch-scale", preset["vae_batch_scale"], *machine,
        )  # fmt: skip
        run(
            "cache_latents.py", "--work", work, "--clips", preset["clips"],
            "--minutes", preset["cache_minutes"], *machine,
        )  # fmt: skip
    run(
        "train_dit.py", "--work", work, "--minutes", preset["dit_minutes"], "--batch", preset["batch"],
        "--layers", preset["layers"], "--heads", preset["heads"],
        "--text-width", preset["text_width"], *machine,
    )  # fmt: skip
    run("export.py", "--work", work, "--out", args.out)
    run("fit_preview.py", "--model", args.out)
    sampling = ["--model", args.out, "--steps", args.steps, "--guidance", args.guidance]
    run("sample.py", *sampling, "--out", args.out / "samples.png")
    run("evaluate.py", *sampling, "--json", work / "figures.json")


if __name__ == "__main__":
    main()
