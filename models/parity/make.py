"""Make the reference numbers: `python models/parity/make.py [--only FAMILY…]`."""

import argparse
import importlib
import json

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from fixture_io import FIXTURES, environment, save_json

FAMILIES = {
    "umt5": "umt5",
    "wan-transformer": "wan_transformer",
    "wan-names": "wan_names",
    "wan-lora": "wan_lora",
    "wan-vae": "wan_vae",
    "taehv": "taehv",
    "schedulers": "schedulers",
    "noise": "noise",
    "tokenizer": "tokenizer",
    "prompts": "prompts",
    "tokenizer-multilingual": "multilingual",
    "end-to-end": "end_to_end",
}


def note_provenance(family):
    """Keep, for each family, the versions its numbers were made with."""
    path = FIXTURES / "provenance.json"
    known = json.loads(path.read_text())["families"] if path.exists() else {}
    known[family] = {"command": f"python models/parity/make.py --only {family}", **environment()}
    save_json(path, {"families": {name: known[name] for name in FAMILIES if name in known}})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="FAMILY")
    # One thread: a reduction split over threads would make the last bit depend on the machine.
    torch.set_num_threads(1)
    for family in parser.parse_args().only:
        with sdpa_kernel(SDPBackend.MATH):
            importlib.import_module(FAMILIES[family]).make()
        note_provenance(family)
        print(f"made {family}")


if __name__ == "__main__":
    main()
