"""Evaluates random programs with PyTorch: a JSON program a line in, its numbers a line out.

python test/fuzz/programs_in_torch.py < programs.jsonl > numbers.jsonl   (torch 2.15; called by `npm run fuzz -- torch`)
"""
import json
import math
import sys

import torch

torch.set_num_threads(1)
DTYPES = {"float32": torch.float32, "float64": torch.float64, "int32": torch.int32, "int64": torch.int64,
          "bool": torch.bool, "uint8": torch.uint8}
WEIGHTS = [1, -0.5, 0.75, 2, -1.25]


def number(x, like):
    return x if torch.is_tensor(x) else torch.tensor(x, dtype=like.dtype)


def pair(f):
    return lambda a, b: f(number(a, b), number(b, a))


def axes(o, x):
    axis = o.get("axis", list(range(x.dim())))
    return [a % x.dim() for a in ([axis] if isinstance(axis, int) else axis)]


def reduction(f):
    """f takes the group as the last axis."""
    def run(x, o=None):
        o = o or {}
        over = axes(o, x)
        rest = [i for i in range(x.dim()) if i not in over]
        kept = [x.shape[i] for i in rest]
        size = math.prod(x.shape[i] for i in over)
        y = f(x.permute(rest + over).reshape(kept + [size])) if over else f(x.reshape(list(x.shape) + [1]))
        y = y.to(x.dtype)
        return y.reshape([1 if i in over else s for i, s in enumerate(x.shape)]) if o.get("keep") else y
    return run


def first(x, axis, best):
    """Index of the first element that is the extreme."""
    hit = x == best(x, dim=axis, keepdim=True)
    shape = [1] * x.dim()
    shape[axis] = x.shape[axis]
    place = torch.arange(x.shape[axis]).reshape(shape)
    return torch.where(hit, place, x.shape[axis]).amin(dim=axis).to(torch.int32)


def running(x, o):
    axis = o.get("axis", -1)
    y = x.flip(axis) if o.get("reverse") else x
    s = torch.cumsum(y, axis).to(x.dtype)
    if o.get("exclusive"):
        s = s - y
    return s.flip(axis) if o.get("reverse") else s


def ordered(x, axis, largest, k):
    values, places = torch.sort(x, dim=axis, descending=largest, stable=True)
    return {"values": values.narrow(axis, 0, k), "indices": places.narrow(axis, 0, k).to(torch.int32)}


def matmul(a, b, o):
    a = a.transpose(-1, -2) if o["transposeA"] else a
    b = b.transpose(-1, -2) if o["transposeB"] else b
    return torch.matmul(a, b) * o["scale"] if a.is_floating_point() else torch.matmul(a, b)


def normalised(x, o, centred):
    y = x - x.mean(-1, keepdim=True) if centred else x
    y = y / torch.sqrt((y * y).mean(-1, keepdim=True) + o["epsilon"])
    y = y * o["scale"] if "scale" in o else y
    return y + o["bias"] if "bias" in o else y


def sliced(x, *spans):
    for axis, s in enumerate(spans):
        size = x.shape[axis]
        clamp = lambda i: min(size, max(0, i + size if i < 0 else i))
        start, end = clamp(s.get("start", 0)), clamp(s.get("end", size))
        x = x.index_select(axis, torch.arange(start, max(start, end), s.get("step", 1)))
    return x


def gather(x, at, axis):
    y = x.index_select(axis, at.reshape(-1).long())
    return y.reshape(list(x.shape[:axis]) + list(at.shape) + list(x.shape[axis + 1:]))


def scatter_add(x, at, u):
    flat = u.reshape([at.numel()] + list(x.shape[1:]))
    return x.index_add(0, at.reshape(-1).long(), flat)


def extreme(f):
    return lambda a, b: f(*torch.broadcast_tensors(number(a, b), number(b, a)))


def power(a, b):
    return torch.pow(number(a, b), number(b, a))


def divide(a, b):
    a, b = number(a, b), number(b, a)
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def clip(x, low, high):
    return torch.minimum(torch.maximum(x, number(low, x)), number(high, x))


def cast(x, to):
    return x if to == x.dtype else x.to(DTYPES[to])


