"""Where the Unicode tables of the Rust library `tokenizers` differ from a current JavaScript's.

    python test/golden/unicode-classes.py > classes.json

asks PyPI tokenizers (0.23) for every code point: which ones each class of its regular expressions matches, what its
normalizers make of them, where its pre-tokenizers cut. The output, as ranges of code points, is compared with the same
questions to Node; the differences are the tables of src/tokenizer/pipeline/unicode.ts.
"""

import json
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

CLASSES = [
    *(rf"\p{{{p}}}" for p in "L N M P S Z C Lu Ll Lm Lo Lt Mn Me Nl Sc Pd Cf Cn Zs".split()),
    *(rf"\p{{{p}}}" for p in "Han Hiragana Latin Alphabetic Uppercase Lowercase Emoji Alpha Word Space Punct".split()),
    *(f"[[:{b}:]]" for b in "alpha alnum upper lower punct blank word cntrl".split()),
    *(r"\s", r"\w", r"\d", r"\h", "."),
    *("(?i:s)", "(?i:[a-z])", "(?i:[^a-z])"),
]
NORMALIZERS = {
    **{name: getattr(normalizers, name)() for name in "Lowercase NFC NFD NFKC NFKD StripAccents Nmt Strip".split()},
    "BertClean": normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False
    ),
}
PRE_TOKENIZERS = {
    "Digits": pre_tokenizers.Digits(True),
    "Punctuation": pre_tokenizers.Punctuation("removed"),
    "WhitespaceSplit": pre_tokenizers.WhitespaceSplit(),
    "BertPreTokenizer": pre_tokenizers.BertPreTokenizer(),
    "Whitespace": pre_tokenizers.Whitespace(),
}


def ranges(points):
    """[first, last] of every run of neighbours."""
    found = []
    for c in points:
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def matched(pattern):
    """What a pattern matches: a split that removes its matches leaves nothing of such a character."""
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return ranges(c for c in POINTS if not split.pre_tokenize_str(chr(c)))


def changed(normalizer):
    """Characters that do not stay as they are, and what becomes of them."""
    return {c: now for c in POINTS if (now := normalizer.normalize_str(chr(c))) != chr(c)}


def cut(pre_tokenizer):
    """Characters at which `a.a` falls apart."""
    return ranges(c for c in POINTS if len(pre_tokenizer.pre_tokenize_str(f"a{chr(c)}a")) != 1)


def stripped():
    """Marks that BERT takes away after decomposing."""
    bert = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False
    )
    return ranges(c for c in POINTS if bert.normalize_str("a" + chr(c)) == "a")


json.dump(
    {
        "classes": {p: matched(p) for p in CLASSES},
        "normalizers": {name: changed(n) for name, n in NORMALIZERS.items()},
        "cuts": {name: cut(p) for name, p in PRE_TOKENIZERS.items()},
        "stripped": stripped(),
    },
    sys.stdout,
    ensure_ascii=False,
)
