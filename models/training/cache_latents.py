"""Encode drawn clips once, so that the diffusion model trains on normalised latents.

Also measures the mean and deviation of each latent channel: these become the VAE's
``latents_mean`` and ``latents_std``. Scenes are kept beside the latents; captions are
worded afresh each time a clip is used.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch

import world
from train_vae import to_tensor
from vae_model import build_vae, encode_mode


def load_vae(work: Path, device: str = "cpu"):
    state = torch.load(work / "vae.pt", map_location=device)
    vae = build_vae(state["base_dim"]).to(device)
    vae.load_state_dict(state["vae"])
    return vae.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop early after this long")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    vae = load_vae(args.work, args.device)
    rng = random.Random(args.seed)
    scenes, latents = [], []
    start = time.monotonic()
    while len(scenes) < args.clips and time.monotonic() - start < args.minutes * 60:
        batch = [world.sample_scene(rng) for _ in range(min(args.batch, args.clips - len(scenes)))]
        with torch.no_grad():
            x = to_tensor(np.stack([world.draw(s) for s in batch])).to(args.device)
            latents.append(encode_mode(vae, x).cpu())
        scenes += [astuple(s) for s in batch]
    z = torch.cat(latents)
    mean = z.mean(dim=(0, 2, 3, 4))
    std = z.std(dim=(0, 2, 3, 4))
    z = (z - mean.view(1, -1, 1, 1, 1)) / std.view(1, -1, 1, 1, 1)
    torch.save(
        {"latents": z.half(), "scenes": scenes, "mean": mean, "std": std},
        args.work / "latents.pt",
    )
    print(f"{len(z)} clips in {(time.monotonic() - start) / 60:.1f} min, std {std.min():.2f}..{std.max():.2f}")


if __name__ == "__main__":
    main()
