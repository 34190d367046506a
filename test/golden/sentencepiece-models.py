"""Small SentencePiece models and the ids that spm_encode gives: PyPI sentencepiece 0.2.3.

python test/golden/sentencepiece-models.py > test/golden/sentencepiece-models.json
"""

import base64
import json
import os
import random
import tempfile

import sentencepiece as spm

random.seed(1)
WORDS = "the of and to in is that it was he for on with as his they be at one have this from or had by hello world".split()
CHINESE = "太阳能 白云山 白云机场 广州的 日本語 今天天气好".split()


def line():
    words = [random.choice(WORDS if random.random() < 0.8 else CHINESE) for _ in range(random.randint(3, 9))]
    return " ".join(words + ([str(random.randint(0, 999))] if random.random() < 0.3 else []))


CORPUS = [line() for _ in range(1500)]
# U+FF21 … to A …; the ligature fi to f i; a no-break space to a space; e + acute to é: one, two and no characters.
RULES = ["FF%02X\t%02X" % (0x21 + i, 0x41 + i) for i in range(26)]
RULES += ["FB01\t66 69", "A0\t20", "65 301\tE9", "200B\t"]
CONFIGS = {
    "unigram": dict(model_type="unigram", normalization_rule_tsv="rules.tsv"),
    "unigram, bytes": dict(model_type="unigram", byte_fallback=True, normalization_rule_name="identity", vocab_size=370),
    "unigram, as it is": dict(
        model_type="unigram",
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
    ),
    "unigram, symbols": dict(
        model_type="unigram",
        user_defined_symbols=["<sep>", "ing ", "▁the", "12"],
        control_symbols=["<ctl>"],
        normalization_rule_name="identity",
    ),
    "unigram, suffix": dict(model_type="unigram", treat_whitespace_as_suffix=True, normalization_rule_name="identity"),
    "bpe": dict(model_type="bpe", normalization_rule_tsv="rules.tsv"),
    "bpe, bytes": dict(
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        vocab_size=370,
    ),
    "bpe, symbols": dict(
        model_type="bpe",
        user_defined_symbols=["<sep>", "ing ", "  ", "   ", "12"],
        control_symbols=["<ctl>"],
        pad_id=3,
        normalization_rule_name="identity",
    ),
}
TEXTS = [
    "",
    " ",
    "   ",
    "hello world",
    "  two  spaces  here ",
    "ＡＢＣ ﬁ é e\u0301\u00a0x\u200b",
    "日本語 太阳能 😀😀 ß",
    "<s> </s> <unk> <sep>x <ctl> ▁the ▁ the",
    "being ing 12 1234 the12",
    "\t tab\n nl",
    "a" * 40 + " " * 19 + "b",
]
TEXTS += ["".join(random.choice("the of and  12 ▁太阳é😀ﬁ<sep>\t") for _ in range(random.randint(1, 20))) for _ in range(30)]
TEXTS += CORPUS[:6]

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    open("corpus.txt", "w").write("\n".join(CORPUS))
    open("rules.tsv", "w").write("\n".join(RULES) + "\n")
    models = {}
    for name, config in CONFIGS.items():
        spm.SentencePieceTrainer.train(
            input="corpus.txt",
            model_prefix="m",
            minloglevel=2,
            hard_vocab_limit=False,
            num_threads=1,
            **{"vocab_size": 130, **config},
        )
        sp = spm.SentencePieceProcessor(model_file="m.model")
        models[name] = {
            "model": base64.b64encode(open("m.model", "rb").read()).decode(),
            "ids": [sp.encode(t) for t in TEXTS],
            "decoded": [sp.decode(sp.encode(t)) for t in TEXTS],
        }
print(
    json.dumps(
        {
            "provenance": f"PyPI sentencepiece {spm.__version__}: test/golden/sentencepiece-models.py",
            "texts": TEXTS,
            "models": models,
        },
        ensure_ascii=False,
    )
)
