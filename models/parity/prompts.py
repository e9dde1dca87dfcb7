"""Prompts as people paste them, and what WanPipeline makes of them with ftfy: 200 texts, made here.

`MEANT` is what the writers meant. Most texts are one of these after something that happens on the way from one program to
another, such as UTF-8 that was read as windows-1252.
"""

import html.entities
import importlib.metadata
import unicodedata

from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from transformers import AutoTokenizer

from fixture_io import FIXTURES, POCKET, save_json

MEANT = {
    "english": "An astronaut’s café — “slow motion”, 35 mm… naïve",
    "german": "Ein süßes Mädchen läuft über die Brücke, größer als zwölf Häuser",
    "french": "Une forêt enchantée où brûle un feu ; l’été s’achève à Orléans, cœur léger",
    "spanish": "¿Quién baila? Un niño pequeño corrió detrás del pingüino, ¡qué ilusión!",
    "portuguese": "Um avião não pousou às três; irmãs e avós à beira-mar, coração e pães",
    "polish": "Mała łódź płynie wśród wysokich trzcin, gęś i żaba śpią",
    "czech": "Kočka skočila přes žlutý plot, zářící měsíc a tři ďáblové",
    "hungarian": "Egy kőfal mögött fűszeres őszi szőlő érik",
    "turkish": "Küçük çocuk gökyüzünde uçan bir balonu izliyor, ağaç ve güneş",
    "norwegian": "En blå båt på sjøen, fjell og snø i Tromsø",
    "russian": "Белая лошадь скачет по снежному полю, утро и туман",
    "ukrainian": "Дівчинка їде на велосипеді, щасливий їжачок поруч",
    "greek": "Μια γάτα κοιμάται στον ήλιο, θάλασσα και ουρανός",
    "chinese": "一只熊猫在竹林里慢慢行走，阳光明媚。",
    "japanese": "雪の中を走る狐、夕焼けの空「静か」",
    "korean": "고양이가 창가에서 비를 바라본다",
    "hindi": "एक हाथी नदी के किनारे चल रहा है",
    "arabic": "قطة بيضاء تمشي في الحديقة",
    "persian": "گربه می‌دود و می‌پرد",
    "hebrew": "חתול לבן הולך בגן ליד הים",
    "thai": "แมวสีขาวเดินในสวน",
    "vietnamese": "Một con mèo trắng đang chạy trên bãi cỏ xanh",
    "emoji": "a dog 🐕 runs 🌈 with a 👨‍👩‍👧‍👦 and a 🏴‍☠️, 👋🏿 ❤️",
    "signs": "a 360° turn × 2, ½ speed, £20 · €30, © ® ™ § ± µm",
}
WESTERN = ["english", "german", "french", "spanish", "portuguese", "norwegian", "turkish", "emoji", "signs"]
ALL = list(MEANT)


def misread(text, encoding="windows-1252", times=1):
    """UTF-8 read in another encoding, whose gaps are control characters as in browsers."""
    codec = encoding if encoding in ("latin-1", "iso-8859-2", "macroman", "cp437") else f"sloppy-{encoding}"
    for _ in range(times):
        text = text.encode("utf-8").decode(codec)
    return text


def cesu_8(text):
    """Java's and some databases' UTF-8, with both halves of a pair by themselves, read as windows-1252."""
    units = text.encode("utf-16-le", "surrogatepass")
    halves = "".join(chr(int.from_bytes(units[i : i + 2], "little")) for i in range(0, len(units), 2))
    return halves.encode("utf-8", "surrogatepass").decode("sloppy-windows-1252")


def lossy(text):
    """What has no character in windows-1252 is lost."""
    return "".join("\ufffd" if "\x80" <= c <= "\x9f" else c for c in text)


