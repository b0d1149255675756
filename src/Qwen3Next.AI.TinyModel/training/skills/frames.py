"""The phrasings that belong to scoring alone: every fifth of each list. Grammars must not produce them; check_split.py proves that they do not."""
from . import grammar, identity, memory, passages, reasoning, sample, smalltalk, structured, toolbox, tools, words


def lists():
    """Every list that `World.pick` splits."""
    for module, names in ((words, "OPENERS CLOSERS"), (sample, "SYSTEM LAST"), (memory, "WRAPS"), (passages, "GENERAL FRAMES"), (structured, "TASKS INVENT SCHEMA PLAIN"),
                          (smalltalk, "GREET HOW THANKS BYE CAPITAL_Q COLOR_Q SOUND_Q OPPOSITE_Q UNKNOWN"), (tools, "TIME_QUESTIONS SUMS PERCENT STORIES NAMED_LIGHT"), (toolbox, "LEADS"),
                          (reasoning, "ADD SUBTRACT ADD_STORIES SUB_STORIES COMPARE SMALLER COUNT_LETTERS WORD_LENGTH COUNT_ITEMS COUNT_SAME SORT_UP SORT_DOWN DAY_AFTER DAY_BEFORE NEXT_DAY DATE_AFTER BETWEEN")):
        yield from (getattr(module, name) for name in names.split())
    for _, statements, questions, _ in memory.ABOUT_ME + [("",) + memory.GENERIC]:
        yield from (statements, questions)
    for table in (passages.PERSON, passages.THING, passages.PLACE, passages.EVENT):
        yield from (row[2] for row in table.values())
    yield from (topic[0] for topic in identity.TOPICS + identity.QUESTIONS)
    for capability in toolbox.CAPABILITIES:
        yield from (capability.requests, capability.about)
        yield from (p.about for p in capability.params)


def texts(phrasings):
    return [p if isinstance(p, str) else p[0] for p in phrasings]


def sides():
    """(held-out frames, trained phrasings), normalised; what another list has always trained on is not held out."""
    split = [texts(options) for options in lists() if len(options) >= 5]
    trained = {grammar.normal(t) for options in split for i, t in enumerate(options) if i % 5 != 4}
    return sorted({grammar.normal(t) for options in split for t in options[4::5]} - trained), sorted(trained)
