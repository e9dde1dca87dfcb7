"""umT5's kind of tokenizer on many languages: SentencePiece Unigram, nmt_nfkc, and bytes for what it has no piece for.

The published vocabulary (256 384 pieces) is not at hand here, so a small one is trained on the sentences below, by
SentencePiece itself, and put together as transformers does with umT5's. Characters that the sentences do not have, and
many that they do, fall back to bytes. The map of characters of nmt_nfkc has 240 KB: what is committed has the rules for the
characters of the prompts alone, in the same form, and it is made sure of that the ids are those of the whole map.
"""

import io
import tempfile
from pathlib import Path

import regex
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from fixture_io import FIXTURES, save_json
from tokenizer import PROMPTS

# One scene in each language, a few times over, so that words repeat and become pieces.
SENTENCES = [
    "a red circle moves to the right over a green meadow",
    "two boats sail slowly across a blue sea under the stars",
    "ein roter Kreis bewegt sich nach rechts über eine grüne Wiese",
    "zwei Boote segeln langsam über das blaue Meer unter den Sternen",
    "un cercle rouge se déplace vers la droite sur une prairie verte",
    "deux bateaux traversent lentement la mer bleue sous les étoiles",
    "un círculo rojo se mueve hacia la derecha sobre un prado verde",
    "um círculo vermelho move-se para a direita sobre um prado verde",
    "czerwone koło przesuwa się w prawo nad zieloną łąką",
    "красный круг движется вправо над зелёным лугом",
    "две лодки медленно плывут по синему морю под звёздами",
    "ένας κόκκινος κύκλος κινείται προς τα δεξιά πάνω από ένα λιβάδι",
    "kırmızı bir daire yeşil bir çayırın üzerinde sağa doğru hareket eder",
    "一个红色的圆圈在绿色的草地上向右移动",
    "两条船在星空下缓缓驶过蓝色的大海",
    "赤い円が緑の草原の上を右に動く",
    "二隻の船が星空の下で青い海をゆっくり渡る",
    "빨간 원이 초록 풀밭 위에서 오른쪽으로 움직인다",
    "दो नावें तारों के नीचे नीले समुद्र पर धीरे-धीरे चलती हैं",
    "دائرة حمراء تتحرك إلى اليمين فوق مرج أخضر",
    "עיגול אדום נע ימינה מעל אחו ירוק",
    "วงกลมสีแดงเคลื่อนไปทางขวาเหนือทุ่งหญ้าสีเขียว",
    "một hình tròn đỏ di chuyển sang phải trên đồng cỏ xanh",
]
MORE_PROMPTS = [
    *SENTENCES,
    "rød sirkel på grønn eng, æøå ÆØÅ",
    "Ω≈ç√∫ ˜µ≤ ≥÷ ½ ² ³ ™ ℃ ㍿ ｶﾀｶﾅ",
    "👩🏽‍🚀 rides a 🐎 on 🌕, 🇳🇴",
    "tibetan བོད་ཡིག, amharic አማርኛ, georgian ქართული, khmer ខ្មែរ",
    "mixed 红色 circle движется rechts 🔴🔴🔴 ok",
    "<0x41> <0xE2> are not bytes",
    "\ud7a3\uac00 각각 q\u0307\u0323 \u1e9b\u0323 \u0958",
    "line\none\r\nline\ttwo",
    "𝒻𝒶𝓃𝒸𝓎 𝔤𝔬𝔱𝔥𝔦𝔠 𠀋 𪚥",
    "～ wave 〜 dash ‑ hyphen ‐ soft\u00adhyphen",
]
VOCABULARY = 900
END, EXTRA = "</s>", ["<extra_id_0>", "<extra_id_1>"]


def train(**rules):
    """SentencePiece's own model of the sentences, as its protocol buffer."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4), model_writer=model, model_type="unigram", vocab_size=VOCABULARY,
        hard_vocab_limit=False, byte_fallback=True, character_coverage=0.98,
        pad_id=0, eos_id=1, bos_id=-1, unk_id=2, num_threads=1, minloglevel=2, **rules,
    )  # fmt: skip
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto


def reduced_map(charsmap, texts):
    """The rules of `charsmap` for the characters and graphemes of `texts`, compiled by SentencePiece."""
    whole = normalizers.Precompiled(charsmap)
    units = sorted({unit for text in texts for unit in [*text, *regex.findall(r"\X", text)]})
    rules = [(unit, whole.normalize_str(unit)) for unit in units]
    points = lambda text: " ".join(f"{ord(c):04X}" for c in text)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.tsv"
        path.write_text("".join(f"{points(a)}\t{points(b)}\n" for a, b in rules if a != b))
        return train(normalization_rule_tsv=str(path)).normalizer_spec.precompiled_charsmap


def build(proto, charsmap):
    """As transformers' converter for T5 puts it together."""
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(charsmap),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "▁"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = [AddedToken(text, normalized=False, special=True) for text in ["<pad>", END, "<unk>", *EXTRA]]
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", END], pair=["$A", END, "$B", END], special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return tokenizer


def make():
    prompts = [*PROMPTS, *MORE_PROMPTS]
    proto = train(normalization_rule_name="nmt_nfkc")
    charsmap = proto.normalizer_spec.precompiled_charsmap
    whole, reduced = build(proto, charsmap), build(proto, reduced_map(charsmap, prompts))
    cases = [{"prompt": prompt, "ids": whole.encode(prompt).ids} for prompt in prompts]
    assert cases == [{"prompt": prompt, "ids": reduced.encode(prompt).ids} for prompt in prompts]

    folder = FIXTURES / "tokenizer-multilingual"
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(reduced.to_str() + "\n", encoding="utf-8")
    config = {"eos_token": END, "unk_token": "<unk>", "pad_token": "<pad>", "model_max_length": 512}
    save_json(folder / "tokenizer_config.json", {**config, "tokenizer_class": "T5TokenizerFast"})
    save_json(folder / "cases.json", {"cases": cases})
