"""Proves that training shows nothing that scoring holds out: no held-out frame, form or value in a large sample of training conversations.
Every phrasing list that scoring draws from must be known to skills/frames.py; values are compared as drawn and as text of the user's messages. A slot of a frame is taken for up to eight words of
one line; frames around a whole passage are kept out where the wording is composed (skills/grammar.py, allowed)."""
import argparse
import re
import sys
from collections import Counter

import make_eval
from skills import frames, grammar, sample, words


class Recorder(words.World):
    """Notes every value that the split decides and every list that is split."""

    def __init__(self, seed, held_out=False, composed=False):
        super().__init__(seed, held_out, composed=composed)
        self.values, self.lists = set(), {}

    def fresh(self, make):
        value = super().fresh(make)
        self.values.add(str(value))
        return value

    def pick(self, options):
        if len(options) >= 5:
            self.lists[id(options)] = options
        return super().pick(options)


def scoring(count):
    """(values, split lists) of the scoring prompts of seed 7, and of the composed ones."""
    values, lists = set(), {}
    for composed in (False, True):
        for skill, _, _, place in make_eval.places(7, count):
            world = Recorder(place, True, composed)
            sample.conversation(world, skill)
            values |= world.values
            lists |= world.lists
    return values, list(lists.values())


def names_and_ids(values):
    """The values that cannot turn up by accident: with a digit, an @ or a dot, seven characters or more."""
    return {v for v in values if len(v) >= 7 and " " not in v and re.search(r"[\d@.]", v) and re.search(r"[^\d.]", v)}


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--samples", type=int, default=200000)
    args.add_argument("--seed", type=int, default=99)
    args = args.parse_args()
    drawn, lists = scoring(200)
    values = {v for v in drawn if words.World(0, True).mine(v)}  # 60 draws in a row can all miss: a few scoring values are of the training side
    known = {id(options) for options in frames.lists()}
    unknown = [options for options in lists if id(options) not in known and " " in "".join(frames.texts(options)) and frames.texts(options)[0] not in TOOL_PARTS]
    held, distinct, found, messages, examples = grammar.HeldOut(*frames.sides()), names_and_ids(values), Counter(), 0, {}
    world = Recorder(args.seed)
    for _ in range(args.samples):
        for message in sample.training(world)[0]:
            if message["role"] != "user":
                continue
            messages += 1
            for line in message["content"].split("\n"):
                for frame in held.within(grammar.normal(line)):
                    found["frame: " + frame] += 1
                    examples.setdefault(frame, line[-300:])
            for token in re.findall(r"[^\s,;()\"'“”]{7,}", message["content"]):
                if token.rstrip(".?!:") in distinct:
                    found["value: " + token] += 1
    common = world.values & values
    print(f"{args.samples} conversations, {messages} user messages; {len(frames.sides()[0])} held-out frames, {len(held.skipped)} of them contained in a phrasing of the training lists; "
          f"{len(values)} scoring values and {len(drawn) - len(values)} that the hash gives to training, {len(world.values)} training values")
    for options in unknown:
        print("list unknown to skills/frames.py:", options[:2])
    for value in sorted(common)[:20]:
        print("value on both sides:", value)
    for what, times in found.most_common(40):
        print(what, times, repr(examples.get(what[7:], "")))
    failed = bool(unknown or common or found)
    print("FAILED" if failed else "the split holds")
    sys.exit(failed)


TOOL_PARTS = {options[0] for options in ([a[0] for a in frames.toolbox.ACTIONS],)}

if __name__ == "__main__":
    main()
