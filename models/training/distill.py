"""Distil the transformer: four steps without guidance in the place of twelve with it.

Progressive distillation, all at once: from a noise level of the four-step schedule the
teacher goes to the next one in three guided steps, and the student learns the velocity that
goes there in one. Starts are drawn clips with noise; only the first level is noise alone, as
in sampling. What the teacher finds is learnt three times, the last two among others: asking it
costs twice as much as learning from it. The teacher is what ``train_dit.py`` left in ``dit.pt``,
which is not changed; the student starts as its copy and is written to ``student.pt``. The text
encoder stays as it is.
"""

from __future__ import annotations

import copy
import random
from collections import deque

import torch

import tokenizer as pocket_tokenizer
import world
from captions import caption
from dit_model import (
    STEPS,
    compile_blocks,
    embed,
    encode_captions,
    few_step_levels,
    load_modules,
    velocity,
)
from parallel import Group
from run import Run, stage_parser

SUBSTEPS = 3

# Batches kept to be learnt from again, and how often each is learnt from on average.
KEPT = 96
USES = 3


def between(start: float, end: float, shift: float = 3.0) -> list[float]:
    """``SUBSTEPS`` levels from ``start`` on and ``end``: even before the shift, as schedules are."""
    plain = [s / (shift - (shift - 1) * s) for s in (start, end)]
    even = torch.linspace(plain[0], plain[1], SUBSTEPS + 1).tolist()
    return [shift * u / (1 + (shift - 1) * u) for u in even]


@torch.no_grad()
def teach(teacher, x, text, nothing, start: float, end: float, guidance: float) -> torch.Tensor:
    """Where the teacher goes from level ``start`` to ``end`` in guided Euler steps."""
    path = between(start, end)
    texts = torch.cat([text, nothing])
    for level, following in zip(path, path[1:]):
        levels = torch.full((2 * len(x),), level, device=x.device)
        with_text, without = velocity(teacher, torch.cat([x, x]), levels, texts).chunk(2)
        x = x + (following - level) * (without + guidance * (with_text - without))
    return x


def main() -> None:
    parser = stage_parser(__doc__, minutes=20, seed=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--ema", type=float, default=0.99)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--compile", action="store_true", help="half as fast again; needs a C++ compiler")
    args = parser.parse_args()

    group = Group()
    torch.set_num_threads(args.threads)
    tokenizer = pocket_tokenizer.load(args.work / "tokenizer")
    data = torch.load(args.work / "latents.pt")
    scenes = [world.Scene(*s) for s in data["scenes"]]
    state = torch.load(args.work / "dit.pt", map_location=args.device)
    modules = load_modules(state, state["ema"]).to(args.device).requires_grad_(False)
    text_encoder, teacher = modules["text_encoder"], modules["transformer"]
    student = copy.deepcopy(teacher).requires_grad_(True)
    ema = copy.deepcopy(student).requires_grad_(False)
    optimisers = [torch.optim.AdamW(student.parameters(), args.lr, betas=(0.9, 0.98), fused=True)]
    if args.compile:
        compile_blocks(teacher)
        compile_blocks(student)

    run = Run(
        args.work / "student.pt", group, args.minutes, args.seed, optimisers,
        {"student": student, "ema": ema}, {"guidance": args.guidance}, args.device,
    )  # fmt: skip
    sigmas = few_step_levels().tolist()
    kept: deque = deque(maxlen=KEPT)

    def ask(rng: random.Random) -> tuple[torch.Tensor, ...]:
        """Clips at one of the levels, their captions, and the velocity that goes to the next level."""
        k = run.step // USES % STEPS
        batch = group.share(args.batch)
        picks = [rng.randrange(len(scenes)) for _ in range(batch)]
        ids, mask = encode_captions(tokenizer, [caption(rng, scenes[i]) for i in picks] + [""], args.device)
        with torch.no_grad():
            texts = embed(text_encoder, ids, mask)
        text, nothing = texts[:-1], texts[-1:].expand(batch, -1, -1)
        x0 = data["latents"][picks].float().to(args.device)
        noise = torch.randn(x0.shape).to(args.device)
        x = noise if k == 0 else (1 - sigmas[k]) * x0 + sigmas[k] * noise
        there = teach(teacher, x, text, nothing, sigmas[k], sigmas[k + 1], args.guidance)
        levels = torch.full((batch,), sigmas[k], device=args.device)
        return x, levels, text, (x - there) / (sigmas[k] - sigmas[k + 1])

    for rng in run.steps(args.lr):
        if run.step % USES == 0 or not kept:
            kept.append(ask(rng))
        x, levels, text, target = kept[-1] if run.step % USES == 0 else rng.choice(kept)
        run.update((velocity(student, x, levels, text) - target).square().mean())
        run.follow(ema, student, args.ema)


if __name__ == "__main__":
    main()
