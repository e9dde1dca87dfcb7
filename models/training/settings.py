"""``zoetrope.json`` of an exported folder: what Zoetrope's page begins with."""

from __future__ import annotations

import json
import re
from pathlib import Path

NAME = "zoetrope.json"


def read(folder: Path) -> dict:
    """Empty where there is no file yet."""
    path = folder / NAME
    return json.loads(path.read_text()) if path.exists() else {}


def update(folder: Path, **changes: object) -> None:
    """Change some of the settings; the long table of colours stays at the end."""
    settings = {**read(folder), **changes}
    if "latentColours" in settings:
        settings["latentColours"] = settings.pop("latentColours")
    (folder / NAME).write_text(as_text(settings))


def as_text(settings: dict) -> str:
    """JSON with each list of numbers or strings on a line."""
    text = json.dumps(settings, indent=2, ensure_ascii=False)
    innermost = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")
    return innermost.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
