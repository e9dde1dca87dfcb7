"""The world the pocket model is trained on: small pixel-art clips, each a function of a seed.

Everything is drawn on a 48x48 grid with hard edges and enlarged twice by nearest neighbour.
The VAE folds 2x2 pixels into channels (``patch_size=2``), so what it sees is exactly the
grid: an easy picture to get sharp with a small network.

Straight motions go one cell a frame, and places differ by four cells. A latent frame spans
four frames and a latent four cells, so a moving subject shifts by one latent per latent
frame, and the model need not learn it at every offset between latents.

Some combinations are held out of training, so that evaluation can tell composition from
memory: see ``held_out`` and ``held_out_pair``.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass, replace

import numpy as np

from grounds import GRID, GROUNDS, ground_picture
from sprites import COLOURS, SIDE, SUBJECTS, nearest, scaled

SCALE = 2
SIZE = GRID * SCALE
FRAMES = 25
MIDDLE = FRAMES // 2

DIRECTIONS = {
    "right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1),
    "up right": (1, -1), "up left": (-1, -1), "down right": (1, 1), "down left": (-1, 1),
}  # fmt: skip

CAMERAS = ("pan left", "pan right", "zoom in", "zoom out")

MOTIONS = (*DIRECTIONS, "bounces", "spins", "grows", "shrinks", "circles", "zigzags", "falls", "still")

RELATIONS = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}

# Share of clips that show two subjects.
PAIRS = 0.3

# What the first of two subjects may do, staying on its side of the picture.
PAIR_MOTIONS = ("still", "bounces", "spins", "grows", "shrinks")
BESIDE_MOTIONS = (*PAIR_MOTIONS, "up", "down")

# Subjects that could hardly be told from their ground.
INVISIBLE = {("white", "sky"), ("blue", "sea"), ("orange", "sunset"), ("green", "grass"), ("cyan", "sky")}


@dataclass(frozen=True)
class Scene:
    """What one clip shows. ``x`` and ``y`` are the middle of the first subject's path, in cells.

    ``motion`` is the subject's or, for the names in ``CAMERAS``, the camera's. ``relation`` says
    where the first subject is as seen from the second, which rests; it is empty without one.
    """

    colour: str
    subject: str
    motion: str
    ground: str
    x: int = GRID // 2
    y: int = GRID // 2
    relation: str = ""
    colour2: str = ""
    subject2: str = ""


@dataclass(frozen=True)
class Pose:
    """Centre, size in cells, and facing of a subject in one frame."""

    x: int
    y: int
    width: int = SIDE
    height: int = SIDE
    mirrored: bool = False


# --- what is held out ------------------------------------------------------------------


def held_out(colour: str, subject: str, motion: str) -> bool:
    """True for the combinations that training never shows of one subject (one in twenty-three)."""
    kinds = (*MOTIONS, *CAMERAS)
    code = 5 * list(COLOURS).index(colour) + 3 * SUBJECTS.index(subject) + 7 * kinds.index(motion)
    return code % 23 == 4


def held_out_pair(colour: str, subject: str, colour2: str, subject2: str) -> bool:
    """True for the pairs that training never shows (one in eleven)."""
    names = list(COLOURS)
    code = (
        3 * names.index(colour) + 5 * SUBJECTS.index(subject)
        + 7 * names.index(colour2) + 4 * SUBJECTS.index(subject2)
    )  # fmt: skip
    return code % 11 == 3


def is_held_out(scene: Scene) -> bool:
    if scene.relation:
        return held_out_pair(scene.colour, scene.subject, scene.colour2, scene.subject2)
    return held_out(scene.colour, scene.subject, scene.motion)


def is_visible(scene: Scene) -> bool:
    pairs = {(scene.colour, scene.ground), (scene.colour2, scene.ground)}
    # On plain black nothing shows that the camera moves.
    return not pairs & INVISIBLE and not (scene.motion in CAMERAS and scene.ground == "black")


# --- motion ----------------------------------------------------------------------------


def pose(scene: Scene, frame: int) -> Pose:
    """The first subject in one frame, before the camera."""
    x, y, motion = scene.x, scene.y, scene.motion
    shift = frame - MIDDLE
    if motion in DIRECTIONS:
        dx, dy = DIRECTIONS[motion]
        return Pose(x + dx * shift, y + dy * shift, mirrored=dx < 0)
    if motion == "bounces":
        # Three hops of eight frames; on the ground in frames 0, 8, 16 and 24.
        high = 8 if scene.relation else 12
        return Pose(x, y + high // 2 - round(high * math.sin(math.pi * (frame % 8) / 8)))
    if motion == "spins":
        # About its upright axis, as coins do in games: half a turn every eight frames.
        turn = math.cos(math.pi * frame / 8)
        return Pose(x, y, width=max(2, round(abs(turn) * SIDE)), mirrored=turn < 0)
    if motion in ("grows", "shrinks"):
        step = frame if motion == "grows" else FRAMES - 1 - frame
        side = 4 + step // 2 if scene.relation else 6 + step * 2 // 3
        return Pose(x, y, side, side)
    if motion == "circles":
        angle = 2 * math.pi * shift / (FRAMES - 1)
        return Pose(x - round(10 * math.sin(angle)), y + round(10 * math.cos(angle)), mirrored=False)
    if motion == "zigzags":
        swing = frame % 16
        return Pose(x + shift, y + (swing - 4 if swing <= 8 else 12 - swing))
    if motion == "falls":
        # Faster and faster, until it lies on the lower edge.
        return Pose(x, min(SIDE // 2 + round(frame * frame / 7), GRID - SIDE // 2))
    return Pose(x, y)


def pose2(scene: Scene) -> Pose:
    """The second subject, which rests."""
    dx, dy = RELATIONS[scene.relation]
    return Pose(scene.x - 24 * dx, scene.y - 24 * dy)


def view(scene: Scene, frame: int) -> tuple[int, float]:
    """The camera in one frame: cells it has gone to the right, and its magnification."""
    shift = frame - MIDDLE
    if scene.motion == "pan right":
        return shift, 1.0
    if scene.motion == "pan left":
        return -shift, 1.0
    if scene.motion in ("zoom in", "zoom out"):
        step = frame if scene.motion == "zoom in" else FRAMES - 1 - frame
        return 0, GRID / (GRID - 2 * (step // 3))
    return 0, 1.0


def look(picture: np.ndarray, seen: tuple[int, float]) -> np.ndarray:
    """What the camera sees of a picture of the whole scene, [48, 48, ...]."""
    pan, zoom = seen
    if pan:
        picture = np.roll(picture, -pan, axis=1)
    if zoom != 1.0:
        side = round(GRID / zoom)
        cells = (GRID - side) // 2 + nearest(side, GRID)
        picture = picture[np.ix_(cells, cells)]
    return picture


# --- drawing ---------------------------------------------------------------------------


def put(canvas: np.ndarray, subject: str, colour: str, at: Pose) -> None:
    """Draw a subject where all of it is in the picture."""
    mask, picture = scaled(subject, colour, at.width, at.height, at.mirrored)
    left, top = at.x - at.width // 2, at.y - at.height // 2
    canvas[top : top + at.height, left : left + at.width][mask] = picture[mask]


def draw_ground(scene: Scene, frame: int, phase: int | None = None) -> np.ndarray:
    """What the camera sees without subjects; ``phase`` is the frame of waves and stars, if another."""
    return look(ground_picture(scene.ground, frame if phase is None else phase), view(scene, frame))


def draw_frame(scene: Scene, frame: int) -> np.ndarray:
    canvas = ground_picture(scene.ground, frame).copy()
    if scene.relation:
        put(canvas, scene.subject2, scene.colour2, pose2(scene))
    put(canvas, scene.subject, scene.colour, pose(scene, frame))
    return look(canvas, view(scene, frame))


def draw(scene: Scene, frames: range = range(FRAMES)) -> np.ndarray:
    """The clip on the grid: uint8 [frames, 48, 48, 3]."""
    return np.stack([draw_frame(scene, f) for f in frames])


def enlarge(clip: np.ndarray) -> np.ndarray:
    """Grid to pixels: [..., 48, 48, 3] to [..., 96, 96, 3]."""
    return clip.repeat(SCALE, axis=-3).repeat(SCALE, axis=-2)


# --- scenes ----------------------------------------------------------------------------


def placed(rng: random.Random, scene: Scene) -> Scene:
    """The scene at one of a few places, from which all of the motion stays in the picture.

    Three are enough for clips of one prompt to differ. The less is left to chance, the sooner a
    small model draws what the caption does say.
    """
    middle, off = GRID // 2, rng.choice((-4, 0, 4))
    if scene.relation:
        dx, dy = RELATIONS[scene.relation]
        across = 0 if scene.motion in ("up", "down") else off
        return replace(
            scene,
            x=middle + 12 * dx + (across if dy else 0),
            y=middle + 12 * dy + (across if dx else 0),
        )
    if scene.motion in CAMERAS:
        return replace(scene, x=middle, y=middle)
    if scene.motion in ("left", "right", "zigzags"):
        return replace(scene, x=middle, y=middle + off)
    return replace(scene, x=middle + off, y=middle)


def draw_lots(rng: random.Random, pairs: float = PAIRS, cameras: float = 0.12) -> Scene:
    """Any scene at all, one subject or two."""
    colours = list(COLOURS)
    colour, subject, ground = rng.choice(colours), rng.choice(SUBJECTS), rng.choice(GROUNDS)
    if rng.random() < pairs:
        relation = rng.choice(list(RELATIONS))
        beside = RELATIONS[relation][1] == 0
        return placed(
            rng,
            Scene(
                colour, subject, rng.choice(BESIDE_MOTIONS if beside else PAIR_MOTIONS), ground,
                relation=relation,
                colour2=rng.choice([c for c in colours if c != colour]),
                subject2=rng.choice([s for s in SUBJECTS if s != subject]),
            ),
        )  # fmt: skip
    motion = rng.choice(CAMERAS if rng.random() < cameras else MOTIONS)
    return placed(rng, Scene(colour, subject, motion, ground))


def sample_scene(rng: random.Random, pairs: float = PAIRS, held: bool = False) -> Scene:
    """A visible scene; a held-out one if ``held``, else one of those that training shows."""
    while True:
        scene = draw_lots(rng, pairs)
        if is_visible(scene) and is_held_out(scene) == held:
            return scene


def sample(seed: int) -> tuple[np.ndarray, str, Scene]:
    """Clip, caption and scene number ``seed``."""
    from captions import caption

    rng = random.Random(seed)
    scene = sample_scene(rng)
    return draw(scene), caption(rng, scene), scene


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the world.")
    parser.add_argument("--out", default="world.png")
    parser.add_argument("--count", type=int, default=24)
    args = parser.parse_args()
    from sheet import contact_sheet

    items = [sample(seed) for seed in range(args.count)]
    contact_sheet([(enlarge(clip), text) for clip, text, _ in items]).save(args.out)


if __name__ == "__main__":
    main()
