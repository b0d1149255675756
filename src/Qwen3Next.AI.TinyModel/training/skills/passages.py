"""Questions about a passage, also ones that it does not answer."""
from . import toolbox as T
from .words import ADJECTIVES, NOUNS

JOBS = "baker teacher pilot nurse lawyer painter farmer plumber dentist writer singer gardener butcher tailor judge sailor chemist barber miner cook".split()
INSTRUMENTS = "violin piano flute guitar harp drums trumpet cello organ banjo".split()
COLORS = "red blue green yellow black white purple orange brown grey pink silver".split()
MATERIALS = "wood steel glass paper copper plastic leather stone cotton rubber".split()
ANIMALS = "dog cat horse parrot rabbit hamster turtle goat snake pony".split()

# attribute: (maker of values, statements with {s} subject and {v} value, questions, what it is called)
PERSON = {
    "job": (lambda w: w.any(JOBS) if w.chance(0.7) else w.pseudo(), ["{s} works as a {v}.", "{s} is a {v} by trade.", "By profession {s} is a {v}.", "{s} earns a living as a {v}."],
            ["What does {s} do for a living?", "What is the job of {s}?", "What is {s}'s profession?", "As what does {s} work?", "Which job does {s} have?", "What work does {s} do?", "Tell me the occupation of {s}."], "the job of {s}"),
    "birthplace": (lambda w: w.city(), ["{s} was born in {v}.", "{s} comes from {v}.", "{s} grew up in {v}."],
                   ["Where was {s} born?", "Where does {s} come from?", "In which city was {s} born?", "What is the birthplace of {s}?", "Where did {s} grow up?", "Which place is {s} from?"], "the birthplace of {s}"),
    "home": (lambda w: w.city(), ["{s} lives in {v}.", "The home of {s} is in {v}.", "{s} has lived in {v} for years."],
             ["Where does {s} live?", "In which city does {s} live?", "Where is the home of {s}?", "What city is {s} living in?", "Which place is home to {s}?", "In what town does {s} live?"], "where {s} lives"),
    "born": (lambda w: str(w.r.randint(1900, 2015)), ["{s} was born in the year {v}.", "The birth year of {s} is {v}.", "{s}, born in {v}, has many friends."],
             ["When was {s} born?", "In which year was {s} born?", "What is the birth year of {s}?", "What year was {s} born in?", "Which year is {s} from?"], "the birth year of {s}"),
    "pet": (lambda w: w.pseudo().capitalize(), ["{s} has a pet called {v}.", "The pet of {s} is called {v}.", "{s} takes care of a pet named {v}."],
            ["What is the name of {s}'s pet?", "What is {s}'s pet called?", "How is the pet of {s} called?", "Which name does the pet of {s} have?", "What did {s} name the pet?", "Tell me the name of the pet of {s}."], "the pet of {s}"),
    "instrument": (lambda w: w.any(INSTRUMENTS), ["{s} plays the {v}.", "{s} has learned to play the {v}.", "In the evening {s} plays the {v}."],
                   ["Which instrument does {s} play?", "What instrument does {s} play?", "What does {s} play?", "On which instrument does {s} play?", "What instrument has {s} learned?"], "the instrument of {s}"),
    "dish": (lambda w: w.any(T.DISHES) if w.chance(0.7) else w.pseudo(), ["{s} likes to eat {v}.", "The favourite food of {s} is {v}.", "{s} loves {v} more than anything else."],
             ["What does {s} like to eat?", "What is the favourite food of {s}?", "Which food does {s} love?", "What is {s}'s favourite dish?", "What food does {s} like best?"], "the favourite food of {s}"),
    "phone": (lambda w: w.ident(), ["The code of {s} is {v}.", "{s} uses the code {v}.", "{s} was given the code {v}."],
              ["What is the code of {s}?", "Which code does {s} use?", "What code does {s} have?", "Tell me {s}'s code.", "Which code was given to {s}?"], "the code of {s}"),
    "friend": (lambda w: w.first(), ["The best friend of {s} is {v}.", "{s} and {v} are best friends.", "{s} spends every weekend with the best friend, {v}."],
               ["Who is the best friend of {s}?", "What is the name of {s}'s best friend?", "Who is {s}'s best friend?", "With whom is {s} best friends?", "How is the best friend of {s} called?"], "the best friend of {s}"),
    "age": (lambda w: str(w.r.randint(5, 99)), ["{s} is {v} years old.", "{s} turned {v} last month.", "The age of {s} is {v}."],
            ["How old is {s}?", "What is the age of {s}?", "What age is {s}?", "How many years old is {s}?", "Tell me {s}'s age."], "the age of {s}"),
    "car": (lambda w: w.any(COLORS), ["{s} drives a {v} car.", "The car of {s} is {v}.", "{s} has bought a {v} car."],
            ["Which color is {s}'s car?", "What color is the car of {s}?", "What is the color of {s}'s car?", "What kind of color does the car of {s} have?", "{s} has a car. Which color?"], "the color of {s}'s car"),
}
THING = {
    "price": (lambda w: str(w.price()), ["The {s} costs {v} euros.", "The price of the {s} is {v} euros.", "You pay {v} euros for the {s}."],
              ["What does the {s} cost?", "How much is the {s}?", "What is the price of the {s}?", "How much do I pay for the {s}?", "How expensive is the {s}?", "What would the {s} cost me?"], "the price of the {s}"),
    "color": (lambda w: w.any(COLORS), ["The {s} is {v}.", "The color of the {s} is {v}.", "The {s} has been painted {v}."],
              ["What color is the {s}?", "Which color does the {s} have?", "What is the color of the {s}?", "Is there a color given for the {s}? Which?", "In which color is the {s}?"], "the color of the {s}"),
    "material": (lambda w: w.any(MATERIALS), ["The {s} is made of {v}.", "The {s} consists of {v}.", "They made the {s} out of {v}."],
                 ["What is the {s} made of?", "Which material is the {s} made of?", "What material is the {s}?", "Of what does the {s} consist?", "From which material was the {s} made?"], "the material of the {s}"),
    "place": (lambda w: "the " + w.any(T.ROOMS), ["The {s} stands in {v}.", "The {s} is kept in {v}.", "You find the {s} in {v}."],
              ["Where is the {s}?", "Where does the {s} stand?", "Where can I find the {s}?", "In which room is the {s}?", "Where do they keep the {s}?", "What is the place of the {s}?"], "the place of the {s}"),
    "owner": (lambda w: w.person(), ["The {s} belongs to {v}.", "The owner of the {s} is {v}.", "{v} owns the {s}."],
              ["Who owns the {s}?", "To whom does the {s} belong?", "Who is the owner of the {s}?", "Whose {s} is it?", "Who does the {s} belong to?"], "the owner of the {s}"),
    "maker": (lambda w: w.pseudo().capitalize(), ["The {s} was built by {v}.", "The maker of the {s} is {v}.", "{v} produced the {s}."],
              ["Who built the {s}?", "Who made the {s}?", "Who is the maker of the {s}?", "Which company produced the {s}?", "By whom was the {s} built?"], "the maker of the {s}"),
    "weight": (lambda w: str(w.integer(1, 900)), ["The {s} weighs {v} kilograms.", "The weight of the {s} is {v} kilograms.", "With {v} kilograms the {s} is not light."],
               ["How much does the {s} weigh?", "What is the weight of the {s}?", "How heavy is the {s}?", "How many kilograms does the {s} weigh?", "What does the {s} weigh?"], "the weight of the {s}"),
}
PLACE = {
    "people": (lambda w: str(w.r.randint(200, 900000)), ["{s} has {v} inhabitants.", "{v} people live in {s}.", "The population of {s} is {v}."],
               ["How many people live in {s}?", "What is the population of {s}?", "How many inhabitants does {s} have?", "How big is the population of {s}?", "What number of people live in {s}?"], "the population of {s}"),
    "river": (lambda w: w.pseudo().capitalize(), ["{s} lies on the river {v}.", "The river {v} flows through {s}.", "Through {s} runs the {v}, a river."],
              ["On which river does {s} lie?", "Which river flows through {s}?", "What river is in {s}?", "What is the river of {s} called?", "Name the river that runs through {s}."], "the river of {s}"),
    "mayor": (lambda w: w.full_name(), ["The mayor of {s} is {v}.", "{v} is the mayor of {s}.", "In {s} the people elected {v} as mayor."],
              ["Who is the mayor of {s}?", "What is the name of the mayor of {s}?", "Who runs {s} as mayor?", "Which person is mayor of {s}?", "Who was elected mayor in {s}?"], "the mayor of {s}"),
    "founded": (lambda w: str(w.r.randint(800, 2010)), ["{s} was founded in {v}.", "The founding year of {s} is {v}.", "People founded {s} in the year {v}."],
                ["When was {s} founded?", "In which year was {s} founded?", "What is the founding year of {s}?", "How old is {s}? Tell me the year.", "What year was {s} founded in?"], "the founding year of {s}"),
    "known": (lambda w: w.any(NOUNS) + "s", ["{s} is famous for its {v}.", "{s} is known for {v}.", "Visitors come to {s} because of the {v}."],
              ["What is {s} famous for?", "For what is {s} known?", "Why do visitors come to {s}?", "What is special about {s}?", "What made {s} famous?"], "what {s} is famous for"),
}
EVENT = {
    "date": (lambda w: w.spoken_date(), ["The {s} takes place on {v}.", "The {s} is planned for {v}.", "People meet for the {s} on {v}."],
             ["When is the {s}?", "On which day is the {s}?", "When does the {s} take place?", "What is the date of the {s}?", "For when is the {s} planned?"], "the date of the {s}"),
    "time": (lambda w: w.time(), ["The {s} starts at {v}.", "At {v} the {s} begins.", "Doors open for the {s} at {v}."],
             ["At what time does the {s} start?", "When does the {s} begin?", "What is the start time of the {s}?", "What time do doors open for the {s}?", "At which hour is the {s}?"], "the start of the {s}"),
    "host": (lambda w: w.person(), ["The host of the {s} is {v}.", "{v} organises the {s}.", "The {s} is led by {v}."],
             ["Who organises the {s}?", "Who is the host of the {s}?", "Who leads the {s}?", "By whom is the {s} organised?", "Which person is in charge of the {s}?"], "the host of the {s}"),
    "guests": (lambda w: str(w.r.randint(5, 900)), ["{v} guests are expected at the {s}.", "The {s} will have {v} guests.", "There are {v} seats at the {s}."],
               ["How many guests are expected at the {s}?", "How many people come to the {s}?", "How many guests will the {s} have?", "How many seats are there at the {s}?", "What number of guests has the {s}?"], "the number of guests of the {s}"),
}
EVENTS = "concert meeting workshop wedding festival race auction lecture reading exhibition tournament picnic market premiere conference".split()
FILLERS = ["It was a {a} day and the {n} was {b}.", "Nobody thought about the {n} any more.", "The {a} {n} stood next to the {b} {m}.", "Some say that a {n} is better than a {m}.", "In the {n} there was only a {a} {m}.",
           "That made everybody {a}.", "The story goes on with a {a} {n}.", "After that the {n} was {a} again.", "There is not much to say about the {n}.", "A {a} {m} was seen near the {n}.",
           "This happened because the {n} was too {a}.", "All of them wanted a {a} {n}.", "Later the {m} became {b}.", "The old people talk about the {a} {n} every year.", "Most of it is about the {n}."]
