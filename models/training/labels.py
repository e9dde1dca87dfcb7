"""What is where in a clip, and what its caption says: the answers of the lessons.

See ``lessons.py``. The world is drawn, so the answers are known exactly.
"""

from __future__ import annotations

import numpy as np

import world
from sprites import COLOURS, SUBJECTS, scaled

# The ground, which is neither, is class 0.
CLASSES = (1 + len(SUBJECTS), 1 + len(COLOURS))

# What the words for a subject and its colour stand for: where it is as seen from the other ("": it is
# alone), what it is, its colour, and what it does.
PLACES = ("", *world.RELATIONS)
KINDS = (*world.MOTIONS, *world.CAMERAS)
WORD_CLASSES = (len(PLACES), *CLASSES, len(KINDS))
OPPOSITE = {"": "", "left": "right", "right": "left", "above": "below", "below": "above"}

CELLS = world.GRID // 12


def draw_places(scene: world.Scene, frame: int) -> np.ndarray:
    """uint8 [48, 48]: 1 and 2 where the first and the second subject are seen."""
    canvas = np.zeros((world.GRID, world.GRID), np.uint8)
    things = [(1, scene.subject, scene.colour, world.pose(scene, frame))]
    if scene.relation:
        things.insert(0, (2, scene.subject2, scene.colour2, world.pose2(scene)))
    for number, subject, colour, at in things:
        mask, _ = scaled(subject, colour, at.width, at.height, at.mirrored)
        left, top = at.x - at.width // 2, at.y - at.height // 2
        canvas[top : top + at.height, left : left + at.width][mask] = number
    return world.look(canvas, world.view(scene, frame))


def label(scene: world.Scene) -> np.ndarray:
    """uint8 [7, 12, 12, 2]: subject and colour of each latent, by most of the cells that are no ground."""
    places = np.stack([draw_places(scene, f) for f in range(world.FRAMES)])
    counts = np.stack([
        (places == number).reshape(world.FRAMES, 12, CELLS, 12, CELLS).sum((2, 4)) for number in (1, 2)
    ])  # fmt: skip
    # The first latent frame is one frame, every other one four.
    counts = np.concatenate([counts[:, :1], counts[:, 1:].reshape(2, -1, 4, 12, 12).sum(2)], 1)
    which = np.where(counts.sum(0) == 0, 0, 1 + counts.argmax(0))
    return np.array([(0, 0), *named(scene)], np.uint8)[which]


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
