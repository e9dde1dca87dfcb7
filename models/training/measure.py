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
from grounds import GROUNDS
from sprites import COLOURS, SIDE, SUBJECTS, resized, sprite

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


def nearest_ground(grid: np.ndarray, ground: str, camera: str) -> np.ndarray:
    """The ground [frames, 48, 48, 3], each cell in the phase that is nearest to what is seen."""
    phases = _phases(ground, camera)
    best = np.abs(phases - grid).max(-1).argmin(0)
    return np.take_along_axis(phases, best[None, ..., None], 0)[0]


def foreground(grid: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """bool [frames, 48, 48]: cells that no phase of the ground explains."""
    return np.abs(behind - grid).max(-1) > DIFFERENT


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


def likely_colours(grid: np.ndarray, track: list[Blob]) -> list[str]:
    """By vote of the cells; outlines, shade and light are not taken for another colour.

    Windows, eyes and sails are white whatever the colour: the second is likely too if it has half as many votes.
    """
    cells = np.concatenate([grid[b.frame][b.mask] for b in track])
    fills = np.array(list(COLOURS.values()), np.float32)
    distance = np.sqrt(((cells[:, None] - fills) ** 2).sum(-1))
    votes = np.exp(-((distance / 32) ** 2)).sum(0)
    first, second = np.argsort(-votes)[:2]
    return [list(COLOURS)[i] for i in ((first, second) if votes[second] >= votes[first] / 2 else (first,))]


def soft(cells: np.ndarray) -> np.ndarray:
    """Each cell's mean with its neighbours, [..., h, w, c]: an eye that is a cell away from its place is an eye."""
    return ndimage.uniform_filter(cells, (*(1,) * (cells.ndim - 3), 3, 3, 1), mode="nearest")


def _cut(subject: str, colour: str) -> tuple[np.ndarray, np.ndarray]:
    """Mask and picture of a sprite without the empty cells around it."""
    mask, picture = sprite(subject, colour)
    ys, xs = np.nonzero(mask)
    box = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return mask[box], picture[box]


@lru_cache(maxsize=1024)
def _sprites(colour: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Every subject facing either way, at this size and a cell around it, soft.

    Masks [n, h + 2, w + 2, 1], and pictures [n, h + 2, w + 2, 3] that are black where there is no sprite.
    """
    cut = [_cut(s, colour) for s in SUBJECTS]
    drawn = [resized(*c, width, height, mirrored) for c in cut for mirrored in (False, True)]
    masks, pictures = (np.stack(parts).astype(np.float32) for parts in zip(*drawn))
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    masks = np.pad(masks[..., None], around)
    return soft(masks), soft(np.pad(pictures, around) * masks)


def _explained(seen: np.ndarray, behind: np.ndarray, blob: Blob, colour: str) -> np.ndarray:
    """For each subject, the share of the blob's difference from the ground that it explains at its best place.

    ``seen`` and ``behind`` [48, 48, 3] are soft. Each edge may be a cell off that of the blob: specks stick to
    a subject, and of its outline some may look like the ground.
    """
    # A cell more on each side: sprites bring one around them.
    seen, behind = (np.pad(p, ((2, 2), (2, 2), (0, 0)), mode="edge") for p in (seen, behind))
    bare = np.abs(seen - behind).mean(-1)
    best = np.full(2 * len(SUBJECTS), -np.inf, np.float32)
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    for top, bottom in ((blob.top + a, blob.bottom + b) for a, b in steps):
        for left, right in ((blob.left + a, blob.right + b) for a, b in steps):
            if min(bottom - top, right - left) < 2:
                continue
            box = np.s_[top + 1 : bottom + 3, left + 1 : right + 3]
            masks, pictures = _sprites(colour, bottom - top, right - left)
            drawn = pictures + (1 - masks) * behind[box]
            gain = bare[box] - np.abs(drawn - seen[box]).mean(-1)
            best = np.maximum(best, gain.sum((1, 2)))
    around = np.s_[blob.top + 1 : blob.bottom + 3, blob.left + 1 : blob.right + 3]
    return best.reshape(len(SUBJECTS), 2).max(1) / bare[around].sum()


def _clearest(track: list[Blob], count: int = 6) -> list[Blob]:
    """Blobs spread over the time in which the subject is not much smaller than at its largest."""
    areas = np.array([b.mask.sum() for b in track])
    # Not the largest itself: it may be that large by something that sticks to it.
    large = np.sort(areas)[-3:].min()
    chosen = [b for b, area in zip(track, areas) if area >= 0.6 * large]
    return [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, count).round().astype(int))]


def read_thing(grid: np.ndarray, behind: np.ndarray, track: list[Blob]) -> tuple[str, str]:
    """Colour and subject that, drawn before the ground, come nearest to what is seen, over some of the blobs."""
    parts = [(b, soft(grid[b.frame]), soft(behind[b.frame])) for b in _clearest(track)]
    colours = likely_colours(grid, track)
    score = np.stack([sum(_explained(seen, ground, b, c) for b, seen, ground in parts) for c in colours])
    colour, subject = np.unravel_index(score.argmax(), score.shape)
    return colours[colour], SUBJECTS[subject]


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
    behind = nearest_ground(grid, ground, camera)
    found = tracks(foreground(grid, behind))
    things = []
    for track in found:
        colour, subject = read_thing(grid, behind, track)
        x, y = np.mean([b.centre for b in track], 0)
        motion = "still" if camera else read_motion(track, len(found) == 2)
        things.append(Thing(colour, subject, motion, float(x), float(y)))
    return Reading(ground, camera, tuple(things))


def relation(first: Thing, second: Thing) -> str:
    """Where the first is, as seen from the second."""
    dx, dy = first.x - second.x, first.y - second.y
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "below" if dy > 0 else "above"
