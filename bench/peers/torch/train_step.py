"""One training step of a GPT-2 style model in PyTorch: the peer of `npm run bench -- train-step`.

usage: python3 train_step.py BATCH LENGTH WIDTH HEADS LAYERS VOCAB THREADS STEPS
Prints one JSON line a step: {"ms": wall, "cpuMs": processor time, "loss": …}, then {"peakRssBytes": …}.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

B, T, C, H, L, V, threads, steps = map(int, sys.argv[1:9])
torch.set_num_threads(threads)
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
        self.register_buffer("mask", torch.tril(torch.ones(T, T, dtype=torch.bool)).view(1, 1, T, T))

    def forward(self, x):
        q, k, v = (y.view(B, T, H, C // H).transpose(1, 2) for y in self.qkv(self.ln1(x)).split(C, dim=2))
        a = (q @ k.transpose(-2, -1)) * (C // H) ** -0.5
        a = F.softmax(a.masked_fill(~self.mask, float("-inf")), dim=-1)
        x = x + self.out((a @ v).transpose(1, 2).contiguous().view(B, T, C))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.ln = nn.LayerNorm(C)
        for p in self.parameters():
            if p.dim() >= 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets):
        x = self.tok(ids) + self.pos(torch.arange(T))
        for b in self.blocks:
            x = b(x)
        logits = self.ln(x) @ self.tok.weight.T
        return F.cross_entropy(logits.view(-1, V), targets.view(-1))


model = GPT()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
i = torch.arange(B * T)
ids, targets = ((i * 7919) % V).view(B, T), (((i + 1) * 7919) % V).view(B, T)
for _ in range(steps):
    wall, cpu = time.perf_counter(), time.process_time()
    optimizer.zero_grad(set_to_none=True)
    loss = model(ids, targets)
    loss.backward()
    optimizer.step()
    value = loss.item()
    print(json.dumps({"ms": (time.perf_counter() - wall) * 1e3, "cpuMs": (time.process_time() - cpu) * 1e3, "loss": value}), flush=True)
print(json.dumps({"peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
