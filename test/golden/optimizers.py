# Trajectories of update rules on f(x) = 1/2 sum h x^2 in float64, by PyTorch where it has the rule (AdamW, SGD) and by
# plain numpy from the papers where it has not (Lion; Tiger in parts).
# /work/venv/bin/python test/golden/optimizers.py > test/golden/optimizers.json
import json

import numpy as np
import torch

H = np.array([1.0, 10.0, 0.1])
X0 = np.array([1.0, -2.0, 3.0])
STEPS = 12


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
        },
        indent=1,
    )
)
