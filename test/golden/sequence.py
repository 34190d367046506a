# State spaces, their discretisation, transfer functions and impulse responses by scipy.signal; cells by torch.nn, stepped in a
# loop; Monarch products by einsum and their projection by numpy's SVD. None of it is the library's.
# Run: /work/venv/bin/python test/golden/sequence.py > test/golden/sequence.json  (any Python with scipy and torch)
import json
import numpy as np, scipy, torch
from scipy import signal

rng = np.random.default_rng(14)
N, step, L = 6, 0.1, 24
n = np.arange(N)
A = -np.tril(np.sqrt(np.outer(2 * n + 1, 2 * n + 1)), -1) - np.diag(n + 1.0)
B = np.sqrt(2 * n + 1.0)
dA, dB, *_ = signal.cont2discrete((A, B[:, None], np.eye(N), np.zeros((N, 1))), step, method="bilinear")
c = rng.uniform(-1, 1, N)
ct = c @ (np.eye(N) - np.linalg.matrix_power(dA, L))
num, den = signal.ss2tf(dA, dB, ct[None, :], np.zeros((1, 1)))  # C (zI - A)^-1 B, in powers of 1/z from 0
impulse = np.zeros(L + 1)
impulse[0] = 1
_, y, _ = signal.dlsim((dA, dB, c[None, :], np.zeros((1, 1)), 1), impulse)
out = {
    "provenance": f"test/golden/sequence.py, scipy {scipy.__version__}, torch {torch.__version__}, float64, seed 14",
    "hippo": {"N": N, "step": step, "A": A.tolist(), "B": B.tolist(), "discreteA": dA.tolist(), "discreteB": dB[:, 0].tolist()},
    "rtf": {
        "length": L, "A": dA.tolist(), "B": dB[:, 0].tolist(), "C": ct.tolist(),
        "a": den[1:].tolist(), "b": num[0, 1:].tolist(), "kernel": y[1:, 0].tolist(),
    },
}

torch.manual_seed(14)
torch.set_default_dtype(torch.float64)
H, M, T = 3, 2, 5
u, h0 = torch.randn(T, M), torch.randn(H)
cells = {}
for name, make in {"tanh": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}.items():
    cell, h, k, rows = make(M, H), h0[None], torch.zeros(1, H), []
    for t in range(T):
        if name == "lstm":
            h, k = cell(u[t][None], (h, k))
            rows.append(torch.cat([h, k], 1)[0].tolist())
        else:
            h = cell(u[t][None], h)
            rows.append(h[0].tolist())
    weights = {key: value.tolist() for key, value in cell.state_dict().items()}
    cells[name] = {"weights": weights, "states": rows}
out["cells"] = {"u": u.tolist(), "h0": h0.tolist(), **cells}

w = rng.uniform(-1, 1, (12, 12))  # q = 4, b = 3: rows (i, j), columns (k, l)
slices = w.reshape(4, 3, 4, 3)
best = np.zeros_like(slices)
for j in range(3):
    for k in range(4):
        U, S, V = np.linalg.svd(slices[:, j, k, :])
        best[:, j, k, :] = S[0] * np.outer(U[:, 0], V[0])
out["monarch"] = {"matrix": w.tolist(), "projected": best.reshape(12, 12).tolist()}
print(json.dumps(out))
