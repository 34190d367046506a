# Logits of tiny models by Hugging Face's transformers under the configurations that checkpoints come with.
# Run: /path/to/venv/bin/python test/golden/make-hugging-face.py > test/golden/hugging-face.json
# Weights follow from names (weight() here, weightOf in test/model/hugging-face.test.ts), so that none are stored.
import json, math, sys
import torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM

BASE = dict(vocab_size=19, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=16, head_dim=8)
IDS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4]
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=6)
CASES = {
    "llama, eps and everything else by default": dict(model_type="llama"),
    "llama with a sliding_window it does not have": dict(model_type="llama", sliding_window=4, rms_norm_eps=1e-5),
    "llama, attention_bias alone": dict(model_type="llama", attention_bias=True),
    "llama, mlp_bias alone": dict(model_type="llama", mlp_bias=True),
    "llama, both biases": dict(model_type="llama", attention_bias=True, mlp_bias=True),
    "llama, gelu gate": dict(model_type="llama", hidden_act="gelu"),
    "llama, tanh gelu gate": dict(model_type="llama", hidden_act="gelu_pytorch_tanh"),
    "llama, relu gate": dict(model_type="llama", hidden_act="relu"),
    "llama, rope_theta inside before beside": dict(model_type="llama", rope_theta=77.0,
                                                   rope_parameters=dict(rope_type="default", rope_theta=500.0)),
    "llama, linear": dict(model_type="llama", rope_scaling=dict(type="linear", factor=2.5)),
    "llama, dynamic": dict(model_type="llama", rope_scaling=dict(rope_type="dynamic", factor=2.0)),
    "llama, llama3": dict(model_type="llama", rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                          high_freq_factor=4.0, original_max_position_embeddings=8)),
    "llama, yarn": dict(model_type="llama", rope_scaling=YARN),
    "llama, yarn with both mscales": dict(model_type="llama", rope_scaling=dict(YARN, mscale=1.0, mscale_all_dim=0.5)),
    "llama, yarn with mscale alone": dict(model_type="llama", rope_scaling=dict(YARN, mscale=0.707)),
    "llama, yarn with attention_factor": dict(model_type="llama", rope_scaling=dict(YARN, attention_factor=1.3)),
    "llama, yarn untruncated": dict(model_type="llama", rope_theta=40.0,
                                    rope_scaling=dict(YARN, truncate=False, beta_fast=3, beta_slow=1)),
    "llama, yarn truncated": dict(model_type="llama", rope_theta=40.0,
                                  rope_scaling=dict(YARN, beta_fast=3, beta_slow=1)),
    "llama, yarn of null factor": dict(model_type="llama", rope_scaling=dict(YARN, factor=None)),
    "mistral, window": dict(model_type="mistral", sliding_window=5),
    "mistral, no window": dict(model_type="mistral", sliding_window=None),
    "mistral, window by default": dict(model_type="mistral"),
    "qwen2, sliding_window unused": dict(model_type="qwen2", sliding_window=4),
    "qwen2, windows from a layer on": dict(model_type="qwen2", use_sliding_window=True, sliding_window=4,
                                           max_window_layers=1),
    "qwen2, windows beyond the last layer": dict(model_type="qwen2", use_sliding_window=True, sliding_window=4),
    "qwen2, layer_types": dict(model_type="qwen2", use_sliding_window=True, sliding_window=4,
                               layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "qwen3, windows": dict(model_type="qwen3", use_sliding_window=True, sliding_window=3, max_window_layers=2),
    "qwen3, attention_bias": dict(model_type="qwen3", attention_bias=True, rms_norm_eps=1e-5),
}


def weight(name, count):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    waves = [math.sin(h % 977 + 0.7310585 * i + 0.31 * (i % 13)) for i in range(count)]
    if "norm" in name:
        return [1 + 0.2 * w for w in waves]
    return [(0.1 if name.endswith("bias") else 0.5) * w for w in waves]


out = {"provenance": f"make-hugging-face.py, transformers {transformers.__version__}, torch {torch.__version__}", "ids": IDS, "cases": {}}
torch.set_grad_enabled(False)
for name, case in CASES.items():
    given = {**BASE, **case}
    config = AutoConfig.for_model(**json.loads(json.dumps(given)))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).to(torch.float32).eval()
    for key, p in model.named_parameters():
        p.copy_(torch.tensor(weight(key, p.numel()), dtype=torch.float64).reshape(p.shape))
    logits = model(torch.tensor([IDS]), use_cache=False).logits[0]
    rows = [0, 5, 11, 23]
    out["cases"][name] = {"config": given, "rows": rows, "logits": [[round(x, 5) for x in logits[r].tolist()] for r in rows]}
json.dump(out, sys.stdout, indent=None, separators=(",", ":"))