MISSING = ["The text does not say that.", "The text does not say.", "That is not in the text; the text does not say it."]
GENERAL = ["Tell me {x}.", "I would like to know {x}.", "What does the text say about {x}?", "Can you find {x}?", "Please tell me {x}.", "Find {x} in the text.", "{x}?", "I want to know {x}.", "Look for {x}.", "Do you see {x} in the text?",
           "Does the text mention {x}?", "Give me {x}.", "What can you say about {x}?", "I am looking for {x}.", "Let me know {x}."]
FRAMES = ["{p}\n\n{q}", "Read this text:\n{p}\n\nQuestion: {q}", "{q}\n\n{p}", "Here is a passage:\n\n{p}\n\n{q}", "Text: {p}\n{q}", "Answer from the text below.\n{p}\n\n{q}", 'Passage: "{p}"\n\n{q}', "{p}\n\nAnswer this from the text: {q}",
          "Use this text to answer. {p}\n\nMy question: {q}", "Context:\n{p}\n\nQ: {q}", "I have read this: {p} {q}", "Based on the following text, {q}\n\n{p}"]


def subject(w):
    kind = w.any(("person", "person", "thing", "place", "event"))
    if kind == "person":
        return (w.person() if w.chance(0.7) else w.full_name()), PERSON
    if kind == "thing":
        return (w.any(("", "old ", "new ", "big ", "small ")) + w.word()), THING
    if kind == "place":
        return w.pseudo().capitalize() if w.chance(0.7) else w.city(), PLACE
    return (w.pseudo().capitalize() + " " if w.chance(0.6) else "") + w.any(EVENTS), EVENT


