"""One step of fine-tuning with PyTorch and PEFT: the peer of `npm run bench -- adapt`.

usage: python adapt_step.py MODEL lora|full BATCH LENGTH RANK THREADS STEPS
Prints one JSON line a step: {"ms": wall, "loss": …}, then {"peakRssBytes": …}.
"""
import json
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

folder, method = sys.argv[1:3]
B, T, rank, threads, steps = map(int, sys.argv[3:8])
torch.set_num_threads(threads)
torch.manual_seed(1)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
if method == "lora":
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets))
own = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(own, lr=1e-4, betas=(0.9, 0.999), weight_decay=0)
V = model.config.vocab_size
for step in range(steps):
    ids = torch.tensor([[((37 * (4 * step + row)) + i) * 7919 % V for i in range(T + 1)] for row in range(B)])
    start = time.perf_counter()
    logits = model(ids[:, :-1], use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, V), ids[:, 1:].reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(own, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "loss": loss.item()}), flush=True)
print(json.dumps({"peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
