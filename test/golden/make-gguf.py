"""Blocks of every quantisation as the Python package `gguf` reads them, and a small file that it wrote.

/work/venv/bin/python test/golden/make-gguf.py  (gguf 0.19.0, numpy 2.4.6)
"""
import base64
import json
import os
import tempfile
import zlib

import gguf
import numpy as np

rng = np.random.default_rng(11)
TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
# Where the halves of a block stand: random bits there would often be infinite.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82],
          "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def b64(a):
    return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


blocks = {}
for name in TYPES:
    kind = gguf.GGMLQuantizationType[name]
    per, size = gguf.GGML_QUANT_SIZES[kind]
    count = 2 if per == 256 else 3 if per == 32 else 96
    raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
    if name == "F16":
        raw = rng.standard_normal(count).astype(np.float16).view(np.uint8).reshape(count, size)
        values = raw.reshape(-1).view(np.float16).astype(np.float32)
    else:
        if name == "BF16":
            raw = (rng.standard_normal(count).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
            raw = raw.view(np.uint8).reshape(count, size)
        for at in HALVES.get(name, []):
            raw[:, at:at + 2] = rng.standard_normal((count, 1)).astype(np.float16).view(np.uint8)
        values = gguf.quants.dequantize(raw.reshape(1, -1), kind)
    blocks[name] = {"bytes": b64(raw), "values": b64(values.astype(np.float32))}

path = os.path.join(tempfile.mkdtemp(), "small.gguf")
w = gguf.GGUFWriter(path, "llama")
w.add_uint8("a.u8", 200)
w.add_int8("a.i8", -100)
w.add_uint16("a.u16", 60000)
w.add_int16("a.i16", -30000)
w.add_uint32("a.u32", 4_000_000_000)
w.add_int32("a.i32", -2_000_000_000)
w.add_float32("a.f32", 0.5)
w.add_float64("a.f64", 0.1)
w.add_uint64("a.u64", 2**63 + 1)
w.add_int64("a.i64", -5)
w.add_bool("a.bool", True)
w.add_string("a.text", "明月 ünï")
w.add_array("a.words", ["one", "", "drei"])
w.add_array("a.numbers", [1, -2, 3])
w.add_array("a.nested", [[1, 2], [3]])
x = rng.standard_normal((3, 64)).astype(np.float32)
w.add_tensor("plain", x)
w.add_tensor("half", x.astype(np.float16))
w.add_tensor("eight", gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
w.add_tensor("row", x[0, :5])
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
small = np.fromfile(path, np.uint8)
out = {
    "provenance": "Python package gguf 0.19.0 (gguf.quants.dequantize, GGUFWriter), test/golden/make-gguf.py",
    "blocks": blocks,
    "small": {
        "bytes": b64(small),
        "plain": b64(x),
        "eight": b64(gguf.quants.dequantize(gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0),
                                            gguf.GGMLQuantizationType.Q8_0)),
    },
}
with open(os.path.join(os.path.dirname(__file__), "gguf.json"), "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
