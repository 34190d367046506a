# Scores of positions and outputs of attention, written again in numpy float64 from the papers and articles that the
# sources name, one pair of a query and a key at a time, by another hand than the library's.
# Run: python3 test/golden/methods.py > test/golden/methods.json
import json, math
import numpy as np

rng = np.random.default_rng(11)
T, D, BASE = 7, 8, 10000.0
q, k, v = rng.uniform(-1, 1, (3, T, D))
theta = BASE ** (-np.arange(0, D, 2) / D)


def turn(x, p, freqs=theta):  # pairs (i, i + D/2) as complex numbers
    z = (x[: D // 2] + 1j * x[D // 2 :]) * np.exp(1j * p * freqs)
    return np.concatenate((z.real, z.imag))


def table(rule):  # rows of scores, zero where j > i
    return [[rule(i, j) if j <= i else 0.0 for j in range(T)] for i in range(T)]


def rotary(distance):  # the score at a distance that a rule chooses
    return table(lambda i, j: float(turn(q[i], distance(i - j)) @ k[j]) / math.sqrt(D))


def rotary_places(distance):  # the score at a distance that both places decide
    return table(lambda i, j: float(turn(q[i], distance(i, j)) @ k[j]) / math.sqrt(D))


def yarn_table():  # N = 4, ramp from 0.05 to 0.5 turns; one scale for all, T/N
    stretch, turns = T / 4, 4 * theta / (2 * math.pi)
    kept = np.clip((turns - 0.05) / 0.45, 0, 1)
    freqs = theta * (kept + (1 - kept) / stretch)
    factor = (1 + 0.1 * math.log(stretch)) ** 2
    return table(lambda i, j: factor * float(turn(q[i], i - j, freqs) @ k[j]) / math.sqrt(D))


def attention(weight, seen=lambda i, j: j <= i):
    out = []
    for i in range(T):
        w = np.array([weight(i, j) if seen(i, j) else 0.0 for j in range(T)])
        out.append((w @ v / w.sum()).tolist())
    return out


def plain(i, j):
    return math.exp(q[i] @ k[j] / math.sqrt(D))


W, N = 3, 4
log = lambda i: math.log(i + 1) / math.log(N)
norm = np.linalg.norm
elu = lambda x: np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))
omega = rng.standard_normal((5, D))
near = lambda x, tau: np.exp(-((x - omega) ** 2).sum(1) / (2 * tau * math.sqrt(D)))  # of codes "omega" to a key
share = lambda x, tau: near(x, tau) / near(x, tau).sum()
feature = lambda x: np.exp(omega @ x - x @ x / 2) / math.sqrt(len(omega))
root = D**-0.25
waves = np.outer(np.arange(T), theta)
s, pairs = 8.0, np.arange(1, D // 2 + 1)
lead = lambda b, m: np.cos(m * b ** (-np.arange(0, 128, 2) / 128)).sum()


def concentration(w):  # E a / sqrt(E a^2) among what a query sees
    return [float(np.mean(w[i][: i + 1]) / math.sqrt(np.mean(np.square(w[i][: i + 1])))) for i in range(T)]


exps = [[plain(i, j) for j in range(T)] for i in range(T)]
methods = {
    "rope": rotary(lambda d: d),
    "rerope": {"clipped": rotary(lambda d: min(d, W)), "leaky": rotary(lambda d: d if d < W else W + (d - W) / 4)},
    "log-scale": {
        "trained": table(lambda i, j: log(i) * float(q[i] @ k[j]) / math.sqrt(D)),
        "after": table(lambda i, j: max(1, log(i)) * float(q[i] @ k[j]) / math.sqrt(D)),
        "kappa": table(lambda i, j: 0.5 * math.log(i + 1) / D * float(q[i] @ k[j])),
    },
    "key-norm": {
        "keys": table(lambda i, j: float(q[i] @ k[j]) / norm(k[j])),
        "cosine": table(lambda i, j: 4 * math.log(i + 1) * float(q[i] @ k[j]) / norm(q[i]) / norm(k[j])),
    },
    "masks": [[bool(0 <= i - j < W or (j < 1 and j <= i)) for j in range(T)] for i in range(T)],
    "hwfa": {
        # 9603: 24 layers and N = 512 leave a window of 17 by (w - 1)(layers - 1) + 1 <= 3N/4; 9731: 3N/layers, its best plan.
        "window": max(w for w in range(1, 512) if (w - 1) * 23 + 1 <= 384),
        "local": table(lambda i, j: float(turn(q[i], i - j) @ k[j]) / math.sqrt(D) if i - j < W else -math.inf),
        "window2": math.ceil(3 * 512 / 24),
    },
    "ntk": {
        "old": ((BASE * s) ** (-2 * (pairs - 1) / D)).tolist(),
        "aware": ((BASE * s ** (D / (D - 2))) ** (-2 * (pairs - 1) / D)).tolist(),
        "fixed": (theta / s ** (2 * pairs / D)).tolist(),
        "mixed": (theta / np.exp(math.log(s) / (D / 2) ** 0.625 * pairs**0.625)).tolist(),
    },
    "base-bound": {
        # Every base of a grid below the bound fails at some distance, and the article's own bounds hold.
        "first": [[b, L, next((m for m in range(L) if lead(b, m) < 0), -1)] for b, L in ((4.3e3, 1024), (2.7e4, 4096), (1e4, 4096), (5e2, 512))],
    },
    "sinusoidal": np.concatenate((np.sin(waves), np.cos(waves)), 1).tolist(),
    "learned": [v[i].tolist() for i in (2, 0, 5)],
    "dense": attention(plain),
    "recurrence": attention(plain),
    "recursive-stack": attention(plain)[-1],
    "window": attention(lambda i, j: math.exp(turn(q[i], i - j) @ k[j] / math.sqrt(D)), lambda i, j: 0 <= i - j < W),
    "linear": attention(lambda i, j: elu(q[i]) @ elu(k[j])),
    "performer": {
        "omega": omega.tolist(),
        "features": [feature(x).tolist() for x in q],
        "output": attention(lambda i, j: feature(root * q[i]) @ feature(root * k[j])),
    },
    "soft-vq": {
        "shares": [share(x, 0.5).tolist() for x in k],
        "output": attention(lambda i, j: np.exp(q[i] @ omega.T / math.sqrt(D)) @ share(k[j], 0.5)),
    },
    "self-extend": rotary_places(lambda i, j: i - j if i - j < W else i // 2 - j // 2 + W - W // 2),
    "dynamic-yarn": yarn_table(),
    "concentration": {
        "rows": concentration(exps),
        # Keys N(mu, s^2): the sample form at a million draws, so to three digits.
        "gamma": [[g, float(np.mean(np.exp(g * (e := rng.standard_normal(10**6)))) / math.sqrt(np.mean(np.exp(2 * g * e))))] for g in (0.5, 1.0)],
    },
}


def segmentations(text, pieces):
    if text == "":
        return [[]]
    return [[p] + rest for p in pieces if text.startswith(p) for rest in segmentations(text[len(p):], pieces)]


counts = {"a": 5, "b": 4, "c": 3, "ab": 6, "bc": 2, "abc": 3, "ca": 2}
prob = {p: n / sum(counts.values()) for p, n in counts.items()}
ways = segmentations("abcabc", list(counts))
methods["random-segmentation"] = {
    "pieces": counts, "text": "abcabc", "alphas": [0, 0.2, 1, 3],
    "logPartition": [math.log(sum(math.prod(prob[p] for p in w) ** alpha for w in ways)) for alpha in (0, 0.2, 1, 3)],
}

# 9762: go on after the prompt, or step back over its last k tokens and choose a longer piece that begins with their text.
words = ["im", "port", "import", "import n", " n", " num", " numpy", "port num", " number", "x"]
prompt = [0, 1, 4]  # im | port | " n"
rows = [[(1 + (7 * w + 3 * c) % 5) for w in range(len(words))] for c in range(len(prompt))]
rows = [[x / sum(r) for x in r] for r in rows]
branches = {"": math.prod(rows[c][prompt[c]] for c in range(3))}
for back in (1, 2, 3):
    tail = "".join(words[i] for i in prompt[3 - back :])
    for w, word in enumerate(words):
        if word.startswith(tail) and word != tail:
            branches[f"{back} {word}"] = math.prod(rows[c][prompt[c]] for c in range(3 - back)) * rows[3 - back][w]
total = sum(branches.values())
methods["prompt-boundary"] = {
    "words": words, "prompt": prompt, "rows": rows, "branches": {b: p / total for b, p in branches.items()},
}


def finite(x):
    if isinstance(x, dict):
        return {n: finite(y) for n, y in x.items()}
    if isinstance(x, list):
        return [finite(y) for y in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


print(json.dumps({
    "provenance": "numpy " + np.__version__ + ", formulas of the papers, test/golden/methods.py",
    "dtype": "float64", "seed": 11, "tolerance": 1e-12, "window": W, "trainingLength": N,
    "q": q.tolist(), "k": k.tolist(), "v": v.tolist(), "methods": finite(methods),
}))
