# Multi-head latent attention as Hugging Face's modeling_deepseek_v2.py computes it (expanded keys and values,
# interleaved rotation of the rope parts through complex numbers), and softmax attention over quantised keys with a
# relative bias, as Transformer-VQ's quadratic form; written from the definitions in torch float64.
# Run: python3 test/golden/attention.py > test/golden/attention.json
import json, math
import torch

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(7)
B, T, C, H, dk, dr, dv, dc, dq = 1, 5, 12, 2, 4, 4, 3, 6, 7


def draw(*shape, s=0.5):
    return (torch.rand(*shape, generator=gen) * 2 - 1) * s


w = {
    "q_a_proj": draw(dq, C), "q_a_layernorm": 1 + draw(dq), "q_b_proj": draw(H * (dk + dr), dq),
    "kv_a_proj_with_mqa": draw(dc + dr, C), "kv_a_layernorm": 1 + draw(dc),
    "kv_b_proj": draw(H * (dk + dv), dc), "o_proj": draw(C, H * dv),
}
x = draw(B, T, C, s=1.0)


def rmsnorm(y, g):
    return y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6) * g


freqs = 1.0 / (10000 ** (torch.arange(0, dr, 2) / dr))
cis = torch.polar(torch.ones(T, dr // 2), torch.outer(torch.arange(T).double(), freqs))


def rotate(y):  # [B, H, T, dr]
    z = torch.view_as_complex(y.reshape(*y.shape[:-1], -1, 2))
    return torch.view_as_real(z * cis).flatten(3)


q = rmsnorm(x @ w["q_a_proj"].T, w["q_a_layernorm"]) @ w["q_b_proj"].T
q = q.view(B, T, H, dk + dr).transpose(1, 2)
qn, qr = torch.split(q, [dk, dr], -1)
kv = x @ w["kv_a_proj_with_mqa"].T
latent, kr = torch.split(kv, [dc, dr], -1)
kv = (rmsnorm(latent, w["kv_a_layernorm"]) @ w["kv_b_proj"].T).view(B, T, H, dk + dv).transpose(1, 2)
kn, v = torch.split(kv, [dk, dv], -1)
kr = rotate(kr.view(B, 1, T, dr)).expand(B, H, T, dr)
qs, ks = torch.cat((qn, rotate(qr)), -1), torch.cat((kn, kr), -1)
scores = qs @ ks.transpose(2, 3) / math.sqrt(dk + dr)
scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf)
y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, H * dv) @ w["o_proj"].T

# Transformer-VQ, quadratic form.
n, D, E, K, L = 11, 4, 3, 5, 3
vq = {"q": draw(1, 2, n, D, s=1.5), "k": draw(1, 2, n, D, s=1.5), "v": draw(1, 2, n, E, s=1.0),
      "codebook": draw(2, K, D, s=1.5), "bias": draw(1, 2, n, L + 1, s=1.0)}
codes = ((vq["k"][:, :, :, None] - vq["codebook"][None, :, None]) ** 2).sum(-1).argmin(-1)
khat = torch.stack([vq["codebook"][h][codes[0, h]] for h in range(2)])[None]
s = vq["q"] @ khat.transpose(2, 3) / math.sqrt(D)
i, j = torch.arange(n)[:, None], torch.arange(n)[None]
dist = i - j
add = torch.gather(vq["bias"], 3, dist.clamp(0, L).expand(1, 2, n, n))
s = s + torch.where((dist >= 0) & (dist <= L), add, torch.zeros(()))
o = s.masked_fill(dist < 0, -math.inf).softmax(-1) @ vq["v"]


def flat(t):
    return {"shape": list(t.shape), "data": t.flatten().tolist()}


print(json.dumps({
    "provenance": "formulas of huggingface/transformers modeling_deepseek_v2.py and transformer-vq/transformer_vq in torch " + torch.__version__ + ", test/golden/attention.py",
    "dtype": "float64", "seed": 7, "tolerance": 1e-11,
    "mla": {"weights": {k: flat(t) for k, t in w.items()}, "x": flat(x), "y": flat(y)},
    "vq": {**{k: flat(t) for k, t in vq.items()}, "codes": codes.flatten().tolist(), "o": flat(o)},
}))
