"""Measure an exported model: does the clip show what the prompt says?

Half of the prompts name combinations of colour, shape and motion that training never
showed. Everything is read off the pixels by ``measure.py``.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan

import measure
import sample
import world
from sheet import contact_sheet
from train_vae import psnr

ASPECTS = ("colour", "motion", "ground", "shape")


def prompts(count: int, seed: int, motions: list[str]) -> list[tuple[str, world.Scene, bool]]:
    """(prompt, scene, held out) with every prompt naming its ground, of these motions."""
    rng = random.Random(seed)
    unseen = [c for c in world.held_out_combinations() if c[2] in motions]
    rng.shuffle(unseen)
    items = []
    for i in range(count):
        if i % 2:
            colour, shape, motion = unseen[(i // 2) % len(unseen)]
            grounds = [g for g in world.GROUNDS if (colour, g) not in world.INVISIBLE]
            scene = world.Scene(colour, shape, motion, rng.choice(grounds), 15, 15)
        else:
            scene = world.sample_scene(rng)
            while scene.motion not in motions:
                scene = world.sample_scene(rng)
        text = world.caption(rng, scene, ground_left_out=0.0)
        while not says_motion(text):
            text = world.caption(rng, scene, ground_left_out=0.0)
        items.append((text, scene, bool(i % 2)))
    return items


def says_motion(text: str) -> bool:
    words = set(text.lower().replace(",", " ").replace(".", " ").split())
    verbs = set(world._GERUND) | {g.split()[0] for g in world._GERUND.values()} | {"not"}
    return bool(words & verbs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--guidance", type=float, nargs="+", default=[4.0])
    parser.add_argument("--motions", nargs="+", default=list(world.MOTIONS))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path, help="also write all the clips on a contact sheet")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    vae = AutoencoderKLWan.from_pretrained(str(args.model / "vae"), torch_dtype=torch.float32)
    quality = psnr(vae, count=32)
    print(f"VAE: {quality:.2f} dB on 32 unseen clips", flush=True)

    pipe = sample.load_pipeline(args.model)
    items = prompts(args.count, args.seed, args.motions)
    figures: dict = {"vae_psnr_db": round(quality, 2), "steps": args.steps, "prompts": args.count}
    for guidance in args.guidance:
        clips = np.concatenate([
            sample.generate(
                pipe, [t for t, _, _ in items[i : i + args.batch]], 1000 + i, args.steps, guidance
            )
            for i in range(0, len(items), args.batch)
        ])  # fmt: skip
        right = {a: {False: 0, True: 0} for a in ASPECTS}
        whole = {False: 0, True: 0}
        readings = []
        for clip, (text, scene, unseen) in zip(clips, items):
            reading = measure.read(clip)
            readings.append(reading)
            wrong = [a for a in ASPECTS if getattr(reading, a) != getattr(scene, a)]
            for a in ASPECTS:
                right[a][unseen] += a not in wrong
            whole[unseen] += not wrong
            for a in wrong:
                print(f"  {text!r}: {a} reads {getattr(reading, a)}")
        of = {False: sum(not u for *_, u in items), True: sum(u for *_, u in items)}
        print(f"guidance {guidance}, {args.steps} steps: seen / held out, of {of[False]} / {of[True]}")
        for name, tally in [*right.items(), ("all four", whole)]:
            print(f"  {name:9s} {tally[False]:3d} / {tally[True]:3d}   {sum(tally.values()) / len(items):.0%}")
        for kind in args.motions:
            of_kind = [i for i, (_, scene, _) in enumerate(items) if scene.motion == kind]
            good = sum(readings[i].motion == kind for i in of_kind)
            print(f"  motion {kind:8s} {good:2d} of {len(of_kind)}")
        print(flush=True)
        figures[f"guidance {guidance}"] = {
            name: {"seen": f"{t[False]}/{of[False]}", "held_out": f"{t[True]}/{of[True]}"}
            for name, t in [*right.items(), ("all four", whole)]
        }
        if args.sheet:
            contact_sheet([(c, t) for c, (t, _, _) in zip(clips, items)]).save(args.sheet)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
