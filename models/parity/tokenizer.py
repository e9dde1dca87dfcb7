"""What WanPipeline makes of a prompt before the text encoder: the cleaned text and its ids."""

import html

from diffusers.pipelines.wan.pipeline_wan import prompt_clean, whitespace_clean
from transformers import AutoTokenizer

from fixture_io import FIXTURES, POCKET, save_json

MAX_LENGTH = 64
PROMPTS = [
    "a red circle moves right",
    "a blue square moves up",
    "a green triangle moves left",
    "an orange ghost flies in a circle left of a purple rocket at sunset, the camera zooms in",
    "red",
    "a",
    "",
    " ",
    " \t \n ",
    "  leading and   inner   spaces  ",
    "tabs\tand\nnew lines\r\nand\u00a0no-break\u2003em\u3000ideographic spaces",
    "zero\u200bwidth\u200dspaces\ufeffhere",
    "A RED CIRCLE MOVES RIGHT",
    "A Red Circle Moves Right",
    "a red circle, moves right.",
    "a red circle moves right!?",
    "(red) [circle] {moves} <right> \"quoted\" 'single'",
    "“curly quotes” and ‘single’ — dash … ellipsis",
    "red-circle moves_right @ 50% #1 $2 & more",
    "0 1 23 456 7890 3.14",
    "supercalifragilisticexpialidocious zyzzyva",
    "redcircle bluesquaremoves",
    "a 🔴 circle moves ➡️ 👩‍👩‍👧",
    "café naïve Ångström",
    "cafe\u0301 nai\u0308ve",
    "ｆｕｌｌｗｉｄｔｈ ﬁne ligature ①②",
    "красный круг движется вправо",
    "红色圆圈向右移动",
    "赤い円が右に動く",
    "دائرة حمراء تتحرك",
    "लाल वृत्त दाईं ओर",
    "rot &amp; blau &lt;circle&gt; &amp;amp; twice",
    "cafÃ© mojibake â€œquotedâ€\u009d",
    "</s> <pad> <unk> <extra_id_0> ▁ underline",
    "a red circle moves right " * 30,
    "x" * 300,
]


def make_case(tokenizer, prompt):
    """`ids` is what the encoder gets, before padding; `truncated` too, for those that do not fit."""
    cleaned = prompt_clean(prompt)
    ids = tokenizer(cleaned, add_special_tokens=True).input_ids
    case = {
        "prompt": prompt,
        "cleaned": cleaned,
        # The cleaning without ftfy, which diffusers itself skips where that package is missing.
        "cleaned_without_ftfy": whitespace_clean(html.unescape(html.unescape(prompt))),
        "ids": ids,
        "ids_of_uncleaned": tokenizer(prompt, add_special_tokens=True).input_ids,
    }
    if len(ids) > MAX_LENGTH:
        case["truncated"] = tokenizer(cleaned, truncation=True, max_length=MAX_LENGTH).input_ids
    return case


def make():
    tokenizer = AutoTokenizer.from_pretrained(POCKET / "tokenizer")
    cases = [make_case(tokenizer, prompt) for prompt in PROMPTS]
    save_json(FIXTURES / "tokenizer-cases.json", {"max_length": MAX_LENGTH, "cases": cases})