def where(c, a, b):
    return torch.where(c, number(a, b), number(b, a))


def conv1d(x, w, o):
    return torch.nn.functional.conv1d(x, w, stride=o["stride"], dilation=o["dilation"], padding=o["padding"], groups=o["groups"])


def pad(x, amounts, value):
    flat = [n for a in reversed(amounts) for n in a]
    return torch.nn.functional.pad(x, flat, value=value) if flat else x


def triangle(f):
    return lambda x, d=0: f(x, diagonal=d)


FUNCTIONS = {
    **{n: getattr(torch, n) for n in "neg abs sign floor ceil round exp log sqrt rsqrt square sin cos tan asin acos atan "
       "sinh cosh tanh asinh acosh atanh erf sigmoid relu".split()},
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "silu": torch.nn.functional.silu,
    "gelu": lambda x, o: torch.nn.functional.gelu(x, approximate=o["approximate"]),
    "not": torch.logical_not, "add": pair(torch.add), "sub": pair(torch.sub), "mul": pair(torch.mul), "div": divide, "pow": power,
    "minimum": extreme(torch.minimum), "maximum": extreme(torch.maximum),
    "equal": pair(torch.eq), "notEqual": pair(torch.ne), "less": pair(torch.lt), "lessEqual": pair(torch.le),
    "greater": pair(torch.gt), "greaterEqual": pair(torch.ge), "and": torch.logical_and, "or": torch.logical_or,
    "xor": torch.logical_xor, "where": where, "clip": clip, "cast": cast,
    "full": lambda shape, v, o: torch.full(shape, v, dtype=DTYPES[o["dtype"]]),
    "iota": lambda n, o: torch.arange(n, dtype=DTYPES[o["dtype"]]),
    "sum": reduction(lambda g: g.sum(-1)), "mean": reduction(lambda g: g.mean(-1)),
    "max": reduction(lambda g: g.amax(-1)), "min": reduction(lambda g: g.amin(-1)),
    "prod": reduction(lambda g: g.prod(-1)), "logSumExp": reduction(lambda g: g.logsumexp(-1)),
    "variance": reduction(lambda g: ((g - g.mean(-1, keepdim=True)) ** 2).mean(-1)),
    "norm": reduction(lambda g: torch.sqrt((g * g).sum(-1))),
    "all": reduction(lambda g: g.all(-1)), "any": reduction(lambda g: g.any(-1)),
    "argMax": lambda x, o: first(x, o.get("axis", -1), torch.amax), "argMin": lambda x, o: first(x, o.get("axis", -1), torch.amin),
    "cumSum": running, "dot": lambda a, b: (a.reshape(-1) * b.reshape(-1)).sum(),
    "matmul": matmul, "einsum": lambda p, *xs: torch.einsum(p, *xs), "conv1d": conv1d,
    "reshape": lambda x, s: x.reshape(s), "permute": lambda x, o: x.permute(o), "transpose": lambda x: x.transpose(-1, -2),
    "broadcastTo": lambda x, s: x.expand(s), "expandDims": lambda x, a: x.unsqueeze(a), "squeeze": lambda x, a: x.squeeze(a),
    "slice": sliced, "narrow": lambda x, a, s, e: x.narrow(a, s, e - s), "at": lambda x, i: x[i],
    "flip": lambda x, a: x.flip(a), "concat": lambda xs, a: torch.cat(xs, a), "stack": lambda xs, a: torch.stack(xs, a),
    "split": lambda x, sizes, a: dict(enumerate(torch.split(x, sizes, a))), "pad": pad,
    "tril": triangle(torch.tril), "triu": triangle(torch.triu),
    "gather": gather, "takeAlongAxis": lambda x, i, a: torch.gather(x, a, i.long()),
    "scatterAdd": scatter_add, "addAlongAxis": lambda x, i, u, a: x.scatter_add(a, i.long(), u),
    "oneHot": lambda i, n, o: (i.unsqueeze(-1) == torch.arange(n)).to(DTYPES[o["dtype"]]),
    "topK": lambda x, k, o: ordered(x, o["axis"], o["largest"], k),
    "sort": lambda x, o: ordered(x, o["axis"], False, x.shape[o["axis"]]),
    "softmax": lambda x, a=-1: torch.softmax(x, a), "logSoftmax": lambda x, a=-1: torch.log_softmax(x, a),
    "layerNorm": lambda x, o: normalised(x, o, True), "rmsNorm": lambda x, o: normalised(x, o, False),
    "stopGradient": lambda x: x.detach(), "straightThrough": lambda h, s: s + (h - s).detach(),
}


