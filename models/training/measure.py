"""Read off the pixels of a clip what it shows: subjects, colours, motion, places, ground.

Works on the 48x48 grid and knows nothing about the prompt, so that the same code judges
drawn clips (which it must get right: ``test_measure.py``) and generated ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

import world
from grounds import GROUNDS, ground_picture
from sprites import COLOURS, SIDE, SUBJECTS, nearest, sprite

PHASES = 8
# Cells that differ from the ground by more than this, of 255, belong to a subject.
DIFFERENT = 44
# Smaller specks are no subjects.
SPECK = 12


@dataclass(frozen=True)
class Thing:
    """A subject in the clip; ``x`` and ``y`` are its mean centre, in cells."""

    colour: str
    subject: str
    motion: str
    x: float
    y: float


@dataclass(frozen=True)
class Reading:
    """``camera`` is empty when it rests; ``things`` go from left to right or from top to bottom."""

    ground: str
    camera: str
    things: tuple[Thing, ...]


def shrink(clip: np.ndarray) -> np.ndarray:
    """Pixels [t, 96, 96, 3] to the mean of each grid cell, float [t, 48, 48, 3]."""
    t, h, w, _ = clip.shape
    return clip.reshape(t, h // 2, 2, w // 2, 2, 3).astype(np.float32).mean(axis=(2, 4))


# --- ground and camera -----------------------------------------------------------------


def seen_ground(ground: str, camera: str, frame: int, phase: int) -> np.ndarray:
    scene = world.Scene("red", "ball", camera or "still", ground)
    return world.draw_ground(scene, frame, phase)


@lru_cache(maxsize=None)
def _ground_clips() -> tuple[tuple[str, str, np.ndarray], ...]:
    return tuple(
        (g, c, np.stack([seen_ground(g, c, f, f) for f in range(world.FRAMES)]).astype(np.float32))
        for g in GROUNDS
        for c in (("",) if g == "black" else ("", *world.CAMERAS))
    )


def read_ground(grid: np.ndarray) -> tuple[str, str]:
    """The ground and the camera that most cells agree with, over all frames."""
    agree = [(np.abs(grid - clip).max(-1) < 28).mean() for _, _, clip in _ground_clips()]
    best = int(np.argmax(agree))
    return _ground_clips()[best][:2]


@lru_cache(maxsize=None)
def _phases(ground: str, camera: str) -> np.ndarray:
    """[phases, frames, 48, 48, 3]: waves and stars that are out of step are ground all the same."""
    return np.stack([
        [seen_ground(ground, camera, f, p) for f in range(world.FRAMES)] for p in range(PHASES)
    ]).astype(np.float32)  # fmt: skip


def foreground(grid: np.ndarray, ground: str, camera: str) -> np.ndarray:
    """bool [frames, 48, 48]: cells that no phase of the ground explains."""
    return np.abs(_phases(ground, camera) - grid).max(-1).min(0) > DIFFERENT


# --- subjects --------------------------------------------------------------------------


@dataclass(frozen=True)
class Blob:
    frame: int
    mask: np.ndarray
    top: int
    bottom: int
    left: int
    right: int

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def blobs(mask: np.ndarray, frame: int) -> list[Blob]:
    """Connected parts of one frame, largest first; gaps of one cell do not part them."""
    labels, count = ndimage.label(ndimage.binary_dilation(mask), np.ones((3, 3)))
    found = []
    for label in range(1, count + 1):
        part = mask & (labels == label)
        if part.sum() < SPECK:
            continue
        ys, xs = np.nonzero(part)
        found.append(Blob(frame, part, ys.min(), ys.max() + 1, xs.min(), xs.max() + 1))
    return sorted(found, key=lambda b: -int(b.mask.sum()))


def tracks(mask: np.ndarray) -> list[list[Blob]]:
    """The blobs of each subject over the frames: none, one or two tracks."""
    frames = [blobs(m, f) for f, m in enumerate(mask)]
    seen = [f for f in frames if f]
    if len(seen) < len(frames) // 2:
        return []
    pairs = [f[:2] for f in frames if len(f) >= 2]
    if len(pairs) <= len(seen) // 2:
        return [[f[0] for f in seen]]
    apart = np.abs([np.subtract(a.centre, b.centre) for a, b in pairs]).mean(0)
    axis = int(apart[1] > apart[0])
    middle = np.mean([(a.centre[axis] + b.centre[axis]) / 2 for a, b in pairs])
    sides: list[list[Blob]] = [[], []]
    for frame in frames:
        for side in (0, 1):
            there = [b for b in frame if (b.centre[axis] > middle) == bool(side)]
            sides[side] += there[:1]
    return [side for side in sides if side]


def read_colour(grid: np.ndarray, track: list[Blob]) -> str:
    """Vote of the cells; outlines, shade and light are not taken for another colour."""
    cells = np.concatenate([grid[b.frame][b.mask] for b in track])
    fills = np.array(list(COLOURS.values()), np.float32)
    distance = np.sqrt(((cells[:, None] - fills) ** 2).sum(-1))
    votes = np.exp(-((distance / 32) ** 2)).sum(0)
    return list(COLOURS)[int(votes.argmax())]


@lru_cache(maxsize=4096)
def _template(
    subject: str, colour: str, mirrored: bool, behind: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """What can be seen of a sprite before a ground of this colour, cut to its box."""
    mask, picture = sprite(subject, colour)
    picture = picture.astype(np.float32)
    mask = mask & (np.abs(picture - behind).max(-1) > DIFFERENT)
    ys, xs = np.nonzero(mask)
    box = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    mask, picture = mask[box], picture[box]
    return (mask[:, ::-1], picture[:, ::-1]) if mirrored else (mask, picture)


# A blob's nine boxes have five sizes.
@lru_cache(maxsize=64)
def _templates(
    colour: str, behind: tuple[int, int, int], height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every subject facing either way, at this size: masks [n, h, w] and pictures [n, h, w, 3]."""
    masks, pictures = [], []
    for subject in SUBJECTS:
        for mirrored in (False, True):
            mask, picture = _template(subject, colour, mirrored, behind)
            cells = np.ix_(nearest(mask.shape[0], height), nearest(mask.shape[1], width))
            masks.append(mask[cells])
            pictures.append(picture[cells])
    return np.stack(masks), np.stack(pictures)


