"""A GRU by jax.lax.scan on one CPU thread: the peer of `npm run bench -- deer`.

usage: python3 gru.py LENGTH BATCH WIDTH ROUNDS
Prints one JSON line: {"scanMs": best, "compileMs": first call}.
"""
import json
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp

T, B, n, rounds = map(int, sys.argv[1:5])
key = jax.random.key(1)
W = jax.random.normal(key, (3 * n, n)) * 0.7 / n**0.5
g = jax.random.normal(jax.random.fold_in(key, 1), (T, B, 3 * n))


def step(h, x):
    own = h @ W.T
    r = jax.nn.sigmoid(own[:, :n] + x[:, :n])
    z = jax.nn.sigmoid(own[:, n : 2 * n] + x[:, n : 2 * n])
    fresh = jnp.tanh(x[:, 2 * n :] + r * own[:, 2 * n :])
    new = fresh + z * (h - fresh)
    return new, new


run = jax.jit(lambda x: jax.lax.scan(step, jnp.zeros((B, n)), x)[1])
start = time.perf_counter()
run(g).block_until_ready()
first = 1000 * (time.perf_counter() - start)
times = []
for _ in range(rounds):
    start = time.perf_counter()
    run(g).block_until_ready()
    times.append(1000 * (time.perf_counter() - start))
print(json.dumps({"scanMs": min(times), "compileMs": first}))
