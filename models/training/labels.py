"""What is where in a clip, and what its caption says: the answers of the lessons.

See ``lessons.py``. The world is drawn, so the answers are known exactly.
"""

from __future__ import annotations

import numpy as np

import world
from sprites import COLOURS, SUBJECTS, scaled

# A sprite is parted so often across and down.
PARTS = 4

# Of a latent: its subject, the subject's colour, and which part of the sprite it shows, across and
# down. The ground is class 0 of each.
CLASSES = (1 + len(SUBJECTS), 1 + len(COLOURS), 1 + PARTS, 1 + PARTS)

# What the words for a subject and its colour stand for: where it is as seen from the other ("": it is
# alone), what it is, its colour, and what it does.
PLACES = ("", *world.RELATIONS)
KINDS = (*world.MOTIONS, *world.CAMERAS)
WORD_CLASSES = (len(PLACES), *CLASSES[:2], len(KINDS))
OPPOSITE = {"": "", "left": "right", "right": "left", "above": "below", "below": "above"}

CELLS = world.GRID // 12


def draw_places(scene: world.Scene, frame: int) -> np.ndarray:
    """uint8 [48, 48, 3]: 1 and 2 where the first and the second subject are seen, and which part of it.

    Parts are the sprite's own: a fish's head is the same whichever way it swims.
    """
    canvas = np.zeros((world.GRID, world.GRID, 3), np.uint8)
    things = [(1, scene.subject, scene.colour, world.pose(scene, frame))]
    if scene.relation:
        things.insert(0, (2, scene.subject2, scene.colour2, world.pose2(scene)))
    for number, subject, colour, at in things:
        mask, _ = scaled(subject, colour, at.width, at.height, at.mirrored)
        left, top = at.x - at.width // 2, at.y - at.height // 2
        across, down = (1 + np.arange(n) * PARTS // n for n in (at.width, at.height))
        shown = np.empty((at.height, at.width, 3), np.uint8)
        shown[..., 0] = number
        shown[..., 1] = across[::-1] if at.mirrored else across
        shown[..., 2] = down[:, None]
        canvas[top : top + at.height, left : left + at.width][mask] = shown[mask]
    return world.look(canvas, world.view(scene, frame))


def summed(cells: np.ndarray) -> np.ndarray:
    """[frames, 48, 48] to the sums over what each latent stands for, [7, 12, 12]."""
    blocks = cells.reshape(world.FRAMES, 12, CELLS, 12, CELLS).sum((2, 4), dtype=np.int64)
    # The first latent frame is one frame, every other one four.
    return np.concatenate([blocks[:1], blocks[1:].reshape(-1, 4, 12, 12).sum(1)])


def label(scene: world.Scene) -> np.ndarray:
    """uint8 [7, 12, 12, 4]: classes of each latent, by most of the cells that are no ground; of parts, the mean."""
    places = np.stack([draw_places(scene, f) for f in range(world.FRAMES)])
    shown = [places[..., 0] == number for number in (1, 2)]
    counts = np.stack([summed(cells) for cells in shown])
    most = counts.argmax(0)
    is_ground = counts.sum(0) == 0
    parts = []
    for axis in (1, 2):
        sums = np.stack([summed(cells * places[..., axis]) for cells in shown])
        means = np.rint(sums / np.maximum(counts, 1))
        parts.append(np.where(most == 0, *means))
    names = np.array(named(scene))[most]
    answers = np.concatenate([names, np.stack(parts, -1)], -1)
    answers[is_ground] = 0
    return answers.astype(np.uint8)


def named(scene: world.Scene) -> list[tuple[int, int]]:
    """Classes of the first and the second subject and of their colours."""
    return [
        (1 + SUBJECTS.index(subject), 1 + list(COLOURS).index(colour)) if subject else (0, 0)
        for subject, colour in ((scene.subject, scene.colour), (scene.subject2, scene.colour2))
    ]


def word_labels(scene: world.Scene) -> list[tuple[int, ...]]:
    """For the first and the second subject, one class of each of ``WORD_CLASSES``."""
    first, second = named(scene)
    rests = KINDS.index("still")
    return [
        (PLACES.index(scene.relation), *first, KINDS.index(scene.motion)),
        (PLACES.index(OPPOSITE[scene.relation]), *second, rests),
    ]
