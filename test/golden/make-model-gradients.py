"""Gradients of two small decoders by PyTorch, for test/train/model-gradients.test.ts.

Run: python3 test/golden/make-model-gradients.py > test/golden/model-gradients.json
The models are written here from their descriptions (GPT-2: Radford et al. 2019; Llama: Touvron et al. 2023), in
float64, with weights that both sides compute from the same formula: element i of the tensor called NAME is
scale * sin(h + 0.7 * i + 0.013 * i * i) with h = sum of the codes of NAME's characters modulo 97, plus 1 for gains.
"""
import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)

SIZES = {
    "gpt2": dict(vocabulary=13, context=6, width=12, layers=2, heads=3, keyValueHeads=3, headWidth=4, hidden=48),
    "llama": dict(vocabulary=13, context=6, width=12, layers=2, heads=3, keyValueHeads=1, headWidth=4, hidden=20),
}
EPSILON = 1e-5
BATCH = 2


def weight(name, shape):
    h = sum(map(ord, name)) % 97
    n = math.prod(shape)
    i = torch.arange(n, dtype=torch.float64)
    gain = "norm" in name and name.endswith("weight")
    values = (0.1 if gain else 0.3) * torch.sin(h + 0.7 * i + 0.013 * i * i) + (1.0 if gain else 0.0)
    return values.reshape(shape).requires_grad_(True)


def shapes(kind):
    s = SIZES[kind]
    C, D, H, G, F, V = (s[k] for k in ("width", "headWidth", "heads", "keyValueHeads", "hidden", "vocabulary"))
    out = {"model.embed_tokens.weight": (V, C)}
    if kind == "gpt2":
        out["model.embed_positions.weight"] = (s["context"], C)
    for l in range(s["layers"]):
        p = f"model.layers.{l}."
        out[p + "input_layernorm.weight"] = (C,)
        out[p + "post_attention_layernorm.weight"] = (C,)
        for name, rows, columns in (
            ("self_attn.q_proj", H * D, C),
            ("self_attn.k_proj", G * D, C),
            ("self_attn.v_proj", G * D, C),
            ("self_attn.o_proj", C, H * D),
            ("mlp.gate_proj", F, C),
            ("mlp.up_proj", F, C),
            ("mlp.down_proj", C, F),
        ):
            if kind == "gpt2" and name == "mlp.gate_proj":
                continue
            out[p + name + ".weight"] = (rows, columns)
            if kind == "gpt2":
                out[p + name + ".bias"] = (rows,)
        if kind == "gpt2":
            out[p + "input_layernorm.bias"] = (C,)
            out[p + "post_attention_layernorm.bias"] = (C,)
    out["model.norm.weight"] = (C,)
    if kind == "gpt2":
        out["model.norm.bias"] = (C,)
    else:
        out["lm_head.weight"] = (V, C)
    return out


def rotate(x):
    """Rotary embedding, half-split layout, base 10000. x: [B, H, T, D]."""
    D, T = x.shape[-1], x.shape[-2]
    frequency = 10000.0 ** (-torch.arange(0, D, 2) / D)
    angle = torch.arange(T)[:, None] * frequency[None, :]
    a, b = x[..., : D // 2], x[..., D // 2 :]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def forward(kind, w, ids, targets):
    s = SIZES[kind]
    C, D, H, G = s["width"], s["headWidth"], s["heads"], s["keyValueHeads"]
    B, T = ids.shape

    def linear(name, x):
        y = x @ w[name + ".weight"].T
        return y + w[name + ".bias"] if name + ".bias" in w else y

    def norm(name, x):
        if kind == "gpt2":
            return torch.nn.functional.layer_norm(x, (C,), w[name + ".weight"], w[name + ".bias"], EPSILON)
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + EPSILON) * w[name + ".weight"]

    x = w["model.embed_tokens.weight"][ids]
    if kind == "gpt2":
        x = x + w["model.embed_positions.weight"][:T]
    mask = torch.tril(torch.ones(T, T, dtype=torch.bool))
    for l in range(s["layers"]):
        p = f"model.layers.{l}."
        h = norm(p + "input_layernorm", x)
        q = linear(p + "self_attn.q_proj", h).reshape(B, T, H, D).transpose(1, 2)
        k = linear(p + "self_attn.k_proj", h).reshape(B, T, G, D).transpose(1, 2)
        v = linear(p + "self_attn.v_proj", h).reshape(B, T, G, D).transpose(1, 2)
        if kind == "llama":
            q, k = rotate(q), rotate(k)
        k, v = k.repeat_interleave(H // G, 1), v.repeat_interleave(H // G, 1)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(D)).masked_fill(~mask, -math.inf)
        o = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, H * D)
        x = x + linear(p + "self_attn.o_proj", o)
        m = norm(p + "post_attention_layernorm", x)
        up = linear(p + "mlp.up_proj", m)
        if kind == "llama":
            up = torch.nn.functional.silu(linear(p + "mlp.gate_proj", m)) * up
        else:
            up = torch.nn.functional.gelu(up)
        x = x + linear(p + "mlp.down_proj", up)
    x = norm("model.norm", x)
    logits = x @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).T
    return torch.nn.functional.cross_entropy(logits.reshape(-1, s["vocabulary"]), targets.reshape(-1))


def case(kind):
    s = SIZES[kind]
    w = {name: weight(name, shape) for name, shape in shapes(kind).items()}
    n = BATCH * s["context"]
    ids = torch.tensor([(5 * i + i * i // 3) % s["vocabulary"] for i in range(n)]).reshape(BATCH, -1)
    targets = torch.tensor([(3 * i + 1) % s["vocabulary"] for i in range(n)]).reshape(BATCH, -1)
    loss = forward(kind, w, ids, targets)
    loss.backward()
    return {
        "kind": kind,
        "sizes": s,
        "ids": ids.tolist(),
        "targets": targets.tolist(),
        "loss": loss.item(),
        "gradients": {
            name: {"norm": t.grad.norm().item(), "values": [float(f"{g:.7g}") for g in t.grad.reshape(-1)[:60].tolist()]}
            for name, t in w.items()
        },
    }


json.dump(
    {
        "provenance": {
            "what": "loss and gradients of two decoders in float64: of each parameter the norm and the first 60 elements",
            "by": f"PyTorch {torch.__version__}",
            "command": "python3 test/golden/make-model-gradients.py > test/golden/model-gradients.json",
            "tolerance": "float32: 2e-5 of each gradient's norm",
        },
        "cases": [case("gpt2"), case("llama")],
    },
    sys.stdout,
    separators=(",", ":"),
)
