"""Encode drawn clips once, so that the diffusion model trains on normalised latents.

Also measures the mean and deviation of each latent channel: these become the VAE's
``latents_mean`` and ``latents_std``, unless ``--init`` names a model that goes on being trained.
Scenes are kept beside the latents, and what each latent shows (``labels.py``); captions are worded
afresh each time a clip is used. Run again with another seed and ``--add``, it puts clips before
those that are there, under the same mean and deviation; the last ones, which ``train_dit.py`` only
measures with, stay the last.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import astuple
from itertools import chain
from pathlib import Path

import numpy as np
import torch

import world
from labels import label
from parallel import Group
from train_vae import to_tensor
from vae_model import build_vae, encode_mode


def load_vae(work: Path, device: str = "cpu"):
    """The work folder's VAE, with the decoder that was trained on by itself, if one was."""
    path = work / "decoder.pt"
    state = torch.load(path if path.exists() else work / "vae.pt", map_location=device)
    vae = build_vae(state["base_dim"]).to(device)
    vae.load_state_dict(state["vae"])
    return vae.eval()


def shows(scene: world.Scene, names: list[str]) -> bool:
    return bool({scene.subject, scene.subject2, scene.motion} & set(names))


def choose(rng: random.Random, pairs: float, often: list[str]) -> world.Scene:
    """A scene that training shows; those of the subjects and motions ``often`` come twice as often."""
    while True:
        scene = world.sample_scene(rng, pairs)
        if not often or shows(scene, often) or rng.random() < 0.5:
            return scene


def statistics(init: Path | None, kept: dict | None, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each channel: those of the model or of the clips that are there, or measured."""
    if kept:
        return kept["mean"], kept["std"]
    if init:
        config = json.loads((init / "vae/config.json").read_text())
        return torch.tensor(config["latents_mean"]), torch.tensor(config["latents_std"])
    return z.mean(dim=(0, 2, 3, 4)), z.std(dim=(0, 2, 3, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop early after this long")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--pairs", type=float, default=world.PAIRS, help="share of clips of two subjects")
    parser.add_argument("--often", nargs="*", default=[], help="subjects and motions to show twice as often")
    parser.add_argument("--init", type=Path, help="a model's folder whose mean and deviation to keep")
    parser.add_argument("--add", action="store_true", help="keep the clips that are there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    vae = load_vae(args.work, args.device)
    rng = random.Random(group.seed(args.seed, 0))
    count = group.share(args.clips)
    path = args.work / "latents.pt"
    scenes, latents, labels = [], [], []
    start = time.monotonic()
    while len(scenes) < count and time.monotonic() - start < args.minutes * 60:
        batch = [choose(rng, args.pairs, args.often) for _ in range(min(args.batch, count - len(scenes)))]
        with torch.no_grad():
            clips = np.stack([world.draw(s) for s in batch])
            latents.append(encode_mode(vae, to_tensor(clips).to(args.device)).cpu())
        labels += [label(s) for s in batch]
        scenes += [astuple(s) for s in batch]
    parts = group.gather((scenes, torch.cat(latents), labels))
    if parts is None:
        return
    scenes, z, labels = ([*chain.from_iterable(p[i] for p in parts)] for i in range(3))
    z = torch.stack(z)
    kept = torch.load(path) if args.add else None
    mean, std = statistics(args.init, kept, z)
    z = ((z - mean.view(1, -1, 1, 1, 1)) / std.view(1, -1, 1, 1, 1)).half()
    labels = torch.from_numpy(np.stack(labels))
    if kept:
        z, scenes = torch.cat([z, kept["latents"]]), scenes + kept["scenes"]
        labels = torch.cat([labels, kept["labels"]])
    torch.save({"latents": z, "scenes": scenes, "labels": labels, "mean": mean, "std": std}, path)
    print(f"{len(z)} clips in {(time.monotonic() - start) / 60:.1f} min, std {std.min():.2f}..{std.max():.2f}")


if __name__ == "__main__":
    main()
