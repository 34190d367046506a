# Published formulas of Hugging Face transformers (modeling_rope_utils.py, modeling_llama.py, modeling_bloom.py: the
# rules "default", "linear", "dynamic", "yarn", "llama3", rotate_half and the ALiBi slopes), written again from their
# definitions in numpy and torch float64. Run: python3 test/golden/position.py > test/golden/position.json
import json, math
import torch

torch.set_default_dtype(torch.float64)


def default(d, base):
    return 1.0 / (base ** (torch.arange(0, d, 2) / d))


def linear(d, base, factor):
    return default(d, base) / factor


def dynamic(d, base, factor, trained, length):
    length = max(length, trained)
    base = base * ((factor * length / trained) - (factor - 1)) ** (d / (d - 2))
    return default(d, base)


def yarn(d, base, factor, trained, fast=32, slow=1):
    def find_dim(rotations):
        return (d * math.log(trained / (rotations * 2 * math.pi))) / (2 * math.log(base))

    low = max(math.floor(find_dim(fast)), 0)
    high = min(math.ceil(find_dim(slow)), d - 1)
    if low == high:
        high += 0.001
    ramp = torch.clamp((torch.arange(d // 2) - low) / (high - low), 0, 1)
    extrapolated = 1.0 / (base ** (torch.arange(0, d, 2) / d))
    interpolated = extrapolated / factor
    keep = 1 - ramp
    return interpolated * (1 - keep) + extrapolated * keep


def llama3(d, base, factor, trained, low, high):
    freqs = default(d, base)
    out = []
    for f in freqs.tolist():
        wavelength = 2 * math.pi / f
        if wavelength < trained / high:
            out.append(f)
        elif wavelength > trained / low:
            out.append(f / factor)
        else:
            smooth = (trained / wavelength - low) / (high - low)
            out.append((1 - smooth) * f / factor + smooth * f)
    return torch.tensor(out)


def rotate_half(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


def apply(x, positions, freqs):
    angles = positions[:, None].double() * freqs[None, :]
    emb = torch.cat((angles, angles), dim=-1)
    return x * emb.cos() + rotate_half(x) * emb.sin()


def alibi(heads):
    closest = 2 ** math.floor(math.log2(heads))
    base = 2 ** (-(2 ** -(math.log2(closest) - 3)))
    slopes = [base ** (i + 1) for i in range(closest)]
    if closest != heads:
        extra = 2 ** (-(2 ** -(math.log2(2 * closest) - 3)))
        slopes += [extra ** (2 * i + 1) for i in range(min(closest, heads - closest))]
    return slopes


gen = torch.Generator().manual_seed(0)
q = torch.rand(1, 2, 3, 8, generator=gen) * 2 - 1
k = torch.rand(1, 2, 5, 8, generator=gen) * 2 - 1
qp = torch.tensor([40, 41, 42])
kp = torch.tensor([38, 39, 40, 41, 42])


def scores(freqs, attention=1.0):
    return (apply(q, qp, freqs) * attention @ (apply(k, kp, freqs) * attention).transpose(-1, -2)) / math.sqrt(8)


frequencies = {
    "default": {"D": 64, "base": 10000, "values": default(64, 1e4).tolist()},
    "linear": {"D": 64, "base": 10000, "scale": 8, "values": linear(64, 1e4, 8).tolist()},
    "yarn": {"D": 128, "base": 10000, "scale": 8, "trainingLength": 4096, "values": yarn(128, 1e4, 8, 4096).tolist()},
    "yarn-small": {"D": 32, "base": 10000, "scale": 4, "trainingLength": 64, "values": yarn(32, 1e4, 4, 64).tolist()},
    "llama3": {"D": 64, "base": 500000, "scale": 32, "trainingLength": 8192, "values": llama3(64, 5e5, 32, 8192, 1, 4).tolist()},
}
print(json.dumps({
    "provenance": "formulas of huggingface/transformers modeling_rope_utils.py and modeling_bloom.py in torch " + torch.__version__ + ", test/golden/position.py",
    "dtype": "float64",
    "seed": 0,
    "tolerance": 1e-12,
    "frequencies": frequencies,
    "alibi": {str(h): alibi(h) for h in (1, 2, 3, 8, 12)},
    "q": q.flatten().tolist(),
    "k": k.flatten().tolist(),
    "scores": {
        "rope": scores(default(8, 1e4)).flatten().tolist(),
        "ntk-dynamic": scores(dynamic(8, 1e4, 2, 16, 43)).flatten().tolist(),
        "yarn-index": scores(yarn(8, 1e4, 4, 64), 0.1 * math.log(4) + 1).flatten().tolist(),
    },
}))
