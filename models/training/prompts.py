"""What the model was taught to draw, in words: the page's samples, its prompt builder and its dictionary.

Goes into ``zoetrope.json`` of the exported folder as ``prompts``.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import captions
import settings
import world
from grounds import GROUNDS
from sprites import COLOURS, SUBJECTS

SAMPLES = [
    "a red ball bounces left of a blue star at night",
    "a yellow fish moves right on the sea",
    "a purple rocket moves up at night",
    "an orange ghost flies in a circle in the sky",
    "a pink mushroom grows on the grass",
    "a white boat on the sea, the camera pans left",
]

# Wordings that say more than the first of `captions.MOTION_WORDS` does.
PHRASES = {"circles": "flies in a circle"}


def phrase(motion: str) -> str:
    """One wording of a motion, of those that captions have."""
    if motion in world.DIRECTIONS:
        return f"moves {' and '.join(motion.split())}"
    return PHRASES.get(motion, captions.MOTION_WORDS[motion][0])


def words_of(model: Path) -> list[str]:
    """The whole words among the tokenizer's pieces: it is made of the words of the captions."""
    vocab = json.loads((model / "tokenizer/tokenizer.json").read_text())["model"]["vocab"]
    return sorted(piece[1:] for piece, _ in vocab if re.fullmatch("▁[a-z]+", piece))


def prompts_block(model: Path) -> dict:
    """One wording of everything. What a model's tokenizer does not know is an error."""
    builder = {
        "colours": [captions.COLOUR_WORDS[colour][0] for colour in COLOURS],
        "subjects": [captions.SUBJECT_WORDS[subject][0] for subject in SUBJECTS],
        "motions": [phrase(motion) for motion in world.MOTIONS],
        "pairMotions": [phrase(motion) for motion in world.PAIR_MOTIONS],
        "relations": [captions.RELATION_WORDS[relation][0] for relation in world.RELATIONS],
        "grounds": [captions.GROUND_WORDS[ground][0] for ground in GROUNDS],
        "cameras": [captions.CAMERA_WORDS[camera][0] for camera in world.CAMERAS],
    }
    words = words_of(model)
    for text in (*SAMPLES, *(text for texts in builder.values() for text in texts)):
        unknown = set(re.findall("[a-z]+", text)) - set(words)
        if unknown:
            raise ValueError(f"{text!r} has words that the model does not know: {unknown}")
    return {"samples": SAMPLES, "builder": builder, "words": words}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(__file__).parent.parent / "pocket")
    args = parser.parse_args()
    settings.update(args.model, prompts=prompts_block(args.model))


if __name__ == "__main__":
    main()
