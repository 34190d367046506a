"""Real FFTs of float32 signals by scipy on one worker: the peer of `npm run bench -- fft`.

usage: python3 fft.py LENGTH BATCH ROUNDS
Prints one JSON line: {"forwardMs": best, "backMs": best}.
"""
import json
import sys
import time

import numpy as np
import scipy.fft

length, batch, rounds = map(int, sys.argv[1:4])
x = np.random.default_rng(1).standard_normal((batch, length)).astype(np.float32)


def best(work):
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return min(times[1:])


spectrum = scipy.fft.rfft(x, workers=1)
print(json.dumps({
    "forwardMs": best(lambda: scipy.fft.rfft(x, workers=1)),
    "backMs": best(lambda: scipy.fft.irfft(spectrum, n=length, workers=1)),
}))
