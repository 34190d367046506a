# The least a + b + c over N = ab + c by Python's whole numbers: for every a up to √N the b that divides best.
# For a fixed a the sum a + b + N - ab falls with b (a > 1), so b = N // a.
# /work/venv/bin/python test/golden/minimise-sum.py > test/golden/minimise-sum.json
import json
import platform
import random
from math import isqrt

random.seed(9775)


def least(N):
    best = N
    for a in range(2, isqrt(N) + 1):
        b = N // a
        best = min(best, a + b + N - a * b)
    return min(best, N + 1) if N > 0 else 0


numbers = sorted({*range(4, 200), *(random.randrange(10**3, 10**6) for _ in range(120)), *(random.randrange(10**9, 10**11) for _ in range(12))})
print(
    json.dumps(
        {
            "provenance": f"Python {platform.python_version()}; test/golden/minimise-sum.py",
            "least": [[str(N), str(least(N))] for N in numbers],
        }
    )
)
