"""Request wording composed from small grammars (wording/*.txt), so that one request has thousands of forms.

A line is a pattern: [this|that] one of the alternatives, <name> a shared list of alternatives, {x} a slot that the skill fills. An alternative that
starts with ~ is for scoring alone. Of the finished forms every eighth, by hash, is for scoring alone too, and no form holds a held-out frame."""
import glob
import os
import re
import zlib

CONTRACTIONS = [("what is ", "what's "), ("I am ", "I'm "), ("do not ", "don't "), ("does not ", "doesn't "), ("I have ", "I've "), ("where is ", "where's "), ("who is ", "who's "), ("I would ", "I'd "),
                ("it is ", "it's "), ("that is ", "that's "), ("can not ", "can't "), ("cannot ", "can't "), ("how is ", "how's "), ("is not ", "isn't "), ("did not ", "didn't "), ("I will ", "I'll ")]
LONG = [(short, long) for long, short in CONTRACTIONS]
TRIES = 3000  # the scoring side of a small grammar can be a handful of forms
SLOT = re.compile(r"\{[^}]*\}")


def normal(text):
    """What counts when two phrasings are compared: no case, no punctuation, no contractions, slots alike."""
    text = SLOT.sub(" {} ", text).lower().replace("’", "'") + " "
    for short, long in LONG:
        text = text.replace(short.lower(), long.lower())
    return " ".join(re.sub(r"[^\w{}'+*/%=-]|'(?!\w)|(?<!\w)'", " ", text).split())


class HeldOut:
    """The frames that only scoring may use, as patterns over normalised text, found by their longest word."""

    def __init__(self, frames, trained):
        """`trained`: phrasings of the lists' training side; a frame inside one of them can no longer be kept apart and is skipped."""
        self.whole, self.by_word, self.skipped = set(), {}, []
        known = [t.replace("{}", x) for x in ("x", "x x") for t in trained]
        for frame in frames:
            literal = [x for x in frame.split() if x != "{}"]
            pattern = re.compile(r"(?<!\S)" + re.escape(frame).replace(r"\{\}", r"\S+(?: \S+){0,7}?") + r"(?!\S)")
            if len(literal) < 3:
                self.whole.add(frame)
            elif any(pattern.search(k) for k in known):
                self.skipped.append(frame)
            else:
                self.by_word.setdefault(max(literal, key=len), []).append((frame, pattern))

    def within(self, normalised):
        """The held-out frames that the text is or holds."""
        found = [normalised] if normalised in self.whole else []
        return found + [f for word in set(normalised.split()) for f, pattern in self.by_word.get(word, ()) if pattern.search(normalised)]


class Grammars:
    def __init__(self, folder):
        self.shared, self.patterns, self._held_out = {}, {}, None
        lines = [line.rstrip("\n") for path in sorted(glob.glob(os.path.join(folder, "*.txt"))) for line in open(path, encoding="utf-8")]
        for line in lines:
            if line.startswith("= "):
                name, text = line[2:].split(": ", 1)
                self.shared[name] = f"[{text}]"
        key = None
        for line in lines:
            if line.startswith("# "):
                key = line[2:]
                self.patterns.setdefault(key, [])
            elif line and not line.startswith("= "):
                self.patterns[key].append(self._sequence(line, 0)[0])
        self.weights = {k: [min(self.forms(p), 400) ** 0.5 for p in ps] for k, ps in self.patterns.items()}

    def _sequence(self, text, at):
        """(parts, end): a part is literal text or (training alternatives, all alternatives)."""
        parts, literal = [], ""
        while at < len(text) and text[at] not in "|]":
            if text[at] == "{":
                end = text.index("}", at) + 1
                literal, at = literal + text[at:end], end
            elif text[at] == "<":
                end = text.index(">", at)
                parts += [literal] + self._sequence(self.shared[text[at + 1:end]], 0)[0]
                literal, at = "", end + 1
            elif text[at] == "[":
                options, held = [], []
                while text[at] != "]":
                    at += 1
                    scoring = text[at] == "~"
                    option, at = self._sequence(text, at + scoring)
                    (held if scoring else options).append(option)
                parts += [literal, (options, options + held)]
                literal, at = "", at + 1
            else:
                literal, at = literal + text[at], at + 1
        return [p for p in parts + [literal] if p], at

    def forms(self, parts):
        """How many training forms a pattern has."""
        total = 1
        for part in parts:
            total *= 1 if isinstance(part, str) else sum(map(self.forms, part[0]))
        return total

    def _expand(self, parts, r, scoring, out):
        for part in parts:
            if isinstance(part, str):
                out.append(part)
            else:
                self._expand(r.choice(part[scoring]), r, scoring, out)

    def allowed(self, text, scoring):
        if self._held_out is None:
            from . import frames
            self._held_out = HeldOut(*frames.sides())
        text = normal(text)
        return not self._held_out.within(text) and (zlib.crc32(text.encode()) % 8 == 0) == scoring

    def template(self, w, key, scoring=False):
        """One form of a request, slots unfilled."""
        for _ in range(TRIES):
            out = []
            self._expand(w.r.choices(self.patterns[key], self.weights[key])[0], w.r, scoring, out)
            text = "".join(out).strip().replace("{nl}", "\n")
            if self.allowed(text, scoring):
                return typed(w, text)
        raise ValueError(f"wording '{key}': {TRIES} forms in a row are held out; give it more alternatives")


def typed(w, text):
    """The same form as different people type it; slots stay as they are."""
    roll = w.r.random()
    if roll < 0.14:
        for long, short in CONTRACTIONS:
            text = text.replace(long, short)
    elif roll < 0.20:
        text = "".join(part if part.startswith("{") else part.lower() for part in re.split(r"(\{[^}]*\})", text))
    elif roll < 0.24:
        text = text.replace("please", "pls")
    elif roll < 0.28 and text.count('"') == 2:
        text = text.replace('"', "“", 1).replace('"', "”", 1)
    if roll > 0.24 or roll < 0.12:
        text = text[0].upper() + text[1:]
    roll = w.r.random()
    if roll < 0.1:
        text = text.rstrip(".?!")
    elif roll < 0.13 and text.endswith("?"):
        text = text[:-1] + w.r.choice((" ?", "??"))
    return text


GRAMMARS = Grammars(os.path.join(os.path.dirname(__file__), "wording"))
