"""Holds what make-llama-cpp.ts wrote against llama.cpp on the same file: greedy texts, and first choices when forced.

    node --conditions=source test/golden/make-llama-cpp.ts FILE.gguf > ours.json
    /work/venv/bin/python test/golden/llama-cpp.py FILE.gguf ours.json
(PyPI xllamacpp 2026.10.11549, unpacked in XLLAMACPP, default /tmp/xl)
"""
import json
import os
import sys

sys.path.insert(0, os.environ.get("XLLAMACPP", "/tmp/xl"))
import xllamacpp

p = xllamacpp.CommonParams()
p.model.path, p.n_ctx, p.n_parallel, p.warmup = sys.argv[1], 1024, 1, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 2
p.cache_type_k = p.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
p.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
server = xllamacpp.Server(p)
ours = json.load(open(sys.argv[2]))


def write(ids, count):
    out = server.handle_completions({"prompt": ids, "max_tokens": count, "temperature": 0, "logprobs": 2, "cache_prompt": True})
    return out["choices"][0]["logprobs"]["content"]


for case in ours["prompts"]:
    theirs = write(case["ids"], len(case["written"]))
    same = next((i for i, (a, b) in enumerate(zip(case["written"], theirs)) if a != b["id"]), len(theirs))
    lead = "" if same == len(theirs) else " (theirs leads by {:.4f} nats)".format(
        theirs[same]["top_logprobs"][0]["logprob"] - theirs[same]["top_logprobs"][1]["logprob"])
    print(f"{case['prompt']!r}: {same} of {len(theirs)} tokens alike{lead}")
alike = 0
for t, best in enumerate(ours["best"]):
    alike += write(ours["ids"][: t + 1], 1)[0]["id"] == best
print(f"forced: {alike} of {len(ours['best'])} first choices alike ({100 * alike / len(ours['best']):.1f} %)")
