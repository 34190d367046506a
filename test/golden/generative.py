"""Makes test/golden/generative.json with PyTorch in float64: posteriors, idempotence with a frozen copy, patches and their head.

/work/venv/bin/python test/golden/generative.py
"""

import copy
import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261127)


def listed(x):
    return {"shape": list(x.shape), "data": [float(f"{v:.15g}") for v in x.detach().reshape(-1).tolist()]}


def bn_vae():
    B, D, gamma = 6, 3, 0.6
    mean, spread = torch.randn(B, D) * 2 + 1, torch.randn(B, D)
    beta = torch.randn(D) * 0.3
    bn = nn.BatchNorm1d(D, eps=1e-8)
    bn.weight.data.fill_(gamma)
    bn.bias.data.copy_(beta)
    mu = bn(mean)
    kl = torch.distributions.kl_divergence(
        torch.distributions.Normal(mu, torch.exp(spread / 2)), torch.distributions.Normal(torch.zeros(1), torch.ones(1))
    )
    theta, tau = torch.randn(D), 0.5
    plain = lambda x: F.batch_norm(x, None, None, training=True, eps=1e-8)
    scaled = (tau + (1 - tau) * torch.sigmoid(theta)).sqrt() * plain(mean)
    deviation = ((1 - tau) * torch.sigmoid(-theta)).sqrt() * plain(spread)
    z = mu + torch.exp(spread / 2) * torch.randn(B, D)
    q = torch.distributions.Normal(mu, torch.exp(spread / 2))
    own = q.log_prob(z).sum(-1)
    every = torch.stack([torch.distributions.Normal(mu[j], torch.exp(spread[j] / 2)).log_prob(z).sum(-1) for j in range(B)])
    mutual = (own - (torch.logsumexp(every, 0) - math.log(B))).mean()
    return {
        "gamma": gamma, "tau": tau,
        "mean": listed(mean), "spread": listed(spread), "beta": listed(beta), "theta": listed(theta),
        "bn": listed(mu), "kl": listed(kl), "free": listed(torch.clamp(kl.mean(0), min=0.4).sum()),
        "scalerMean": listed(scaled), "scalerDeviation": listed(deviation),
        "z": listed(z), "mutual": listed(mutual),
        "frechet": frechet(mean, spread),
    }


def frechet(a, b):
    """By the square root of the product itself, which is not symmetric."""
    ca, cb = torch.cov(a.T, correction=0), torch.cov(b.T, correction=0)
    eigenvalues = torch.linalg.eigvals(ca @ cb)
    return listed((a.mean(0) - b.mean(0)).square().sum() + ca.trace() + cb.trace() - 2 * eigenvalues.sqrt().real.sum())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(4, 5), nn.Linear(5, 4)

    def forward(self, x):
        return x + self.down(torch.tanh(self.up(x)))


def ign():
    f = Net()
    x, z = torch.randn(3, 4), torch.randn(3, 4)
    rows = []
    for distance in ["l1", "l2", "squared"]:
        for rho in [None, "data", "noise", "batch"]:
            for through in [False, True]:
                if rho is None and through:
                    continue
                f.zero_grad()
                d = {
                    "l1": lambda a, b: (a - b).abs().mean(-1),
                    "l2": lambda a, b: (a - b).square().mean(-1),
                    "squared": lambda a, b: (a - b).square().sum(-1),
                }[distance]
                # The paper's form: a frozen copy, refreshed at this step.
                frozen = copy.deepcopy(f)
                for p in frozen.parameters():
                    p.requires_grad_(False)
                y = f(z)
                rec = d(f(x), x)
                idem = d(frozen(y), y)
                outer = y.detach()
                tight = -d(f(outer), outer)
                if rho is not None:
                    r = {"data": rec, "noise": d(y, z), "batch": (20 * rec).mean()}[rho]
                    r = r if through else r.detach()
                    tight = 1.5 * r * torch.tanh(tight / (1.5 * r))
                loss = 20 * rec.mean() + 20 * idem.mean() + 2.5 * tight.mean()
                loss.backward()
                rows.append({
                    "distance": distance, "rho": rho, "through": through,
                    "reconstruction": float(rec.mean()), "idempotence": float(idem.mean()), "tightness": float(tight.mean()),
                    "gradient": {name: listed(p.grad) for name, p in f.named_parameters()},
                })
    return {
        "params": {name: listed(p) for name, p in f.named_parameters()},
        "x": listed(x), "z": listed(z), "rows": rows,
    }