def facts(w, count):
    """[(subject, attribute, value, table)] with some subjects told about more than once and no contradiction."""
    out, seen, known = [], set(), []
    while len(out) < count:
        if known and w.chance(0.55):
            s, table = w.any(known)
        elif known and w.chance(0.3):
            table = w.any(known)[1]
            s = next(x for x in iter(lambda: subject(w), None) if x[1] is table)[0]
        else:
            s, table = subject(w)
        attribute = w.any(list(table))
        if (s, attribute) in seen:
            continue
        seen.add((s, attribute))
        known.append((s, table))
        out.append((s, attribute, table[attribute][0](w), table))
    return out


def sentence(w, fact):
    s, attribute, value, table = fact
    text = w.any(table[attribute][1]).format(s=s, v=value)
    return text[0].upper() + text[1:]


def filler(w):
    return w.any(FILLERS).format(a=w.any(ADJECTIVES), b=w.any(ADJECTIVES), n=w.any(NOUNS), m=w.any(NOUNS))


def passage(w):
    size = w.any((2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 28, 40, 60, 90))
    told = facts(w, max(2, int(size * w.r.uniform(0.5, 1.0))))
    lines = [(sentence(w, f), f) for f in told] + [(filler(w), None) for _ in range(size - len(told))]
    lines = w.r.sample(lines, len(lines))
    text = ""
    for line, _ in lines:
        text += (w.any((" ",) * 6 + ("\n",)) if text else "") + line
    question, answer, check = ask(w, lines, told)
    more = [ask(w, lines, told)[:2] for _ in range(w.r.randint(1, 4))]
    return dict(user=w.ask(FRAMES, "passage frame").format(p=text, q=question), turns=[answer], check=check, more=[[{"role": "user", "content": q}, a] for q, a in more])


