"""Qwen3-Next at tiny size, written for fast training: layers of one kind share stacked parameters [layer, ...],
all experts are computed and masked (they are small), and rows hold several conversations told apart by `position`."""
import json
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from delta_rule import CHUNK, StateScan, chunk_terms

EPS = 1e-6
RESET = -60.0  # log-decay at a conversation's first token: e^-60 wipes the state of the one before it in the row


@dataclass
class Config:
    vocab: int = 4096
    hidden: int = 256
    layers: int = 8
    interval: int = 4
    heads: int = 4
    head_dim: int = 256
    rotary: int = 64
    theta: float = 100000.0
    key_heads: int = 2
    value_heads: int = 4
    delta_dim: int = 128
    experts: int = 10
    active: int = 4
    width: int = 64

    @property
    def kinds(self):
        """Layer kinds in order; the MTP layer comes last."""
        return ["full" if (i + 1) % self.interval == 0 else "linear" for i in range(self.layers)] + ["full"]

    @staticmethod
    def read(path):
        c = json.load(open(path))
        rope = c["rope_parameters"]
        return Config(c["vocab_size"], c["hidden_size"], c["num_hidden_layers"], c["layer_types"].index("full_attention") + 1,
                      c["num_attention_heads"], c["head_dim"], int(c["head_dim"] * rope["partial_rotary_factor"]), rope["rope_theta"],
                      c["linear_num_key_heads"], c["linear_num_value_heads"], c["linear_key_head_dim"], c["num_experts"],
                      c["num_experts_per_tok"], c["moe_intermediate_size"])


def shapes(c):
    """Name -> shape of every trained tensor. One KV head; the shared expert is the last of the stacked experts."""
    g, a, n, d = c.kinds.count("linear"), c.kinds.count("full"), c.layers + 1, c.hidden
    key, value = c.key_heads * c.delta_dim, c.value_heads * c.delta_dim
    return {
        "embed": (c.vocab, d), "head": (c.vocab, d), "norm": (d,), "in_norm": (n, d), "post_norm": (n, d),
        "qkvz": (g, 2 * key + 2 * value, d), "ba": (g, 2 * c.value_heads, d), "conv": (g, 2 * key + value, 4),
        "dt_bias": (g, c.value_heads), "A_log": (g, c.value_heads), "gnorm": (g, c.delta_dim), "out": (g, d, value),
        "q": (a, 2 * c.heads * c.head_dim, d), "k": (a, c.head_dim, d), "v": (a, c.head_dim, d), "o": (a, d, c.heads * c.head_dim),
        "q_norm": (a, c.head_dim), "k_norm": (a, c.head_dim),
        "router": (n, c.experts, d), "gate": (n, c.experts + 1, c.width, d), "up": (n, c.experts + 1, c.width, d),
        "down": (n, c.experts + 1, d, c.width), "shared_gate": (n, 1, d),
        "fc": (d, 2 * d), "mtp_norm_e": (d,), "mtp_norm_h": (d,), "mtp_norm": (d,),
    }


QUANTIZED = ("qkvz", "out", "q", "k", "v", "o", "gate", "up", "down")


def init(c, seed, device):
    torch.manual_seed(seed)
    p = {}
    for name, shape in shapes(c).items():
        t = torch.zeros(shape)
        if name == "gnorm":
            t.fill_(1.0)
        elif name == "A_log":
            t.uniform_(1, 16).log_()
        elif name == "dt_bias":
            dt = torch.exp(torch.empty(shape).uniform_(-6.9, -2.3))  # decay steps between 0.001 and 0.1
            t = dt + torch.log(-torch.expm1(-dt))
        elif name == "conv":
            t.uniform_(-0.5, 0.5)
        elif name == "embed":
            t.normal_(0, 0.5)
        elif "norm" not in name:
            t.normal_(0, (0.2 if name in ("out", "o", "down", "head") else 0.6) * shape[-1] ** -0.5)
        p[name] = t.to(device).requires_grad_()
    return p


def norm1p(x, w):
    x = x.float()
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * (1 + w)


def unit(x):
    x = x.float()
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + EPS)


def rope_tables(c, length, device):
    freq = c.theta ** (-torch.arange(0, c.rotary, 2, device=device, dtype=torch.float32) / c.rotary)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * freq
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    half = cos.shape[-1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)


def split_qkvz(c, qkvz, ba):
    """Undoes the per-key-head interleaving: q, k [.., Hk*128], v, z [.., Hv*128], b, a [.., Hv]."""
    r, lead = c.value_heads // c.key_heads, qkvz.shape[:-1]
    dim = c.delta_dim
    q, k, v, z = qkvz.view(*lead, c.key_heads, -1).split([dim, dim, r * dim, r * dim], -1)
    b, a = ba.view(*lead, c.key_heads, -1).split([r, r], -1)
    return [t.reshape(*lead, -1) for t in (q, k, v, z, b, a)]


