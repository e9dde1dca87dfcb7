"""Score the shipped model: does a clip show what its prompt says?

Two hundred prompts of combinations that training never showed, at the model's own settings,
read off the pixels by ``measure.py``. With ``--frames`` the clips are not made here but read
from a folder that another runtime wrote (NNN/frame-NNN.png for each prompt of ``--prompts``).
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from PIL import Image

import measure
import sample
import settings
import world
from captions import caption
from sheet import contact_sheet
from train_vae import psnr

SEED = 1000

GOALS = {
    "vae_psnr_db": 32.0,
    "colour": 0.97,
    "motion": 0.90,
    "subject": 0.85,
    "pair_colour_binding": 0.75,
}


@dataclass(frozen=True)
class Item:
    prompt: str
    scene: world.Scene
    seed: int


def items(count: int, seed: int = 11, pairs: float = 0.35) -> list[Item]:
    """Prompts that name everything, of held-out combinations, with the seeds of their noise."""
    rng = random.Random(seed)
    scenes = [world.sample_scene(rng, pairs, held=True) for _ in range(count)]
    return [Item(caption(rng, s, ground_left_out=0), s, SEED + i) for i, s in enumerate(scenes)]


def matched(reading: measure.Reading, scene: world.Scene) -> list[measure.Thing | None]:
    """What was read for each subject of the scene, by the subject that it looks like."""
    things = list(reading.things)
    if not scene.relation:
        return [things[0] if things else None]
    if len(things) < 2:
        return [things[0] if things else None, None]
    likeness = lambda pair: (pair[0].subject == scene.subject) + (pair[1].subject == scene.subject2)  # noqa: E731
    # Where neither looks like it, the places that the prompt gives decide.
    placed = things if scene.relation in ("left", "above") else things[::-1]
    return max((placed, placed[::-1]), key=likeness)


def judge(reading: measure.Reading, scene: world.Scene) -> dict[str, bool]:
    """Which figures of this prompt are right; names are those of the figures."""
    camera = scene.motion if scene.motion in world.CAMERAS else ""
    count = 2 if scene.relation else 1
    first, *rest = matched(reading, scene)
    right = {"count": len(reading.things) == count, "ground": reading.ground == scene.ground}
    is_motion = first is not None and not reading.camera and first.motion == scene.motion
    if not rest:
        right["colour"] = first is not None and first.colour == scene.colour
        right["subject"] = first is not None and first.subject == scene.subject
        right["camera" if camera else "motion"] = reading.camera == camera if camera else is_motion
        return right
    (second,) = rest
    both = first is not None and second is not None
    right["pair_colour_binding"] = both and (first.colour, second.colour) == (scene.colour, scene.colour2)
    right["pair_subjects"] = both and (first.subject, second.subject) == (scene.subject, scene.subject2)
    right["pair_motion"] = is_motion
    right["pair_relation"] = both and measure.relation(first, second) == scene.relation
    return right


def restlessness(clip: np.ndarray) -> float:
    """Mean absolute second difference over time, of 255: flicker, and honest acceleration."""
    grid = measure.shrink(clip)
    return float(np.abs(grid[2:] - 2 * grid[1:-1] + grid[:-2]).mean())


def figures(clips: list[np.ndarray], prompts: list[Item], wrong: bool = False) -> dict[str, float]:
    """Shares of right answers, and how calm clips are beside drawn ones (1: as calm); ``wrong`` prints the others."""
    tally: dict[str, list[bool]] = {}
    for number, (clip, item) in enumerate(zip(clips, prompts)):
        reading = measure.read(clip)
        judged = judge(reading, item.scene)
        for name, right in judged.items():
            tally.setdefault(name, []).append(right)
        if wrong and not all(judged.values()):
            names = ", ".join(name for name, right in judged.items() if not right)
            things = "; ".join(f"{t.colour} {t.subject} {t.motion}" for t in reading.things)
            print(f"{number:03d} {names}: {item.prompt!r} reads as {things or 'nothing'}", flush=True)
    drawn = np.mean([restlessness(world.enlarge(world.draw(i.scene))) for i in prompts])
    made = np.mean([restlessness(c) for c in clips])
    result = {name: float(np.mean(rights)) for name, rights in sorted(tally.items())}
    return {**result, "temporal_smoothness": float(drawn / max(made, 1e-6))}


def read_frames(folder: Path, count: int) -> list[np.ndarray]:
    clips = []
    for i in range(count):
        frames = sorted((folder / f"{i:03d}").glob("*.png"))
        clips.append(np.stack([np.asarray(Image.open(f).convert("RGB")) for f in frames]))
    return clips


def table(rows: list[dict]) -> str:
    """The figures as the model card has them."""
    lines = ["| figure | reached | goal |", "|---|---|---|"]
    for row in rows:
        unit = (lambda v: f"{v:.1f} dB") if row["name"].endswith("_db") else lambda v: f"{100 * v:.0f} %"
        goal = "" if row["goal"] is None else unit(row["goal"]) + ("" if row["holds"] else " (missed)")
        value = f"{row['value']:.2f}" if row["name"] == "temporal_smoothness" else unit(row["value"])
        lines.append(f"| {row['name'].replace('_', ' ')} | {value} | {goal} |")
    return "\n".join(lines)


def write_card(card: Path, rows: list[dict]) -> None:
    """Put the figures between the card's two marks."""
    start, end = "<!-- figures -->", "<!-- /figures -->"
    before, _, rest = card.read_text().partition(start)
    card.write_text(f"{before}{start}\n{table(rows)}\n{end}{rest.partition(end)[2]}")


