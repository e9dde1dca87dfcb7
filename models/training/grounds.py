"""The grounds: what is behind the subjects, 48 cells a side, the same at both sides.

A ground that ends on the right as it begins on the left can be panned over for ever.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

GRID = 48

GROUNDS = ("black", "sunset", "sky", "sea", "night", "grass")


def _graded(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> np.ndarray:
    t = np.linspace(0, 1, GRID, dtype=np.float32)[:, None, None]
    column = np.array(top, np.float32) * (1 - t) + np.array(bottom, np.float32) * t
    return np.repeat(column, GRID, axis=1).round().astype(np.uint8)


def _disc(picture: np.ndarray, x: int, y: int, r: int, paint: tuple[int, int, int]) -> None:
    yy, xx = np.mgrid[:GRID, :GRID]
    picture[(xx - x) ** 2 + (yy - y) ** 2 <= (r + 0.3) ** 2] = paint


def _cloud(picture: np.ndarray, x: int, y: int) -> None:
    for row, (start, end) in enumerate(((3, 8), (1, 11), (0, 13), (0, 13))):
        picture[y + row, x + start : x + end] = (246, 250, 255)


def _black(phase: int) -> np.ndarray:
    return _graded((10, 10, 14), (10, 10, 14))


def _sunset(phase: int) -> np.ndarray:
    picture = _graded((78, 36, 116), (255, 150, 96))
    _disc(picture, 36, 36, 6, (255, 214, 150))
    picture[38:] = (70, 34, 76)
    hills = 38 - np.round(3 * np.sin(np.arange(GRID) * 2 * np.pi / 24)).astype(int)
    for x, top in enumerate(hills):
        picture[top:, x] = (70, 34, 76)
    return picture


def _sky(phase: int) -> np.ndarray:
    picture = _graded((112, 184, 240), (206, 234, 252))
    for x, y in ((4, 5), (30, 12), (12, 31), (33, 40)):
        _cloud(picture, x, y)
    return picture


def _sea(phase: int) -> np.ndarray:
    picture = _graded((150, 208, 238), (220, 240, 246))
    picture[20:] = (22, 84, 128)
    x = np.arange(GRID)
    for row, y in enumerate(range(20, GRID, 7)):
        # A wave goes one of its eight cells on with every frame.
        crest = (x + (phase if row % 2 else -phase) + 3 * row) % 8
        picture[y, crest < 4] = (96, 164, 200)
        picture[y + 1, (crest >= 1) & (crest < 3)] = (60, 124, 168)
    return picture


def _night(phase: int) -> np.ndarray:
    picture = _graded((10, 14, 48), (34, 30, 84))
    _disc(picture, 40, 8, 5, (244, 238, 200))
    _disc(picture, 42, 6, 4, tuple(int(v) for v in picture[6, 0]))
    spots = ((4, 4), (13, 10), (22, 3), (30, 15), (7, 20), (18, 25), (42, 22), (33, 30), (3, 33), (24, 38), (12, 43), (43, 41))
    for i, (x, y) in enumerate(spots):
        lit = (phase // 4 + i) % 2 == 0
        picture[y, x] = (255, 255, 230) if lit else (120, 120, 160)
    return picture


def _grass(phase: int) -> np.ndarray:
    picture = _graded((168, 214, 246), (212, 238, 250))
    picture[30:] = (116, 186, 84)
    picture[30] = (84, 150, 64)
    for i, (x, y) in enumerate(((3, 35), (14, 39), (25, 34), (36, 41), (45, 36), (8, 44), (30, 45))):
        picture[y : y + 2, x : x + 2] = ((255, 240, 120), (255, 180, 200))[i % 2]
    return picture


_DRAW = dict(zip(GROUNDS, (_black, _sunset, _sky, _sea, _night, _grass)))


@lru_cache(maxsize=None)
def ground_picture(ground: str, frame: int = 0) -> np.ndarray:
    """uint8 [48, 48, 3] in one frame: waves roll and stars twinkle every eight frames."""
    return _DRAW[ground](frame % 8)
