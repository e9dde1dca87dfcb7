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


def run(script: str, *options: object, processes: int = 1) -> None:
    print(f"== {script}", flush=True)
    several = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)] if processes > 1 else []
    subprocess.run([sys.executable, "-u", *several, str(HERE / script), *map(str, options)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--out", type=Path, default=HERE.parent / "pocket")
    parser.add_argument("--init", type=Path, help="a model's folder to go on from")
    args = parser.parse_args()
    preset = tomllib.loads((HERE / "presets.toml").read_text())[args.preset]
    work = args.work
    work.mkdir(parents=True, exist_ok=True)
    processes = preset["processes"]
    machine = ["--threads", preset["threads"], "--device", preset["device"]]
    compiled = ["--compile"] if preset["compile"] else []
    vae_init = ["--init", args.init / "vae"] if args.init else []
    dit_init = ["--init", args.init] if args.init else []

    if not (work / "tokenizer").exists():
        # Token ids are part of a model's interface: a folder that has a tokenizer keeps it.
        if (args.out / "tokenizer").exists():
            shutil.copytree(args.out / "tokenizer", work / "tokenizer")
        else:
            run("tokenizer.py", "--out", work / "tokenizer")
    if not (work / "latents.pt").exists():
        run(
            "train_vae.py", "--work", work, "--minutes", preset["vae_minutes"],
            "--base-dim", preset["base_dim"], "--batch-scale", preset["vae_batch_scale"], *vae_init, *machine,
            processes=processes,
        )  # fmt: skip
        run(
            "cache_latents.py", "--work", work, "--clips", preset["clips"],
            "--batch", preset["cache_batch"], "--minutes", preset["cache_minutes"], *machine, processes=processes,
        )  # fmt: skip
    run(
        "train_decoder.py", "--work", work, "--minutes", preset["decoder_minutes"],
        "--batch", preset["decoder_batch"], *machine, processes=processes,
    )  # fmt: skip
    run(
        "train_dit.py", "--work", work, "--minutes", preset["dit_minutes"], "--batch", preset["batch"],
        "--layers", preset["layers"], "--heads", preset["heads"],
        "--text-width", preset["text_width"], *dit_init, *compiled, *machine,
        processes=processes,
    )  # fmt: skip
    run(
        "distill.py", "--work", work, "--minutes", preset["distill_minutes"],
        "--batch", preset["distill_batch"], *compiled, *machine, processes=processes,
    )  # fmt: skip
    run("export.py", "--work", work, "--out", args.out)
    run("fit_preview.py", "--model", args.out)
    run("prompts.py", "--model", args.out)
    card = args.out / "README.md"
    run(
        "evaluate.py", "--model", args.out, "--sheet", args.out / "evaluation.png",
        "--json", args.out / "evaluation.json", *(["--card", card] if card.exists() else []),
    )  # fmt: skip


if __name__ == "__main__":
    main()
