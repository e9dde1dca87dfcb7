"""Read colour, motion, ground and shape off the pixels of a clip.

Works on the 32x32 grid and knows nothing about the prompt, so that the same code judges
drawn clips (which it must get right) and generated ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

import world


@dataclass(frozen=True)
class Reading:
    colour: str
    shape: str
    motion: str
    ground: str


def shrink(clip: np.ndarray) -> np.ndarray:
    """Pixels [t, 64, 64, 3] to the mean of each grid cell, float [t, 32, 32, 3]."""
    t, h, w, _ = clip.shape
    return clip.reshape(t, h // 2, 2, w // 2, 2, 3).astype(np.float32).mean(axis=(2, 4))


def read_ground(grid: np.ndarray) -> str:
    """The ground that most cells agree with, over all frames."""
    agree = {
        name: (np.abs(grid - world.ground_picture(name).astype(np.float32)).max(-1) < 24).mean()
        for name in world.GROUNDS
    }
    return max(agree, key=agree.get)


def read_colour(pixels: np.ndarray, weight: np.ndarray) -> str:
    """Vote of the foreground cells; outlines are nearly the fill's hue, only darker."""
    names = list(world.COLOURS)
    fills = np.array([world.COLOURS[n] for n in names], np.float32)
    tones = np.stack([fills, fills * 0.62], 1)  # [colour, tone, 3]
    distance = np.sqrt(((pixels[:, None, None] - tones) ** 2).sum(-1))
    # The fill counts fully, the outline little: dark orange is close to other colours.
    votes = (np.exp(-((distance / 40) ** 2)) * np.array([1.0, 0.15])).sum(-1)
    return names[int((votes * weight[:, None]).sum(0).argmax())]


def read_motion(area: np.ndarray, cx: np.ndarray, cy: np.ndarray) -> str:
    """From the track of the centroid and of the area, one value per frame."""
    t = np.linspace(-1, 1, len(area))
    slope = lambda v: float((v * t).sum() / (t * t).sum())  # noqa: E731
    dx, dy = slope(cx), slope(cy)
    if max(abs(dx), abs(dy)) > 4:
        if abs(dx) > abs(dy):
            return "right" if dx > 0 else "left"
        return "down" if dy > 0 else "up"
    growth = slope(np.sqrt(area))
    if abs(growth) > 2:
        return "grows" if growth > 0 else "shrinks"
    if cy.max() - cy.min() > 5:
        return "bounces"
    return "still"


@lru_cache(maxsize=None)
def _templates(shape: str, r: int) -> np.ndarray:
    return world.shape_mask(shape, r)


def read_shape(mask: np.ndarray) -> tuple[str, float]:
    """Best overlap (intersection over union) with a drawn shape of any size near its place."""
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return "circle", 0.0
    best = ("circle", 0.0)
    my, mx = (ys.min() + ys.max()) / 2, (xs.min() + xs.max()) / 2
    side = max(ys.max() - ys.min(), xs.max() - xs.min()) / 2
    for r in range(max(2, int(side) - 1), min(9, int(side) + 3)):
        for shape in world.SHAPES:
            template = _templates(shape, r)
            for cy in range(round(my) - 2, round(my) + 3):
                for cx in range(round(mx) - 2, round(mx) + 3):
                    if cy - r < 0 or cx - r < 0 or cy + r >= world.GRID or cx + r >= world.GRID:
                        continue
                    window = mask[cy - r : cy + r + 1, cx - r : cx + r + 1]
                    both = (window & template).sum()
                    overlap = both / (mask.sum() + template.sum() - both)
                    if overlap > best[1]:
                        best = (shape, float(overlap))
    return best


def read(clip: np.ndarray) -> Reading:
    """Judge a clip of pixels, uint8 [t, 64, 64, 3]."""
    grid = shrink(clip)
    ground = read_ground(grid)
    difference = np.abs(grid - world.ground_picture(ground).astype(np.float32)).max(-1)
    weight = np.clip((difference - 24) / 40, 0, 1)
    area = weight.sum(axis=(1, 2))
    y, x = np.mgrid[: world.GRID, : world.GRID]
    safe = np.maximum(area, 1e-3)
    cx, cy = (weight * x).sum(axis=(1, 2)) / safe, (weight * y).sum(axis=(1, 2)) / safe
    seen = area > 3
    if seen.sum() < len(grid) // 2:
        return Reading("none", "none", "none", ground)
    frames = np.arange(len(grid))
    cx, cy = np.interp(frames, frames[seen], cx[seen]), np.interp(frames, frames[seen], cy[seen])
    flat = weight.reshape(-1)
    colour = read_colour(grid.reshape(-1, 3)[flat > 0.2], flat[flat > 0.2])
    # Shapes are told best where they are large.
    votes: dict[str, float] = {}
    for frame in np.argsort(area)[-8::2]:
        shape, overlap = read_shape(weight[frame] > 0.5)
        votes[shape] = votes.get(shape, 0.0) + overlap
    return Reading(colour, max(votes, key=votes.get), read_motion(area, cx, cy), ground)