def gdn_inputs(c, x, position, w):
    """Norm, projections, convolution, gates -> q, k, v [R, T, Hv, 128], beta, g [R, T, Hv] in f32, and z."""
    u = norm1p(x, w["in_norm"]).to(w["qkvz"].dtype)
    q, k, v, z, b, a = split_qkvz(c, F.linear(u, w["qkvz"]), F.linear(u, w["ba"]))
    mixed = torch.cat([q, k, v], -1)
    conv = mixed * w["conv"][:, 3]
    for back in (1, 2, 3):
        shifted = F.pad(mixed, (0, 0, back, 0))[:, :-back]
        conv = conv + torch.where((position >= back)[..., None], shifted * w["conv"][:, 3 - back], torch.zeros_like(mixed))
    conv = F.silu(conv)
    key = c.key_heads * c.delta_dim
    q, k, v = (t.unflatten(-1, (-1, c.delta_dim)) for t in conv.split([key, key, v.shape[-1]], -1))
    repeat = c.value_heads // c.key_heads
    q = unit(q) * c.delta_dim ** -0.5
    q, k = q.repeat_interleave(repeat, -2), unit(k).repeat_interleave(repeat, -2)
    g = -w["A_log"].exp() * F.softplus(a.float() + w["dt_bias"])
    return q, k, v.float(), b.float().sigmoid(), g, z


def gdn_chunks(c, x, position, w):
    q, k, v, beta, g, z = gdn_inputs(c, x, position, w)
    g = torch.where((position == 0)[..., None], torch.full_like(g, RESET), g)

    def chunked(t):  # [R, T, H, ...] -> [R*H, N, C, ...]
        rows, length, heads = t.shape[:3]
        return t.transpose(1, 2).reshape(rows * heads, length // CHUNK, CHUNK, *t.shape[3:])

    return *chunk_terms(*(chunked(t) for t in (q, k, v, beta, g))), z


def gdn_finish(c, x, q_decayed, scores, new, states, z, w):
    o = q_decayed @ states + scores @ new  # [R*H, N, C, 128]
    rows, length = x.shape[:2]
    o = o.view(rows, c.value_heads, length, c.delta_dim).transpose(1, 2)
    return x + F.linear(gated_norm(o, z.unflatten(-1, (-1, c.delta_dim)), w["gnorm"]).flatten(-2).to(w["out"].dtype), w["out"])


def gated_norm(o, z, weight):
    o = o.float()
    return o * torch.rsqrt(o.square().mean(-1, keepdim=True) + EPS) * weight * F.silu(z.float())


def attention_inputs(c, x, cos, sin, w):
    """q [.., Hq, 256], k, v [.., 256], output gate [.., Hq*256]; cos and sin are gathered by position."""
    u = norm1p(x, w["in_norm"]).to(w["q"].dtype)
    q, gate = F.linear(u, w["q"]).unflatten(-1, (c.heads, 2 * c.head_dim)).split(c.head_dim, -1)
    k, v = F.linear(u, w["k"]), F.linear(u, w["v"])
    q = rotate(norm1p(q, w["q_norm"]), cos[..., None, :], sin[..., None, :]).to(u.dtype)
    return q, rotate(norm1p(k, w["k_norm"]), cos, sin).to(u.dtype), v, gate.flatten(-2)


def attention_finish(x, o, gate, w):
    return x + F.linear(o.to(gate.dtype) * gate.sigmoid(), w["o"])


def moe(c, x, w):
    """Adds the mixture to x; also returns the load-balance term of this layer."""
    u = norm1p(x, w["post_norm"]).to(w["gate"].dtype)
    share = F.linear(u, w["router"]).float().softmax(-1)
    chosen = share >= share.topk(c.active, -1).values[..., -1:]
    routed = share * chosen
    routed = routed / routed.sum(-1, keepdim=True)
    scale = torch.cat([routed, F.linear(u, w["shared_gate"]).float().sigmoid()], -1).to(u.dtype)
    h = F.silu(F.linear(u, w["gate"].flatten(0, 1))) * F.linear(u, w["up"].flatten(0, 1))
    h = h.unflatten(-1, (-1, c.width)) * scale[..., None]
    y = F.linear(h.flatten(-2), w["down"].transpose(0, 1).flatten(1))
    lead = tuple(range(x.ndim - 1))
    balance = (chosen.float().mean(lead) * share.mean(lead)).sum() * (c.experts / c.active)
    return x + y, balance


def layer_weights(c, p):
    """One dict per layer (the MTP layer last) out of the stacked tensors."""
    unbound = {k: v.unbind(0) for k, v in p.items() if k not in ("embed", "head", "norm", "fc") and not k.startswith("mtp")}
    everywhere = ("in_norm", "post_norm", "router", "gate", "up", "down", "shared_gate")
    own = {"linear": ("qkvz", "ba", "conv", "dt_bias", "A_log", "gnorm", "out"), "full": ("q", "k", "v", "o", "q_norm", "k_norm")}
    seen, result = {"linear": 0, "full": 0}, []
    for i, kind in enumerate(c.kinds):
        result.append({n: unbound[n][i] for n in everywhere} | {n: unbound[n][seen[kind]] for n in own[kind]})
        seen[kind] += 1
    return result
