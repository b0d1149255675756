"""Trains main model and MTP layer together for a given time; the learning rate follows the share of that time that has passed.
One GPU: python3 train.py ...; several of one host: torchrun --nproc-per-node N train.py ... (each has its own data and rows)."""
import argparse
import json
import os
import time

import torch

import checkpoint
import fp8
import model as M
from batches import Batches
from export import export
from optim import Optimizer
from packed import Packed

CHECK = 10  # steps between two looks at the clock; all processes then agree on the share
LENGTH, MTP_LOSS, BALANCE_LOSS = 2048, 0.2, 0.01
WARM_UP, DECAY_FROM, FP8_FROM = 0.015, 0.3, 0.85  # shares of the time
RESUMED_WARM_UP = 0.04  # a continued run has fresh optimizer moments: warm up, then decay to zero at once
BF16 = ("head", "qkvz", "ba", "out", "q", "k", "v", "o", "router", "gate", "up", "down", "shared_gate", "fc")


def effective(p, rounded):
    """What the forward pass multiplies with: bf16 matrices, near the end with the rounding of the FP8 export."""
    return {k: (fp8.fake_quantize(w) if rounded and k in M.QUANTIZED else w).bfloat16() if k in BF16 else w for k, w in p.items()}


def rate_at(share, warm_up=WARM_UP, decay_from=DECAY_FROM):
    return min(1.0, share / warm_up) * min(1.0, max(0.0, 1 - share) / (1 - decay_from))


class World:
    """The processes that train together; alone unless started by torchrun."""

    def __init__(self):
        self.rank, self.size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        torch.cuda.set_device(self.rank)
        if self.size > 1:
            torch.distributed.init_process_group("nccl")

    def agree(self, value):
        """Rank 0's value, on all."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device="cuda")
        torch.distributed.broadcast(shared, 0)
        return shared.item()

    def average(self, p):
        if self.size == 1:
            return
        flat = torch.cat([w.grad.flatten() for w in p.values()])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        for w, grad in zip(p.values(), flat.split([w.numel() for w in p.values()])):
            w.grad.copy_(grad.view_as(w))

    def align(self, p):
        """Takes rank 0's weights, should rounding ever have let the copies drift apart."""
        for w in p.values() if self.size > 1 else ():
            torch.distributed.broadcast(w.data, 0)

    def print(self, *items):
        if self.rank == 0:
            print(*items, flush=True)


def resume(c, p, folder):
    """Takes over the bf16 weights of a run, or where there are none those of an exported checkpoint, FP8 matrices dequantised."""
    stored = {}
    for name in sorted(os.listdir(folder)):
        if name.startswith("resume"):
            stored |= checkpoint.read_file(os.path.join(folder, name))
    if not stored:
        stored = checkpoint.adopt(c, checkpoint.read_folder(folder), M.shapes(c))
    with torch.no_grad():
        for name, w in p.items():
            w.copy_(stored[name].float())


def save(c, p, folder):
    """The exported checkpoint, and bf16 weights in two files to continue from."""
    export(c, p, folder)
    names, half = sorted(p), len(p) // 2
    for i, part in enumerate((names[:half], names[half:])):
        checkpoint.write_file(os.path.join(folder, f"resume-{i}.safetensors"), {n: p[n].detach().bfloat16().cpu() for n in part})


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--tokenizer", required=True, help="tokenizer.json")
    args.add_argument("--out", required=True)
    args.add_argument("--minutes", type=float, required=True)
    args.add_argument("--rows", type=int, default=32)
    args.add_argument("--workers", type=int, default=13)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--resume", help="folder of a run, or of an exported checkpoint such as ../model")
    args.add_argument("--rate", type=float, default=1.0, help="factor on all learning rates")
    args.add_argument("--save-every", type=float, default=120, help="seconds")
    args = args.parse_args()
    c, world = M.Config(), World()
    shape = (RESUMED_WARM_UP, 0.0) if args.resume else (WARM_UP, DECAY_FROM)
    pad = c.vocab - 26
    source = Batches(args.rows, LENGTH, args.tokenizer, pad, args.seed * 8 + world.rank, args.workers)
    batches = iter(source)
    torch.set_num_threads(1)  # idle OpenMP threads spin and take the cores from the data workers
    torch.backends.cuda.matmul.allow_tf32 = True
    p = M.init(c, args.seed, "cuda")
    if args.resume:
        resume(c, p, args.resume)
    world.print("parameters", sum(w.numel() for w in p.values()), "processes", world.size)
    packed, optimizer = Packed(c, args.rows, LENGTH, "cuda"), Optimizer(p)
    os.makedirs(args.out, exist_ok=True)
    log = open(os.path.join(args.out, "train.jsonl"), "a")
    begun = saved = shown = None
    tokens = shown_tokens = step = waited = share = 0
    while True:
        now = time.time()
        if step == CHECK:  # compiled: the clock starts
            torch.cuda.synchronize()
            begun = saved = shown = now = time.time()
        if begun and step % CHECK == 0:
            share = world.agree((now - begun) / (args.minutes * 60))
            if share >= 1:
                break
            if step % 100 == 0:
                world.align(p)
        batch = next(batches)
        waited += time.time() - now
        ids, position, weight, starts = (torch.from_numpy(x).pin_memory().to("cuda", non_blocking=True) for x in batch)
        main_loss, mtp_loss, balance = packed.losses(effective(p, share > FP8_FROM), ids, position, weight, (starts, LENGTH))
        (main_loss + MTP_LOSS * mtp_loss + BALANCE_LOSS * balance).backward()
        world.average(p)
        norm = optimizer.step(rate_at(share, *shape) * args.rate if begun else 0.0)
        step += 1
        tokens += ids.numel() * world.size
        if step <= 3 or step % 100 == 0:
            record = {"step": step, "share": round(share, 4), "loss": round(main_loss.item(), 4), "mtp": round(mtp_loss.item(), 4), "balance": round(balance.item(), 3), "norm": round(norm.item(), 3),
                      "tokens": tokens, "seconds": round(time.time() - begun, 1) if begun else None, "rate": round((tokens - shown_tokens) / (time.time() - shown)) if shown else None,
                      "waited": round(waited, 1)}
            shown, shown_tokens, waited = (time.time() if begun else None), tokens, 0
            if world.rank == 0:
                log.write(json.dumps(record) + "\n")
                log.flush()
            world.print(record)
        if world.rank == 0 and begun and time.time() - saved > args.save_every:
            saved = time.time()
            save(c, p, args.out)
    if world.rank == 0:
        save(c, p, args.out)
        world.print("done", step, "steps", tokens, "tokens", torch.cuda.max_memory_allocated() >> 20, "MiB")
        open(os.path.join(args.out, "finished"), "w").close()
    source.stop()
    os._exit(0)  # the collecting thread waits for ever


if __name__ == "__main__":
    main()
