"""Training forward over packed rows: logits losses of the main model and of the MTP layer."""
import torch
import torch.nn.functional as F

import model as M
from delta_rule import StateScan


class Packed:
    """Holds the compiled pieces; shapes never change, so each piece is compiled once for all layers."""

    def __init__(self, config, rows, length, device, compiled=True):
        self.c, self.device = config, device
        self.cos, self.sin = M.rope_tables(config, length, device)
        self.length = length
        wrap = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        c = config
        self.chunks = wrap(lambda x, pos, w: M.gdn_chunks(c, x, pos, w))
        self.gdn_tail = wrap(lambda x, q, s, new, states, z, w: M.moe(c, M.gdn_finish(c, x, q, s, new, states, z, w), w))
        self.qkv = wrap(lambda x, cos, sin, w: M.attention_inputs(c, x, cos, sin, w))
        self.full_tail = wrap(lambda x, o, gate, w: M.moe(c, M.attention_finish(x, o, gate, w), w))
        self.loss = wrap(token_loss)
        self.mtp_input = wrap(mtp_input)
        self.attend = flash_attend if device == "cuda" else plain_attend

    def layer(self, kind, x, position, cos, sin, segments, w):
        if kind == "linear":
            u, w_k, k, decay, q, scores, z = self.chunks(x, position, w)
            new, states = StateScan.apply(u, w_k, k, decay)
            return self.gdn_tail(x, q, scores, new, states, z, w)
        q, k, v, gate = self.qkv(x, cos, sin, w)
        return self.full_tail(x, self.attend(self.c, q, k, v, segments).flatten(-2), gate, w)

    def hidden(self, p, tokens, position, segments):
        """Final-normed hidden states of the main model and of the MTP layer, and the mean load-balance term."""
        weights, cos, sin = M.layer_weights(self.c, p), self.cos[position], self.sin[position]
        x, balance = F.embedding(tokens, p["embed"]).float(), []
        for kind, w in zip(self.c.kinds[:-1], weights):
            x, b = self.layer(kind, x, position, cos, sin, segments, w)
            balance.append(b)
        h = M.norm1p(x, p["norm"])
        following = F.embedding(tokens.roll(-1, 1), p["embed"]).float()
        y = self.mtp_input(following, h, p["mtp_norm_e"], p["mtp_norm_h"], p["fc"])
        y, b = self.layer("full", y, position, cos, sin, segments, weights[-1])
        return h, M.norm1p(y, p["mtp_norm"]), torch.stack(balance + [b]).mean()

    def losses(self, p, tokens, position, weight, segments):
        """weight[r, t] is the loss weight of predicting token t; returns (main, mtp, balance), weighted means."""
        h, m, balance = self.hidden(p, tokens, position, segments)
        target1, weight1 = tokens.roll(-1, 1), following(weight, position, 1)
        target2, weight2 = tokens.roll(-2, 1), following(weight, position, 2)
        main = self.loss(h, p["head"], target1, weight1)
        return main, self.loss(m, p["head"], target2, weight2), balance


def following(weight, position, ahead):
    """Weight of the token `ahead` places on, zero where that token belongs to another conversation."""
    same = position.roll(-ahead, 1) == position + ahead
    same[:, -ahead:] = False
    return torch.where(same, weight.roll(-ahead, 1), torch.zeros_like(weight))


def mtp_input(embedded, h, norm_e, norm_h, fc):
    both = torch.cat([M.norm1p(embedded, norm_e), M.norm1p(h, norm_h)], -1)
    return F.linear(both.to(fc.dtype), fc).float()


def token_loss(h, head, target, weight):
    logits = F.linear(h.to(head.dtype), head).float().flatten(0, 1)
    nll = F.cross_entropy(logits, target.flatten(), reduction="none")
    return (nll * weight.flatten()).sum() / weight.sum().clamp_min(1.0)


def flash_attend(c, q, k, v, segments):
    """q [R, T, H, 256], k, v [R, T, 256]; segments = (cumulative starts int32, longest)."""
    starts, longest = segments
    rows, length, heads, dim = q.shape
    q = q.reshape(-1, heads, dim)
    k, v = (t.reshape(-1, 1, dim).expand(-1, heads, -1).contiguous() for t in (k, v))
    o = torch.ops.aten._flash_attention_forward(q, k, v, starts, starts, longest, longest, 0.0, True, False)[0]
    return o.view(rows, length, heads, dim)


def plain_attend(c, q, k, v, segments):
    starts, _ = segments
    rows, length = q.shape[:2]
    index = torch.searchsorted(starts, torch.arange(rows * length, device=q.device), right=True).view(rows, length)
    mask = (index[:, :, None] == index[:, None, :]).tril()
    scores = torch.einsum("rqhd,rkd->rhqk", q, k) * c.head_dim ** -0.5
    return torch.einsum("rhqk,rkd->rqhd", scores.masked_fill(~mask[:, None], float("-inf")).softmax(-1), v)
