"""Greetings, thanks, simple facts, and what the model cannot know."""
from .words import DAYS, MONTHS

GREET = ["Hi", "Hello", "Hey", "Good morning", "Good evening", "Hi there", "Hello!", "Hi!", "Hey there!", "Good day", "Good afternoon!", "Greetings", "hello", "hi", "Yo", "Howdy"]
GREET_BACK = ["Hello! How can I help you?", "Hi! What can I do for you?", "Hello! What would you like to do?"]
HOW = ["How are you?", "How are you doing?", "How is it going?", "Are you well?", "How do you feel today?", "What's up?", "How do you do?", "Is everything all right with you?", "how are you today?"]
HOW_BACK = ["I am fine, thank you. How can I help you?", "I am doing well, thanks! What can I do for you?"]
THANKS = ["Thanks!", "Thank you.", "Thank you very much!", "Thanks a lot.", "That was helpful.", "Great, thanks.", "Perfect, thank you!", "Many thanks.", "thx", "Cool, thanks.", "Well done.", "Good job!"]
THANKS_BACK = ["You are welcome!", "My pleasure!", "Glad to help!"]
BYE = ["Bye!", "Goodbye.", "See you later.", "Good night!", "See you!", "I have to go.", "That was all.", "Until tomorrow!", "Bye bye", "Talk to you later."]
BYE_BACK = ["Goodbye!", "See you!", "Bye! Have a nice day."]
MOODS = ["I am tired.", "I am so happy today!", "I feel sad.", "I am bored.", "Today was a long day.", "I am a bit nervous.", "I had a great day.", "I feel fine.", "I am hungry.", "It is raining here."]
MOODS_BACK = {"I am tired.": "Then have a good rest.", "I am so happy today!": "That is great to hear!", "I feel sad.": "I am sorry to hear that. I hope it gets better soon.", "I am bored.": "Maybe we can do a small sum or sort a list together.",
              "Today was a long day.": "Then take it easy now.", "I am a bit nervous.": "Take a deep breath. It will be fine.", "I had a great day.": "That is great to hear!", "I feel fine.": "That is good to hear!", "I am hungry.": "Then it is time to eat something.",
              "It is raining here.": "Then stay dry!"}
CAPITALS = dict(x.split(":") for x in """France:Paris Germany:Berlin Italy:Rome Spain:Madrid Portugal:Lisbon Austria:Vienna Poland:Warsaw Greece:Athens Egypt:Cairo Japan:Tokyo China:Beijing India:Delhi Russia:Moscow Norway:Oslo
Sweden:Stockholm Finland:Helsinki Denmark:Copenhagen Ireland:Dublin England:London Scotland:Edinburgh Belgium:Brussels Hungary:Budapest Turkey:Ankara Canada:Ottawa Cuba:Havana Peru:Lima Chile:Santiago Kenya:Nairobi Iran:Tehran Iraq:Baghdad
Thailand:Bangkok Vietnam:Hanoi Ukraine:Kyiv Latvia:Riga Estonia:Tallinn Croatia:Zagreb Serbia:Belgrade Romania:Bucharest Bulgaria:Sofia Iceland:Reykjavik Australia:Canberra""".split())
CAPITAL_Q = ["What is the capital of {x}?", "Which city is the capital of {x}?", "Tell me the capital of {x}.", "{x}'s capital?", "Do you know the capital of {x}?", "capital of {x}?", "Name the capital city of {x}."]
COLORS = {"the sky": "blue", "grass": "green", "snow": "white", "blood": "red", "a banana": "yellow", "coal": "black", "a carrot": "orange", "a lemon": "yellow", "a tomato": "red", "a leaf": "green", "milk": "white", "chocolate": "brown", "a flamingo": "pink", "a frog": "green"}
COLOR_Q = ["What color is {x}?", "Which color does {x} have?", "What is the color of {x}?", "Tell me the color of {x}.", "Which color has {x}?", "{x}: which color?"]
SOUNDS = {"dog": "barks", "cat": "meows", "cow": "moos", "horse": "neighs", "duck": "quacks", "lion": "roars", "sheep": "bleats", "bee": "buzzes", "frog": "croaks", "pig": "grunts"}
SOUND_Q = ["What sound does a {x} make?", "What does a {x} do to make a sound?", "How does a {x} sound?", "Which sound comes from a {x}?", "What noise does a {x} make?"]
OPPOSITES = {"hot": "cold", "big": "small", "up": "down", "left": "right", "old": "young", "fast": "slow", "open": "closed", "day": "night", "full": "empty", "hard": "soft", "early": "late", "happy": "sad", "light": "dark", "wet": "dry", "near": "far", "high": "low", "rich": "poor", "clean": "dirty"}
OPPOSITE_Q = ["What is the opposite of {x}?", "Which word is the opposite of {x}?", "Tell me the opposite of {x}.", "opposite of {x}?", "What is the contrary of {x}?", "Name the opposite of {x}."]
FACTS = [("How many days are in a week?|How many days does a week have?", "A week has seven days."), ("How many months are in a year?|How many months does a year have?", "A year has twelve months."), ("How many hours are in a day?|How many hours does a day have?", "A day has 24 hours."),
         ("How many minutes are in an hour?|How many minutes does an hour have?", "An hour has 60 minutes."), ("How many seconds are in a minute?|How many seconds has a minute?", "A minute has 60 seconds."), ("How many days does a year have?|How many days are in a year?", "A year has 365 days, a leap year 366."),
         ("What is the largest planet?|Which planet is the largest?", "The largest planet is Jupiter."), ("Which planet is closest to the sun?|What is the closest planet to the sun?", "Mercury is closest to the sun."), ("What is the largest ocean?|Which ocean is the largest?", "The largest ocean is the Pacific."),
         ("What is the highest mountain?|Which mountain is the highest?", "The highest mountain is Mount Everest."), ("How many legs does a spider have?|A spider has how many legs?", "A spider has eight legs."), ("How many legs does an insect have?|How many legs has an ant?", "An insect has six legs."),
         ("What do bees make?|What do we get from bees?", "Bees make honey."), ("Where do penguins live?|Where can one find penguins?", "Penguins live in the south, most of them around Antarctica."), ("What is water made of?|Which elements is water made of?", "Water is made of hydrogen and oxygen."),
         ("At what temperature does water boil?|When does water boil?", "Water boils at 100 degrees Celsius."), ("At what temperature does water freeze?|When does water freeze?", "Water freezes at 0 degrees Celsius."), ("How many meters are in a kilometer?|How many meters does a kilometer have?", "A kilometer has 1000 meters."),
         ("How many centimeters are in a meter?|How many centimeters has a meter?", "A meter has 100 centimeters."), ("How many grams are in a kilogram?|How many grams does a kilogram have?", "A kilogram has 1000 grams."), ("What is the fastest land animal?|Which land animal is the fastest?", "The fastest land animal is the cheetah."),
         ("What is the largest animal?|Which animal is the largest?", "The largest animal is the blue whale."), ("How many continents are there?|What is the number of continents?", "There are seven continents."), ("How many sides does a triangle have?|How many sides has a triangle?", "A triangle has three sides."),
         ("How many sides does a square have?|How many sides has a square?", "A square has four sides."), ("What is the first month of the year?|Which month is the first?", "The first month is January."), ("What is the last month of the year?|Which month is the last?", "The last month is December."),
         ("How many wheels does a bicycle have?|How many wheels has a bicycle?", "A bicycle has two wheels."), ("How many strings does a violin have?|How many strings has a violin?", "A violin has four strings."), ("Which star is closest to us?|What is the closest star?", "The closest star is the sun."),
         ("What does a caterpillar become?|What does a caterpillar turn into?", "A caterpillar becomes a butterfly."), ("How many letters are in the alphabet?|How many letters does the alphabet have?", "The English alphabet has 26 letters."), ("Is the earth round?|Is the earth flat?", "The earth is round."),
         ("What do plants need to grow?|What does a plant need?", "Plants need water, light and air."), ("Which season comes after winter?|What comes after winter?", "After winter comes spring."), ("Which season comes after summer?|What comes after summer?", "After summer comes autumn.")]
