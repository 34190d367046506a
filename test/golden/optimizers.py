# Trajectories of update rules on f(x) = 1/2 sum h x^2 in float64, by PyTorch where it has the rule (AdamW, SGD) and by
# plain numpy from the papers where it has not. Muon's iteration runs in bfloat16 there: here it is kept in float64.
# /work/venv/bin/python test/golden/optimizers.py > test/golden/optimizers.json
import json

import numpy as np
import torch

H = np.array([1.0, 10.0, 0.1])
X0 = np.array([1.0, -2.0, 3.0])
STEPS = 12
# A matrix of four rows and three columns, with a curvature for each entry.
MATRIX = np.array([[1.0, -2.0, 3.0], [0.5, 0.1, -1.0], [-0.7, 2.0, 0.3], [1.5, -0.2, 0.9]])
CURVATURE = np.array([[1.0, 0.2, 0.5], [2.0, 1.0, 0.1], [0.3, 3.0, 1.0], [0.7, 1.1, 0.4]])


def by_torch(make):
    x = torch.nn.Parameter(torch.tensor(X0))
    rule = make([x])
    out = []
    for _ in range(STEPS):
        rule.zero_grad()
        (0.5 * (torch.tensor(H) * x**2).sum()).backward()
        rule.step()
        out.append(x.detach().tolist())
    return out


def lion(rate, beta1, beta2, decay):
    x, m, out = X0.copy(), np.zeros(3), []
    for _ in range(STEPS):
        g = H * x
        x = x - rate * (np.sign(beta1 * m + (1 - beta1) * g) + decay * x)
        m = beta2 * m + (1 - beta2) * g
        out.append(x.tolist())
    return out


def tiger(rate, beta, decay, parts):
    # Parts see gradients of different noise with mean zero over an update.
    noise = np.array([[0.3, -1.0, 0.05], [-0.3, 1.0, -0.05]])
    x, m, out = X0.copy(), np.zeros(3), []
    for step in range(STEPS):
        g = np.mean([H * x + (noise[k] if parts == 2 else 0) for k in range(parts)], axis=0)
        m = beta * m + (1 - beta) * g
        x = x - rate * np.sqrt(np.mean(x**2)) * (np.sign(m) + decay * x)
        out.append(x.tolist())
    return out


def muon():
    bfloat16, torch.bfloat16 = torch.bfloat16, torch.float64
    x = torch.nn.Parameter(torch.tensor(MATRIX))
    rule = torch.optim.Muon([x], lr=0.05, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    out = []
    for _ in range(STEPS):
        rule.zero_grad()
        (0.5 * (torch.tensor(CURVATURE) * x**2).sum()).backward()
        rule.step()
        out.append(x.detach().flatten().tolist())
    torch.bfloat16 = bfloat16
    return out


def eg(form, rate, beta=0.1):
    # Signed numbers as differences of two positive ones, each under its own exponentiated gradient.
    x = np.abs(X0) if form == "positive" else np.abs(X0) / np.abs(X0).sum() if form == "simplex" else X0
    u, v = ((np.hypot(x, beta) + x) / 2, (np.hypot(x, beta) - x) / 2) if form == "signed" else (x, 0 * x)
    out = []
    for _ in range(STEPS):
        g = H * (u - v)
        u, v = u * np.exp(-rate * g), v * np.exp(rate * g)
        u = u / u.sum() if form == "simplex" else u
        out.append((u - v).tolist())
    return out


def meta_gain(rate, gamma):
    x, before, gain, out = X0.copy(), np.zeros(3), np.ones(3), []
    for _ in range(STEPS):
        g = H * x
        gain = np.clip(gain * np.exp(gamma * before * g), 0.01, 200)
        x, before = x - rate * gain * g, g
        out.append(x.tolist())
    return out


def funnelled(rate, gamma, whole, beta, mu):
    x, m, h, p, s, out = X0.copy(), np.zeros(3), np.zeros(3), np.ones(3), 1.0, []
    for _ in range(STEPS):
        g = H * x
        p = np.clip(p * np.exp(gamma * np.sign(m * g)), 0.01, 200)
        size = np.linalg.norm(h) * np.linalg.norm(g)
        s = np.clip(s * np.exp(whole * (h @ g / size if size > 0 else 0)), 0.01, 200)
        m = beta * m + (1 - beta) * g
        h = mu * h + p * g
        x = x - rate * s * h
        out.append(x.tolist())
    return out


print(
    json.dumps(
        {
            "provenance": f"PyTorch {torch.__version__}, numpy {np.__version__}; test/golden/optimizers.py",
            "h": H.tolist(),
            "x0": X0.tolist(),
            "adamw": by_torch(lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)),
            "sgd": by_torch(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
            "nesterov": by_torch(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
            "lion": lion(0.01, 0.9, 0.99, 0.1),
            "tiger": tiger(0.01, 0.965, 0.01, 1),
            "tigerInParts": tiger(0.01, 0.965, 0.01, 2),
            "eg": eg("positive", 0.05),
            "egSimplex": eg("simplex", 0.05),
            "egSigned": eg("signed", 0.05),
            "meta-gain": meta_gain(0.01, 0.001),
            "funnelled": funnelled(0.01, 0.05, 0.1, 0.9, 0.5),
            "matrix": MATRIX.flatten().tolist(),
            "curvature": CURVATURE.flatten().tolist(),
            "muon": muon(),
        },
        indent=1,
    )
)
