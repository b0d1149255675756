"""Remembering what was said a few turns ago."""
from . import smalltalk
from . import toolbox as T
from .passages import COLORS

# statements, questions, answer; {v} is the value, {n} a free noun
ABOUT_ME = [
    (lambda w: w.first(), ["My name is {v}.", "I'm {v}.", "I am {v}, nice to meet you.", "Call me {v}.", "You can call me {v}.", "Hi, I am {v}!", "People call me {v}.", "Hello, my name is {v}."],
     ["What is my name?", "Do you remember my name?", "Who am I?", "What am I called?", "How am I called?", "Tell me my name.", "What was my name again?", "Which name did I tell you?", "Can you say my name?", "Do you still know what I am called?"], "Your name is {v}."),
    (lambda w: w.pseudo().capitalize(), ["My dog is called {v}.", "I have a dog named {v}.", "My dog's name is {v}.", "{v} is my dog.", "I walk my dog {v} every day."],
     ["What is my dog called?", "What is the name of my dog?", "How is my dog called?", "Do you remember the name of my dog?", "What did I name my dog?", "Who is my dog?"], "Your dog is called {v}."),
    (lambda w: w.pseudo().capitalize(), ["My cat is called {v}.", "I have a cat named {v}.", "My cat's name is {v}.", "{v} is my cat.", "I feed my cat {v} at six."],
     ["What is my cat called?", "What is the name of my cat?", "How is my cat called?", "Do you remember the name of my cat?", "What did I name my cat?"], "Your cat is called {v}."),
    (lambda w: w.city(), ["I live in {v}.", "My home is in {v}.", "I am living in {v}.", "I moved to {v}.", "Home for me is {v}."],
     ["Where do I live?", "In which city do I live?", "Do you remember where I live?", "Where is my home?", "What place did I say I live in?", "Which town am I living in?"], "You live in {v}."),
    (lambda w: w.city(), ["I was born in {v}.", "I come from {v}.", "I grew up in {v}.", "My birthplace is {v}."],
     ["Where was I born?", "Where do I come from?", "What is my birthplace?", "Do you know where I was born?", "Which place am I from?"], "You come from {v}."),
    (lambda w: str(w.r.randint(6, 99)), ["I am {v} years old.", "I'm {v} years old.", "My age is {v}.", "I turned {v} last week.", "I have just become {v} years old."],
     ["How old am I?", "What is my age?", "Do you remember how old I am?", "Tell me my age.", "Which age did I say I am?"], "You are {v} years old."),
    (lambda w: w.any(COLORS), ["My favourite color is {v}.", "I like the color {v} best.", "{v} is the color I like most.", "I love the color {v}.", "The best color is {v}, I think."],
     ["What is my favourite color?", "Which color do I like?", "Do you remember my favourite color?", "What color do I like best?", "Which color did I say I love?"], "Your favourite color is {v}."),
    (lambda w: w.any(T.DISHES) if w.chance(0.6) else w.pseudo(), ["My favourite food is {v}.", "I love to eat {v}.", "I like {v} more than any other food.", "The dish I like best is {v}."],
     ["What is my favourite food?", "What do I love to eat?", "Which food do I like?", "Do you remember what I like to eat?", "What dish did I say I like?"], "Your favourite food is {v}."),
    (lambda w: w.any("teacher baker pilot nurse lawyer painter farmer plumber dentist writer cook".split()), ["I work as a {v}.", "I am a {v}.", "My job is {v}.", "I earn my money as a {v}."],
     ["What is my job?", "What do I do for a living?", "As what do I work?", "Do you remember my job?", "What work do I do?"], "You work as a {v}."),
    (lambda w: w.ident(), ["My code is {v}.", "The secret code is {v}.", "Remember the code {v}.", "Please keep the code {v} in mind.", "Note this code: {v}."],
     ["What is the code?", "What was the code?", "Which code did I give you?", "Tell me the code.", "What code did I tell you?", "Do you still have the code?"], "The code is {v}."),
    (lambda w: w.ident(), ["My order number is {v}.", "The order has the number {v}.", "I have the order {v}.", "My order: {v}."],
     ["What is my order number?", "Which number does my order have?", "What was the order number?", "Do you remember my order number?", "Tell me the number of my order."], "Your order number is {v}."),
    (lambda w: w.first(), ["My sister is called {v}.", "I have a sister, {v}.", "My sister's name is {v}.", "{v} is my sister."],
     ["What is my sister called?", "What is the name of my sister?", "Who is my sister?", "Do you remember my sister's name?", "How is my sister called?"], "Your sister is called {v}."),
    (lambda w: w.first(), ["My brother is called {v}.", "I have a brother, {v}.", "My brother's name is {v}.", "{v} is my brother."],
     ["What is my brother called?", "What is the name of my brother?", "Who is my brother?", "Do you remember my brother's name?", "How is my brother called?"], "Your brother is called {v}."),
    (lambda w: w.time(), ["My train leaves at {v}.", "The train goes at {v}.", "I have to take the train at {v}.", "At {v} my train leaves."],
     ["When does my train leave?", "At what time is my train?", "When do I have to take the train?", "Do you remember when my train goes?", "What time does the train leave?"], "Your train leaves at {v}."),
    (lambda w: w.spoken_date(), ["My birthday is on {v}.", "I have my birthday on {v}.", "I was born on {v}.", "On {v} I have my birthday."],
     ["When is my birthday?", "On which day is my birthday?", "Do you remember my birthday?", "What is the date of my birthday?", "When do I have my birthday?"], "Your birthday is on {v}."),
    (lambda w: w.email(), ["My email is {v}.", "You can reach me at {v}.", "My mail address is {v}.", "Write to me at {v}."],
     ["What is my email?", "What is my mail address?", "How can you reach me by mail?", "Do you remember my email address?", "Which address did I give you?"], "Your email is {v}."),
    (lambda w: "the " + w.any(T.ROOMS), ["I left my keys in {v}.", "My keys are in {v}.", "I put the keys in {v}.", "The keys lie in {v}."],
     ["Where are my keys?", "Where did I leave my keys?", "Where did I put the keys?", "Do you remember where my keys are?", "In which room are my keys?"], "Your keys are in {v}."),
    (lambda w: w.ident(), ["I parked in spot {v}.", "My car is in spot {v}.", "The car stands on spot {v}.", "I have parked at number {v}."],
     ["Where did I park?", "Where is my car?", "In which spot is my car?", "Do you remember where I parked?", "What is the number of my parking spot?"], "Your car is in spot {v}."),
]
KEYS = ["me " + x for x in "name dog cat home birthplace age color food job code order sister brother train birthday email keys car".split()]  # of ABOUT_ME, in order
THINGS = "boat house school team bike garden hotel company street cousin uncle aunt teacher doctor neighbour boss plant horse project robot band village lake book computer".split()
GENERIC = (["My {n} is called {v}.", "The name of my {n} is {v}.", "I named my {n} {v}.", "{v} is the name of my {n}.", "My {n} has the name {v}."],
           ["What is my {n} called?", "What is the name of my {n}?", "How is my {n} called?", "Do you remember the name of my {n}?", "Which name does my {n} have?", "What did I say my {n} is called?"], "Your {n} is called {v}.")
