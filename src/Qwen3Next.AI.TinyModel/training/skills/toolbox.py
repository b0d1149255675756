"""Tools: hand-written capabilities (capabilities.txt), compositions of verb, noun and attributes, and the many ways to show them."""
import os
import re

from .grammar import GRAMMARS

LANGUAGES = "English German French Spanish Italian Portuguese Dutch Polish Turkish Arabic Hindi Japanese Korean Chinese Greek Swedish".split()
CURRENCIES = "EUR USD GBP CHF JPY SEK NOK PLN CAD AUD euros dollars pounds francs yen rupees".split()
UNITS = "km miles m feet cm inches kg pounds g ounces liters gallons celsius fahrenheit meters yards mm hours minutes seconds".split()
ROOMS = "kitchen|bedroom|living room|bathroom|hall|office|garage|cellar|nursery|dining room|attic|guest room|study|workshop".split("|")
DISHES = "pizza|burger|salad|noodle soup|sushi|curry|pasta|sandwich|taco|pancake|falafel|dumpling|ramen|lasagna|omelette".split("|")
TOPICS = "football|politics|space|health|music|climate|chess|robots|the economy|science|cinema|travel|education|energy".split("|")
SPORTS = "running|swimming|cycling|yoga|rowing|tennis|boxing|climbing|dancing|hiking|skating|football".split("|")


def number_list(w):
    return [w.integer(1, 200) for _ in range(w.r.randint(3, 5))]


def arithmetic(w):
    r = w.r
    n = lambda: str(r.choice((r.randint(2, 12), r.randint(2, 999), r.randint(2, 9999), w.decimal())))
    form = r.randrange(6)
    if form == 0:
        return f"({n()} {r.choice('+-')} {n()}) {r.choice('*/')} {n()}"
    if form == 1:
        return f"{n()} {r.choice('+-*/')} {n()} {r.choice('+-*/')} {n()}"
    return f"{n()} {r.choice('+-*/')} {n()}"


def lights(w):
    return [{"id": i + 1, "name": w.any((w.any(ROOMS).title(), w.word().capitalize(), w.pseudo().capitalize())) + w.any((" lamp", " light", " Lamp", "")),
             "isOn": w.chance(0.5)} for i in range(w.r.randint(2, 4))]


KINDS = {
    "city": lambda w: w.city(), "person": lambda w: w.person(), "full_name": lambda w: w.full_name(), "small": lambda w: w.integer(1, 200),
    "decimal": lambda w: w.decimal(), "date": lambda w: w.date(), "time": lambda w: w.time(), "email": lambda w: w.email(), "url": lambda w: w.url(),
    "phrase": lambda w: w.phrase(), "sentence": lambda w: w.sentence(), "ident": lambda w: w.ident(), "bool": lambda w: w.chance(0.5),
    "list": lambda w: w.list_of_words(), "numbers": number_list, "currency": lambda w: w.any(CURRENCIES), "unit": lambda w: w.any(UNITS),
    "lang": lambda w: w.any(LANGUAGES), "word": lambda w: w.word(), "file": lambda w: w.filename(), "price": lambda w: w.price(),
    "phone": lambda w: w.phone(), "title": lambda w: w.title(), "room": lambda w: w.any(ROOMS) if w.chance(0.8) else w.pseudo() + " room",
    "temp": lambda w: w.r.randint(-15, 38), "dish": lambda w: w.any(DISHES) if w.chance(0.7) else w.pseudo(), "food": lambda w: w.word(),
    "topic": lambda w: w.any(TOPICS) if w.chance(0.6) else w.word(), "sport": lambda w: w.any(SPORTS), "expr": arithmetic,
    "ticker": lambda w: w.fresh(lambda: "".join(w.any("ABCDEFGHIJKLMNOPRSTUVWXYZ") for _ in range(w.r.randint(2, 5)))),
    "proper": lambda w: w.any(("", "The ", "Café ", "Hotel ")) + w.pseudo().capitalize(), "branch": lambda w: w.any(("main", "develop", "feature/" + w.pseudo(), "release-" + str(w.r.randint(1, 40)))),
    "host": lambda w: w.pseudo() + w.any(("-", "")) + str(w.r.randint(1, 40)) + w.any(("", ".local", ".example.com")),
    "sql": lambda w: f"SELECT {w.any(('*', w.word(), 'COUNT(*)'))} FROM {w.word()}s" + (f" WHERE id = {w.r.randint(1, 999)}" if w.chance(0.6) else ""),
    "year": lambda w: w.r.randint(1930, 2030), "foreign": lambda w: w.foreign() if w.chance(0.3) else w.pseudo() + " " + w.pseudo(),
    "sky": lambda w: w.any("sunny cloudy rainy windy foggy snowy clear stormy".split()), "coin": lambda w: w.any(("heads", "tails")),
    "sent": lambda w: w.any(("sent", "delivered", "queued")), "created": lambda w: "created", "deleted": lambda w: w.any(("deleted", "removed")),
    "done": lambda w: "done", "shipstate": lambda w: w.any(("shipped", "in transit", "delivered", "waiting", "packed", "delayed")),
    "jobstate": lambda w: w.any(("running", "queued", "finished")), "rating": lambda w: round(w.r.uniform(1, 10), 1),
    "updown": lambda w: w.any(("up", "down", "running", "slow")), "callstate": lambda w: w.any(("connected", "busy", "no answer")),
}
TYPES = {"small": "integer", "temp": "integer", "year": "integer", "decimal": "number", "price": "number", "rating": "number", "bool": "boolean", "list": "array", "numbers": "array"}


