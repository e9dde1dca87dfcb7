"""Train the VAE on clips drawn on the fly, for a number of minutes.

Three phases, by share of the time: single frames teach the edges cheaply, short crops
around the shape teach motion, whole clips take away what the crops' borders left.
The loss is L1 + MSE and a small penalty on the latents, which keeps them compact for
the diffusion model; noise on the decoder's input makes it forgive small errors there.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan

import world
from optim import build_optimisers
from parallel import Group
from run import Run, stage_parser
from vae_model import build_vae, decode_raw, encode_mode, flat_convolutions

# (share of the time, frames, crop in grid cells, batch)
PHASES = ((0.25, 1, 16, 96), (0.45, 9, 16, 16), (0.30, 13, 32, 4))


def to_tensor(clips: np.ndarray) -> torch.Tensor:
    """uint8 [b, t, h, w, 3] on the grid to pixels [b, 3, t, 2h, 2w] in [-1, 1]."""
    x = torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    return x.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2).contiguous()


def draw_batch(rng: random.Random, frames: int, crop: int, batch: int) -> torch.Tensor:
    clips = []
    for _ in range(batch):
        scene = world.sample_scene(rng)
        start = rng.randrange(world.FRAMES - frames + 1)
        clip = world.draw(scene, range(start, start + frames))
        if crop < world.GRID:
            at = world.pose(scene, start + frames // 2)
            if scene.relation and rng.random() < 0.5:
                at = world.pose2(scene)
            limit, spread = world.GRID - crop, crop // 3
            x = min(max(at.x - crop // 2 + rng.randint(-spread, spread), 0), limit)
            y = min(max(at.y - crop // 2 + rng.randint(-spread, spread), 0), limit)
            clip = clip[:, y : y + crop, x : x + crop]
        clips.append(clip)
    return to_tensor(np.stack(clips))


def psnr(vae, seed: int = 900_000_000, count: int = 6) -> float:
    """Mean PSNR in dB over whole clips that training does not draw."""
    rng = random.Random(seed)
    x = draw_batch(rng, world.FRAMES, world.GRID, count).to(vae.device)
    with torch.no_grad():
        y = decode_raw(vae, encode_mode(vae, x)).clamp(-1, 1)
    mse = ((x - y) / 2).square().mean(dim=(1, 2, 3, 4))
    return float((-10 * torch.log10(mse)).mean())


def main() -> None:
    parser = stage_parser(__doc__, minutes=30, seed=1)
    parser.add_argument("--init", type=Path, help="a VAE's folder to go on from")
    parser.add_argument("--base-dim", type=int, default=24)
    parser.add_argument("--lr", type=float, default=6e-3)
    parser.add_argument("--batch-scale", type=float, default=1.0)
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)

    vae = build_vae(args.base_dim).to(args.device)
    if args.init:
        vae.load_state_dict(AutoencoderKLWan.from_pretrained(args.init, torch_dtype=torch.float32).state_dict())
    optimisers = build_optimisers(vae, args.lr)
    # It was trained for the latents of the VAE as it was.
    (args.work / "decoder.pt").unlink(missing_ok=True)
    run = Run(
        args.work / "vae.pt", group, args.minutes, args.seed, optimisers, {"vae": vae},
        {"base_dim": args.base_dim}, args.device, log_seconds=150,
    )  # fmt: skip
    for rng in run.steps(args.lr):
        rest = run.clock.progress
        for share, frames, crop, batch in PHASES:
            if rest < share:
                break
            rest -= share
        x = draw_batch(rng, frames, crop, group.share(round(batch * args.batch_scale))).to(args.device)
        with flat_convolutions() if frames == 1 else contextlib.nullcontext():
            z = encode_mode(vae, x)
            y = decode_raw(vae, z + 0.02 * torch.randn_like(z))
            loss = F.l1_loss(y, x) + F.mse_loss(y, x) + 1e-4 * z.square().mean()
            run.update(loss, lambda: f"  frames {frames}  psnr {psnr(vae):.2f} dB")
    if group.is_first:
        print(f"{psnr(vae, count=32):.2f} dB")


if __name__ == "__main__":
    main()
