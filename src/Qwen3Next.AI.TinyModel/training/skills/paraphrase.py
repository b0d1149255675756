"""Teaches that different words ask for the same: synonyms (thesaurus.txt), and pairs of forms from one grammar. For training only."""
import os
import re

from .grammar import GRAMMARS
from .words import DAYS, MONTHS, NOUNS

with open(os.path.join(os.path.dirname(__file__), "thesaurus.txt"), encoding="utf-8") as f:
    GROUPS = [group.split(", ") for line in f for group in line.strip().split(" | ")]
MEMBERS = {}
for number, group in enumerate(GROUPS):
    for member in group:
        MEMBERS.setdefault(member, set()).add(number)

# grammar: the plain form of the request
PLAIN = {"add": "What is {a} plus {b}?", "subtract": "What is {a} minus {b}?", "larger": "Which is larger, {a} or {b}?", "smaller": "Which is smaller, {a} or {b}?", "count letter": 'Count the letter {l} in "{w}".', "word length": 'How many letters has the word "{w}"?',
         "count items": "Count the items: {x}", "count same": "How often does {y} occur in {x}?", "sort up": "Sort {x} from small to large.", "sort down": "Sort {x} from large to small.", "day after": "What day is {n} days after {d}?", "day before": "What day is {n} days before {d}?",
         "next day": "What day comes after {d}?", "date after": "What date is {n} days after {m} {x1}?", "can": "What can you do?", "cannot": "What can you not do?", "size": "How big are you?", "maker": "Who made you?", "where": "Where do you run?"}
NEAR = {"add": "subtract", "subtract": "add", "larger": "smaller", "smaller": "larger", "count letter": "word length", "word length": "count letter", "count items": "count same", "count same": "count items", "sort up": "sort down", "sort down": "sort up",
        "day after": "day before", "day before": "day after", "can": "cannot", "cannot": "can"}
SAME_WORDS = ['Does "{x}" mean the same as "{y}"?', 'Do "{x}" and "{y}" mean the same?', 'Is "{x}" another word for "{y}"?', 'Are "{x}" and "{y}" alike in meaning?', '"{x}" and "{y}": same meaning?', 'Can I say "{x}" for "{y}"?', 'Is "{x}" the same as "{y}"?']
SYNONYM = ['What is another word for "{x}"?', 'Give me a synonym of "{x}".', 'How else can I say "{x}"?', 'Say "{x}" in other words.', 'Which word means the same as "{x}"?', 'Find another expression for "{x}".', 'Replace "{x}" by another word.', 'Name a synonym for "{x}".', 'I said "{x}". How could I say it differently?']
MEANS = ['What does "{x}" mean?', 'What do people mean by "{x}"?', 'Explain "{x}" in other words.', 'I do not know what "{x}" means.', 'What is meant by "{x}"?', 'In plain words, what is "{x}"?']
SAME_REQUEST = ["Do these two ask for the same?\n1. {x}\n2. {y}", "Same question or not?\nA: {x}\nB: {y}", "First: {x}\nSecond: {y}\nDo they want the same?", "Would these get the same answer?\n- {x}\n- {y}", 'Is "{x}" the same request as "{y}"?']
REPHRASE = ["Say this in other words: {x}", "Rephrase this: {x}", "Put it differently: {x}", "How else could one ask this? {x}", "Ask the same in another way: {x}", "Reword the question: {x}"]
SIMPLIFY = ["Say it more simply: {x}", "What does this person want? {x}", "Put this in plain words: {x}", "Make the request simpler: {x}", "Write the plain form of this: {x}", "What is asked here? {x}"]


def two_words(w):
    group = w.any(GROUPS)
    x, y = w.r.sample(group, 2)
    if w.chance(0.5):
        return w.any(SAME_WORDS).format(x=x, y=y), "Yes, they mean the same."
    y = next(m for m in iter(lambda: w.any(w.any(GROUPS)), None) if not MEMBERS[m] & MEMBERS[x])
    return w.any(SAME_WORDS).format(x=x, y=y), "No, they do not mean the same."


def synonym(w):
    x, y = w.r.sample(w.any(GROUPS), 2)
    if w.chance(0.5):
        return w.any(SYNONYM).format(x=x), f'Another way to say "{x}" is "{y}".'
    return w.any(MEANS).format(x=x), f'"{x}" means "{y}".'


def values(w):
    listed = [w.any(NOUNS) for _ in range(w.r.randint(3, 6))]
    a, b = sorted(w.r.sample(range(2, 999), 2), reverse=True)
    word = w.any(NOUNS)
    return {"a": a, "b": b, "l": w.any(word), "w": word, "y": w.any(listed), "words": ", ".join(listed), "numbers": ", ".join(str(w.r.randint(1, 200)) for _ in range(w.r.randint(3, 5))),
            "n": w.r.randint(2, 12), "d": w.any(DAYS), "m": w.any(MONTHS), "x1": w.r.randint(1, 28)}


def filled(text, key, v):
    v = dict(v, x=v["numbers"] if key.startswith("sort") else v["x1"] if key == "date after" else v["words"])
    return re.sub(r"\{(\w+)\}", lambda match: str(v[match.group(1)]), text)


def requests(w):
    key, v = w.any(list(PLAIN)), values(w)
    form = lambda k: filled(GRAMMARS.template(w, k), k, v)
    roll = w.r.random()
    if roll < 0.35:
        if w.chance(0.5):
            return w.any(SAME_REQUEST).format(x=form(key), y=form(key) if w.chance(0.6) else filled(PLAIN[key], key, v)), "Yes, both ask for the same."
        other = NEAR.get(key) if w.chance(0.7) else None
        other = other or next(k for k in iter(lambda: w.any(list(PLAIN)), None) if k != key)
        return w.any(SAME_REQUEST).format(x=form(key), y=form(other)), "No, they ask for different things."
    if roll < 0.55:
        return w.any(REPHRASE).format(x=form(key)), form(key)
    return w.any(SIMPLIFY).format(x=form(key)), filled(PLAIN[key], key, v)


def paraphrase(w):
    question, answer = w.any((two_words, synonym, requests, requests))(w)
    return dict(user=question, turns=[{"role": "assistant", "content": answer, "reasoning_content": "The user asks about wording."}], check={"kind": "contains", "all": []})
