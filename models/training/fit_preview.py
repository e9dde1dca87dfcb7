"""Fit the picture that a latent shows by itself: its pixels as a linear function of its channels.

Zoetrope shows it while a clip is denoised, where decoding would cost too much. Clips are
drawn, encoded by the exported VAE, and the last frame of each latent frame is regressed on
the normalised latents by least squares; unseen clips tell how close it comes. The numbers
go into ``zoetrope.json`` of the exported folder.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan

import settings
import world

# Pixels a side that a latent gives: with 4, the grid that the world is drawn on.
PIXELS = 4
DECIMALS = 4


def load_vae(folder: Path) -> AutoencoderKLWan:
    return AutoencoderKLWan.from_pretrained(str(folder / "vae"), torch_dtype=torch.float32).eval()


@torch.no_grad()
def encode(vae: AutoencoderKLWan, clips: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of channels [N, z], and the pixels [N, PIXELS² · 3] in [-1, 1] that they should give."""
    frames = torch.from_numpy(clips).float() / 127.5 - 1
    video = frames.permute(0, 4, 1, 2, 3)
    latents = vae.encode(video).latent_dist.mode()
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    std = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    rows = ((latents - mean) / std).permute(0, 2, 3, 4, 1)
    height, width = rows.shape[2:4]

    shown = video[:, :, :: vae.config.scale_factor_temporal]
    cells = torch.nn.functional.adaptive_avg_pool3d(
        shown, (shown.shape[2], height * PIXELS, width * PIXELS)
    )
    blocks = cells.unflatten(4, (width, PIXELS)).unflatten(3, (height, PIXELS))
    pixels = blocks.permute(0, 2, 3, 5, 4, 6, 1)
    return rows.flatten(0, 3), pixels.flatten(4, 6).flatten(0, 3)


def draw(count: int, seed: int) -> np.ndarray:
    rng = random.Random(seed)
    return np.stack([world.enlarge(world.draw(world.sample_scene(rng))) for _ in range(count)])


def with_ones(rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], 1)


def psnr(predicted: torch.Tensor, pixels: torch.Tensor) -> float:
    error = (predicted.clamp(-1, 1) - pixels).div(2).square().mean()
    return float(-10 * error.log10())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    parser.add_argument("--clips", type=int, default=384)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    vae = load_vae(args.model)
    parts = [encode(vae, draw(32, args.seed + i)) for i in range(args.clips // 32)]
    rows, pixels = (torch.cat(each) for each in zip(*parts))
    solution = torch.linalg.lstsq(with_ones(rows).double(), pixels.double()).solution.float()

    unseen, wanted = encode(vae, draw(64, args.seed + 100_000))
    print(f"{len(rows)} latents; unseen clips: {psnr(with_ones(unseen) @ solution, wanted):.1f} dB")

    numbers = [[round(float(value), DECIMALS) for value in row] for row in solution]
    colours = {"pixels": PIXELS, "factors": numbers[:-1], "bias": numbers[-1]}
    settings.update(args.model, latentColours=colours)


if __name__ == "__main__":
    main()
