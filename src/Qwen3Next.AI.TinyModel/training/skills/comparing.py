"""Comparing two named things: ages, prices, times, weights and the like. For training; scoring compares plain numbers."""
from .words import NOUNS

# key: (low word, high word, what is said about one, maker of the value as a number, how the value is shown)
KINDS = {
    "old": (["younger"], ["older"], ["{x} is {v} years old", "{x} is {v}", "the age of {x} is {v}", "{x} has lived {v} years"], lambda w: w.r.randint(3, 99), str),
    "price": (["cheaper", "less expensive", "less costly"], ["more expensive", "dearer", "more costly"], ["the {x} costs {v} euros", "the {x} is {v} euros", "they ask {v} euros for the {x}", "the price of the {x} is {v} euros"], lambda w: w.r.randint(1, 900), str),
    "time": (["earlier", "first", "sooner"], ["later", "last"], ["the {x} starts at {v}", "the {x} is at {v}", "the {x} begins at {v}"], lambda w: w.r.randint(0, 95) * 15, lambda v: "%02d:%02d" % divmod(v, 60)),
    "weight": (["lighter"], ["heavier"], ["the {x} weighs {v} kg", "the weight of the {x} is {v} kg", "the {x} is {v} kg"], lambda w: w.r.randint(1, 900), str),
    "length": (["shorter"], ["longer"], ["the {x} is {v} cm long", "the {x} measures {v} cm", "the length of the {x} is {v} cm"], lambda w: w.r.randint(2, 900), str),
    "tall": (["shorter", "smaller"], ["taller"], ["{x} is {v} cm tall", "{x} measures {v} cm", "the height of {x} is {v} cm"], lambda w: w.r.randint(90, 210), str),
    "speed": (["slower"], ["faster", "quicker"], ["the {x} runs at {v} km/h", "the {x} does {v} km/h", "the speed of the {x} is {v} km/h"], lambda w: w.r.randint(2, 300), str),
    "warm": (["colder", "cooler"], ["warmer", "hotter"], ["the {x} has {v} degrees", "the temperature of the {x} is {v} degrees", "the {x} is at {v} degrees"], lambda w: w.r.randint(1, 99), str),
    "count": (["fewer", "less"], ["more"], ["{x} has {v} {n}s", "{x} owns {v} {n}s", "{x} bought {v} {n}s", "{x} found {v} {n}s"], lambda w: w.r.randint(1, 200), str),
}
ASK = ["Which is {c}?", "Which one is {c}?", "Which of the two is {c}?", "Which of them is {c}?", "Tell me which one is {c}.", "Name the {c} one.", "What is {c}, the {a} or the {b}?", "Is the {a} or the {b} {c}?", "Which one would be {c}?"]
ASK_PERSON = ["Who is {c}?", "Who of them is {c}?", "Which of the two is {c}?", "Is {a} or {b} {c}?", "Tell me who is {c}.", "Who is the {c} one?", "Say who is {c}.", "Which person is {c}?"]
ASK_COUNT = ["Who has {c}?", "Who has {c} of them?", "Does {a} or {b} have {c}?", "Which of the two has {c}?", "Tell me who has {c}.", "Who got {c}?"]


def spaced(v):
    return " ".join(str(v))


def things(w):
    """(question, thought, answer, must)"""
    kind = w.any(list(KINDS))
    low, high, said, make, show = KINDS[kind]
    people = kind in ("old", "tall", "count")
    a = w.first() if people else w.any(NOUNS)
    b = next(x for x in iter(lambda: w.first() if people else w.any(NOUNS), None) if x != a)
    p = make(w)
    q = next(x for x in iter(lambda: make(w), None) if x != p)
    noun, up = w.any(NOUNS), w.chance(0.5)
    word, sentence = w.any(high if up else low), w.any(said)
    state = lambda x, v: sentence.format(x=x, v=show(v), n=noun)
    facts = state(a, p) + w.any((", ", " and ", ", but ", "; ", ". ")) + state(b, q)
    facts = ". ".join(x[0].upper() + x[1:] for x in facts.split(". "))
    ask = w.any(ASK_COUNT if kind == "count" else ASK_PERSON if people else ASK).format(a=a, b=b, c=word + (" " + noun + "s" if kind == "count" and w.chance(0.4) else ""))
    question = facts + ". " + ask if w.chance(0.75) else ask + " " + facts + "."
    best = a if (p > q) == up else b
    verb = "has" if kind == "count" else "is"
    answer = f"{best} {verb} {word}." if people else f"The {best} is {word}."
    return question, f"{a}: {show(p)}. {b}: {show(q)}. {show(max(p, q))} is more than {show(min(p, q))}, so {best} {verb} {word}.", answer, [best]


def of_many(w):
    """The largest or smallest of several numbers."""
    items = w.r.sample(range(1, w.any((30, 200, 2000))), w.r.randint(3, 6))
    up = w.chance(0.5)
    word = w.any(("largest", "biggest", "greatest", "highest") if up else ("smallest", "lowest", "least"))
    best, lines = items[0], [str(items[0])]
    for x in items[1:]:
        better = (x > best) == up
        lines.append(f"{x} is {'more' if x > best else 'less'} than {best}" + (f", now {x}" if better else f", still {best}"))
        best = x if better else best
    form = w.any(("Which of these numbers is the {c}: {x}?", "What is the {c} of {x}?", "Find the {c} number: {x}", "Give me the {c} one of {x}.", "{x}: which one is the {c}?", "Tell me the {c} value in {x}.", "Pick the {c} number from {x}.", "Name the {c} of the numbers {x}."))
    return form.format(c=word, x=", ".join(map(str, items))), "\n".join(lines), f"{best} is the {word}.", [str(best)]


def comparing(w):
    return things(w) if w.chance(0.7) else of_many(w)
