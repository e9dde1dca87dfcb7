"""The subjects: small pictures in text, sixteen cells a side.

``#`` takes the colour that the caption names, ``-`` a darker and ``+`` a lighter tone of it;
``w`` is white, ``k`` nearly black, ``t`` wood, ``c`` cream, ``r`` slate. The outermost cells become a dark
outline. Subjects that have a face look to the right.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIDE = 16

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (226, 38, 44),
    "orange": (255, 136, 16),
    "yellow": (255, 226, 48),
    "green": (36, 168, 64),
    "cyan": (40, 216, 224),
    "blue": (44, 88, 246),
    "purple": (148, 52, 214),
    "pink": (255, 128, 196),
    "white": (250, 250, 250),
    "brown": (124, 70, 32),
}

_FIXED = {"w": (250, 250, 250), "k": (28, 24, 36), "t": (112, 72, 40), "c": (248, 232, 196), "r": (98, 88, 116)}
_TONES = {"#": 1.0, "-": 0.72}
_OUTLINE = 0.36

_ART = {
    "ball": """
.....######.....
...##########...
..###++#######..
.###++++#######.
.##++++########.
###+++##########
###++###########
################
################
###############-
##############--
.############--.
.###########---.
..########----..
...###-------...
.....------.....
""",
    "star": """
.......##.......
.......##.......
......####......
......####......
.....######.....
################
.##++##########.
..##++########..
...##########...
...##########...
..############..
..############..
..#####--#####..
.####------####.
.###--....--###.
.#............#.
""",
    "heart": """
................
..####....####..
.######..######.
###++#########--
##+++##########-
##++###########-
###############-
###############-
.#############-.
.#############-.
..###########-..
...#########-...
....#######-....
.....#####-.....
......###-......
.......#-.......
""",
    "fish": """
................
......####......
.....######.....
##...########...
###.##########..
#############w#.
############wkw#
#############w##
################
################
############---.
###.##########..
##...########...
......####......
.....###........
................
""",
    "bird": """
................
.........####...
........######..
........###ww#..
#.......###wk#kk
##......######kk
###.....######..
##############..
###--########...
.##---#######...
..#----#####....
...----####.....
....#######.....
......k..k......
......k..k......
.....kk.kk......
""",
    "boat": """
........k.......
........kww.....
........kwww....
........kwwww...
........kwwwww..
........kwwwwww.
........kwwwww..
........kwww....
........k.......
################
################
################
.##############.
.#############-.
..###########-..
...#########-...
""",
    "car": """
................
................
....#######.....
...#########....
..##ww###ww##...
..#www##wwww##..
.##www##wwww###.
################
###############+
###############+
################
################
##kkk######kkk##
.kkwkk####kkwkk.
.kkkkk....kkkkk.
..kkk......kkk..
""",
    "rocket": """
.......##.......
......####......
......####......
.....######.....
.....##ww##.....
.....#wkkw#.....
.....#wkkw#.....
.....##ww##.....
.....######.....
....########....
...##########...
..############..
.####.####.####.
.###..####..###.
.##....ww....##.
.......ww.......
""",
    "tree": """
......####......
....########....
...####++####...
..####++######..
..###+########..
.##############.
.##############.
################
###############-
.#############-.
.############--.
..####----##-...
......tttt......
......tttt......
......tttt......
.....tttttt.....
""",
    "house": """
.......rr.......
......rrrr......
.....rrrrrr.....
....rrrrrrrr....
...rrrrrrrrrr...
..rrrrrrrrrrrr..
.rrrrrrrrrrrrrr.
.##############.
.##############.
.##ww####cccc##.
.##ww####cccc##.
.########cccc##.
.##ww####cccc##.
.##ww####cccc##.
.########cccc##.
.##############.
""",
    "ghost": """
.....######.....
...##########...
..############..
..############..
.###ww####ww###.
.##wwww##wwww##.
.##wwkk##wwkk##.
.##wwkk##wwkk##.
.###ww####ww###.
.##############.
.##############.
.##############.
.##############.
.##############.
.###.###.###.##.
.##...#...#...#.
""",
    "mushroom": """
.....######.....
...##########...
..##ww########..
.##wwww####ww##.
.##wwww###wwww#.
###wwww###wwww##
####ww#####ww###
################
################
.##############.
...cccccccccc...
....cccccccc....
....cccccccc....
....cccccccc....
....cccccccc....
.....cccccc.....
""",
}

SUBJECTS = tuple(_ART)


@lru_cache(maxsize=None)
def art(subject: str) -> np.ndarray:
    """The letters of a subject, [16, 16]."""
    return np.array([list(line) for line in _ART[subject].split()])


@lru_cache(maxsize=None)
def sprite(subject: str, colour: str) -> tuple[np.ndarray, np.ndarray]:
    """Mask [16, 16] and picture [16, 16, 3] (uint8) of a subject in a colour."""
    letters = art(subject)
    mask = letters != "."
    fill = np.array(COLOURS[colour], np.float32)
    picture = np.zeros((SIDE, SIDE, 3), np.float32)
    for letter, tone in _TONES.items():
        picture[letters == letter] = fill * tone
    picture[letters == "+"] = fill * 0.45 + 255 * 0.55
    for letter, paint in _FIXED.items():
        picture[letters == letter] = paint
    around = np.pad(mask, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    picture[mask & ~inner] *= _OUTLINE
    return mask, picture.round().astype(np.uint8)


def nearest(size: int, shown: int) -> np.ndarray:
    """Which of ``size`` cells each of ``shown`` cells shows, by nearest neighbour."""
    return (np.arange(shown) * 2 + 1) * size // (2 * shown)


def resized(
    mask: np.ndarray, picture: np.ndarray, width: int, height: int, mirrored: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Mask and picture of another size, by nearest neighbour."""
    rows, columns = nearest(mask.shape[0], height), nearest(mask.shape[1], width)
    cells = np.ix_(rows, columns[::-1] if mirrored else columns)
    return mask[cells], picture[cells]


@lru_cache(maxsize=None)
def scaled(
    subject: str, colour: str, width: int, height: int, mirrored: bool
) -> tuple[np.ndarray, np.ndarray]:
    """A sprite of another size."""
    return resized(*sprite(subject, colour), width, height, mirrored)
