"""Fresh conversations from worker processes, packed into rows of constant length."""
import multiprocessing
import os
import threading
import queue as threads_queue

import numpy as np

WEIGHTS = np.array([0.0, 0.05, 1.0], np.float32)  # by code: nothing, prompt, what the model is to write
GROUP = 8  # rows handed over at once
OPEN = 12  # rows being filled


def worker(seed, length, tokenizer_path, pad, out):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer
    import render
    from skills import sample
    from skills.words import World
    tokenizer, world, rows, ready = Tokenizer.from_file(tokenizer_path), World(seed), [], []
    while True:
        samples = [render.pieces(*sample.training(world)) for _ in range(64)]
        encoded = iter(tokenizer.encode_batch([text for pieces in samples for text, _ in pieces], add_special_tokens=False))
        for pieces in samples:
            ids, codes = [], []
            for _, weight in pieces:
                part = next(encoded).ids
                ids += part
                codes += [2 if weight == 1 else 1 if weight else 0] * len(part)
            if len(ids) > length:
                continue
            fitting = [r for r in rows if len(r[0]) + len(ids) <= length]
            if fitting:
                row = max(fitting, key=lambda r: len(r[0]))
            else:
                if len(rows) == OPEN:
                    fullest = max(rows, key=lambda r: len(r[0]))
                    rows.remove(fullest)
                    ready.append(closed(fullest, length, pad))
                row = ([], [], [])
                rows.append(row)
            row[0].extend(ids)
            row[1].extend(codes)
            row[2].extend(range(len(ids)))
        while len(ready) >= GROUP:
            out.put(np.stack(ready[:GROUP]).tobytes())
            ready = ready[GROUP:]


def closed(row, length, pad):
    ids, codes, positions = row
    rest = length - len(ids)
    return np.array([ids + [pad] * rest, codes + [0] * rest, positions + list(range(rest))], np.uint16)


class Batches:
    """Iterates over (tokens, position, weight, starts) of `rows` rows; all but `starts` are numpy [rows, length]."""

    def __init__(self, rows, length, tokenizer_path, pad, seed, workers):
        context = multiprocessing.get_context("spawn")
        self.rows, self.length, self.queue = rows, length, context.Queue(workers * 6)
        self.processes = [context.Process(target=worker, args=(seed * 1000 + i, length, tokenizer_path, pad, self.queue), daemon=True) for i in range(workers)]
        for p in self.processes:
            p.start()
        self.ready = threads_queue.Queue(6)
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        while True:
            groups = [np.frombuffer(self.queue.get(), np.uint16).reshape(GROUP, 3, self.length) for _ in range(self.rows // GROUP)]
            rows = np.concatenate(groups)
            position = rows[:, 2].astype(np.int64)
            starts = np.append(np.flatnonzero(position == 0), position.size).astype(np.int32)
            self.ready.put((rows[:, 0].astype(np.int64), position, WEIGHTS[rows[:, 1]], starts))

    def stop(self):
        for p in self.processes:
            p.kill()

    def __iter__(self):
        while True:
            yield self.ready.get()
