# Adapters made by mlx-lm on the tiny Llama of adapters.py, with the logits they give there; and, with a folder as argument,
# mlx-lm's logits with each adapter that Athanor wrote below it, beside the hashes of its files. mlx runs on a Linux CPU.
# Run: /path/to/venv/bin/python test/golden/mlx-adapters.py > test/golden/mlx-adapters.json
#      node --conditions=source test/golden/make-adapters.ts FOLDER
#      /path/to/venv/bin/python test/golden/mlx-adapters.py FOLDER/mlx > test/golden/mlx-adapters-back.json
import base64, hashlib, importlib.metadata, json, math, os, sys, tempfile
import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters

CONFIG = dict(model_type="llama", vocab_size=19, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=16, head_dim=4, rms_norm_eps=1e-5, tie_word_embeddings=False)
IDS = [3, 1, 4, 1, 5, 9, 2, 6]
ATTENTION = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
CASES = {
    "attention": dict(num_layers=2, parameters=dict(rank=3, scale=2.5, dropout=0.0, keys=ATTENTION), dora=False),
    "the last layer": dict(num_layers=1, parameters=dict(rank=2, scale=20.0, dropout=0.0, keys=["mlp.up_proj", "mlp.down_proj"]), dora=False),
    "table and head": dict(num_layers=2, parameters=dict(rank=2, scale=1.5, dropout=0.0, keys=["model.embed_tokens", "lm_head"]), dora=False),
    "DoRA": dict(num_layers=2, parameters=dict(rank=2, scale=1.5, dropout=0.0, keys=["self_attn.v_proj", "mlp.gate_proj"]), dora=True),
}


def weight(name, shape):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    waves = [math.sin(h % 977 + 0.7310585 * i + 0.31 * (i % 13)) for i in range(math.prod(shape))]
    values = [1 + 0.2 * w for w in waves] if "norm" in name else [0.5 * w for w in waves]
    return mx.array(values, dtype=mx.float32).reshape(shape)


def base():
    model = Model(ModelArgs.from_dict(CONFIG))
    model.load_weights([(name, weight(name, p.shape)) for name, p in tree_flatten(model.parameters())])
    return model


def logits(model):
    return [[round(x, 6) for x in row] for row in model(mx.array([IDS]))[0].tolist()]


MADE_BY = f"mlx-adapters.py, mlx {importlib.metadata.version('mlx')}, mlx-lm {importlib.metadata.version('mlx-lm')}"
mx.set_default_device(mx.cpu)
if len(sys.argv) > 1:
    back = {"provenance": MADE_BY, "cases": {}}
    for name in sorted(os.listdir(sys.argv[1])):
        folder = os.path.join(sys.argv[1], name)
        files = ["adapter_config.json", "adapters.safetensors"]
        hashes = {f: hashlib.sha256(open(os.path.join(folder, f), "rb").read()).hexdigest() for f in files}
        back["cases"][name] = {"files": hashes, "logits": logits(load_adapters(base(), folder))}
    json.dump(back, sys.stdout, indent=None, separators=(",", ":"))
    sys.exit()
out = {"provenance": MADE_BY, "cases": {}}
for name, case in CASES.items():
    model = base()
    linear_to_lora_layers(model, case["num_layers"], case["parameters"], use_dora=case["dora"])
    own = {k: p for k, p in tree_flatten(model.parameters()) if k.rsplit(".", 1)[-1] in ("lora_a", "lora_b", "m")}
    filled = {k: (weight(k, p.shape) * (0.3 if k.endswith(".m") else 0.6) + (1.5 if k.endswith(".m") else 0)).astype(mx.float16).astype(mx.float32)
              for k, p in own.items()}
    model.load_weights(list(filled.items()), strict=False)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "adapters.safetensors")
        mx.save_safetensors(path, filled)
        data = open(path, "rb").read()
    config = {"fine_tune_type": "dora" if case["dora"] else "lora", "num_layers": case["num_layers"], "lora_parameters": case["parameters"]}
    out["cases"][name] = {"config": config, "file": base64.b64encode(data).decode(), "logits": logits(model)}
json.dump(out, sys.stdout, indent=None, separators=(",", ":"))
