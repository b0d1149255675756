"""Random values and the train/eval split. Values are split by hash, phrasings by their place in a list (every fifth is eval only),
composed wording by the hash of its form (grammar.py)."""
import random
import zlib

from .grammar import GRAMMARS

FIRST = """Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Karin Leo Mia Noah Olga Paul Rosa Sam Tina Uwe Vera Walter Yara Zoe Ali Bea
Carl Dina Erik Fay Gus Hana Ivan Jane Kofi Lena Max Nora Omar Pia Quinn Ravi Sara Tom Ute Vic Wendy Xu Yusuf Zora Maria John Peter Linda
Aisha Chen Diego Elif Farid Ingrid José Kenji Lucía Marek Nadia Oskar Priya René Søren Thérèse Zoë Anaïs Björn Mei Raj Lucas Alice Bob""".split()
CITIES = """Oslo Paris Berlin Madrid Lisbon Rome Vienna Prague Warsaw Athens Cairo Lagos Nairobi Delhi Mumbai Tokyo Seoul Beijing Sydney Perth
Toronto Boston Chicago Denver Dallas Lima Quito Bogota Hamburg Munich Zürich Geneva Milan Porto Lyon Dublin London Leeds Glasgow Helsinki
Stockholm Malmö Bergen Tallinn Riga Vilnius Kyiv Tunis Accra Dakar Hanoi Manila Jakarta Bangkok Kyoto Osaka Austin Seattle Miami Ghent
New York|San Francisco|Los Angeles|Buenos Aires|São Paulo|Cape Town|Hong Kong|Tel Aviv|Mexico City|New Delhi|Kuala Lumpur"""
CITIES = " ".join(CITIES.split("\n")[:-1]).split() + CITIES.split("\n")[-1].split("|")
NOUNS = """apple table river lamp garden window bottle paper cloud stone bridge candle mirror basket pencil button blanket ladder hammer kettle
ticket wallet jacket violin guitar piano bicycle train boat engine rocket planet forest meadow island harbor castle tower market museum
school office kitchen bakery library hotel station airport farm factory tiger rabbit horse parrot turtle dolphin spider eagle salmon
cookie bread cheese butter pepper onion tomato carrot lemon cherry coffee honey sugar salad soup pasta pizza cake winter summer autumn
morning evening birthday holiday meeting project report letter story song movie game puzzle chess football tennis poster banner carpet
pillow curtain shelf drawer cabinet socket cable battery printer keyboard monitor camera speaker phone tablet radio clock compass map
tent rope shovel bucket fence gate roof cellar attic balcony stairs tunnel canal lake ocean desert valley mountain volcano glacier""".split()
ADJECTIVES = """red blue green yellow white black silver golden small large tiny huge old new young quiet loud warm cold dry wet soft hard
bright dark heavy light round square sharp smooth broken empty full clean dusty wooden plastic paper modern ancient famous secret lucky
happy sad brave calm clever gentle honest proud quick slow strange sweet sour bitter fresh simple useful rare common early late""".split()
VERBS = """buy sell clean paint move visit call send open close build repair check water feed plant read write print order cook wash collect
return count pack""".split()
ONSETS = "b br c ch cl d dr f fl g gr h j k kl l m n p pl qu r s sh sk sl st t th tr v w z".split() + [""]
VOWELS = "a e i o u a e i o ai ea ou y".split()
CODAS = ["", "", "", "n", "r", "l", "s", "t", "m", "k", "nd", "rt", "x", "sh"]
ACCENTED = "á é í ó ú ä ö ü ñ ç å ø ê è".split()
ALPHABETS = ["абвгдежзиклмнопрстуфхцчшыя", "αβγδεζηθικλμνξοπρστυφω", "日本山田中村東京花月水木金土大小雨雪春秋", "あいうえおかきくけこさしすせそたちつてとなにのはまみむもやゆよらりるれろ",
             "가나다라마바사아자차카타파하서울부산", "北京上海天空海洋森林城市朋友书店茶馆"]
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


LISTED = 0.2  # share of training requests in the wording of the lists