class Param:
    def __init__(self, names, kind, about):
        self.names, self.about = names, about
        self.kind, _, choices = kind.partition(":")
        self.choices = choices.split("|") if choices else None
        self.type = TYPES.get(self.kind, "string")

    def value(self, w):
        return w.any(self.choices) if self.choices else KINDS[self.kind](w)


class Capability:
    def __init__(self, verbs, nouns, about, params, requests, result=(), answers=(), key=None):
        self.verbs, self.nouns, self.about, self.params = verbs, nouns, about, params
        self.requests, self.result, self.answers = requests, result, answers
        self.key = f"tool {verbs[0]} {nouns[0]}" if key is None else key or None


def _parse(block):
    parts = {"-": [], "@": [], ">": [], "=": "", "!": []}
    head, *lines = block.strip().split("\n")
    for line in lines:
        mark, text = line[0], line[2:]
        if mark == "@":
            left, about = text.split(" : ")
            names, kind = left.rsplit(" ", 1)
            parts["@"].append(Param(names.split(","), kind, about.split(" / ")))
        elif mark == "=":
            parts["="] = text
        else:
            parts[mark] = text.split(" / ")
    verbs, nouns = head.rsplit(" ", 1)
    result = tuple(tuple(x.strip().split(":", 1)) if not x.startswith("*") else (x,) for x in parts["="].split(","))
    return Capability(verbs.split(","), nouns.split(","), parts["-"], parts["@"], parts[">"], result, parts["!"])


with open(os.path.join(os.path.dirname(__file__), "capabilities.txt"), encoding="utf-8") as f:
    CAPABILITIES = [_parse(b) for b in f.read().split("\n\n")]
BY_NOUN = {c.nouns[0]: c for c in CAPABILITIES}

ACTIONS = [("create,add,new,make", "Creates", "create|add|make"), ("delete,remove,drop,erase", "Deletes", "delete|remove|get rid of"), ("update,change,edit,modify", "Updates", "update|change|edit"),
           ("archive,store,file_away", "Archives", "archive|put away"), ("get,show,fetch,read", "Shows", "show me|get|let me see"), ("approve,accept,confirm", "Approves", "approve|accept|confirm"),
           ("reject,decline,refuse", "Rejects", "reject|decline|refuse"), ("print,print_out", "Prints", "print|print out"), ("copy,duplicate,clone", "Copies", "copy|duplicate"), ("rename,relabel", "Renames", "rename"),
           ("publish,release,post", "Publishes", "publish|release"), ("export,dump", "Exports", "export"), ("import,load,read_in", "Imports", "import|load"), ("share,send,forward", "Shares", "share|forward"),
           ("lock,block,freeze", "Locks", "lock|block"), ("unlock,unblock", "Unlocks", "unlock|unblock"), ("move,shift,transfer", "Moves", "move|shift"), ("start,launch,begin", "Starts", "start|launch"),
           ("stop,halt,end", "Stops", "stop|halt"), ("schedule,plan", "Schedules", "schedule|plan"), ("verify,check,test", "Checks", "check|verify"), ("count,number_of", "Counts", "count"),
           ("restore,recover", "Restores", "restore|bring back"), ("repair,fix,mend", "Repairs", "repair|fix"), ("order,purchase", "Orders", "order|buy")]
