"""Contact sheets: one row of frames per clip, with its caption under it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw


def contact_sheet(
    clips: list[tuple[np.ndarray, str]], frames: int = 6, columns: int = 2, pad: int = 4
) -> Image.Image:
    """``clips`` holds (uint8 [frames, h, w, 3], caption) pairs."""
    height, width = clips[0][0].shape[1:3]
    cell_w, cell_h = frames * (width + pad) + 3 * pad, height + 16
    rows = -(-len(clips) // columns)
    page = Image.new("RGB", (columns * cell_w + pad, rows * cell_h + pad), (40, 40, 44))
    pen = ImageDraw.Draw(page)
    for i, (clip, text) in enumerate(clips):
        x0, y0 = pad + (i % columns) * cell_w, pad + (i // columns) * cell_h
        for k, f in enumerate(np.linspace(0, len(clip) - 1, frames).round().astype(int)):
            page.paste(Image.fromarray(clip[f]), (x0 + k * (width + pad), y0))
        pen.text((x0, y0 + height + 1), text[:70], fill=(230, 230, 230))
    return page