def ask(w, lines, told):
    """(question, assistant turn, check)."""
    fact = missing(w, told) if w.chance(0.25) else None
    if fact:
        (s, attribute, table), quote = fact, None
    else:
        quote, (s, attribute, value, table) = w.any([x for x in lines if x[1]])
    wanted = table[attribute][3].format(s=s)
    question = w.ask(table[attribute][2], "passage " + attribute).format(s=s) if w.chance(0.75) else w.ask(GENERAL, "passage general").format(x=wanted)
    if quote is None:
        thought, content, check = f"Wanted: {wanted}. The text does not say that.", w.any(MISSING), {"kind": "missing"}
    else:
        thought = f'Wanted: {wanted}. The text says: "{quote}"'
        content = w.any((quote, quote, value[0].upper() + value[1:] + "."))
        check = {"kind": "contains", "all": [value]}
    return question, {"role": "assistant", "content": content, "reasoning_content": thought}, check


def missing(w, told):
    """A subject that is told about with an attribute that is not; None where everything is told."""
    have = {(f[0], f[1]) for f in told}
    for _ in range(20):
        f = w.any(told)
        others = [f2[1] for f2 in told if f2[3] is f[3] and (f[0], f2[1]) not in have]
        attribute = w.any(others) if others and w.chance(0.7) else w.any(list(f[3]))
        if (f[0], attribute) not in have:
            return f[0], attribute, f[3]
    return None
