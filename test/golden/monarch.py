# Monarch matrices by PyTorch: the authors' blockdiag_butterfly_multiply_reference in its own words, in float64.
# /work/venv/bin/python test/golden/monarch.py > test/golden/monarch.json
import json

import torch

torch.manual_seed(11)


def multiply(x, right, left):
    # right [k, q, p], left [l, s, r]: two block-diagonal products, each followed by a transposition of its blocks.
    batch = x.shape[0]
    (k, q, p), (l, s, r) = right.shape, left.shape
    between = torch.block_diag(*right) @ x.T  # [k q, B]
    strided = between.reshape(r, l, batch).transpose(0, 1).reshape(l * r, batch)
    out = torch.block_diag(*left) @ strided  # [l s, B]
    return out.reshape(l, s, batch).transpose(0, 1).reshape(s * l, batch).T


cases = []
for k, l, inner, n_in, n_out in [(4, 4, 16, 16, 16), (2, 3, 12, 12, 24), (3, 2, 12, 15, 12)]:
    right = torch.randn(k, inner // k, n_in // k, dtype=torch.float64)
    left = torch.randn(l, n_out // l, inner // l, dtype=torch.float64)
    x = torch.randn(2, n_in, dtype=torch.float64)
    cases.append(
        {
            "right": {"shape": list(right.shape), "data": right.flatten().tolist()},
            "left": {"shape": list(left.shape), "data": left.flatten().tolist()},
            "x": x.tolist(),
            "y": multiply(x, right, left).tolist(),
            "dense": multiply(torch.eye(n_in, dtype=torch.float64), right, left).T.tolist(),
        }
    )
print(json.dumps({"provenance": f"PyTorch {torch.__version__}; test/golden/monarch.py", "cases": cases}))
