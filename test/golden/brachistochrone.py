# Falls by mpmath (the cycloid, 40 digits) and SciPy (polylines by BFGS, Bernoulli's slices by Brent's method).
# /work/venv/bin/python test/golden/brachistochrone.py > test/golden/brachistochrone.json
import json

import mpmath as mp
import numpy as np
import scipy
from scipy.optimize import brentq, minimize

mp.mp.dps = 40


def cycloid(X, Y):
    f = lambda a: (a - mp.sin(a)) * Y - (1 - mp.cos(a)) * X
    theta = mp.findroot(f, (mp.mpf("0.05"), 2 * mp.pi - mp.mpf("0.001")), solver="anderson")
    R = Y / (1 - mp.cos(theta))
    return {"theta": float(theta), "radius": float(R), "time": float(mp.sqrt(2 * R) * theta)}


def polyline(X, Y, pieces, grade):
    x = X * (np.arange(pieces + 1) / pieces) ** grade

    def time(logs):
        y = np.concatenate([[0], np.exp(logs), [Y]])
        return np.sum(2 * np.hypot(np.diff(x), np.diff(y)) / (np.sqrt(y[:-1]) + np.sqrt(y[1:])))

    start = np.log(Y * (x[1:-1] / X) ** 0.6)
    best = minimize(time, start, method="BFGS", options={"gtol": 1e-10, "maxiter": 10000})
    best = minimize(time, best.x, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-15, "maxiter": 20000})
    return float(best.fun)


def slices(X, Y, n):
    edges = np.linspace(0, Y, n + 1)
    v = (np.sqrt(edges[:-1]) + np.sqrt(edges[1:])) / 2
    across = lambda K: np.sum(Y / n * K * v / np.sqrt(1 - (K * v) ** 2))
    K = brentq(lambda K: across(K) - X, 1e-9, (1 - 1e-12) / v[-1], xtol=1e-16, rtol=1e-15)
    return float(np.sum(Y / n / np.sqrt(1 - (K * v) ** 2) / v))


ends = [(1, 1), (1, 2), (0.3, 2), (3, 1), (5, 1), (0.7, 0.5)]
print(
    json.dumps(
        {
            "provenance": f"mpmath {mp.__version__}, SciPy {scipy.__version__}; test/golden/brachistochrone.py",
            "cycloids": [{"X": X, "Y": Y, **cycloid(X, Y)} for X, Y in ends],
            "polylines": [
                {"X": X, "Y": Y, "pieces": n, "grade": g, "time": polyline(X, Y, n, g)}
                for X, Y, n, g in [(1, 1, 4, 3), (1, 1, 6, 1), (2, 1, 5, 3), (1, 3, 4, 2)]
            ],
            "slices": [{"X": X, "Y": Y, "slices": n, "time": slices(X, Y, n)} for X, Y, n in [(1, 1, 4), (1, 2, 9), (0.3, 2, 5)]],
        },
        indent=1,
    )
)