OBJECTS = """invoice ticket order playlist booking contract report document customer product category comment review photo album recipe lesson course exam
student teacher patient prescription appointment vehicle tire engine shipment container warehouse shelf coupon voucher license certificate badge device sensor camera printer
router firewall backup database table column dashboard widget workflow template newsletter campaign survey form survey_answer branch release pipeline artifact secret token
garden plant seed tree animal cage aquarium ship harbor crane flight gate seat menu dish kitchen oven fridge elevator meter alarm window door lamp curtain
poem chapter book magazine article podcast episode video channel stream game level player team match tournament trophy ticket_stub membership donation loan mortgage
policy claim refund payment budget expense receipt salary shift roster holiday department office desk locker parcel letter stamp bell drone satellite telescope""".split()
ATTRIBUTES = [("owner,assignee,responsible", "full_name", "Who is responsible./The owner./Name of the person in charge.", "for {}|owned by {}|with owner {}|assigned to {}"),
              ("amount,quantity,count,number", "small", "How many./The amount./Quantity.", "with the amount {}|{} pieces|quantity {}|amount: {}"),
              ("date,day,due", "date", "The date./Day as YYYY-MM-DD./When.", "on {}|for {}|with the date {}|date {}"),
              ("note,comment,remark", "phrase", "A remark./Comment text./An additional note.", 'with the note "{}"|and note "{}"|with the comment "{}"|remark: "{}"'),
              ("priority,urgency,importance", "enum:low|normal|high|urgent", "The priority./How urgent it is.", "with {} priority|priority {}|at {} urgency|as {} priority"),
              ("color,colour,tint", "enum:red|green|blue|yellow|black|white", "The color./Which color.", "in {}|with the color {}|color {}"),
              ("city,location,place", "city", "Where it is./The place./City.", "in {}|located in {}|at the place {}|in the city {}"),
              ("price,cost,value", "price", "The price./What it costs.", "for the price of {}|at a price of {}|price {}|costing {}"),
              ("notify,send_mail,inform", "bool", "Whether to send a notification./True to inform everybody.", "{?and notify everyone|without notifying anyone}|{?and inform people|and inform nobody}|{?with a notification|with no notification}"),
              ("tags,labels,keywords", "list", "Labels./List of tags.", "with the tags {}|tagged {}|labels: {}"), ("email,contact,mail", "email", "E-mail address./Who to contact.", "with the contact {}|contact: {}|mail address {}"),
              ("weight,mass,load", "decimal", "The weight in kg./Mass./Weight.", "weighing {}|with a weight of {}|weight {}"), ("time,at,hour", "time", "The time./When, HH:MM.", "at {}|time: {}|at the time {}")]


