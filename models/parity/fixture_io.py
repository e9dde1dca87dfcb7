"""Where fixtures live and how they are written.

Tensors go to safetensors and scalars to JSON, both byte-for-byte reproducible, so that remaking an unchanged
fixture leaves the working tree clean.
"""

import hashlib
import json
import platform
from pathlib import Path

import diffusers
import numpy
import safetensors
import torch
import transformers
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parent / "fixtures"
POCKET = Path(__file__).parent.parent / "pocket"


def case_folder(name):
    """The folder of one case, made if it is not there."""
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_tensors(path, tensors):
    """Write tensors in sorted order, each detached and contiguous (hooks hand out views)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensors[name].detach().contiguous().clone() for name in sorted(tensors)}, path)


def keep_weights(path, prefixes):
    """Drop from a saved checkpoint every weight that starts with none of `prefixes`."""
    weights = load_file(path)
    save_file({k: v for k, v in sorted(weights.items()) if k.startswith(prefixes)}, path, metadata={"format": "pt"})


def save_json(path, value):
    """Write JSON with short lists on one line, to keep thousands of numbers readable in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_format(value, "") + "\n", encoding="utf-8")


def _format(value, indent):
    if isinstance(value, dict) and value:
        inner = indent + "  "
        rows = [f"{inner}{json.dumps(key)}: {_format(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        inner = indent + "  "
        rows = [inner + _format(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def shortest(tensor):
    """A float32 tensor as nested lists of the shortest decimals that read back as the same float32.

    JSON has no NaN and no infinity: those become null.
    """
    if tensor.ndim:
        return [shortest(row) for row in tensor]
    value = tensor.detach().to(torch.float32)
    return float(str(numpy.float32(value.item()))) if torch.isfinite(value) else None


def seeded(seed):
    """A generator of its own for every purpose, so that adding a case never changes another one."""
    return torch.Generator("cpu").manual_seed(seed)


def randn(seed, *shape):
    """Seeded standard normal float32 values."""
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float32)


def weight_hashes(folder):
    """SHA-256 of every weight file of a checkpoint, to tell when a reference is out of date."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.safetensors"))
    }


def environment():
    """What the numbers depend on besides this code."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": numpy.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
