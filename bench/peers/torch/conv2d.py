"""One convolution and its gradients in PyTorch: the peer of `npm run bench -- conv2d`.

usage: python3 conv2d.py BATCH CHANNELS HEIGHT WIDTH OUTPUTS KERNEL STRIDE PADDING GROUPS THREADS STEPS
Prints one JSON line: {"forwardMs": median, "gradientsMs": median of both gradients alone}.
"""
import json
import statistics
import sys
import time

import torch

B, C, H, W, O, K, stride, padding, groups, threads, steps = map(int, sys.argv[1:12])
torch.set_num_threads(threads)
torch.manual_seed(1)
x, w = torch.randn(B, C, H, W), torch.randn(O, C // groups, K, K)
g = torch.randn_like(torch.conv2d(x, w, None, stride, padding, 1, groups))


def forward():
    with torch.no_grad():
        torch.conv2d(x, w, None, stride, padding, 1, groups)


def gradients():
    torch.ops.aten.convolution_backward(
        g, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups, [True, True, False]
    )


def median(work):
    times = []
    for i in range(steps + 2):
        start = time.perf_counter()
        work()
        if i >= 2:
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


print(json.dumps({"forwardMs": median(forward), "gradientsMs": median(gradients)}))
