"""Make the tokenizer: a small Unigram model of the same build as umT5's.

The pieces are the words of the captions. Every printable ASCII character is a piece of its
own, so an unknown word falls apart into letters instead of becoming ``<unk>``.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import string
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import world
from captions import caption

MAX_LENGTH = 64
SPECIAL = ["<pad>", "</s>", "<unk>"]


def captions(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [caption(rng, world.sample_scene(rng)) for _ in range(count)]


def build(count: int = 20_000, seed: int = 7) -> Tokenizer:
    """Whole words scored by their frequency, and single characters as a last resort.

    Learning the pieces by expectation maximisation would cut "red" into letters: with so
    few words the letters are all frequent. The network learns faster from whole words.
    """
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    words = Counter()
    for text in captions(count, seed):
        words.update(re.findall(r"[a-z]+", normalizer.normalize_str(text)))
    # Made-up words (see captions.filler) are to stay letters.
    words = {word: n for word, n in words.items() if n >= 10 or word == "a"}
    total = sum(words.values())
    pieces = [(f"▁{w}", math.log(n / total)) for w, n in sorted(words.items(), key=lambda i: (-i[1], i[0]))]
    rare = pieces[-1][1] - 4.0
    known = {piece for piece, _ in pieces}
    marks = [c for c in string.printable.lower() if not c.isspace()]
    pieces += [(c, rare) for c in ["▁", *sorted(set(marks))] if c not in known]

    vocab = [(piece, 0.0) for piece in SPECIAL] + pieces
    tokenizer = Tokenizer(Unigram(vocab, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", 1)]
    )
    return tokenizer


def save(folder: Path) -> None:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=build(),
        model_max_length=MAX_LENGTH,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    fast.save_pretrained(folder)
    # The name that every version of transformers knows for "whatever tokenizer.json says".
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2) + "\n")


def load(folder: Path):
    return AutoTokenizer.from_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    save(args.out)
    print(f"{len(load(args.out))} pieces in {args.out}")


if __name__ == "__main__":
    main()
