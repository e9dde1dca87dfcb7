"""The world the pocket model is trained on: small pixel-art clips and their captions.

Everything is drawn on a 32x32 grid with hard edges and enlarged twice by nearest
neighbour. The VAE folds 2x2 pixels into channels (``patch_size=2``), so what it sees
is exactly the grid: an easy picture to get sharp with a small network.

Motion is one grid cell per frame. A latent frame spans four frames and a latent cell
four grid cells, so a moving shape shifts by one latent cell per latent frame.

A scene is a function of a seed alone. Some (colour, shape, motion) combinations are
held out of training, so that evaluation can tell composition from memory.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

GRID = 32
SCALE = 2
SIZE = GRID * SCALE
FRAMES = 17
RADIUS = 6

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (226, 38, 44),
    "orange": (255, 136, 16),
    "yellow": (255, 226, 48),
    "green": (44, 184, 72),
    "blue": (48, 104, 250),
    "purple": (148, 56, 214),
    "pink": (255, 128, 196),
    "white": (252, 252, 252),
}

SHAPES = ("circle", "square", "triangle", "diamond", "cross", "heart", "ring")

MOTIONS = ("right", "left", "up", "down", "grows", "shrinks", "still", "bounces")

GROUNDS = ("black", "white", "grey", "navy", "sky", "sunset", "meadow")

# A shape nobody could see, or could barely see, is not drawn.
INVISIBLE = {("white", "white"), ("orange", "sunset")}


@dataclass(frozen=True)
class Scene:
    """What one clip shows. ``x`` and ``y`` are the centre of the path, in grid cells."""

    colour: str
    shape: str
    motion: str
    ground: str
    x: int
    y: int


def held_out(colour: str, shape: str, motion: str) -> bool:
    """True for the combinations that training never shows (about one in twenty-three)."""
    code = (
        5 * list(COLOURS).index(colour) + 3 * SHAPES.index(shape) + 7 * MOTIONS.index(motion)
    )
    return code % 23 == 4


def held_out_combinations() -> list[tuple[str, str, str]]:
    return [
        (c, s, m) for c in COLOURS for s in SHAPES for m in MOTIONS if held_out(c, s, m)
    ]


# --- drawing -------------------------------------------------------------------------


@lru_cache(maxsize=None)
def shape_mask(shape: str, r: int) -> np.ndarray:
    """The cells of a shape of radius ``r``, as a boolean square of side 2r+1."""
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    if shape == "circle":
        return x * x + y * y <= (r + 0.3) ** 2
    if shape == "square":
        return (abs(x) <= r - 1) & (abs(y) <= r - 1)
    if shape == "triangle":
        return abs(x) * 2 <= y + r
    if shape == "diamond":
        return abs(x) + abs(y) <= r
    if shape == "cross":
        arm = max(1, round(r / 3.5))
        return (abs(x) <= arm) | (abs(y) <= arm)
    if shape == "ring":
        d = x * x + y * y
        return (d <= (r + 0.3) ** 2) & (d > (r * 0.45) ** 2)
    if shape == "heart":
        u, v = x / (r + 0.2) * 1.2, -(y - 0.08 * r) / (r + 0.2) * 1.2
        return (u * u + v * v - 1) ** 3 - u * u * v**3 <= 0
    raise ValueError(shape)


@lru_cache(maxsize=None)
def sprite(shape: str, r: int, colour: str) -> tuple[np.ndarray, np.ndarray]:
    """Mask and picture of a shape: a plain fill with a darker outline one cell wide."""
    mask = shape_mask(shape, r)
    inside = np.pad(mask, 1)
    core = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:] & mask
    fill = np.array(COLOURS[colour], dtype=np.float32)
    picture = np.where(core[..., None], fill, fill * 0.62).round().astype(np.uint8)
    return mask, picture


def _grade(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> np.ndarray:
    t = np.linspace(0, 1, GRID, dtype=np.float32)[:, None, None]
    column = np.array(top, np.float32) * (1 - t) + np.array(bottom, np.float32) * t
    return np.repeat(column, GRID, axis=1).round().astype(np.uint8)


@lru_cache(maxsize=None)
def ground_picture(ground: str) -> np.ndarray:
    if ground == "black":
        return _grade((0, 0, 0), (0, 0, 0))
    if ground == "white":
        return _grade((252, 252, 252), (252, 252, 252))
    if ground == "grey":
        return _grade((128, 128, 128), (128, 128, 128))
    if ground == "navy":
        return _grade((14, 22, 74), (14, 22, 74))
    if ground == "sky":
        return _grade((84, 172, 240), (204, 236, 255))
    if ground == "sunset":
        return _grade((72, 36, 112), (255, 164, 96))
    if ground == "meadow":
        picture = _grade((132, 206, 250), (188, 230, 252))
        picture[24:] = (104, 176, 72)
        picture[24] = (72, 140, 56)
        return picture
    raise ValueError(ground)


def pose(scene: Scene, frame: int) -> tuple[int, int, int]:
    """Centre and radius of the shape in one frame, in whole grid cells."""
    shift = frame - FRAMES // 2
    if scene.motion == "right":
        return scene.x + shift, scene.y, RADIUS
    if scene.motion == "left":
        return scene.x - shift, scene.y, RADIUS
    if scene.motion == "down":
        return scene.x, scene.y + shift, RADIUS
    if scene.motion == "up":
        return scene.x, scene.y - shift, RADIUS
    if scene.motion == "grows":
        return scene.x, scene.y, 2 + frame * 3 // 8
    if scene.motion == "shrinks":
        return scene.x, scene.y, 2 + (FRAMES - 1 - frame) * 3 // 8
    if scene.motion == "still":
        return scene.x, scene.y, RADIUS
    if scene.motion == "bounces":
        # Two hops: down on the ground in frames 0, 8 and 16, highest between.
        height = round(8 * math.sin(math.pi * (frame % 8) / 8))
        return scene.x, scene.y + 4 - height, RADIUS
    raise ValueError(scene.motion)


def draw(scene: Scene, frames: int = FRAMES) -> np.ndarray:
    """The clip on the grid: uint8 [frames, 32, 32, 3]."""
    clip = np.repeat(ground_picture(scene.ground)[None], frames, axis=0)
    for f in range(frames):
        cx, cy, r = pose(scene, f)
        mask, picture = sprite(scene.shape, r, scene.colour)
        clip[f, cy - r : cy + r + 1, cx - r : cx + r + 1][mask] = picture[mask]
    return clip


def enlarge(clip: np.ndarray) -> np.ndarray:
    """Grid to pixels: [..., 32, 32, 3] to [..., 64, 64, 3]."""
    return clip.repeat(SCALE, axis=-3).repeat(SCALE, axis=-2)


# --- scenes --------------------------------------------------------------------------


def place(rng: random.Random, motion: str) -> tuple[int, int]:
    """A centre from which the whole motion stays in frame.

    Kept near the middle: the less is left to chance, the sooner a small model draws
    what the caption does say.
    """
    along, across = (15, 16), (13, 18)
    if motion in ("left", "right"):
        return rng.randint(*along), rng.randint(*across)
    if motion in ("up", "down", "bounces"):
        return rng.randint(*across), rng.randint(*along)
    return rng.randint(*across), rng.randint(*across)


def sample_scene(rng: random.Random) -> Scene:
    """A random scene, never a held-out or an invisible one."""
    while True:
        colour = rng.choice(list(COLOURS))
        shape, motion, ground = rng.choice(SHAPES), rng.choice(MOTIONS), rng.choice(GROUNDS)
        if (colour, ground) in INVISIBLE or held_out(colour, shape, motion):
            continue
        return Scene(colour, shape, motion, ground, *place(rng, motion))


# --- captions ------------------------------------------------------------------------

SHAPE_WORDS = {
    "circle": ["circle", "circle", "circle", "ball", "disc", "dot"],
    "square": ["square", "square", "square", "box", "block"],
    "triangle": ["triangle"],
    "diamond": ["diamond", "diamond", "diamond", "rhombus"],
    "cross": ["cross", "cross", "cross", "plus", "plus sign"],
    "heart": ["heart"],
    "ring": ["ring", "ring", "ring", "hoop", "donut"],
}

COLOUR_WORDS = {name: [name] for name in COLOURS}
COLOUR_WORDS["purple"] = ["purple", "purple", "purple", "violet"]
COLOUR_WORDS["red"] = ["red", "red", "red", "red", "scarlet"]

GROUND_WORDS = {
    "black": ["on black", "on a black background", "over black", "on a black ground", "in the dark"],
    "white": ["on white", "on a white background", "over white", "on a white ground"],
    "grey": ["on grey", "on gray", "on a grey background", "on a gray background", "over grey"],
    "navy": ["on navy", "on a navy background", "over navy blue", "on a dark blue background"],
    "sky": ["in the sky", "over a blue sky", "against the sky", "in a clear sky", "on a sky background"],
    "sunset": ["at sunset", "over a sunset sky", "against a sunset", "on a sunset background", "in the sunset"],
    "meadow": ["over a meadow", "in a meadow", "over green grass", "on a meadow background", "over the grass"],
}

_GERUND = {
    "moves": "moving", "slides": "sliding", "drifts": "drifting", "glides": "gliding",
    "goes": "going", "travels": "travelling", "floats": "floating", "flies": "flying",
    "rises": "rising", "climbs": "climbing", "falls": "falling", "sinks": "sinking",
    "drops": "dropping", "grows": "growing", "gets": "getting", "expands": "expanding",
    "becomes": "becoming", "shrinks": "shrinking", "stays": "staying", "stands": "standing",
    "rests": "resting", "sits": "sitting", "bounces": "bouncing", "hops": "hopping",
    "jumps": "jumping",
}  # fmt: skip


def motion_phrase(rng: random.Random, motion: str) -> str:
    """A finite phrase ("slides to the right") for a motion."""
    if motion in ("left", "right"):
        verb = rng.choice(["moves", "moves", "moves", "slides", "drifts", "glides", "goes", "travels", "floats", "flies"])
        other = "left" if motion == "right" else "right"
        way = rng.choice([
            motion, motion, f"to the {motion}", f"to the {motion}", f"{motion}wards", f"{motion}ward",
            f"towards the {motion}", f"from {other} to {motion}",
        ])  # fmt: skip
        return f"{verb} {way}"
    if motion in ("up", "down"):
        if rng.random() < 0.3:
            return rng.choice(["rises", "climbs"] if motion == "up" else ["falls", "sinks", "drops"])
        verb = rng.choice(["moves", "moves", "moves", "slides", "drifts", "glides", "goes", "travels", "floats", "flies"])
        far = "top" if motion == "up" else "bottom"
        way = rng.choice([motion, motion, motion, f"{motion}wards", f"{motion}ward", f"to the {far}"])
        return f"{verb} {way}"
    return rng.choice({
        "grows": ["grows", "grows", "gets bigger", "gets larger", "grows larger", "expands", "becomes bigger"],
        "shrinks": ["shrinks", "shrinks", "gets smaller", "becomes smaller", "shrinks away"],
        "still": ["stays still", "stays still", "does not move", "stands still", "rests", "sits still", "stays in place"],
        "bounces": ["bounces", "bounces", "bounces up and down", "hops", "jumps up and down", "hops up and down"],
    }[motion])  # fmt: skip


def gerund(phrase: str) -> str:
    verb, _, rest = phrase.partition(" ")
    if verb == "does":
        return phrase.replace("does not move", "not moving")
    return f"{_GERUND[verb]} {rest}".strip()


def filler(rng: random.Random) -> str:
    """A word that says nothing about the scene, half the time one that does not exist.

    Made-up words reach the network as single letters, as any word outside the vocabulary
    does, and teach it to pass over them.
    """
    if rng.random() < 0.5:
        return rng.choice(["little", "bright", "shiny", "pretty", "simple", "lonely", "plain"])
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))


def caption(rng: random.Random, scene: Scene, ground_left_out: float = 0.2) -> str:
    """One of many wordings of a scene; sometimes silent about the ground."""
    colour = rng.choice(COLOUR_WORDS[scene.colour])
    shape = rng.choice(SHAPE_WORDS[scene.shape])
    verb = motion_phrase(rng, scene.motion)
    if rng.random() < 0.08:
        colour = f"{filler(rng)} {colour}"
    if rng.random() < 0.05:
        verb += rng.choice([" gently", " smoothly", " steadily"])
    ground = "" if rng.random() < ground_left_out else rng.choice(GROUND_WORDS[scene.ground])
    article = "an" if colour[0] in "aeiou" else "a"
    noun = f"{article} {colour} {shape}"
    style = rng.random()
    if style < 0.5:
        text = f"{noun} {verb}"
    elif style < 0.65:
        text = f"{noun} {gerund(verb)}"
    elif style < 0.75:
        text = f"{colour} {shape} {gerund(verb)}"
    elif style < 0.82:
        text = f"{colour} {shape} {verb}"
    elif style < 0.88:
        text = f"the {colour} {shape} {verb}"
    elif style < 0.94:
        text = f"a {shape} that is {colour} {verb}"
    else:
        text = f"a video of {noun} {gerund(verb)}"
    if rng.random() < 0.04:
        text = noun
    if ground:
        if rng.random() < 0.12:
            text = f"{ground}, {text}"
        else:
            text = f"{text}{',' if rng.random() < 0.1 else ''} {ground}"
    if rng.random() < 0.2:
        text += "."
    if rng.random() < 0.15:
        text = text[0].upper() + text[1:]
    return text


def sample(seed: int) -> tuple[np.ndarray, str, Scene]:
    """Clip, caption and scene number ``seed``."""
    rng = random.Random(seed)
    scene = sample_scene(rng)
    return draw(scene), caption(rng, scene), scene


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the world.")
    parser.add_argument("--out", default="world.png")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--held-out", action="store_true", help="list the held-out combinations")
    args = parser.parse_args()
    if args.held_out:
        for c, s, m in held_out_combinations():
            print(c, s, m)
        return
    from sheet import contact_sheet

    items = [sample(seed) for seed in range(args.count)]
    contact_sheet([(enlarge(clip), text) for clip, text, _ in items]).save(args.out)


if __name__ == "__main__":
    main()