UNKNOWN = ["Who will win the next election?", "What will the weather be next month?", "Who is {p}?", "What did I eat yesterday?", "How tall is {p}?", "What is the history of {p}?", "Explain quantum physics.", "What happened in {c} last night?", "Who wrote the book of {p}?", "What is the phone number of {p}?", "Where is {p} right now?",
           "How many people live in {c}?", "What is the best restaurant in {c}?", "Tell me about {p}.", "Why is {p} famous?", "What is the meaning of life?", "Who is the president of {c}?", "What are the news today?"]
UNKNOWN_BACK = ["I do not know that. I am only a tiny model.", "I do not know that, sorry.", "That is more than I know. I am a tiny model."]


def pair(w):
    """(user text, answer, thought)."""
    r = w.r.random()
    if r < 0.12:
        return w.ask(GREET, "greet"), w.any(GREET_BACK), "The user greets me. I greet back."
    if r < 0.18:
        return (w.pick(GREET).rstrip("!") + w.any((", ", "! ")) if w.chance(0.4) else "") + w.ask(HOW, "how"), w.any(HOW_BACK), "The user asks how I am."
    if r < 0.30:
        return w.ask(THANKS, "thanks"), w.any(THANKS_BACK), "The user thanks me."
    if r < 0.35:
        return w.ask(BYE, "bye"), w.any(BYE_BACK), "The user says goodbye."
    if r < 0.41:
        mood = w.any(MOODS)
        return mood, MOODS_BACK[mood], "The user tells me about the day."
    if r < 0.55:
        x = w.any(list(CAPITALS))
        return w.ask(CAPITAL_Q, "capital").format(x=x), f"The capital of {x} is {CAPITALS[x]}.", f"{x}: the capital is {CAPITALS[x]}."
    if r < 0.62:
        x = w.any(list(COLORS))
        verb = "is"
        return w.ask(COLOR_Q, "color").format(x=x), f"{x[0].upper() + x[1:]} {verb} {COLORS[x]}.", f"The color of {x} is {COLORS[x]}."
    if r < 0.67:
        x = w.any(list(SOUNDS))
        return w.ask(SOUND_Q, "sound").format(x=x), f"A {x} {SOUNDS[x]}.", f"A {x} {SOUNDS[x]}."
    if r < 0.74:
        x = w.any(list(OPPOSITES))
        x, y = (x, OPPOSITES[x]) if w.chance(0.5) else (OPPOSITES[x], x)
        return w.ask(OPPOSITE_Q, "opposite").format(x=x), f"The opposite of {x} is {y}.", f"The opposite of {x} is {y}."
    if r < 0.9:
        questions, answer = w.any(FACTS)
        return w.any(questions.split("|")), answer, answer
    return w.pick(UNKNOWN).format(p=w.full_name(), c=w.pseudo().capitalize()), w.any(UNKNOWN_BACK), "I do not know that."


def exchange(w):
    question, answer, thought = pair(w)
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer, "reasoning_content": thought}]


def smalltalk(w):
    question, answer, thought = pair(w)
    return dict(user=question, turns=[{"role": "assistant", "content": answer, "reasoning_content": thought}], check={"kind": "contains", "all": []})
