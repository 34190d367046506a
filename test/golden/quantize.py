# Finite scalar and vector quantisation by vector-quantize-pytorch; the official form of FSQ by its notebook's formulas
# (google-research/fsq/fsq.ipynb) in numpy. None of it is the library's.
# Run: /work/venv/bin/python test/golden/quantize.py  (any Python with vector-quantize-pytorch); writes fsq.json and vq.json
import json, os
from importlib.metadata import version
import numpy as np, torch
from vector_quantize_pytorch import FSQ, VectorQuantize

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(15)
torch.set_default_dtype(torch.float64)
provenance = f"test/golden/quantize.py, vector-quantize-pytorch {version('vector-quantize-pytorch')}, torch {torch.__version__}, seed 15"


def write(name, rows):
    with open(os.path.join(here, name), "w") as f:
        json.dump({"provenance": provenance, **rows}, f)
        f.write("\n")


def torch_form(levels, z, symmetric):
    fsq = FSQ(levels, preserve_symmetry=symmetric, force_quantization_f32=False, allowed_dtypes=(torch.float64,))
    # Su's sigmoid of z is (tanh(z/2) + 1)/2.
    x = (z / 2 if symmetric else z).clone().requires_grad_(True)
    codes, indices = fsq(x[None])
    weight = torch.linspace(-1, 1, codes.numel()).reshape(codes.shape)
    (codes * weight).sum().backward()
    grad = x.grad / 2 if symmetric else x.grad
    return {"codes": codes[0].tolist(), "indices": indices[0].tolist(), "gradient": grad.tolist()}


def official(levels, z):
    L, eps = np.array(levels), 1e-3
    half = (L - 1) * (1 - eps) / 2
    offset = np.where(L % 2 == 1, 0.0, 0.5)
    shift = np.tan(offset / half)
    x = z.numpy()
    whole = np.round(np.tanh(x + shift) * half - offset)
    codes = whole / (L // 2)
    basis = np.concatenate(([1], np.cumprod(L[:-1])))
    indices = ((codes * (L // 2) + L // 2) * basis).sum(-1).astype(int)
    weight = np.linspace(-1, 1, codes.size).reshape(codes.shape)
    gradient = weight * half * (1 - np.tanh(x + shift) ** 2) / (L // 2)
    return {"codes": codes.tolist(), "indices": indices.tolist(), "gradient": gradient.tolist()}


cases = []
for levels in ([8, 6, 5], [8, 5, 5, 5], [3, 4], [7, 5, 5, 5, 5]):
    z = torch.randn(12, len(levels)) * 1.5
    cases.append({
        "levels": levels, "z": z.tolist(),
        "atanh": torch_form(levels, z, False), "sigmoid": torch_form(levels, z, True), "official": official(levels, z),
    })
write("fsq.json", {"cases": cases})

torch.set_default_dtype(torch.float32)
K, D, N = 7, 3, 20
vq = VectorQuantize(dim=D, codebook_size=K, decay=0.8, commitment_weight=1.0, kmeans_init=False, threshold_ema_dead_code=0, rotation_trick=False)
book = torch.randn(K, D)
vq._codebook.embed.data.copy_(book[None])
vq._codebook.embed_avg.data.copy_(book[None])
vq.train()
steps = []
for _ in range(3):
    z = torch.randn(1, N, D, requires_grad=True)
    codes, indices, loss = vq(z)
    (codes * torch.linspace(-1, 1, codes.numel()).reshape(codes.shape)).sum().add(loss.sum()).backward()
    steps.append({
        "z": z[0].tolist(), "codes": codes[0].tolist(), "indices": indices[0].tolist(), "commitment": loss.item(),
        "gradient": z.grad[0].tolist(), "book": vq._codebook.embed[0].tolist(), "counts": vq._codebook.cluster_size[0].tolist(),
    })
write("vq.json", {"book": book.tolist(), "decay": 0.8, "steps": steps})
