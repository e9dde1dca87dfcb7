"""Sample clips from an exported folder with diffusers' own WanPipeline.

Every clip that is drawn goes on the sheet: nothing is picked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import WanPipeline

from sheet import contact_sheet

PROMPTS = (
    "a red circle moves right on a black background",
    "a blue square slides to the left over a sunset sky",
    "yellow diamond rising on navy",
    "a green triangle falls, on white",
    "a pink heart grows on a grey background",
    "an orange ring shrinks over black",
    "a white cross bounces in the sky",
    "a purple circle stays still over a meadow",
    "a red heart moves up at sunset",
    "a cyan ball that is moving right",
    "A yellow ring moves left over a meadow.",
    "a green square drifts down on navy",
    "a pink triangle hops up and down on white",
    "a blue diamond gets bigger on grey",
    "an orange cross moves to the right against the sky",
    "a white heart sinks in the dark",
)


def load_pipeline(folder: Path) -> WanPipeline:
    pipe = WanPipeline.from_pretrained(str(folder), torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(pipe: WanPipeline, prompts: list[str], seed: int, steps: int, guidance: float) -> np.ndarray:
    """uint8 [prompts, 17, 64, 64, 3]; clip i uses the seed ``seed + i``."""
    noise = torch.cat(
        [
            torch.randn(1, 16, 5, 8, 8, generator=torch.Generator().manual_seed(seed + i))
            for i in range(len(prompts))
        ]
    )
    video = pipe(
        prompt=list(prompts),
        height=64,
        width=64,
        num_frames=17,
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
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("prompts", nargs="*", default=PROMPTS)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    pipe = load_pipeline(args.model)
    clips = generate(pipe, list(args.prompts), args.seed, args.steps, args.guidance)
    contact_sheet(list(zip(clips, args.prompts))).save(args.out)
    print(f"{len(clips)} clips on {args.out}")


if __name__ == "__main__":
    main()
