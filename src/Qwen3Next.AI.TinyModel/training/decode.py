"""Greedy decoding with the recurrent form: every row is at its own position, prompts are fed token by token, so nothing is
padded. The MTP layer runs along and its first draft is compared with the main model's own next token."""
import torch
import torch.nn.functional as F

import model as M
from packed import mtp_input


class Decoder:
    """f32 state and arithmetic for `batch` rows of at most `length` tokens."""

    def __init__(self, config, p, batch, length):
        c, self.c, self.p = config, config, {k: v.detach().float() for k, v in p.items()}
        device = self.p["norm"].device
        self.device, self.batch, self.length = device, batch, length
        self.weights = M.layer_weights(c, self.p)
        self.cos, self.sin = M.rope_tables(c, length, device)
        gdn, full = c.kinds.count("linear"), c.kinds.count("full")
        channels = (2 * c.key_heads + c.value_heads) * c.delta_dim
        self.state = torch.zeros(gdn, batch, c.value_heads, c.delta_dim, c.delta_dim, device=device)
        self.window = torch.zeros(gdn, batch, 3, channels, device=device)
        self.keys = torch.zeros(full, batch, length, c.head_dim, device=device)
        self.values = torch.zeros_like(self.keys)
        self.h = torch.zeros(batch, c.hidden, device=device)

    def step(self, tokens, at):
        """Feeds tokens [B], all at position `at` -> (main logits, MTP logits); the MTP pair is (h[at-1], tokens)."""
        index = {"linear": 0, "full": 0}
        x = self.p["embed"][tokens]
        for kind, w in zip(self.c.kinds[:-1], self.weights):
            x = (self.gdn if kind == "linear" else self.attention)(index[kind], x, at, w)
            x = M.moe(self.c, x, w)[0]
            index[kind] += 1
        mtp = None
        if at > 0:
            y = mtp_input(self.p["embed"][tokens], self.h, self.p["mtp_norm_e"], self.p["mtp_norm_h"], self.p["fc"])
            y = M.moe(self.c, self.attention(index["full"], y, at - 1, self.weights[-1]), self.weights[-1])[0]
            mtp = F.linear(M.norm1p(y, self.p["mtp_norm"]), self.p["head"])
        self.h = M.norm1p(x, self.p["norm"])
        return F.linear(self.h, self.p["head"]), mtp

    def gdn(self, i, x, at, w):
        c = self.c
        u = M.norm1p(x, w["in_norm"])
        q, k, v, z, b, a = M.split_qkvz(c, F.linear(u, w["qkvz"]), F.linear(u, w["ba"]))
        rows = torch.cat([self.window[i], torch.cat([q, k, v], -1)[:, None]], 1)
        conv = F.silu((rows * w["conv"].t()).sum(1))
        self.window[i] = rows[:, 1:]
        key = c.key_heads * c.delta_dim
        q, k, v = (t.unflatten(-1, (-1, c.delta_dim)) for t in conv.split([key, key, v.shape[-1]], -1))
        repeat = c.value_heads // c.key_heads
        q = (M.unit(q) * c.delta_dim ** -0.5).repeat_interleave(repeat, 1)
        k = M.unit(k).repeat_interleave(repeat, 1)
        decay = torch.exp(-w["A_log"].exp() * F.softplus(a + w["dt_bias"]))
        s = self.state[i] * decay[..., None, None]
        d = (v - (s * k[..., None]).sum(-2)) * b.sigmoid()[..., None]
        s = s + k[..., None] * d[..., None, :]
        self.state[i] = s
        o = (s * q[..., None]).sum(-2)
        return x + F.linear(M.gated_norm(o, z.unflatten(-1, (-1, c.delta_dim)), w["gnorm"]).flatten(-2), w["out"])

    def attention(self, i, x, at, w):
        c = self.c
        q, k, v, gate = M.attention_inputs(c, x, self.cos[at], self.sin[at], w)
        self.keys[i, :, at], self.values[i, :, at] = k, v
        keys, values = self.keys[i, :, :at + 1], self.values[i, :, :at + 1]
        o = (q @ keys.transpose(1, 2) * c.head_dim ** -0.5).softmax(-1) @ values
        return M.attention_finish(x, o.flatten(-2), gate, w)


@torch.no_grad()
def complete(config, p, prompts, limits, stops, batch=1200):
    """Greedy completions of token-id prompts, longest first -> ([ids], accepted drafts, drafts)."""
    order = sorted(range(len(prompts)), key=lambda i: -(len(prompts[i]) + limits[i]))
    results, accepted, drafted = [None] * len(prompts), 0, 0
    for start in range(0, len(order), batch):
        part = order[start:start + batch]
        done, hit, total = _complete_batch(config, p, [prompts[i] for i in part], [limits[i] for i in part], stops)
        for i, ids in zip(part, done):
            results[i] = ids
        accepted, drafted = accepted + hit, drafted + total
    return results, accepted, drafted


def _complete_batch(config, p, prompts, limits, stops):
    device = p["norm"].device
    lengths = torch.tensor([len(x) for x in prompts], device=device)
    ends = lengths + torch.tensor(limits, device=device)
    longest = int(ends.max())
    fed = torch.zeros(len(prompts), longest + 1, dtype=torch.long, device=device)
    for row, ids in enumerate(prompts):
        fed[row, :len(ids)] = torch.tensor(ids, device=device)
    stop = torch.tensor(sorted(stops), device=device)
    decoder = Decoder(config, p, len(prompts), longest)
    finished = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    stopped_at = ends.clone()
    hits = totals = torch.zeros((), device=device)
    for at in range(longest):
        logits, mtp = decoder.step(fed[:, at], at)
        best = logits.argmax(-1)
        generating = (at + 1 >= lengths) & ~finished
        if mtp is not None:  # drafted at the step before: from h[at-1] and token `at`, for the token at + 1
            counted = generating & (at >= lengths)
            hits, totals = hits + (counted & (mtp.argmax(-1) == best)).sum(), totals + counted.sum()
        fed[:, at + 1] = torch.where(generating, best, fed[:, at + 1])
        ending = generating & (torch.isin(best, stop) | (at + 2 >= ends))
        stopped_at = torch.where(ending, torch.full_like(stopped_at, at + 2), stopped_at)
        finished |= ending
        if at % 32 == 31 and bool(finished.all()):
            break
    done = [fed[r, len(ids):int(e)].tolist() for r, (ids, e) in enumerate(zip(prompts, stopped_at))]
    return done, int(hits), int(totals)
