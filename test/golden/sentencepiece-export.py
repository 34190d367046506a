"""Ids that SentencePiece gives with a vocabulary that Athanor trained and wrote as `.model`.

    athanor tokenizer train TEXT --vocab 700 -o v.json
    athanor tokenizer train TEXT --vocab 700 -o v.model
    python sentencepiece-export.py v.json v.model LINES > sentencepiece-export.json

sentencepiece-export-unknown.json is made the same way of a vocabulary with counts by hand (`withScores`): characters
that are no piece stand in longer pieces, and their bytes are frequent.

PyPI sentencepiece 0.2.3. LINES: a text, one case a line; test/tokenizer/sentencepiece-export.test.ts holds ours
against it.
"""

import base64
import json
import sys

import sentencepiece

tokenizer, model, texts = sys.argv[1:]
sp = sentencepiece.SentencePieceProcessor(model_file=model)
lines = open(texts, encoding="utf-8", newline="").read().split("\n")
json.dump(
    {
        "provenance": "PyPI sentencepiece 0.2.3, test/golden/sentencepiece-export.py",
        "tokenizer": json.load(open(tokenizer, encoding="utf-8")),
        "model": base64.b64encode(open(model, "rb").read()).decode(),
        "lines": lines,
        "ids": [sp.encode(line) for line in lines],
    },
    sys.stdout,
    ensure_ascii=False,
    separators=(",", ":"),
)
