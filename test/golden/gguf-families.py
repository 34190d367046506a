"""Tiny GGUF files of every architecture that Athanor reads beside llama, qwen2 and qwen3: written by the Python package
`gguf` (its own map of tensor names), with logits by transformers of the same float16 weights, and held against llama.cpp.

    /work/venv/bin/python test/golden/gguf-families.py              writes gguf-families/<case>.json
    /work/venv/bin/python test/golden/gguf-families.py check DIR    has llama.cpp read DIR/<case>.gguf, written by Athanor

gguf 0.19.0, transformers 5.24.0, torch 2.15.0; llama.cpp is PyPI xllamacpp 2026.10.11549, unpacked in XLLAMACPP (default
/tmp/xl: pip download --no-deps xllamacpp, unzip). Weights follow from names as in families.py.
"""
import base64
import json
import math
import os
import sys
import tempfile

import gguf
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

sys.path.insert(0, os.environ.get("XLLAMACPP", "/tmp/xl"))
import xllamacpp

HERE = os.path.dirname(os.path.abspath(__file__))
IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7]
BASE = dict(vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, pad_token_id=None, bos_token_id=0, eos_token_id=1)
GEMMA = dict(BASE, head_dim=8)
MLA = dict(BASE, num_key_value_heads=4, kv_lora_rank=6, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5,
           first_k_dense_replace=2, n_routed_experts=4, moe_intermediate_size=8, q_lora_rank=7)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=6, mscale=0.707, mscale_all_dim=0.707)
CASES = {
    "gemma": ("gemma", dict(GEMMA, model_type="gemma")),
    "gemma2": ("gemma2", dict(GEMMA, model_type="gemma2", sliding_window=4, query_pre_attn_scalar=8)),
    "gemma3": ("gemma3", dict(GEMMA, model_type="gemma3_text", num_hidden_layers=6, sliding_window=4, query_pre_attn_scalar=8,
                              rope_parameters=dict(
                                  full_attention=dict(rope_type="linear", factor=4.0, rope_theta=900.0),
                                  sliding_attention=dict(rope_type="default", rope_theta=30.0)))),
    "phi3": ("phi3", dict(BASE, model_type="phi3", hidden_size=32, partial_rotary_factor=0.5)),
    "phi3-long": ("phi3", dict(BASE, model_type="phi3", original_max_position_embeddings=8, rope_scaling=dict(
        type="longrope", short_factor=[1.0, 1.3], long_factor=[1.5, 4.0]))),
    "gpt2": ("gpt2", dict(model_type="gpt2", vocab_size=20, n_embd=16, n_layer=2, n_head=4, n_positions=64,
                          bos_token_id=0, eos_token_id=1)),
    "olmo2": ("olmo2", dict(BASE, model_type="olmo2")),
    "smollm3": ("smollm3", dict(BASE, model_type="smollm3", num_hidden_layers=4, no_rope_layers=[1, 1, 1, 0],
                                rope_theta=500.0, tie_word_embeddings=True)),
    "deepseek2": ("deepseek2", dict(MLA, model_type="deepseek_v2", rope_scaling=YARN)),
    "deepseek3": ("deepseek2", dict(MLA, model_type="deepseek_v3")),
}


def weight(name, count):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    waves = [math.sin(h % 977 + 0.7310585 * i + 0.31 * (i % 13)) for i in range(count)]
    if "norm" in name or "ln_" in name:
        return [1 + 0.2 * w for w in waves]
    return [(0.1 if name.endswith("bias") else 0.5) * w for w in waves]


