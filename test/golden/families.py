# Logits of tiny models of every family by Hugging Face's transformers, the names and shapes of their tensors, and the
# same with weights rounded to float16 and bfloat16.
# Run: /path/to/venv/bin/python test/golden/families.py            writes test/golden/families/<case>.json
#      /path/to/venv/bin/python test/golden/families.py CASE…     those alone
#      /path/to/venv/bin/python test/golden/families.py check DIR  holds folders DIR/<case>, written by `export --hf`,
#                                                                  against them (transformers loads them)
# Weights follow from names (weight() here, weightOf in test/support/named-weights.ts), so that none are stored.
import json, math, pathlib, sys
import torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent / "families"
BASE = dict(vocab_size=17, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=16, head_dim=8, pad_token_id=None)
PHI = {k: v for k, v in BASE.items() if k != "head_dim"}
MLA = dict({k: v for k, v in BASE.items() if k != "head_dim"}, num_key_value_heads=4, kv_lora_rank=6, qk_nope_head_dim=6,
           qk_rope_head_dim=4, v_head_dim=5, first_k_dense_replace=3, n_routed_experts=4, moe_intermediate_size=8)
LONG = dict(type="longrope", short_factor=[1.0, 1.3], long_factor=[1.5, 4.0])
IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7]
CASES = {
    "llama": dict(BASE, model_type="llama", rms_norm_eps=1e-5),
    "llama-relu2": dict(BASE, model_type="llama", hidden_act="relu2", tie_word_embeddings=True),
    "qwen2": dict(BASE, model_type="qwen2"),
    "qwen3": dict(BASE, model_type="qwen3", tie_word_embeddings=True),
    "qwen3-windows": dict(BASE, model_type="qwen3", use_sliding_window=True, sliding_window=4, max_window_layers=1),
    "mistral": dict(BASE, model_type="mistral", sliding_window=5),
    "gpt2": dict(model_type="gpt2", vocab_size=17, n_embd=16, n_layer=3, n_head=4, n_positions=16),
    "gpt2-relu-unscaled": dict(model_type="gpt2", vocab_size=17, n_embd=16, n_layer=2, n_head=2, n_positions=16, n_inner=20,
                               activation_function="relu", scale_attn_weights=False, tie_word_embeddings=False),
    "smollm3": dict(BASE, model_type="smollm3", no_rope_layers=[1, 0, 1]),
    "smollm3-windows": dict(BASE, model_type="smollm3", num_hidden_layers=4, use_sliding_window=True, sliding_window=4,
                            attention_bias=True, rope_theta=500.0),
    "gemma": dict(BASE, model_type="gemma"),
    "gemma2": dict(BASE, model_type="gemma2", sliding_window=4, query_pre_attn_scalar=12),
    "gemma2-caps": dict(BASE, model_type="gemma2", sliding_window=16, attn_logit_softcapping=0.7, final_logit_softcapping=2.0,
                        hidden_activation="gelu", rms_norm_eps=1e-5),
    "gemma2-no-caps": dict(BASE, model_type="gemma2", sliding_window=3, attn_logit_softcapping=None,
                           final_logit_softcapping=None, layer_types=["full_attention"] * 2 + ["sliding_attention"]),
    "gemma3": dict(BASE, model_type="gemma3_text", sliding_window=4, sliding_window_pattern=3, rope_theta=900.0,
                   rope_local_base_freq=30.0, rope_scaling=dict(rope_type="linear", factor=8.0), query_pre_attn_scalar=20),
    "gemma3-parameters": dict(BASE, model_type="gemma3_text", sliding_window=3,
                              layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                              rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=700.0),
                                                   sliding_attention=dict(rope_type="default", rope_theta=20.0))),
    "phi3": dict(PHI, model_type="phi3", sliding_window=6),
    "phi3-partial": dict(PHI, model_type="phi3", hidden_size=32, partial_rotary_factor=0.5),
    "phi3-long": dict(PHI, model_type="phi3", rope_scaling=LONG, original_max_position_embeddings=8),
    "phi3-short": dict(PHI, model_type="phi3", rope_scaling=LONG, original_max_position_embeddings=15),
    "olmo2": dict(BASE, model_type="olmo2"),
    "olmo2-bias": dict(BASE, model_type="olmo2", attention_bias=True, rms_norm_eps=1e-6, rope_theta=500.0),
    "deepseek2": dict(MLA, model_type="deepseek_v2", q_lora_rank=None),
    "deepseek2-yarn": dict(MLA, model_type="deepseek_v2", q_lora_rank=7, rope_scaling=dict(
        type="yarn", factor=4.0, original_max_position_embeddings=6, beta_fast=3, beta_slow=1, mscale=0.707, mscale_all_dim=0.707)),
    "deepseek3": dict(MLA, model_type="deepseek_v3", q_lora_rank=7, rope_scaling=dict(
        type="yarn", factor=4.0, original_max_position_embeddings=6, beta_fast=3, beta_slow=1, mscale=1.0, mscale_all_dim=0.5)),
    "deepseek3-bias": dict(MLA, model_type="deepseek_v3", q_lora_rank=7, attention_bias=True),
    "deepseek3-half": dict(MLA, model_type="deepseek_v3", q_lora_rank=None, rope_interleave=False),
}


def weight(name, count):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    waves = [math.sin(h % 977 + 0.7310585 * i + 0.31 * (i % 13)) for i in range(count)]
    if "norm" in name or "ln_" in name:
        return [1 + 0.2 * w for w in waves]
    return [(0.1 if name.endswith("bias") else 0.5) * w for w in waves]


def logits_of(model, ids):
    return [[round(x, 5) for x in row] for row in model(torch.tensor([ids]), use_cache=False).logits[0].tolist()]


torch.set_grad_enabled(False)
if sys.argv[1:2] == ["check"]:
    for folder in sorted(pathlib.Path(sys.argv[2]).iterdir()):
        golden = json.loads((HERE / f"{folder.name}.json").read_text())
        model, info = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32,
                                                           output_loading_info=True)
        got = torch.tensor(logits_of(model.eval(), IDS))
        worst = (got - torch.tensor(golden["logits"])).abs().max().item()
        print(f"{folder.name}: {type(model).__name__}, off by at most {worst:.1e}, missing {info['missing_keys']}, "
              f"unexpected {info['unexpected_keys']}")
        assert worst < 2e-4 and not info["missing_keys"] and not info["unexpected_keys"]
    sys.exit()

for name, given in CASES.items():
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    config = AutoConfig.for_model(**json.loads(json.dumps(given)))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).to(torch.float32).eval()
    parameters = dict(model.named_parameters())

    def fill(dtype):
        for key, p in parameters.items():
            values = torch.tensor(weight(key, p.numel()), dtype=torch.float64).to(torch.float32).to(dtype)
            p.copy_(values.to(torch.float32).reshape(p.shape))

    out = {"provenance": f"families.py, transformers {transformers.__version__}, torch {torch.__version__}", "config": given,
           "ids": IDS, "tensors": {key: list(p.shape) for key, p in parameters.items()}}
    for key, dtype in (("float16", torch.float16), ("bfloat16", torch.bfloat16), ("logits", torch.float32)):
        fill(dtype)
        all_rows = logits_of(model, IDS)
        out[key] = all_rows if key == "logits" else all_rows[-1]
    (HERE / f"{name}.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