NOTED = ["OK, I will remember that.", "Thanks, noted.", "Good to know.", "I see.", "Noted: {s}", "Thanks for telling me.", "All right, I keep that in mind.", "Understood.", "Got it.", "Nice!"]
UNTOLD = ["You have not told me that.", "You have not told me that yet."]
WRAPS = ["{q}", "{q}", "By the way, {q}", "Now a question: {q}", "Tell me: {q}", "One question. {q}", "{q} You should know it.", "Let me test you. {q}", "Just checking: {q}", "And {q}"]


def told(w, used):
    while True:
        at = w.r.randrange(len(ABOUT_ME) + 4)
        noun = w.any(THINGS) if at >= len(ABOUT_ME) else None
        if (at if noun is None else noun) in used:
            continue
        used.add(at if noun is None else noun)
        make, statements, questions, answer = ABOUT_ME[at] if noun is None else (lambda w: w.pseudo().capitalize(), *GENERIC)
        value = make(w)
        put = lambda text: text.replace("{v}", value).replace("{n}", noun or "")
        key = KEYS[at] if noun is None else "me thing"
        return put(w.ask(statements, key)), put(w.ask(questions, key + " ask")), put(answer), value


def turn(question, answer, thought):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer, "reasoning_content": thought}]


def statement_turn(w, statement):
    return turn(statement, w.any(NOTED).replace("{s}", statement), "The user tells me something. I take note.")


def memory(w):
    used, history, items = set(), [], []
    gap = w.r.randint(0, 4)
    for _ in range(w.any((1, 1, 2, 3))):
        item = told(w, used)
        items.append(item)
    if len(items) > 1 and w.chance(0.4):
        history += statement_turn(w, " ".join(i[0] for i in items))
    else:
        for item in items:
            history += statement_turn(w, item[0])
    room = 5 - len(history) // 2
    for _ in range(max(0, min(gap, room))):
        history += smalltalk.exchange(w)
    if w.chance(0.08):
        _, question, _, _ = told(w, used)
        thought, content, check = "The user has not told me that.", w.any(UNTOLD), {"kind": "contains", "all": ["not told me"]}
    else:
        statement, question, answer, value = w.any(items)
        thought, content, check = f'The user said: "{statement}"', answer, {"kind": "contains", "all": [value]}
    more = []
    for _ in range(w.r.randint(0, 3)):
        again, say = w.any([(i[1], i[2]) for i in items])
        more.append(turn(again, say, ""))
    wrap = w.ask(WRAPS, "wrap") if w.held_out or w.chance(0.5) else "{q}"
    question = question if wrap.startswith("{q}") or ". {q}" in wrap or ": {q}" in wrap else question[0].lower() + question[1:]
    return dict(history=history, user=wrap.replace("{q}", question), turns=[{"role": "assistant", "content": content, "reasoning_content": thought}], check=check, more=more)
