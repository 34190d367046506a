"""Image operations and their gradients by PyTorch in float64: /work/venv/bin/python test/golden/images.py (torch 2.15.0).

Inputs are waves of their index (wave() here, in test/tensor/images-golden.test.ts too); the loss is sum(y · wave).
"""
import json
import math
import os

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def wave(shape, seed):
    count = math.prod(shape)
    return torch.tensor([math.sin(seed + 0.7310585 * i + 0.31 * (i % 13)) for i in range(count)]).reshape(shape)


CONV = {
    "plain": dict(x=[2, 2, 6, 5], w=[4, 2, 3, 3]),
    "strided": dict(x=[1, 3, 7, 6], w=[4, 3, 3, 2], stride=[2, 3], padding=[1, 1]),
    "grouped": dict(x=[1, 4, 5, 5], w=[6, 2, 3, 3], groups=2, padding=[1, 0]),
    "depthwise": dict(x=[2, 3, 5, 4], w=[3, 1, 2, 2], groups=3, stride=[2, 1]),
    "dilated": dict(x=[1, 2, 9, 8], w=[3, 2, 3, 2], dilation=[2, 3], padding=[2, 0]),
    "all": dict(x=[1, 4, 9, 8], w=[4, 2, 2, 3], groups=2, stride=[2, 2], dilation=[3, 2], padding=[1, 2]),
}
TRANSPOSED = {
    "plain": dict(x=[2, 4, 3, 4], w=[4, 2, 3, 3]),
    "strided": dict(x=[1, 4, 3, 4], w=[4, 3, 3, 2], stride=[2, 3], padding=[1, 0], output_padding=[1, 2]),
    "grouped": dict(x=[1, 6, 4, 3], w=[6, 2, 2, 2], groups=3, stride=[2, 1]),
    "dilated": dict(x=[1, 3, 4, 5], w=[3, 2, 2, 3], dilation=[3, 2], padding=[1, 1]),
}
POOLS = {
    "plain": dict(x=[2, 2, 4, 6], kernel=[2, 2]),
    "strided": dict(x=[1, 2, 7, 9], kernel=[3, 2], stride=[2, 3]),
    "padded": dict(x=[2, 2, 5, 6], kernel=[3, 4], stride=[2, 2], padding=[1, 2]),
}
out = {}


def keep(kind, name, given, y, leaves, more=None):
    loss = (y * wave(list(y.shape), 0.5)).sum()
    gradients = torch.autograd.grad(loss, leaves)
    flat = lambda t: [float(f"{v:.12g}") for v in t.flatten().tolist()]
    out.setdefault(kind, {})[name] = {**given, "shape": list(y.shape), "y": flat(y), "gradients": [flat(g) for g in gradients],
                                      **{k: flat(v) for k, v in (more or {}).items()}}


for kind, cases, fn in (("conv2d", CONV, F.conv2d), ("convTranspose2d", TRANSPOSED, F.conv_transpose2d)):
    for name, given in cases.items():
        options = {k: v for k, v in given.items() if k not in "xw"}
        x, w = wave(given["x"], 1).requires_grad_(), wave(given["w"], 2).requires_grad_()
        keep(kind, name, given, fn(x, w, **options), [x, w])
for name, given in POOLS.items():
    options = {k: v for k, v in given.items() if k in ("stride", "padding")}
    for kind, fn in (("maxPool2d", F.max_pool2d), ("averagePool2d", lambda *a, **o: F.avg_pool2d(*a, count_include_pad=False, **o))):
        x = wave(given["x"], 3).requires_grad_()
        keep(kind, name, given, fn(x, given["kernel"], **options), [x])
shape = [3, 4, 2, 3]
for name, train in (("training", True), ("running", False)):
    x, weight, bias = wave(shape, 4).requires_grad_(), wave([4], 5).requires_grad_(), wave([4], 6).requires_grad_()
    mean, variance = wave([4], 7), wave([4], 8).abs() + 0.5
    y = F.batch_norm(x, mean, variance, weight, bias, train, momentum=0.2, eps=1e-4)
    keep("batchNorm", name, {"x": shape, "train": train}, y, [x, weight, bias], {"mean": mean, "variance": variance})
for groups in (1, 2, 4):
    x, weight, bias = wave(shape, 4).requires_grad_(), wave([4], 5).requires_grad_(), wave([4], 6).requires_grad_()
    keep("groupNorm", f"{groups} groups", {"x": shape, "groups": groups}, F.group_norm(x, groups, weight, bias, eps=1e-4),
         [x, weight, bias])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "images.json"), "w") as f:
    json.dump({"provenance": f"test/golden/images.py, torch {torch.__version__}", **out}, f, separators=(",", ":"))
    f.write("\n")