def compose(w, action=None, thing=None):
    """A capability put together from an action, an object and up to two attributes."""
    names, third, commands = action or w.part(ACTIONS)
    thing = thing or w.part(OBJECTS)
    said = thing.replace("_", " ")
    identified = w.chance(0.75)
    article = "an" if said[0] in "aeiou" else "a"
    label = "id" if w.chance(0.6) else "name"
    params, fragments = [], []
    if identified:
        options = [thing + "_id", "id", thing + "Id", "number"] if label == "id" else ["name", thing + "_name", "title", thing]
        params.append(Param(options, "ident" if label == "id" else w.any(("title", "word", "proper")), [f"The {label} of the {said}.", f"Which {said}.", f"{label.capitalize()} of the {said}."]))
    for names_, kind, about, ways in w.r.sample(ATTRIBUTES, w.any((0, 0, 1, 1, 2) if identified else (0, 1, 1, 2))):
        params.append(Param(names_.split(","), kind, about.split("/")))
        fragments.append(ways.split("|") if kind != "bool" else ways.split("}|"))
    command = w.any(commands.split("|")) if not (w.held_out and w.unseen) else commands.split("|")[0]  # a synonym never seen cannot be known
    base = f"{command} the {said} {{0}}" if identified else w.any((f"{command} {article} {said}", f"{command} the {said}"))
    for at, ways in enumerate(fragments, 1 if identified else 0):
        way = w.any(ways)
        way = way if "?" not in way else way.rstrip("}") + "}"
        base += " " + way.replace("{?", "{%d?" % at).replace("{}", "{%d}" % at)
    requests = [base[0].upper() + base[1:]] if w.chance(0.5) else [w.pick(LEADS).replace("*", base)]
    if not w.held_out and w.chance(0.75) or w.composed:
        requests = [GRAMMARS.template(w, "action " + names.split(",")[0], w.composed).replace("{thing}", base[len(command) + 1:])]
    about = [f"{third} {article} {said}.", f"{third} the {said} with the given {label}." if identified else f"{third} one {said}.", f"{third} {said}s."]
    return Capability(names.split(","), [thing], about, params, requests, (("status", w.any(("created", "done", "sent"))), ("reference", "ident")),
                      ["Done. The reference is {reference}.", "The reference is {reference}.", "It worked; the reference is {reference}."], key="")


LEADS = ["Please *", "Can you *?", "I need you to *", "Could you *, please?", "Would you *?", "*, please", "Now *", "I want you to *", "Go ahead and *", "Kindly *", "Hey, *", "Let's *",
         "Help me to *", "It's time to *", "You should *"]


def spelled(w, words, style):
    words = [x for part in words for x in re.sub("([a-z])([A-Z])", r"\1_\2", part).lower().split("_") if x]
    if style == "snake":
        return "_".join(words)
    if style == "kebab":
        return "-".join(words)
    if style == "flat":
        return "".join(words)
    joined = "".join(x.capitalize() for x in words)
    return joined if style == "pascal" else joined[0].lower() + joined[1:]


VERBS = {"Gets": "Returns|Fetches|Retrieves|Obtains|Reads|Gives|Provides", "Returns": "Gets|Gives|Delivers|Provides|Fetches", "Lists": "Shows|Returns|Enumerates|Gives", "Shows": "Displays|Returns|Lists|Gives", "Creates": "Makes|Adds|Sets up|Generates",
         "Changes": "Sets|Modifies|Updates|Adjusts|Alters", "Sets": "Changes|Adjusts|Puts", "Sends": "Delivers|Transmits|Dispatches", "Finds": "Searches for|Locates|Looks up|Looks for", "Looks up": "Finds|Gets|Checks", "Adds": "Puts in|Inserts|Appends|Enters",
         "Deletes": "Removes|Erases|Gets rid of", "Starts": "Launches|Begins|Runs|Kicks off", "Books": "Reserves|Arranges", "Reserves": "Books|Arranges", "Converts": "Changes|Transforms|Recalculates", "Cancels": "Stops|Calls off|Withdraws", "Checks": "Verifies|Tests|Looks at",
         "Makes": "Creates|Produces|Prepares", "Calculates": "Computes|Works out|Determines", "Searches": "Looks through|Explores", "Reads": "Opens|Loads|Gets", "Takes": "Makes|Captures", "Updates": "Changes|Modifies|Edits", "Stops": "Halts|Ends", "Repairs": "Fixes|Mends", "Orders": "Buys|Purchases"}


def described(w, text):
    """A tool's description, in training also with another verb of the same meaning."""
    first, rest = text.split(" ", 1)
    if w.held_out or first not in VERBS or w.chance(0.6):
        return text
    other = w.any(VERBS[first].split("|")) + " " + rest
    return other if GRAMMARS.allowed(other, False) else text


