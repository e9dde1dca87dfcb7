"""Sample clips from an exported folder with diffusers' own WanPipeline.

Every clip that is drawn goes on the sheet: nothing is picked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import WanPipeline

import settings
import world
from sheet import contact_sheet

PROMPTS = (
    "a red fish moves right on the sea",
    "a yellow bird flies up and left in the sky",
    "a blue car bounces on the grass",
    "a purple ghost circles at night",
    "a pink heart grows on black",
    "a green rocket rises at sunset",
    "a white star spins under the stars",
    "an orange boat drifts to the left on the water",
    "a red ball bounces left of a blue star at night",
    "a cyan bird above a brown house on the grass",
    "a brown mushroom in a meadow, the camera zooms in",
    "an orange tree at sunset, the camera pans right",
    "a purple dragon zigzags in the sky",
    "a green house falls to the ground in front of black",
    "a yellow star shrinks to the right of a red rocket on the sea",
    "a pink ball sinks at dusk",
)


def load_pipeline(folder: Path) -> WanPipeline:
    pipe = WanPipeline.from_pretrained(str(folder), torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(
    pipe: WanPipeline, prompts: list[str], seed: int, steps: int, guidance: float
) -> np.ndarray:
    """uint8 [prompts, 25, 96, 96, 3]; clip i uses the seed ``seed + i``."""
    latent_frames = (world.FRAMES - 1) // pipe.vae_scale_factor_temporal + 1
    side = world.SIZE // pipe.vae_scale_factor_spatial
    shape = (1, pipe.transformer.config.in_channels, latent_frames, side, side)
    noise = torch.cat(
        [torch.randn(shape, generator=torch.Generator().manual_seed(seed + i)) for i in range(len(prompts))]
    )
    video = pipe(
        prompt=list(prompts),
        height=world.SIZE,
        width=world.SIZE,
        num_frames=world.FRAMES,
        num_inference_steps=steps,
        guidance_scale=guidance,
        max_sequence_length=64,
        latents=noise,
        output_type="np",
    ).frames
    return (np.asarray(video) * 255).round().clip(0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="instead of the model's own")
    parser.add_argument("--guidance", type=float, help="instead of the model's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("prompts", nargs="*", default=PROMPTS)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    pipe = load_pipeline(args.model)
    own = settings.read(args.model)
    steps = args.steps or own["numInferenceSteps"]
    guidance = own["guidanceScale"] if args.guidance is None else args.guidance
    clips = generate(pipe, list(args.prompts), args.seed, steps, guidance)
    contact_sheet(list(zip(clips, args.prompts))).save(args.out)
    print(f"{len(clips)} clips on {args.out}")


if __name__ == "__main__":
    main()