def patches():
    x = torch.randn(2, 4, 6, 3)
    folds = F.unfold(x.permute(0, 3, 1, 2), 2, stride=2)  # B, C p p, n
    cut = folds.reshape(2, 3, 2, 2, 6).permute(0, 4, 2, 3, 1).reshape(2, 6, 12)
    steps = 50
    alpha_bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = torch.tensor([min(1 - alpha_bar((i + 1) / steps) / alpha_bar(i / steps), 0.999) for i in range(steps)])
    signal = torch.cumprod(1 - betas, 0)
    # Posterior of one step down, as gaussian_diffusion.py writes it.
    t = 30
    before = signal[t - 1]
    eps, xt = torch.randn(4), torch.randn(4)
    start = (xt - (1 - signal[t]).sqrt() * eps) / signal[t].sqrt()
    mean = betas[t] * before.sqrt() / (1 - signal[t]) * start + (1 - before) * (1 - betas[t]).sqrt() / (1 - signal[t]) * xt
    variance = betas[t] * (1 - before) / (1 - signal[t])
    return {
        "image": listed(x), "patches": listed(cut), "signal": listed(signal),
        "eps": listed(eps), "xt": listed(xt), "mean": listed(mean), "deviation": float(variance.sqrt()), "t": t,
        "head": head(),
    }


def head():
    """MAR's SimpleMLPAdaLN, written anew from its description, without the learnt variance."""
    D, C, W, N = 3, 4, 6, 5
    names = {"input": (W, D), "time.up": (W, 64), "time.down": (W, W), "condition": (W, C), "modulate": (2 * W, W), "output": (D, W)}
    for i in range(2):
        names |= {f"blocks.{i}.up": (W, W), f"blocks.{i}.down": (W, W), f"blocks.{i}.modulate": (3 * W, W)}
    p = {}
    for name, (out, inn) in names.items():
        p[f"{name}.weight"], p[f"{name}.bias"] = torch.randn(out, inn) * 0.5, torch.randn(out) * 0.5
    for i in range(2):
        p[f"blocks.{i}.norm.weight"], p[f"blocks.{i}.norm.bias"] = torch.rand(W) + 0.5, torch.randn(W)
    x, t, z = torch.randn(N, D), torch.rand(N) * 1000, torch.randn(N, C)
    lin = lambda name, v: F.linear(v, p[f"{name}.weight"], p[f"{name}.bias"])
    freqs = torch.exp(-math.log(10000) * torch.arange(32) / 32)
    args = t[:, None] * freqs[None]
    y = lin("time.down", F.silu(lin("time.up", torch.cat([args.cos(), args.sin()], -1)))) + lin("condition", z)
    h = lin("input", x)
    for i in range(2):
        shift, scale, gate = lin(f"blocks.{i}.modulate", F.silu(y)).chunk(3, -1)
        u = F.layer_norm(h, (W,), p[f"blocks.{i}.norm.weight"], p[f"blocks.{i}.norm.bias"], 1e-6) * (1 + scale) + shift
        h = h + gate * lin(f"blocks.{i}.down", F.silu(lin(f"blocks.{i}.up", u)))
    shift, scale = lin("modulate", F.silu(y)).chunk(2, -1)
    out = lin("output", F.layer_norm(h, (W,), eps=1e-6) * (1 + scale) + shift)
    return {"params": {k: listed(v) for k, v in p.items()}, "x": listed(x), "t": listed(t), "z": listed(z), "out": listed(out)}


golden = {
    "provenance": f"PyTorch {torch.__version__}, float64, test/golden/generative.py; idempotence with a frozen copy as in the paper, head as in MAR",
    "bnVae": bn_vae(), "ign": ign(), "patches": patches(),
}
path = Path(__file__).with_name("generative.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(path.stat().st_size)
