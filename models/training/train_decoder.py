"""Train the VAE's decoder alone: latents, and the transformer that makes them, stay what they are.

It learns from the cached latents of whole clips, so nothing is encoded. Nearly all of the error is
at subjects; so for most of the time the layers of low resolution see the whole clip, and the dear
ones above them only a window around a subject. Whole clips end the training. The loss is the
logarithm of each clip's mean squared error: what PSNR measures.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

import world
from cache_latents import load_vae
from optim import build_optimisers
from parallel import Group
from run import Run, stage_parser
from train_vae import psnr, to_tensor
from vae_model import decode_raw

# In cells of the features at half the grid's resolution. Those within the margin of a cut see
# padding where the picture goes on, so they do not count.
FEATURES, WINDOW, MARGIN = world.GRID // 2, 12, 2
# Below this error a window has nothing more to learn; most windows are at 0.001 to 0.02.
FLOOR = 2e-4
Corner = tuple[int, int]


def aim(rng: random.Random, scene: world.Scene) -> Corner:
    """The corner (x, y) of a window, four times in five near where a subject is in some frame."""
    limit = FEATURES - WINDOW
    if rng.random() < 0.2:
        return rng.randint(0, limit), rng.randint(0, limit)
    rests = scene.relation and rng.random() < 0.5
    at = world.pose2(scene) if rests else world.pose(scene, rng.randrange(world.FRAMES))
    corner = (round(c / 2) - WINDOW // 2 + rng.randint(-2, 2) for c in (at.x, at.y))
    x, y = (min(max(c, 0), limit) for c in corner)
    return x, y


def part(picture: torch.Tensor, corner: Corner, scale: int = 1) -> torch.Tensor:
    """What a window shows of [..., h, w] that has ``scale`` cells for one of the features."""
    x, y = (c * scale for c in corner)
    side = WINDOW * scale
    return picture[..., y : y + side, x : x + side]


def counted(start: int, scale: int) -> slice:
    """The part of a window that counts, along one axis: all but the margins at cuts."""
    return slice(MARGIN * (start > 0) * scale, (WINDOW - MARGIN * (start < FEATURES - WINDOW)) * scale)


@contextlib.contextmanager
def windows(decoder: torch.nn.Module, corners: list[Corner]) -> Iterator[None]:
    """Let the blocks above the lowest resolution see each clip's window only."""

    def cut(_module: torch.nn.Module, args: tuple) -> tuple:
        return torch.stack([part(f, corner) for f, corner in zip(args[0], corners)]), *args[1:]

    hook = decoder.up_blocks[1].register_forward_pre_hook(cut)
    try:
        yield
    finally:
        hook.remove()


def log_error(decoded: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
    return ((decoded - clip).square().mean() + FLOOR).log()


def window_loss(vae, latents: torch.Tensor, clips: torch.Tensor, corners: list[Corner]) -> torch.Tensor:
    """Mean logarithm of the squared error of [b, 3, t, h, w] inside the windows."""
    with windows(vae.decoder, corners):
        decoded = decode_raw(vae, latents)
    scale = clips.shape[-1] // FEATURES
    errors = []
    for seen, clip, corner in zip(decoded, clips, corners):
        across, down = (counted(start, scale) for start in corner)
        errors.append(log_error(seen[..., down, across], part(clip, corner, scale)[..., down, across]))
    return torch.stack(errors).mean()


def main() -> None:
    parser = stage_parser(__doc__, minutes=90, seed=5)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--whole", type=float, default=0.2, help="share of the time, at the end, of whole clips")
    parser.add_argument("--decay", type=float, default=0.85, help="share of the time in which the rate falls")
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    data = torch.load(args.work / "latents.pt")
    mean, std = (data[name].view(1, -1, 1, 1, 1).to(args.device) for name in ("mean", "std"))
    scenes = [world.Scene(*s) for s in data["scenes"]]
    vae = load_vae(args.work, args.device)
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)
    vae.post_quant_conv.requires_grad_(True)
    optimisers = build_optimisers(vae, args.lr)
    run = Run(
        args.work / "decoder.pt", group, args.minutes, args.seed, optimisers, {"vae": vae},
        {"base_dim": vae.config.base_dim}, args.device, log_seconds=150,
    )  # fmt: skip
    for rng in run.steps(args.lr, args.decay):
        chosen = [rng.randrange(len(scenes)) for _ in range(group.share(args.batch))]
        clips = to_tensor(np.stack([world.draw(scenes[i]) for i in chosen])).to(args.device)
        z = data["latents"][chosen].to(args.device).float() * std + mean
        z = z + 0.02 * torch.randn_like(z)
        if run.clock.progress < 1 - args.whole:
            loss = window_loss(vae, z, clips, [aim(rng, scenes[i]) for i in chosen])
        else:
            loss = torch.stack([log_error(y, x) for y, x in zip(decode_raw(vae, z), clips)]).mean()
        run.update(loss, lambda: f"  psnr {psnr(vae):.2f} dB")
    if group.is_first:
        print(f"{psnr(vae, count=32):.2f} dB")


if __name__ == "__main__":
    main()