def llama_cpp(path, ids=IDS):
    """Log probabilities after `ids` by llama.cpp, keys and values in float32."""
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel, p.warmup = path, 64, 1, False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.cache_type_k = p.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    p.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(p)
    out = server.handle_completions({"prompt": ids, "max_tokens": 1, "temperature": 0, "logprobs": 20})
    top = out["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {t["id"]: t["logprob"] for t in top}


def distance(path, logits):
    """Largest difference of log probabilities, of those that count."""
    want = torch.log_softmax(torch.tensor(logits), -1)
    got = llama_cpp(path)
    return max(abs(want[i].item() - x) for i, x in got.items() if want[i] > -12)


if sys.argv[1:2] == ["check"]:
    for name in CASES:
        case = json.load(open(os.path.join(HERE, "gguf-families", f"{name}.json")))
        path = os.path.join(sys.argv[2], f"{name}.gguf")
        if not os.path.exists(path):
            print(f"{name}: not there")
            continue
        off = distance(path, case["logits"])
        print(f"{name}: llama.cpp off by at most {off:.1e}")
        assert off < 0.02  # products of float16 weights round what they multiply to float16
    sys.exit()


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write(path, arch, config, state):
    w = gguf.GGUFWriter(path, arch)
    get = lambda key, otherwise=None: getattr(config, key, otherwise)
    layers = config.num_hidden_layers
    heads, kv = config.num_attention_heads, get("num_key_value_heads") or config.num_attention_heads
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_block_count(layers)
    w.add_feed_forward_length(get("intermediate_size") or get("n_inner") or 4 * config.hidden_size)
    w.add_head_count(heads)
    rope = get("rope_parameters") or {}
    full = rope.get("full_attention", rope)
    if arch == "gpt2":
        w.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        w.add_head_count_kv(1 if arch == "deepseek2" else kv)
        w.add_layer_norm_rms_eps(config.rms_norm_eps)
        w.add_rope_freq_base(full["rope_theta"])
    if arch.startswith("gemma"):
        w.add_key_length(config.head_dim)
        w.add_value_length(config.head_dim)
    if arch == "gemma2":
        w.add_sliding_window(config.sliding_window)
        w.add_attn_logit_softcapping(config.attn_logit_softcapping)
        w.add_final_logit_softcapping(config.final_logit_softcapping)
    if arch == "gemma3":
        w.add_sliding_window(config.sliding_window)
        w.add_float32("gemma3.rope.freq_base_swa", rope["sliding_attention"]["rope_theta"])
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(full["factor"])
    if arch == "phi3":
        w.add_rope_dimension_count(int(config.hidden_size // heads * full.get("partial_rotary_factor", 1)))
        original = config.original_max_position_embeddings
        w.add_rope_scaling_orig_ctx_len(original)
        if full["rope_type"] == "longrope":
            growth = config.max_position_embeddings / original
            w.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(growth) / math.log(original)))
            w.add_tensor("rope_factors_long.weight", np.array(full["long_factor"], np.float32))
            w.add_tensor("rope_factors_short.weight", np.array(full["short_factor"], np.float32))
    if arch == "deepseek2":
        content, rotary, latent = config.qk_nope_head_dim, config.qk_rope_head_dim, config.kv_lora_rank
        w.add_q_lora_rank(config.q_lora_rank)
        w.add_kv_lora_rank(latent)
        w.add_key_length(latent + rotary)
        w.add_value_length(latent)
        w.add_key_length_mla(content + rotary)
        w.add_value_length_mla(config.v_head_dim)
        w.add_rope_dimension_count(rotary)
        w.add_leading_dense_block_count(layers)
        w.add_expert_feed_forward_length(config.moe_intermediate_size)
        w.add_expert_shared_count(1)
        w.add_expert_weights_scale(1.0)
        if full.get("factor"):
            w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            w.add_rope_scaling_factor(full["factor"])
            w.add_rope_scaling_orig_ctx_len(full["original_max_position_embeddings"])
            w.add_rope_scaling_yarn_log_mul(0.1 * full["mscale_all_dim"])
    tokens = [chr(ord("a") + i) for i in range(19)] + ["ab"]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([1] * 20)
    w.add_token_merges(["a b"])
    w.add_bos_token_id(0)
    w.add_eos_token_id(1)
    w.add_add_bos_token(False)

    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, arch.upper()), layers)

    def add(key, value):
        there = names.get_name(key, try_suffixes=(".weight", ".bias"))
        value = np.ascontiguousarray(value, dtype=np.float32)
        w.add_tensor(there, value if value.ndim < 2 else value.astype(np.float16))

    for key, t in state.items():
        value = t.numpy()
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if arch.startswith("gemma") and key.endswith("norm.weight"):
            value = value + 1
        if arch == "gpt2" and value.ndim == 2 and ".h." in key:
            value = value.T
        if arch == "smollm3" and key.endswith(("q_proj.weight", "k_proj.weight")):
            value = permute(value, heads if "q_proj" in key else kv)
        if key.endswith("kv_b_proj.weight"):
            both = value.reshape(heads, content + config.v_head_dim, latent)
            add(key.replace("kv_b_proj", "k_b_proj"), both[:, :content].swapaxes(1, 2))
            add(key.replace("kv_b_proj", "v_b_proj"), both[:, content:])
            continue
        add(key, value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


torch.set_grad_enabled(False)
os.makedirs(os.path.join(HERE, "gguf-families"), exist_ok=True)
for name, (arch, given) in CASES.items():
    config = AutoConfig.for_model(**json.loads(json.dumps(given)))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).to(torch.float32).eval()
    state = dict(model.named_parameters())
    for key, p in state.items():
        values = torch.tensor(weight(key, p.numel()), dtype=torch.float64).to(torch.float32)
        p.copy_((values if p.ndim < 2 else values.to(torch.float16).to(torch.float32)).reshape(p.shape))
    logits = model(torch.tensor([IDS]), use_cache=False).logits[0]
    path = os.path.join(tempfile.mkdtemp(), f"{name}.gguf")
    write(path, arch, config, state)
    off = distance(path, logits[-1].tolist())
    print(f"{name}: {os.path.getsize(path)} bytes, llama.cpp off by at most {off:.1e}")
    assert off < 0.02
    out = {"provenance": "test/golden/gguf-families.py: gguf 0.19.0, transformers 5.24.0, llama.cpp (xllamacpp 2026.10.11549)",
           "config": given, "ids": IDS, "logits": [round(x, 5) for x in logits[-1].tolist()],
           "file": base64.b64encode(open(path, "rb").read()).decode()}
    with open(os.path.join(HERE, "gguf-families", f"{name}.json"), "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
