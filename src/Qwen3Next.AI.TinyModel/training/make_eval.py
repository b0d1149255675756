"""Writes the scoring prompts, one JSON object a line: id, skill, format, messages, tools, check, prompt. Deterministic in the seed."""
import argparse
import json

import render
from skills import sample

SCORED = ("tool choice", "no tool fits", "tool result", "chat tools", "passage", "memory", "reasoning", "json", "identity")


def places(seed, count):
    """(skill, thinking, number within, seed of the prompt)"""
    for number, skill in enumerate(SCORED):
        for thinking in (True, False):
            if skill == "reasoning" and not thinking:
                continue
            for i in range(count):
                yield skill, thinking, i, ((seed * 100 + number) * 2 + thinking) * 100000 + i


def items(seed, count, reworded=True, composed=False):
    for skill, thinking, i, place in places(seed, count):
        messages, tools, check = sample.evaluation(skill, place, reworded, composed)
        name = f"{skill.replace(' ', '-')}-{'thinking' if thinking else 'instruct'}-{i}"
        yield {"id": name, "skill": skill, "format": "thinking" if thinking else "instruct", "messages": messages, "tools": tools, "check": check,
               "prompt": render.prompt(messages, tools, thinking)}


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--seed", type=int, default=7)
    args.add_argument("--count", type=int, default=200, help="prompts per skill and format")
    args.add_argument("--known-phrasings", action="store_true", help="fresh values in phrasings that training has seen")
    args.add_argument("--composed", action="store_true", help="the held-out side of the composed wording instead of the lists")
    args.add_argument("--out", required=True)
    args = args.parse_args()
    with open(args.out, "w", encoding="utf-8") as f:
        for item in items(args.seed, args.count, not args.known_phrasings, args.composed):
            f.write(json.dumps(item, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
