# Bounds and rates of the theory of SGD, written from the formulas with numpy.
# /work/venv/bin/python test/golden/sgd-theory.py > test/golden/sgd-theory.json
import json

import numpy as np

rng = np.random.default_rng(11530)
T, R = 12, 1.7
G = rng.uniform(0.3, 3, T)
eta = np.sort(rng.uniform(0.05, 0.6, T))[::-1]
t = np.arange(1, T + 1)
tail = np.cumsum(eta[::-1])[::-1]
after = np.append(tail[1:], tail[-1])
bounds = [
    R**2 / (2 * T * eta[-1]) + (eta * G**2).sum() / (2 * T),
    (R**2 + (eta**2 * G**2).sum()) / (2 * T * eta[-1]),
    (R**2 + (eta**2 * G**2).sum()) / (2 * eta.sum()),
    R**2 / (2 * T * eta[-1]) + (eta**2 / eta[-1] * G**2 / np.maximum(1, T - t)).sum() / 2,
    R**2 / (2 * eta.sum()) + (eta**2 * G**2 / after).sum() / 2,
]
V, Q = np.cumsum(G**2), np.cumsum(G**-2.0)
W = np.array([sum(G[k] ** 2 / max(1, n - 1 - k) for k in range(n)) for n in t])
four = R * G**-2.0 / np.sqrt(Q[-1]) * (1 - Q / Q[-1])
four[-1] = four[-2] / 2
hindsight = [np.full(T, R / np.sqrt(V[-1])), R * G**-2.0 / np.sqrt(Q[-1]), np.full(T, R / np.sqrt(T * W[-1])), four]
causal = [R / np.sqrt(V), R * G**-2.0 / np.sqrt(Q), R / np.sqrt(T * W), R * G**-2.0 / np.sqrt(Q) * (1 - t / (T + 1))]
print(
    json.dumps(
        {
            "provenance": f"numpy {np.__version__}; test/golden/sgd-theory.py",
            "distance": R,
            "norms": G.tolist(),
            "rates": eta.tolist(),
            "bounds": bounds,
            "hindsight": [h.tolist() for h in hindsight],
            "causal": [c.tolist() for c in causal],
        },
        indent=1,
    )
)