def commit() -> str:
    result = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return result.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--steps", type=int, help="instead of the model's own")
    parser.add_argument("--guidance", type=float, help="instead of the model's own")
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompts", type=Path, help="write the prompts and seeds here as JSON, and end")
    parser.add_argument("--frames", type=Path, help="read the clips from this folder")
    parser.add_argument("--device", default=f"{platform.machine()} CPU, torch {torch.__version__}")
    parser.add_argument("--wrong", action="store_true", help="print what is wrong in which clip")
    parser.add_argument("--sheet", type=Path, help="write the first 24 clips, unpicked, as a picture")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--card", type=Path, help="write the figures into this model card")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    prompts = items(args.count)
    if args.prompts:
        args.prompts.write_text(
            json.dumps([{"prompt": i.prompt, "seed": i.seed} for i in prompts], indent=2) + "\n"
        )
        return
    vae = AutoencoderKLWan.from_pretrained(str(args.model / "vae"), torch_dtype=torch.float32)
    measured = {"vae_psnr_db": psnr(vae, count=32)}
    if args.frames:
        clips = read_frames(args.frames, args.count)
    else:
        own = settings.read(args.model)
        pipe = sample.load_pipeline(args.model)
        steps = args.steps or own["numInferenceSteps"]
        guidance = own["guidanceScale"] if args.guidance is None else args.guidance
        clips = []
        for i in range(0, args.count, args.batch):
            batch = [p.prompt for p in prompts[i : i + args.batch]]
            clips += list(sample.generate(pipe, batch, prompts[i].seed, steps, guidance))
    measured |= figures(clips, prompts, args.wrong)
    rows = []
    for name, value in measured.items():
        goal = GOALS.get(name)
        rows.append({
            "name": name, "value": round(value, 4), "goal": goal,
            "holds": None if goal is None else value >= goal,
        })  # fmt: skip
        print(f"{name:22s} {value:8.3f}" + ("" if goal is None else f"   goal {goal:g}"), flush=True)
    if args.sheet:
        contact_sheet([(c, i.prompt) for c, i in zip(clips[:24], prompts)]).save(args.sheet)
    if args.card:
        write_card(args.card, rows)
    if args.json:
        report = {"figures": rows, "prompts": args.count, "device": args.device, "commit": commit()}
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
