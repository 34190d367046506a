# DoRA, PiSSA and LoRA-GA (its departing form) as peft computes them on one small matrix, and LoRA-Pro by scipy's Sylvester
# solver and least squares, all in the numbers of wave() below (wave in test/adapt/*.test.ts).
# Run: /path/to/venv/bin/python test/golden/adapt-methods.py > test/golden/adapt-methods.json
import json, math, sys
import numpy as np, scipy, torch, peft
from scipy.linalg import solve_sylvester
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.config import LoraGAConfig

O, I, R = 11, 9, 2


def wave(seed, *shape):
    count = math.prod(shape)
    return np.array([math.sin(seed + 0.7 * i + 0.1 * (i * i % 17)) for i in range(count)]).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.map = torch.nn.Linear(I, O, bias=False)
        self.map.weight.data = torch.tensor(wave(1, O, I), dtype=torch.float32)

    def forward(self, x):
        return self.map(x)


def lists(x):
    return [[round(float(v), 9) for v in row] for row in np.asarray(x)]


def layer(grad=None, **config):
    net = Net()
    if grad is not None:
        net.map._peft_loraga_grad = torch.tensor(grad, dtype=torch.float32)
    return get_peft_model(net, LoraConfig(target_modules=["map"], r=R, **config)).base_model.model.map


def factors(l):
    return l.lora_A["default"].weight.detach().double().numpy(), l.lora_B["default"].weight.detach().double().numpy()


out = {"provenance": f"adapt-methods.py, peft {peft.__version__}, torch {torch.__version__}, scipy {scipy.__version__}",
       "sizes": {"O": O, "I": I, "R": R}}

# DoRA: outputs and gradients of sum(y * wave).
l = layer(use_dora=True, lora_alpha=3)
l.lora_A["default"].weight.data = torch.tensor(wave(2, R, I), dtype=torch.float32)
l.lora_B["default"].weight.data = torch.tensor(wave(3, O, R), dtype=torch.float32)
m = l.lora_magnitude_vector["default"].weight
start = m.detach().clone()
m.data = torch.tensor(1.5 + wave(4, O), dtype=torch.float32)
x = torch.tensor(wave(5, 4, I), dtype=torch.float32, requires_grad=True)
y = l(x)
(y * torch.tensor(wave(6, 4, O), dtype=torch.float32)).sum().backward()
out["dora"] = {"alpha": 3, "start": lists([start]), "y": lists(y.detach()), "x": lists(x.grad),
               "a": lists(l.lora_A["default"].weight.grad), "b": lists(l.lora_B["default"].weight.grad), "m": lists([m.grad])}

# PiSSA: what the factors begin with, up to the signs of singular vectors.
l = layer(init_lora_weights="pissa", lora_alpha=3)
a, b = factors(l)
out["pissa"] = {"alpha": 3, "product": lists(b @ a), "a": lists(a.T @ a), "b": lists(b @ b.T)}

# LoRA-GA in peft's form: projectors, since signs of singular vectors are free.
out["lora-ga"] = {"alpha": 3, "cases": {}}
for direction in ["ArBr", "A2rBr", "ArB2r"]:
    for theirs, ours in [("stable", "stable"), ("weight_svd", "weightS"), ("gd_scale", "gd"), ("unit", "unit")]:
        ga = LoraGAConfig(direction=direction, scale=theirs, stable_gamma=16)
        l = layer(grad=wave(7, O, I), init_lora_weights="lora_ga", lora_ga_config=ga, lora_alpha=3, use_rslora=True)
        a, b = factors(l)
        out["lora-ga"]["cases"][f"{direction} {ours}"] = {"a": lists(a.T @ a), "b": lists(b @ b.T)}

# LoRA-Pro, article's layout: A [I, R], B [R, O], G [I, O].
s = 1.5
A, B, G = wave(2, R, I).T, wave(3, O, R).T, wave(7, O, I).T
GA, GB = s * G @ B.T, s * A.T @ G
inv = np.linalg.inv
simpleA, simpleB = GA @ inv(B @ B.T) / s**2, inv(A.T @ A) @ GB @ (np.eye(O) - B.T @ inv(B @ B.T) @ B) / s**2
C = {"zero": np.zeros((R, R)),
     "symmetric": -0.5 / s**2 * inv(A.T @ A) @ GB @ B.T @ inv(B @ B.T),
     "sylvester": solve_sylvester(A.T @ A, B @ B.T, -(1 / s**2) * A.T @ GA @ inv(B @ B.T))}
# The equivalent gradient by least squares over all (H_A, H_B), one number at a time.
design = np.concatenate([s * np.kron(np.eye(I), B.T), s * np.kron(A, np.eye(O))], axis=1)
best = design @ np.linalg.lstsq(design, G.reshape(-1), rcond=None)[0]
out["lora-pro"] = {"scale": s, "equivalent": lists(best.reshape(I, O).T),
                   "choices": {k: {"a": lists((simpleA + A @ c).T), "b": lists((simpleB - c @ B).T)} for k, c in C.items()}}
json.dump(out, sys.stdout, separators=(",", ":"))
