"""Checks completions against the scoring prompts and prints a Markdown table; works on completions of any engine.
A completions file holds one JSON object a line: id and text (the raw completion, without the prompt)."""
import argparse
import json
import re
from collections import defaultdict

BARS = {"tool choice": 90, "no tool fits": 85, "tool result": 95, "passage": 90, "memory": 90, "reasoning": 85, "json": 90, "identity": 95}
TYPES = {"string": str, "boolean": bool, "array": list}


def split(text, thinking):
    """(reasoning, content) or None where the thinking never ends."""
    text = text.split("<|im_end|>")[0]
    if not thinking:
        return "", text
    if "</think>" not in text:
        return None
    reasoning, content = text.split("</think>", 1)
    return reasoning.strip(), content.lstrip("\n")


def calls_of(content):
    calls = []
    for body in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", content, re.S):
        try:
            call = json.loads(body)
        except ValueError:
            return None
        calls.append({"name": call.get("name"), "arguments": call.get("arguments")} if isinstance(call, dict) else None)
    return calls


def holds(content, wanted):
    """`wanted` as whole words, in any case."""
    edge = lambda c: r"\b" if c.isalnum() else ""
    return re.search(edge(wanted[0]) + re.escape(wanted) + edge(wanted[-1]), content, re.I) is not None


def same(a, b):
    """Equal in value and in JSON type; 1 and 1.0 are both numbers."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def right_type(value, kind):
    if isinstance(kind, list):
        return value in kind
    if kind in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(value, int if kind == "integer" else (int, float))
    return isinstance(value, TYPES[kind]) and (kind != "array" or all(isinstance(x, str) for x in value))


def correct(item, text):
    check, parts = item["check"], split(text, item["format"] == "thinking")
    if parts is None:
        return False
    reasoning, content = parts
    if check.get("thinks") and not reasoning:
        return False
    kind = check["kind"]
    if kind == "calls":
        calls = calls_of(content)
        return calls is not None and same(calls, check["calls"])
    if "<tool_call>" in content:
        return False
    if kind == "no_tool":
        return re.search(r"\b(none of|no tool)", content, re.I) is not None
    if kind == "missing":
        return "does not say" in content.lower()
    if kind == "json":
        try:
            value = json.loads(content)
        except ValueError:
            return False
        return isinstance(value, dict) and value.keys() == check["types"].keys() and all(right_type(value[k], t) for k, t in check["types"].items()) and (
            check["values"] is None or same(value, check["values"]))
    return all(holds(content, wanted) for wanted in check["all"])


def table(items, completions, mtp=None):
    right, total = defaultdict(int), defaultdict(int)
    failures = defaultdict(list)
    for item in items:
        ok = correct(item, completions.get(item["id"], ""))
        for key in ((item["skill"], item["format"]), (item["skill"], "both")):
            right[key] += ok
            total[key] += 1
        if not ok:
            failures[item["skill"]].append(item["id"])
    lines = ["| skill | asked | Thinking | Instruct | both | prompts |", "|---|---:|---:|---:|---:|---:|"]
    percent = lambda key: f"{100 * right[key] / total[key]:.1f} %" if total[key] else "-"
    for skill in dict.fromkeys(i["skill"] for i in items):
        asked = f"{BARS[skill]} %" if skill in BARS else "-"
        lines.append(f"| {skill} | {asked} | {percent((skill, 'thinking'))} | {percent((skill, 'instruct'))} | {percent((skill, 'both'))} | {total[skill, 'both']} |")
    if mtp and mtp[1]:
        lines.append(f"| first MTP draft accepted | 70 % | | | {100 * mtp[0] / mtp[1]:.1f} % | {mtp[1]} tokens |")
    return "\n".join(lines), failures


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--prompts", required=True)
    args.add_argument("--completions", required=True)
    args.add_argument("--show", type=int, default=0, help="print that many failures of each skill")
    args = args.parse_args()
    items = [json.loads(line) for line in open(args.prompts, encoding="utf-8")]
    completions, mtp = {}, (0, 0)
    for line in open(args.completions, encoding="utf-8"):
        record = json.loads(line)
        if "drafts" in record:
            mtp = (mtp[0] + record["accepted"], mtp[1] + record["drafts"])
        else:
            completions[record["id"]] = record["text"]
    text, failures = table([i for i in items if i["id"] in completions], completions, mtp)
    print(text)
    by_id = {i["id"]: i for i in items}
    for skill, ids in failures.items():
        for name in ids[:args.show]:
            item = by_id[name]
            print(f"\n--- {name} {json.dumps(item['check'], ensure_ascii=False)}\n{item['prompt'][-500:]}[[{completions.get(name, '')}]]")


if __name__ == "__main__":
    main()
