"""A training step of the FSQ auto-encoders of `npm run bench -- images` in PyTorch, eager, AdamW without decay.

usage: python3 images_step.py conv|patches SIDE CHANNELS BATCH FEATURES DEPTH PATCH THREADS STEPS
Prints one JSON line: {"stepMs": median, "bestMs", "peakRssBytes", "parameters", "loss"}.
"""
import json
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

kind = sys.argv[1]
side, channels, batch, features, depth, patch, threads, steps = map(int, sys.argv[2:10])
torch.set_num_threads(threads)
torch.manual_seed(1)
LEVELS = torch.tensor([8.0, 5.0, 5.0, 5.0])
D = len(LEVELS)


def quantize(z):
    """The official form, channels last."""
    half = (LEVELS - 1) * 0.999 / 2
    offset = torch.where(LEVELS % 2 == 0, 0.5, 0.0)
    bound = torch.tanh(z + torch.tan(offset / half)) * half - offset
    return (bound + (bound.round() - bound).detach()) / (LEVELS // 2)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Conv2d(features, features, 3, padding=1), nn.Conv2d(features, features, 1)

    def forward(self, x):
        return x + self.outer(F.relu(self.inner(F.relu(x))))


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        levels = int(math.log2(patch))
        at = lambda i: math.ceil(features / 2) if i == 0 and levels > 1 else features
        self.down = nn.ModuleList(
            nn.Conv2d(channels if i == 0 else at(i - 1), at(i), 4, 2, 1) for i in range(levels)
        )
        self.first = nn.Sequential(*[Residual() for _ in range(depth)])
        self.code, self.back = nn.Conv2d(features, D, 1), nn.Conv2d(D, features, 1)
        self.last = nn.Sequential(*[Residual() for _ in range(depth)])
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(at(i), channels if i == 0 else at(i - 1), 4, 2, 1) for i in reversed(range(levels))
        )

    def forward(self, x):
        x = x - 0.5
        for i, layer in enumerate(self.down):
            x = layer(x) if i == len(self.down) - 1 else F.relu(layer(x))
        z = self.code(F.relu(self.first(x))).permute(0, 2, 3, 1)
        x = F.relu(self.last(self.back(quantize(z).permute(0, 3, 1, 2))))
        for i, layer in enumerate(self.up):
            x = layer(x) if i == len(self.up) - 1 else F.relu(layer(x))
        return x


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features, 1e-6), nn.LayerNorm(features, 1e-6)
        self.q, self.k, self.v, self.o = (nn.Linear(features, features) for _ in range(4))
        self.inner, self.outer = nn.Linear(features, 4 * features), nn.Linear(4 * features, features)

    def forward(self, x):
        B, n, width = x.shape
        h = self.norm1(x)
        q, k, v = (f(h).view(B, n, width // 32, 32).transpose(1, 2) for f in (self.q, self.k, self.v))
        x = x + self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, n, width))
        return x + self.outer(F.gelu(self.inner(self.norm2(x))))


class Half(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.first = nn.Linear(before, features)
        self.positions = nn.Parameter(0.02 * torch.randn((side // patch) ** 2, features))
        self.blocks = nn.Sequential(*[Block() for _ in range(depth)])
        self.norm, self.last = nn.LayerNorm(features, 1e-6), nn.Linear(features, after)

    def forward(self, x):
        return self.last(self.norm(self.blocks(self.first(x) + self.positions)))


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Half(channels * patch**2, D), Half(D, channels * patch**2)

    def forward(self, x):
        n = side // patch
        rows = (x - 0.5).view(batch, channels, n, patch, n, patch).permute(0, 2, 4, 1, 3, 5).reshape(batch, n * n, -1)
        out = self.decoder(quantize(self.encoder(rows))).view(batch, n, n, channels, patch, patch)
        return out.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, side, side)


model = Conv() if kind == "conv" else Patches()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), weight_decay=0)
times = []
for i in range(steps + 2):
    pixels = torch.rand(batch, channels, side, side)
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    loss = F.binary_cross_entropy_with_logits(model(pixels), pixels)
    loss.backward()
    optimizer.step()
    value = loss.item()
    if i >= 2:
        times.append((time.perf_counter() - start) * 1000)
print(json.dumps({
    "stepMs": statistics.median(times),
    "bestMs": min(times),
    "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "parameters": sum(p.numel() for p in model.parameters()),
    "loss": value,
}))
