"""Gated delta rule in chunks, for training: everything independent of the state is batched, the state pass is one loop."""
import torch

CHUNK = 64

try:
    import triton
    import triton.language as tl
except ImportError:  # the loop below computes the same on machines without Triton
    triton = None


def chunk_terms(q, k, v, beta, g):
    """q, k, v [B, N, C, 128] f32 (q scaled, both normalised), beta, g [B, N, C] -> the state-free terms of every chunk."""
    size = q.shape[-2]
    total = g.cumsum(-1)
    lower = torch.ones(size, size, dtype=torch.bool, device=q.device).tril()
    # exponents above the diagonal are positive and would overflow: select before exp
    decay = torch.exp(torch.where(lower, total[..., :, None] - total[..., None, :], torch.zeros_like(total[..., :1, None])))
    decay = torch.where(lower, decay, torch.zeros_like(decay))
    strict = torch.where(lower.tril(-1), (k @ k.transpose(-1, -2)) * decay * beta[..., None], torch.zeros_like(decay))
    identity = torch.eye(size, dtype=q.dtype, device=q.device).expand_as(strict)
    inverse = torch.linalg.solve_triangular(strict, identity, upper=False, unitriangular=True)
    u, w = inverse @ (v * beta[..., None]), inverse @ (k * (beta * total.exp())[..., None])
    last = total[..., -1:]
    return (u, w, k * (last - total).exp()[..., None], last[..., 0].exp(),
            q * total.exp()[..., None], (q @ k.transpose(-1, -2)) * decay)


class StateScan(torch.autograd.Function):
    """v' = u - w S, S <- decay S + k^T v' over the chunks; returns v' and the state at each chunk's start."""

    @staticmethod
    def forward(ctx, u, w, k, decay):
        new, states = (_scan_triton if _use_triton(u) else _scan_loop)(u, w, k, decay)
        ctx.save_for_backward(w, k, decay, new, states)
        return new, states

    @staticmethod
    def backward(ctx, d_new, d_states):
        w, k, decay, new, states = ctx.saved_tensors
        back = _scan_back_triton if _use_triton(w) else _scan_back_loop
        d_u, d_next = back(w, k, decay, d_new.contiguous(), d_states.contiguous())
        return d_u, -(d_u @ states.transpose(-1, -2)), new @ d_next.transpose(-1, -2), (states * d_next).sum((-1, -2))


def _use_triton(t):
    return triton is not None and t.is_cuda


def _scan_loop(u, w, k, decay):
    batch, chunks, _, width = u.shape
    state = u.new_zeros(batch, k.shape[-1], width)
    new, states = [], []
    for n in range(chunks):
        states.append(state)
        new.append(torch.baddbmm(u[:, n], w[:, n], state, alpha=-1))
        state = torch.baddbmm(state * decay[:, n, None, None], k[:, n].transpose(1, 2), new[-1])
    return torch.stack(new, 1), torch.stack(states, 1)


def _scan_back_loop(w, k, decay, d_new, d_states):
    d_state = torch.zeros_like(d_states[:, 0])
    d_u, d_next = [], []
    for n in reversed(range(w.shape[1])):
        d_u.append(torch.baddbmm(d_new[:, n], k[:, n], d_state))
        d_next.append(d_state)
        d_state = torch.baddbmm(d_state * decay[:, n, None, None] + d_states[:, n], w[:, n].transpose(1, 2), d_u[-1], alpha=-1)
    return torch.stack(d_u[::-1], 1), torch.stack(d_next[::-1], 1)


if triton is not None:
    @triton.jit
    def _forward_kernel(u, w, k, decay, new, states, chunks, C: tl.constexpr, K: tl.constexpr, V: tl.constexpr, BV: tl.constexpr):
        row = tl.program_id(0).to(tl.int64) * chunks
        rc, rk = tl.arange(0, C), tl.arange(0, K)
        rv = tl.program_id(1) * BV + tl.arange(0, BV)
        state = tl.zeros([K, BV], tl.float32)
        for n in range(chunks):
            at = row + n
            tl.store(states + at * K * V + rk[:, None] * V + rv[None, :], state)
            wn = tl.load(w + at * C * K + rc[:, None] * K + rk[None, :])
            vn = tl.load(u + at * C * V + rc[:, None] * V + rv[None, :]) - tl.dot(wn, state, input_precision="tf32")
            tl.store(new + at * C * V + rc[:, None] * V + rv[None, :], vn)
            kn = tl.load(k + at * C * K + rc[None, :] * K + rk[:, None])
            state = state * tl.load(decay + at) + tl.dot(kn, vn, input_precision="tf32")

    @triton.jit
    def _backward_kernel(w, k, decay, d_new, d_states, d_u, d_next, chunks,
                         C: tl.constexpr, K: tl.constexpr, V: tl.constexpr, BV: tl.constexpr):
        row = tl.program_id(0).to(tl.int64) * chunks
        rc, rk = tl.arange(0, C), tl.arange(0, K)
        rv = tl.program_id(1) * BV + tl.arange(0, BV)
        grad = tl.zeros([K, BV], tl.float32)
        for i in range(chunks):
            at = row + chunks - 1 - i
            kn = tl.load(k + at * C * K + rc[:, None] * K + rk[None, :])
            dv = tl.load(d_new + at * C * V + rc[:, None] * V + rv[None, :]) + tl.dot(kn, grad, input_precision="tf32")
            tl.store(d_u + at * C * V + rc[:, None] * V + rv[None, :], dv)
            tl.store(d_next + at * K * V + rk[:, None] * V + rv[None, :], grad)
            wn = tl.load(w + at * C * K + rc[None, :] * K + rk[:, None])
            grad = (grad * tl.load(decay + at) + tl.load(d_states + at * K * V + rk[:, None] * V + rv[None, :])
                    - tl.dot(wn, dv, input_precision="tf32"))


def _scan_triton(u, w, k, decay):
    batch, chunks, size, width = u.shape
    new, states = torch.empty_like(u), u.new_empty(batch, chunks, k.shape[-1], width)
    _forward_kernel[(batch, width // 32)](u.contiguous(), w.contiguous(), k.contiguous(), decay.contiguous(), new, states, chunks,
                                          size, k.shape[-1], width, 32, num_warps=4, num_stages=2)
    return new, states


def _scan_back_triton(w, k, decay, d_new, d_states):
    batch, chunks, size, width = d_new.shape
    d_u, d_next = torch.empty_like(d_new), torch.empty_like(d_states)
    _backward_kernel[(batch, width // 32)](w.contiguous(), k.contiguous(), decay.contiguous(), d_new, d_states, d_u, d_next, chunks,
                                           size, k.shape[-1], width, 32, num_warps=4, num_stages=2)
    return d_u, d_next
