"""What the model was taught to draw, in words: the page's samples, its prompt builder and its dictionary.

Goes into ``zoetrope.json`` of the exported folder as ``prompts``.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import world

SAMPLES = [
    "a red circle moves right",
    "a yellow circle falls at sunset",
    "a purple ball rises over a meadow",
    "a pink heart moves left on navy",
]

# One or two of the wordings of `world.motion_phrase` a motion.
PHRASES = {
    "right": ["moves right", "slides to the right"],
    "left": ["moves left", "slides to the left"],
    "up": ["moves up", "rises"],
    "down": ["moves down", "falls"],
    "grows": ["grows"],
    "shrinks": ["shrinks"],
    "still": ["stays still"],
    "bounces": ["bounces"],
}


def words_of(model: Path) -> list[str]:
    """The whole words among the tokenizer's pieces: it is made of the words of the captions."""
    vocab = json.loads((model / "tokenizer/tokenizer.json").read_text())["model"]["vocab"]
    return sorted(piece[1:] for piece, _ in vocab if re.fullmatch("▁[a-z]+", piece))


def prompts_block(model: Path) -> dict:
    """One subject at a time, and a camera that stands still: there are no relations and no cameras."""
    subjects = [noun for shape in world.SHAPES for noun in world.SHAPE_WORDS[shape]]
    builder = {
        "colours": list(world.COLOURS),
        "subjects": list(dict.fromkeys(subjects)),
        "motions": [phrase for motion in world.MOTIONS for phrase in PHRASES[motion]],
        "relations": [],
        "grounds": [world.GROUND_WORDS[ground][0] for ground in world.GROUNDS],
        "cameras": [],
    }
    words = words_of(model)
    for text in (*SAMPLES, *(text for texts in builder.values() for text in texts)):
        unknown = set(re.findall("[a-z]+", text)) - set(words)
        if unknown:
            raise ValueError(f"{text!r} has words that the model does not know: {unknown}")
    return {"samples": SAMPLES, "builder": builder, "words": words}


def as_text(settings: dict) -> str:
    """JSON with each list of numbers or strings on a line."""
    text = json.dumps(settings, indent=2, ensure_ascii=False)
    innermost = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")
    return innermost.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    args = parser.parse_args()
    path = args.model / "zoetrope.json"
    settings = json.loads(path.read_text())
    colours = settings.pop("latentColours", None)
    settings["prompts"] = prompts_block(args.model)
    if colours:
        settings["latentColours"] = colours
    path.write_text(as_text(settings))


if __name__ == "__main__":
    main()