def _boxes(blob: Blob) -> list[tuple[slice, slice]]:
    """The blob's box, and those with one edge a cell farther in or out: a speck moves the edge it is at."""
    found = []
    for edge, step in ((0, 0), *((edge, step) for edge in range(4) for step in (-1, 1))):
        edges = [blob.top, blob.bottom, blob.left, blob.right]
        edges[edge] = min(max(edges[edge] + step, 0), world.GRID)
        found.append(np.s_[edges[0] : edges[1], edges[2] : edges[3]])
    return found


def _clearest(track: list[Blob], count: int = 6) -> list[Blob]:
    """Blobs spread over the time in which the subject is not much smaller than at its largest."""
    areas = np.array([b.mask.sum() for b in track])
    # Not the largest itself: it may be that large by something that sticks to it.
    large = np.sort(areas)[-3:].min()
    chosen = [b for b, area in zip(track, areas) if area >= 0.6 * large]
    return [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, count).round().astype(int))]


def read_subject(grid: np.ndarray, track: list[Blob], colour: str, ground: str) -> str:
    """Best agreement in outline and in picture with a subject of that size, over some of the blobs."""
    score = np.zeros(len(SUBJECTS))
    for blob in _clearest(track):
        own, *_ = boxes = _boxes(blob)
        behind = tuple(int(v) for v in ground_picture(ground)[own].mean((0, 1)).round())
        agreement = []
        for box in boxes:
            mask, picture = blob.mask[box], grid[blob.frame][box]
            if min(mask.shape) < 2:
                continue
            outlines, colours = _templates(colour, behind, *mask.shape)
            both = mask & outlines
            shared = both.sum((1, 2))
            overlap = shared / (blob.mask.sum() + outlines.sum((1, 2)) - shared)
            apart = (np.abs(picture - colours).mean(-1) * both).sum((1, 2)) / np.maximum(shared, 1)
            agreement.append(np.where(shared > 0, overlap + 1 - apart / 255, 0))
        if agreement:
            score += np.max(agreement, axis=0).reshape(len(SUBJECTS), 2).max(1)
    return SUBJECTS[int(score.argmax())]


# --- motion ----------------------------------------------------------------------------


def _normal(track: np.ndarray) -> np.ndarray:
    """Rows of (x, y, width, height): places from their mean, sizes as shares of the largest."""
    place = track[:, :2] - track[:, :2].mean(0)
    return np.concatenate([place, track[:, 2:] / track[:, 2:].max(0) * SIDE], 1)


@lru_cache(maxsize=None)
def _motions(pair: bool) -> dict[str, np.ndarray]:
    """The normal track of each motion."""
    made = {}
    for motion in world.BESIDE_MOTIONS if pair else world.MOTIONS:
        scene = world.Scene("red", "ball", motion, "black", relation="left" if pair else "")
        poses = [world.pose(scene, f) for f in range(world.FRAMES)]
        rows = np.array([(p.x, p.y, p.width, p.height) for p in poses], float)
        made[motion] = rows
    return made


def read_motion(track: list[Blob], pair: bool) -> str:
    """The motion whose track is nearest, in the frames where the subject was seen."""
    frames = [b.frame for b in track]
    seen = _normal(
        np.array([(*b.centre, b.right - b.left, b.bottom - b.top) for b in track], float)
    )
    distance = {
        motion: np.abs(seen - _normal(rows[frames])).mean() for motion, rows in _motions(pair).items()
    }
    return min(distance, key=distance.get)


def read(clip: np.ndarray) -> Reading:
    """Judge a clip of pixels, uint8 [25, 96, 96, 3]."""
    grid = shrink(clip)
    ground, camera = read_ground(grid)
    found = tracks(foreground(grid, ground, camera))
    things = []
    for track in found:
        colour = read_colour(grid, track)
        x, y = np.mean([b.centre for b in track], 0)
        motion = "still" if camera else read_motion(track, len(found) == 2)
        things.append(Thing(colour, read_subject(grid, track, colour, ground), motion, float(x), float(y)))
    return Reading(ground, camera, tuple(things))


def relation(first: Thing, second: Thing) -> str:
    """Where the first is, as seen from the second."""
    dx, dy = first.x - second.x, first.y - second.y
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "below" if dy > 0 else "above"
