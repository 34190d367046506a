# Three steps of LoRA+ by Hugging Face's peft (create_loraplus_optimizer over torch.optim.AdamW) on one matrix.
# Run: /path/to/venv/bin/python test/golden/lora-plus.py > test/golden/lora-plus.json
import json, math, sys
import torch, peft
from torch import nn
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer

RANK, RATE, RATIO = 2, 0.01, 16.0


def wave(seed, *shape):
    count = math.prod(shape)
    return torch.tensor([math.sin(seed + 0.7 * i) for i in range(count)], dtype=torch.float64).reshape(shape).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(4, 3, bias=False)

    def forward(self, x):
        return self.map(x)


torch.manual_seed(0)
model = get_peft_model(Net(), LoraConfig(r=RANK, lora_alpha=RANK, target_modules=["map"]))
layer = model.base_model.model.map
with torch.no_grad():
    layer.base_layer.weight.copy_(wave(1, 3, 4))
    layer.lora_A["default"].weight.copy_(wave(2, RANK, 4))
    layer.lora_B["default"].weight.zero_()
x, target = wave(3, 5, 4), wave(4, 5, 3)
optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=RATE, loraplus_lr_ratio=RATIO, loraplus_weight_decay=0.0, betas=(0.9, 0.999), eps=1e-8)
steps = []
for _ in range(3):
    loss = ((model(x) - target) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    steps.append({"loss": loss.item(), "lora_A": layer.lora_A["default"].weight.flatten().tolist(), "lora_B": layer.lora_B["default"].weight.flatten().tolist()})
json.dump({"provenance": f"lora-plus.py, peft {peft.__version__}, torch {torch.__version__}", "rank": RANK, "rate": RATE, "ratio": RATIO, "steps": steps}, sys.stdout)