class Style:
    """How one conversation writes its tools: naming, key order, required lists."""

    def __init__(self, w):
        self.name = w.any(("snake",) * 5 + ("camel",) * 3 + ("pascal",) * 2 + ("kebab", "flat"))
        self.param = w.any(("snake",) * 4 + ("camel",) * 2)
        self.order = w.any((0, 0, 0, 0, 1, 2))
        self.type_first = w.chance(0.6)
        self.required = w.chance(0.7)
        self.plugin = w.chance(0.2)
        self.closed = w.chance(0.1)
        self.plugin_join = w.any(("_", "_", "-", "__"))


class Tool:
    """A capability under a name, with one set of parameter names."""

    def __init__(self, w, capability, style, strange=False):
        self.capability = capability
        self.description = described(w, w.pick(capability.about))
        verb, noun = w.part(capability.verbs), w.part(capability.nouns)
        kind = w.r.random()
        if strange or kind < 0.07:
            words = [w.pseudo() for _ in range(w.r.randint(1, 2))]
        elif kind < 0.75:
            words = [verb, noun]
        elif kind < 0.85:
            words = [noun, verb]
        else:
            words = [noun] if kind < 0.93 else [verb, noun, w.any(("now", "tool", "info", "data", "by_id", "v2", "service"))]
        self.name = spelled(w, words, style.name)
        if style.plugin:
            self.name = w.any((noun.capitalize().split("_")[0] + "s", noun.capitalize() + "Plugin", w.pseudo().capitalize(), "Home", "Office", "Tools")) + style.plugin_join + spelled(w, words, "snake")
        self.names = []
        for p in capability.params:
            raw = w.pseudo() if (strange and w.chance(0.7)) or w.chance(0.03) else w.part(p.names)
            name = spelled(w, [raw], style.param)
            self.names.append(name if name not in self.names else name + str(len(self.names)))
        self.params = [(n, p, w.pick(p.about)) for n, p in zip(self.names, capability.params)]
        self.schema = self._schema(w, style)

    def _schema(self, w, style):
        properties, bare = {}, w.chance(0.08)
        for name, p, about in self.params:
            kind = {"type": p.type}
            if p.type == "array":
                kind["items"] = {"type": "number" if p.kind == "numbers" else "string"}
            if p.choices:
                kind["enum"] = p.choices
            text = {} if bare else {"description": about}
            properties[name] = kind | text if style.type_first else text | kind
        parameters = {"type": "object", "properties": properties}
        always = [n for i, n in enumerate(self.names) if all("{%d" % i in r for r in self.capability.requests)]
        if style.required and always:
            parameters = parameters | {"required": always} if w.chance(0.7) else {"type": "object", "required": always, "properties": properties}
        if style.closed:
            parameters["additionalProperties"] = False
        parts = [("name", self.name), ("description", self.description), ("parameters", parameters)]
        order = ((0, 1, 2), (1, 0, 2), (0, 2, 1))[style.order]
        return {"type": "function", "function": dict(parts[i] for i in order)}

    def rename(self, name):
        self.name = self.schema["function"]["name"] = name

    def request(self, w):
        """(request text, arguments, values by slot)."""
        text = w.ask(self.capability.requests, self.capability.key)
        values = [p.value(w) for _, p, _ in self.params]
        self.last = values
        used = sorted({int(x) for x in re.findall(r"\{(\d)", text)})
        return fill(w, text, values), {self.names[i]: values[i] for i in used}, values


def spoken(w, value):
    if isinstance(value, list):
        parts = [str(v) for v in value]
        return ", ".join(parts) if len(parts) < 2 or w.chance(0.4) else ", ".join(parts[:-1]) + " and " + parts[-1]
    return str(value)


def fill(w, text, values, named=None):
    def choice(match):
        slot, options = match.group(1), match.group(2)
        value = values[int(slot)] if slot.isdigit() else named[slot]
        if options:
            yes, no = options[1:].split("|")
            return yes if value else no
        return spoken(w, value)
    return re.sub(r"\{(\w+)(\?[^}]*)?\}", choice, text)
