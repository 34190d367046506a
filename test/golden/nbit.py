# Rows in 4 bits by llama.cpp's own quantiser (gguf, Q4_0), and in 8 bits by numpy from the same rule with 256 codes.
# /work/venv/bin/python test/golden/nbit.py > test/golden/nbit.json
import json
from importlib.metadata import version

import gguf
import numpy as np
from gguf.quants import quantize

ROWS, WIDTH = 4, 64
rng = np.random.default_rng(7)
w = (rng.standard_normal((ROWS, WIDTH)) * np.array([[1], [0.02], [30], [1]])).astype(np.float32)
w[3, 32:] = 0  # a block of zeros


def q4_0(w):
    # A block: scale as float16, then 16 bytes; the low halves are the first 16 numbers, the high halves the others.
    blocks = quantize(w, gguf.GGMLQuantizationType.Q4_0).reshape(ROWS, WIDTH // 32, 18)
    codes = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)
    return codes.reshape(ROWS, WIDTH), blocks[..., :2].copy().view(np.float16)[..., 0].astype(np.float64)


def q8(w):
    blocks = w.reshape(ROWS, -1, 32)
    most = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scale = most / np.float32(-128)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.where(scale == 0, np.float32(0), blocks / scale)
    return np.clip(np.floor(turned + 128.5), 0, 255).astype(int).reshape(ROWS, WIDTH), scale[..., 0]


(c4, s4), (c8, s8) = q4_0(w), q8(w)
print(
    json.dumps(
        {
            "provenance": f"gguf {version('gguf')} (Q4_0), numpy {np.__version__}; test/golden/nbit.py",
            "w": w.astype(float).tolist(),
            "4": {"codes": c4.tolist(), "scales": s4.tolist()},
            "8": {"codes": c8.tolist(), "scales": s8.astype(float).tolist()},
        }
    )
)
