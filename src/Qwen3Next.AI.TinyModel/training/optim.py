"""Muon for the matrices (momentum, then the nearest orthogonal matrix by Newton-Schulz), Adam for everything else."""
import torch

MUON = ("qkvz", "out", "q", "k", "v", "o", "gate", "up", "down", "fc")
MUON_LR, ADAM_LR, DECAY = 0.02, 3e-3, 0.05


def orthogonal(m):
    """Quintic Newton-Schulz on [.., r, c], bf16; five rounds bring the singular values near 1."""
    x = m.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.transpose(-1, -2) if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.transpose(-1, -2) if tall else x).float()


class Optimizer:
    def __init__(self, p):
        self.p = p
        self.m = {k: torch.zeros_like(v) for k, v in p.items()}
        self.v = {k: torch.zeros_like(v) for k, v in p.items() if k not in MUON}
        self.steps = 0

    @torch.no_grad()
    def step(self, rate, momentum=0.95):
        """rate is the schedule's factor in [0, 1]."""
        self.steps += 1
        rest = [k for k in self.p if k not in MUON]
        grads = [self.p[k].grad for k in rest]
        norm = torch.stack([g.norm() for g in grads]).norm()
        clip = (1.0 / (norm + 1e-6)).clamp(max=1.0)
        for name, w in self.p.items():
            g, m = w.grad, self.m[name]
            if name in MUON:
                m.lerp_(g, 1 - momentum)
                update = orthogonal(g.lerp(m, momentum)) * max(1.0, w.shape[-2] / w.shape[-1]) ** 0.5
                w.mul_(1 - rate * MUON_LR * DECAY).add_(update, alpha=-rate * MUON_LR)
            else:
                g, v = g * clip, self.v[name]
                m.lerp_(g, 0.1)
                v.lerp_(g.square(), 0.02)
                unbias = (1 - 0.98 ** self.steps) ** 0.5 / (1 - 0.9 ** self.steps)
                w.addcdiv_(m, v.sqrt() + 1e-9, value=-rate * ADAM_LR * unbias)
            w.grad = None
        return norm
