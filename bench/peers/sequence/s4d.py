"""Gradients of a classifier of S4D layers in PyTorch on a CPU: the peer of `npm run bench -- rtf --parts classifier`.

Diagonal state spaces of order 64 (Gu et al. 2022, "S4D", S4D-Lin, zero-order hold), kernels by a Vandermonde sum, the
convolution by FFT, a gated MLP behind each, as many blocks and as wide as ours.
usage: python3 s4d.py BATCH LENGTH WIDTH LAYERS THREADS ROUNDS
Prints one JSON line: {"stepMs": best, "parameters": count}.
"""
import json
import math
import sys
import time

import torch
from torch import nn

B, T, C, layers, threads, rounds = map(int, sys.argv[1:7])
torch.set_num_threads(threads)
torch.manual_seed(1)
N = 32  # conjugate pairs: order 64


class S4D(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_step = nn.Parameter(torch.rand(C) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
        self.log_real = nn.Parameter(torch.log(0.5 * torch.ones(C, N)))
        self.imag = nn.Parameter(math.pi * torch.arange(N).repeat(C, 1).float())
        self.c = nn.Parameter(torch.randn(C, N, 2) / math.sqrt(N))
        self.d = nn.Parameter(torch.ones(C))
        self.out = nn.Linear(C, C)

    def forward(self, u):  # [B, T, C]
        step = self.log_step.exp()
        a = -self.log_real.exp() + 1j * self.imag
        da = a * step[:, None]
        c = torch.view_as_complex(self.c) * (da.exp() - 1) / a
        k = 2 * torch.einsum("cn,cnt->ct", c, (da[..., None] * torch.arange(T)).exp()).real
        u = u.transpose(1, 2)
        y = torch.fft.irfft(torch.fft.rfft(k, n=2 * T) * torch.fft.rfft(u, n=2 * T), n=2 * T)[..., :T]
        return self.out((y + u * self.d[:, None]).transpose(1, 2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        F = math.ceil(8 * C / 3 / 32) * 32
        self.one, self.two = nn.LayerNorm(C), nn.LayerNorm(C)
        self.mix = S4D()
        self.gate, self.up, self.down = nn.Linear(C, F, False), nn.Linear(C, F, False), nn.Linear(F, C, False)

    def forward(self, x):
        x = x + self.mix(self.one(x))
        h = self.two(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(1, C)
        self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
        self.head = nn.Linear(C, 10)

    def forward(self, x):
        return self.head(self.blocks(self.embed(x)).mean(1))


model = Model()
x, targets = torch.randn(B, T, 1), torch.zeros(B, dtype=torch.long)
times = []
for _ in range(rounds + 1):
    start = time.perf_counter()
    model.zero_grad()
    nn.functional.cross_entropy(model(x), targets).backward()
    times.append(1000 * (time.perf_counter() - start))
print(json.dumps({"stepMs": min(times[1:]), "parameters": sum(p.numel() for p in model.parameters())}))