def fullwidth(text):
    return "".join("\u3000" if c == " " else chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def entities(text):
    """Named where HTML 4 has a name, else by number."""
    names = html.entities.codepoint2name
    named = (f"&{names[ord(c)]};" if ord(c) in names else f"&#{ord(c)};" if ord(c) > 127 else c for c in text)
    return "".join(named)


# Written as they are: one thing each that pasting does, or that must survive it.
WRITTEN = [
    "a red ball moves right",
    "  a red   ball\tmoves\n\nright  ",
    "\ufeffa red ball with a byte order mark",
    "zero\u200bwidth\u200b space, word\u2060joiner, soft\u00adhyphen",
    "no\u00a0break\u202fspaces\u2003and\u2009thin ones\u3000",
    "“double”, ‘single’, „low“, ‚low‘, «guillemets», ‹single›, ′prime″",
    "it’s the cats’ ’90s rock ’n’ roll",
    "ʼokina modifier letter and `backtick´",
    "\x1b[31ma red ball\x1b[0m moves \x1b[1;32mright\x1b[m\x1b[K",
    "\x1b]0;title\x07 and \x1b(B stay in part",
    "line one\r\nline two\rline three\u2028line four\u2029line five\x0bsix\x0cseven",
    "next\x85line and dashes \x96 \x97 quotes \x93x\x94 it\x92s \x80 5",
    "bell\x07 null\x00 backspace\x08 delete\x7f unit\x1fseparator\x1c",
    "annotation\ufff9\ufffa\ufffb object\ufffc deprecated\u206a\u206f",
    "ﬁne ﬂuﬀy oﬃce waﬄe ﬅ ﬆ ﬓ ĳs Ĳ ŉ ǆ Ǳ",
    "œuvre Æther ß ẞ stay",
    "ＦＵＬＬ　ｗｉｄｔｈ　１２３！？（ａ）",
    "ﾊﾝｶｸ ｶﾞｷﾞ ﾊﾟ ﾡ ￠￡￥￦ ￣ ￨",
    "「全角」！？、。・ー～",
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m \u1112\u1161\u11ab \u0928\u093c",
    "\u212b \u2126 \u00b5 \u03bc ² ½ ① ㎏ ℃ keep their meaning",
    "lone \ud83d surrogate \udc00 and a pair \ud83d\ude00",
    "&lt;b&gt; &amp;amp; &quot;x&quot; &apos;y&apos; &nbsp;&hellip;",
    "<b>bold</b> &amp; &eacute; in HTML",
    "before &eacute;\n<i>tag</i> &eacute;\nafter &eacute;",
    "P&EACUTE;REZ BUNDESSTRA&SZLIG;E &ALPHA; &NBSP;&COPY; &nTILDE;",
    "&Jscr;ohn &HilbertSpace; &checkmark; &fjlig; &notin; &CounterClockwiseContourIntegral;",
    "&amp;amp;amp;amp;lt; four times",
    "fish &chips, R&D, this&not that, AT&T; &copy2026 &ampersand",
    "&#65; &#x42; &#X43; &#68 &#128; &#x99; &#0; &#xD800; &#1114112; &#xFDD0; &#8;",
    "&unknown; &; & &#; &#x; &#xZZ;",
    "&gtreqless; &GTREQLESS; &LT; &LTDOT; &AMP; &Dagger; &DAGGER;",
    "CAFÉ» and “CAFÉ” and CAFÉ™ stay",
    "d’être l’été “École” ‘à’ stay",
    "voilà… né” “à” «à» É… stay",
    "MAÇÃ NÃO PÃO IRMÃ… stay",
    "ÀÉÎÕÜ àéîõü ÿŸ ŠšŽž stay",
    "(ง'⌣')ง ¯\\_(ツ)_/¯ ( ͡° ͜ʖ ͡°) ಠ_ಠ ʕ•ᴥ•ʔ",
    "╔══╗ ║╬║ ╚══╝ ░▒▓█ ├─┤",
    "∀x∈ℝ: √2 ≈ 1.41 ≠ ∞, ∑∂∫ Ω≥π",
    "Ünïcödé with döts",
    "PHỞ, Việt Nam, đường phố",
    "ÅNGSTRÖM Åß Øl Ñandú",
    "Ångström™ résumé© façade® 20°C 5¢ 10€",
    "Crème brûlée à 5€, déjà vu²",
    "¿Qué? ¡Olé! ªº 1.º 2.ª",
    "Щ‘ё’ «ёлка» — „цитата“ №5",
    "Ο Ό,τι «Ελλάδα» · ερώτηση;",
    "flag of Wales 🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f and 🇳🇴",
    "right-to-left \u200fעברית\u200e marks \u202aembedded\u202c",
    "ZWNJ می\u200cخواهم ZWJ ක\u200dෂ",
    "voilÃ le travail",
    "Ã la carte, Ã demain",
    "30Â km/h, 5Â£, Â©2026, Â«oui Â»",
    "â€œ like this â€\ufffd",
    "â€œ like this â€? and itâ€™s fine",
    "“curlyâ€\x9d and â€˜mixedâ€™",
    "日本 cafÃ© Ã©tÃ©",
    "l’Ã©tÃ© d’Ã‰mile",
    "«Ð¿Ñ€Ð¸Ð²ÐµÑ‚» — привет",
    "L&AMP;AMP;ATILDE;&AMP;AMP;SUP3;PEZ",
    "&macr;\\_(ã\x83\x84)_/&macr;",
    "&Atilde;&copy;t&Atilde;&copy;",
    "schÃ¶n &ndash; schÃ¶n",
    "Broken text&hellip; it&#x2019;s ﬂubberiﬁc!",
    "ï»¿a byte order mark read as windows-1252",
    "ï¿½ a replacement character twice",
    "âœ” No problems",
    "a\u0301\u0323 and a\u0323\u0301 are one",
    "<lora:film:0.8>, (masterpiece:1.2), [blurry|sharp], {a|b}, 8k --ar 16:9",
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量",
    "色调艳丽，過曝,ＪＰＥＧ圧縮残留，醜陋的",
    "",
    " \u00a0\u200b ",
]


def texts():
    yield from WRITTEN
    yield from (MEANT[name] for name in ALL)
    yield from (misread(MEANT[name]) for name in ALL)
    yield from (misread(MEANT[name], "latin-1") for name in ["english", "russian", "chinese", "arabic", "emoji", "polish", "korean"])
    yield from (misread(MEANT[name], times=2) for name in [*WESTERN, "polish", "russian", "chinese", "hindi"])
    yield misread(MEANT["english"], times=3)
    for encoding in ("windows-1250", "windows-1251", "windows-1253", "windows-1257", "iso-8859-2"):
        yield from (misread(MEANT[name], encoding) for name in ["english", "german", "french"])
    yield from (misread(MEANT[name], "windows-1251") for name in ["russian", "ukrainian"])
    yield from (misread(MEANT[name], "windows-1254") for name in ["russian", "emoji"])
    yield from (misread(MEANT[name], "windows-1250") for name in ["czech", "hungarian"])
    yield from (misread(MEANT[name], encoding) for encoding in ("macroman", "cp437") for name in ["german", "french"])
    yield from (cesu_8(text) for text in ["cut to 🌅 and 🎬", "🎥 𠮷野家 at night 🌃"])
    yield misread(MEANT["portuguese"]).replace("\xa0", " ")
    yield misread("À la fin, à pied; Рыба, Ямал, Šibenik").replace("\xa0", " ")
    yield from (MEANT[name].encode("cp1252").decode("latin-1") for name in ["english", "french", "signs"])
    yield from (unicodedata.normalize("NFD", MEANT[name]) for name in ["french", "vietnamese", "korean", "czech"])
    yield from (entities(MEANT[name]) for name in ["english", "french", "greek", "russian"])
    yield from (entities(misread(MEANT[name])) for name in ["german", "spanish"])
    yield from (lossy(misread(MEANT[name])) for name in ["english", "russian"])
    yield from (fullwidth(MEANT[name]) for name in ["english", "german"])
    yield from (MEANT[name] + ", " + misread(MEANT[name]) for name in ["english", "german", "polish", "russian"])
    yield from (MEANT[one] + "\n" + misread(MEANT[other]) for one, other in [("chinese", "german"), ("french", "greek")])
    yield from (misread(MEANT[name]).upper() for name in ["german", "french"])
    # What a report of a bug in another program would hold: one word each.
    yield from (misread(word) for word in ["Ωmega", "œuf", "Übergröße"])


COUNT = 200


def make():
    # Without it, diffusers skips its repairs.
    version = importlib.metadata.version("ftfy")
    tokenizer = AutoTokenizer.from_pretrained(POCKET / "tokenizer")
    prompts = list(texts())
    assert len(prompts) == COUNT, len(prompts)
    cases = [(prompt, prompt_clean(prompt)) for prompt in prompts]
    save_json(
        FIXTURES / "prompt-cases.json",
        {"ftfy": version, "cases": [{"prompt": p, "cleaned": c, "ids": tokenizer(c).input_ids} for p, c in cases]},
    )
