# Cosines by block and as a whole of two trees, with numpy.
# /work/venv/bin/python test/golden/alignment.py > test/golden/alignment.json
import json

import numpy as np

rng = np.random.default_rng(9931)
leaves = {"layers.0.a": 4, "layers.0.b": 3, "layers.1.a": 4, "norm.weight": 2}
x, y = ({k: rng.normal(size=n).astype(np.float32).astype(float) for k, n in leaves.items()} for _ in range(2))
blocks = {"layers.0": ["layers.0.a", "layers.0.b"], "layers.1": ["layers.1.a"], "norm": ["norm.weight"]}


def cosine(names):
    a, b = np.concatenate([x[n] for n in names]), np.concatenate([y[n] for n in names])
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


profile = [[np.linalg.norm(np.concatenate([t[n] for n in names])) for names in blocks.values()] for t in (x, y)]
print(
    json.dumps(
        {
            "provenance": f"numpy {np.__version__}; test/golden/alignment.py",
            "x": {k: v.tolist() for k, v in x.items()},
            "y": {k: v.tolist() for k, v in y.items()},
            "names": list(blocks),
            "cosines": [cosine(names) for names in blocks.values()],
            "global": cosine(list(leaves)),
            "kappa": np.dot(*profile) / np.linalg.norm(profile[0]) / np.linalg.norm(profile[1]),
        },
        indent=1,
    )
)