class World:
    """A seeded source of choices. `held_out` selects the eval side of every split; `reworded` can leave the phrasings on the training side;
    `composed` takes the held-out side of the grammars instead of the lists."""

    def __init__(self, seed, held_out=False, reworded=True, composed=False):
        self.r = random.Random(seed)
        self.held_out, self.reworded, self.composed = held_out, reworded, composed
        self.unseen = held_out  # names of tools and parameters from the eval side too
        self.split = {}

    def pick(self, options):
        """One phrasing, from this side of the split; lists shorter than five are not split."""
        if len(options) < 5:
            return self.r.choice(options)
        sides = self.split.get(id(options))
        if sides is None:
            sides = self.split[id(options)] = ([o for i, o in enumerate(options) if i % 5 != 4], options[4::5], options)
        return self.r.choice(sides[self.held_out and self.reworded])

    def ask(self, options, key):
        """One phrasing: in training mostly from the grammar `key`, in scoring from the list, or from the grammar where `composed` says so."""
        if key is None or not self.composed and (self.held_out or self.r.random() < LISTED):
            return self.pick(options)
        return GRAMMARS.template(self, key, self.held_out)

    def part(self, options):
        """A piece of a tool's name or subject: from the eval side only where this conversation shows unseen names."""
        if self.held_out and not self.unseen and len(options) >= 5:
            return self.r.choice([o for i, o in enumerate(options) if i % 5 != 4])
        return self.pick(options)

    def any(self, options):
        return self.r.choice(options)

    def chance(self, p):
        return self.r.random() < p

    def mine(self, text):
        return (zlib.crc32(str(text).encode()) % 8 == 0) == self.held_out

    def fresh(self, make):
        for _ in range(60):
            value = make()
            if self.mine(value):
                return value
        return value

    def syllables(self, n):
        r = self.r
        word = "".join(r.choice(ONSETS) + r.choice(VOWELS) + (r.choice(CODAS) if r.random() < 0.5 else "") for _ in range(n))
        if r.random() < 0.04:
            at = r.randrange(len(word))
            word = word[:at] + r.choice(ACCENTED) + word[at + 1:]
        return word

    def pseudo(self):
        return self.fresh(lambda: self.syllables(self.r.choice((2, 2, 2, 3))))

    def word(self):
        return self.any(NOUNS) if self.chance(0.75) else self.pseudo()

    def first(self):
        return self.fresh(lambda: self.any(FIRST)) if self.chance(0.5) else self.pseudo().capitalize()

    def person(self):
        if self.chance(0.03):
            return self.foreign()
        return self.first() if self.chance(0.4) else self.first() + " " + self.pseudo().capitalize()

    def full_name(self):
        return self.first() + " " + self.pseudo().capitalize()

    def city(self):
        if self.chance(0.03):
            return self.foreign()
        return self.fresh(lambda: self.any(CITIES)) if self.chance(0.45) else self.pseudo().capitalize()

    def foreign(self):
        letters = self.any(ALPHABETS)
        return self.fresh(lambda: "".join(self.any(letters) for _ in range(self.r.randint(2, 5))))

    def integer(self, low=1, high=9999):
        return self.r.randint(low, high) if self.chance(0.5) else self.r.randint(low, max(low, min(high, 120)))

    def decimal(self):
        return round(self.r.uniform(0.1, 10 ** self.r.randint(1, 4)), self.r.choice((1, 1, 2)))

    def ident(self):
        r = self.r
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"

        def make():
            kind = r.randrange(6)
            if kind == 0:
                return "".join(r.choice(letters) for _ in range(r.randint(1, 3))) + "-" + str(r.randint(10, 99999))
            if kind == 1:
                return "".join(r.choice("abcdef0123456789") for _ in range(r.randint(5, 8)))
            if kind == 2:
                return str(r.randint(1000, 999999))
            if kind == 3:
                return r.choice(letters) + str(r.randint(1, 999)) + r.choice(letters)
            if kind == 4:
                return "".join(r.choice(letters + "0123456789") for _ in range(r.randint(5, 8)))
            return self.syllables(2) + "_" + str(r.randint(1, 99))
        return self.fresh(make)

    def email(self):
        return self.fresh(lambda: self.syllables(2) + self.any((".", "_", "", "-")) + self.any((self.syllables(2), str(self.r.randint(1, 99)),
                          self.any(FIRST[:50]).lower())) + "@" + self.syllables(2) + self.any((".com", ".org", ".net", ".io", ".de", ".eu")))

    def url(self):
        return self.fresh(lambda: "https://" + self.any(("", "www.")) + self.syllables(2) + self.any((".com", ".org", ".io")) + self.any(
            ("", "/" + self.syllables(2), "/" + self.any(NOUNS) + "/" + str(self.r.randint(1, 99)))))

    def filename(self):
        return self.fresh(lambda: self.any((self.syllables(2), self.any(NOUNS), self.any(NOUNS) + "_" + str(self.r.randint(1, 99)))) + self.any(
            (".txt", ".pdf", ".csv", ".png", ".docx", ".json", ".md")))

    def phone(self):
        return "+" + str(self.r.randint(1, 99)) + " " + str(self.r.randint(100, 999)) + " " + str(self.r.randint(10000, 9999999))

    def date(self):
        return self.fresh(lambda: "%d-%02d-%02d" % (self.r.randint(1990, 2035), self.r.randint(1, 12), self.r.randint(1, 28)))

    def spoken_date(self):
        return self.any(MONTHS) + " " + str(self.r.randint(1, 28)) if self.chance(0.5) else str(self.r.randint(1, 28)) + " " + self.any(MONTHS)

    def time(self):
        return "%02d:%02d" % (self.r.randint(0, 23), self.r.choice((0, 15, 30, 45, self.r.randint(0, 59))))

    def price(self):
        return round(self.r.uniform(1, 500), 2) if self.chance(0.6) else self.r.randint(1, 900)

    def phrase(self):
        """Two to five lower-case words."""
        kind = self.r.randrange(4)
        if kind == 0:
            return self.any(ADJECTIVES) + " " + self.word()
        if kind == 1:
            return self.any(VERBS) + " the " + self.any(ADJECTIVES) + " " + self.word()
        if kind == 2:
            return self.word() + " and " + self.word()
        return self.any(VERBS) + " " + str(self.r.randint(2, 30)) + " " + self.word() + "s"

    def title(self):
        words = self.phrase()
        return words.title() if self.chance(0.4) else words.capitalize()

    def sentence(self):
        return self.any((lambda: "The " + self.any(ADJECTIVES) + " " + self.word() + " is " + self.any(ADJECTIVES) + ".",
                         lambda: "Please " + self.phrase() + " before " + self.any(DAYS) + ".",
                         lambda: "I will " + self.any(VERBS) + " the " + self.word() + " at " + self.time(),
                         lambda: "See you at the " + self.word() + " on " + self.any(DAYS) + "!",
                         lambda: self.first() + " has lost the " + self.any(ADJECTIVES) + " " + self.word(),
                         lambda: "Don't forget the " + self.word() + " and the " + self.word()))()

    def list_of_words(self):
        return [self.word() for _ in range(self.r.randint(2, 4))]

    def framed(self, text):
        """The same request as different people type it."""
        r = self.r.random()
        if r < 0.12:
            text = self.pick(OPENERS) + text
        elif r < 0.17:
            text = text + self.pick(CLOSERS)
        if self.chance(0.08):
            text = text[0].lower() + text[1:]
        if self.chance(0.06):
            text = text.rstrip(".?!")
        return text


OPENERS = ["Hi! ", "Hello, ", "Hey, ", "OK. ", "Good morning. ", "Quick question: ", "One more thing: ", "Next: ", "Please help me. ", "Hello there! ", "I have a request. ", "Now, ", "So: ", "Thanks. ", "Well, "]
CLOSERS = [" Thanks!", " Thank you.", " Please be quick.", " It is urgent.", " Many thanks!", " I'm in a hurry.", " Cheers!", " :)", " please", " That would help me."]
