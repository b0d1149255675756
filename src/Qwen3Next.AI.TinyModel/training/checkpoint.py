"""Between the stacked training tensors and a checkpoint folder with the published tensor names."""
import json
import os
import struct

import torch

import fp8

DTYPES = {"BF16": torch.bfloat16, "F32": torch.float32, "F16": torch.float16}
if hasattr(torch, "float8_e4m3fn"):
    DTYPES["F8_E4M3"] = torch.float8_e4m3fn
NAMES = {dtype: name for name, dtype in DTYPES.items()}
GLOBAL = {"embed": "model.embed_tokens.weight", "head": "lm_head.weight", "norm": "model.norm.weight", "fc": "mtp.fc.weight",
          "mtp_norm_e": "mtp.pre_fc_norm_embedding.weight", "mtp_norm_h": "mtp.pre_fc_norm_hidden.weight", "mtp_norm": "mtp.norm.weight"}
EVERY = {"in_norm": "input_layernorm.weight", "post_norm": "post_attention_layernorm.weight", "router": "mlp.gate.weight",
         "shared_gate": "mlp.shared_expert_gate.weight"}
LINEAR = {"qkvz": "in_proj_qkvz.weight", "ba": "in_proj_ba.weight", "conv": "conv1d.weight", "dt_bias": "dt_bias", "A_log": "A_log",
          "gnorm": "norm.weight", "out": "out_proj.weight"}
FULL = {n: f"{n}_proj.weight" for n in "qkvo"} | {"q_norm": "q_norm.weight", "k_norm": "k_norm.weight"}


def places(c):
    """Published name -> (training name, index into its stack, or () for the unstacked)."""
    table = {published: (own, ()) for own, published in GLOBAL.items()}
    seen = {"linear": 0, "full": 0}
    for i, kind in enumerate(c.kinds):
        at = "mtp.layers.0." if i == c.layers else f"model.layers.{i}."
        table |= {at + tail: (own, (i,)) for own, tail in EVERY.items()}
        mixer, names = ("linear_attn.", LINEAR) if kind == "linear" else ("self_attn.", FULL)
        table |= {at + mixer + tail: (own, (seen[kind],)) for own, tail in names.items()}
        seen[kind] += 1
        for e in range(c.experts + 1):
            expert = f"mlp.experts.{e}." if e < c.experts else "mlp.shared_expert."
            table |= {f"{at}{expert}{n}_proj.weight": (n, (i, e)) for n in ("gate", "up", "down")}
    return table


def published(c, p, quantized):
    """Published name -> tensor, matrices in FP8 with their scales when `quantized`, else bf16."""
    tensors, p = {}, {own: t.detach().float().cpu() for own, t in p.items()}
    for name, (own, index) in places(c).items():
        t = p[own][index]
        if quantized and own in ("qkvz", "out", "q", "k", "v", "o", "gate", "up", "down"):
            values, scale = fp8.quantize(t)
            tensors[name] = values.to(torch.float8_e4m3fn)
            tensors[name.replace(".weight", ".weight_scale_inv")] = scale.bfloat16()
        else:
            tensors[name] = (t[:, None] if own == "conv" else t).bfloat16()
    return tensors


def adopt(c, tensors, shapes):
    """The inverse of `published`: f32 training tensors, FP8 matrices dequantised."""
    p = {own: torch.zeros(shape) for own, shape in shapes.items()}
    for name, (own, index) in places(c).items():
        t = tensors[name].float()
        scale = tensors.get(name.replace(".weight", ".weight_scale_inv"))
        if scale is not None and name.endswith(".weight"):
            t = fp8.dequantize(t, scale.float())
        p[own][index] = t[:, 0] if own == "conv" else t
    return p


def write_file(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, t in tensors.items():
        size = t.numel() * t.element_size()
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in tensors.values():
            f.write(t.contiguous().view(torch.uint8).numpy().tobytes())


def read_file(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header, data = json.loads(f.read(size)), bytearray(f.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, h in header.items():
        start, end = h["data_offsets"]
        raw = torch.frombuffer(data, dtype=torch.uint8, count=end - start, offset=start).clone()
        tensors[name] = (fp8.decode_e4m3(raw) if h["dtype"] not in DTYPES else raw.view(DTYPES[h["dtype"]])).view(h["shape"])
    return tensors


def read_folder(folder):
    tensors = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors") and name.startswith("model"):
            tensors |= read_file(os.path.join(folder, name))
    return tensors


def write_folder(folder, tensors):
    """Two shards of about equal size and their index."""
    os.makedirs(folder, exist_ok=True)
    size = lambda t: t.numel() * t.element_size()
    total, running, shards, where = sum(map(size, tensors.values())), 0, ({}, {}), {}
    for name, t in tensors.items():
        shard = 0 if running < total / 2 else 1
        running += size(t)
        shards[shard][name] = t
        where[name] = f"model-0000{shard + 1}-of-00002.safetensors"
    for i, shard in enumerate(shards):
        write_file(os.path.join(folder, f"model-0000{i + 1}-of-00002.safetensors"), shard)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))}, f, indent=1)