def resolve(arg, scope):
    if isinstance(arg, list):
        return [resolve(a, scope) for a in arg]
    if isinstance(arg, dict):
        return scope[arg["ref"]] if set(arg) == {"ref"} else {k: resolve(a, scope) for k, a in arg.items()}
    return arg


def call(inner, values, scope):
    local = {**scope, **dict(zip(inner["parameters"], values))}
    for step in inner["steps"]:
        run(step, local)
    return [local[i] for i in inner["results"]]


def scan(args, inner, scope):
    carry, xs, options = args
    T, n = xs[0].shape[0], len(carry)
    rows = [None] * T
    for t in (reversed(range(T)) if options["reverse"] else range(T)):
        results = call(inner, carry + [x[t] for x in xs], scope)
        carry, rows[t] = results[:n], results[n:]
    ys = [torch.stack(list(column)) for column in zip(*rows)]
    return {**{f"carry.{i}": c for i, c in enumerate(carry)}, **{f"ys.{i}": y for i, y in enumerate(ys)}}


def run(step, scope):
    args, fn = [resolve(a, scope) for a in step["args"]], step["fn"]
    if fn == "scan":
        out = scan(args, step["inner"], scope)
    elif fn in ("checkpoint", "customGradient"):
        ys = call(step["inner"], args, scope)
        # The rule of these programs is the true derivative times two.
        out = dict(enumerate(ys if fn == "checkpoint" else [2 * y - y.detach() for y in ys]))
    else:
        out = FUNCTIONS[fn](*args)
    for o in step["outs"]:
        scope[o["id"]] = out if o["at"] == "" else out[int(o["at"]) if o["at"].isdigit() else o["at"]]


def derivative(ys, xs, us, graph):
    live = [(y, u) for y, u in zip(ys, us) if y.requires_grad]
    if not live:
        return [torch.zeros_like(x) for x in xs]
    got = torch.autograd.grad([y for y, _ in live], xs, [u for _, u in live], create_graph=graph, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(got, xs)]


def numbers(program):
    scope, floats, directions = {}, [], []
    for x in program["inputs"]:
        value = torch.tensor(x["values"], dtype=torch.float64).to(DTYPES[x["dtype"]]).reshape(x["shape"])
        if value.is_floating_point():
            value.requires_grad_(True)
            floats.append(value)
            directions.append(torch.tensor(x["direction"], dtype=value.dtype).reshape(x["shape"]))
        scope[x["id"]] = value
    for step in program["steps"]:
        run(step, scope)
    results = [scope[i] for i in program["results"]]
    out = {f"result {i}": y for i, y in enumerate(results)}
    reals = [y for y in results if y.is_floating_point()]
    if reals and floats:
        dtype = torch.float64 if any(y.dtype == torch.float64 for y in reals) else torch.float32
        loss = sum((y.to(dtype) + 0.5 * y.to(dtype) ** 2).sum() * WEIGHTS[i % 5] for i, y in enumerate(reals))
        slope = derivative([loss], floats, [torch.ones_like(loss)], True)
        along = sum((g.double() * v.double()).sum() for g, v in zip(slope, directions))
        curvature = derivative([along], floats, [torch.ones_like(along)], False)
        us = [torch.zeros_like(y, requires_grad=True) for y in reals]
        pulled = derivative(reals, floats, us, True)
        tangents = derivative(pulled, us, directions, False)
        for name, list_ in (("gradient", slope), ("curvature", curvature), ("tangent", tangents)):
            out.update({f"{name} {i}": y for i, y in enumerate(list_)})
    return {k: [float(v) for v in y.detach().reshape(-1).tolist()] for k, y in out.items()}


for line in sys.stdin:
    try:
        answer = {"numbers": numbers(json.loads(line))}
    except Exception as error:  # what torch refuses is said, not skipped silently
        answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    print(json.dumps(answer), flush=True)
