# Adapters made by Hugging Face's peft on a tiny Llama, with the logits they give there; and, with a folder as argument,
# peft's logits with each adapter that Athanor wrote below it, beside the hashes of its files.
# Run: /path/to/venv/bin/python test/golden/adapters.py > test/golden/lora.json
#      node --conditions=source test/golden/make-adapters.ts FOLDER
#      /path/to/venv/bin/python test/golden/adapters.py FOLDER/peft > test/golden/adapters-back.json
#      (FOLDER/mlx is for mlx-adapters.py)
# Weights follow from names (weight() here, weightOf in test/support/adapter-here.ts), so that none are stored.
import base64, hashlib, json, math, os, sys, tempfile
import torch, transformers, peft
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

CONFIG = dict(model_type="llama", vocab_size=19, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=16, head_dim=4, rms_norm_eps=1e-5, tie_word_embeddings=False)
IDS = [3, 1, 4, 1, 5, 9, 2, 6]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CASES = {
    "every projection": dict(r=4, lora_alpha=8, target_modules=ALL),
    "rsLoRA": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], use_rslora=True),
    "patterns": dict(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"],
                     rank_pattern={"layers.1.self_attn.q_proj": 2}, alpha_pattern={"down_proj": 3}),
    "embedding and head": dict(r=3, lora_alpha=6, target_modules=["embed_tokens", "lm_head"]),
    "DoRA": dict(r=3, lora_alpha=6, target_modules=ALL, use_dora=True),
    "a module saved whole": dict(r=2, lora_alpha=4, target_modules=["k_proj"], modules_to_save=["lm_head"]),
}


def weight(name, count):
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    waves = [math.sin(h % 977 + 0.7310585 * i + 0.31 * (i % 13)) for i in range(count)]
    if "norm" in name:
        return [1 + 0.2 * w for w in waves]
    return [0.5 * w for w in waves]


def fill(model):
    for key, p in model.named_parameters():
        p.copy_(torch.tensor(weight(key, p.numel()), dtype=torch.float64).reshape(p.shape))


def base():
    config = LlamaConfig(**{k: v for k, v in CONFIG.items() if k != "model_type"})
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config).to(torch.float32).eval()
    fill(model)
    return model


def logits(model):
    rows = model.eval()(torch.tensor([IDS]), use_cache=False).logits[0]
    return [[round(x, 6) for x in row.tolist()] for row in rows]


torch.set_grad_enabled(False)
MADE_BY = f"adapters.py, peft {peft.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
if len(sys.argv) > 1:
    back = {"provenance": MADE_BY, "cases": {}}
    for name in sorted(os.listdir(sys.argv[1])):
        folder = os.path.join(sys.argv[1], name)
        files = ["adapter_config.json", "adapter_model.safetensors"]
        hashes = {f: hashlib.sha256(open(os.path.join(folder, f), "rb").read()).hexdigest() for f in files}
        back["cases"][name] = {"files": hashes, "logits": logits(PeftModel.from_pretrained(base(), folder))}
    json.dump(back, sys.stdout, indent=None, separators=(",", ":"))
    sys.exit()
out = {"provenance": MADE_BY,
       "config": CONFIG, "ids": IDS, "base": logits(base()), "cases": {}}
for name, case in CASES.items():
    model = get_peft_model(base(), LoraConfig(**case))
    for key, p in model.named_parameters():
        if "lora_" in key or "modules_to_save" in key:
            values = torch.tensor(weight(key, p.numel()), dtype=torch.float64).reshape(p.shape)
            if "magnitude" in key:
                values = values.reshape(p.shape) * 0.3 + 1.5
            p.copy_((values * 0.6).half().float())
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        given = json.load(open(os.path.join(folder, "adapter_config.json")))
        data = open(os.path.join(folder, "adapter_model.safetensors"), "rb").read()
    for key in ("target_modules",):
        given[key] = sorted(given[key])
    out["cases"][name] = {"config": given, "file": base64.b64encode(data).decode(), "logits": logits(model)}
json.dump(out, sys.stdout, indent=None, separators=(",", ":"))
