"""Answers as JSON of a requested flat schema."""
import json

from render import dumps

from . import toolbox as T
from .passages import COLORS, JOBS
from .words import NOUNS

# field: (type, maker, ways to say it in a text; {v} the value)
FIELDS = {
    "name": ("string", lambda w: w.person(), ["the name is {v}", "it is called {v}", "name: {v}"]), "age": ("integer", lambda w: w.r.randint(1, 99), ["aged {v}", "{v} years old", "age {v}"]),
    "city": ("string", lambda w: w.city(), ["from {v}", "in {v}", "the city is {v}"]), "price": ("number", lambda w: w.price(), ["for {v} euros", "it costs {v}", "the price is {v}"]),
    "color": ("string", lambda w: w.any(COLORS), ["the color is {v}", "in {v}", "painted {v}"]), "job": ("string", lambda w: w.any(JOBS), ["works as a {v}", "the job is {v}", "a {v} by trade"]),
    "email": ("string", lambda w: w.email(), ["email {v}", "reachable at {v}", "the mail address is {v}"]), "date": ("string", lambda w: w.date(), ["on {v}", "the date is {v}", "dated {v}"]),
    "quantity": ("integer", lambda w: w.integer(1, 500), ["{v} pieces", "the quantity is {v}", "{v} of them"]), "active": ("boolean", lambda w: w.chance(0.5), ["{?active|not active}", "it is {?active|not active}"]),
    "in_stock": ("boolean", lambda w: w.chance(0.5), ["{?in stock|not in stock}", "it is {?in stock|not in stock}"]), "married": ("boolean", lambda w: w.chance(0.5), ["{?married|not married}"]),
    "tags": ("array", lambda w: w.list_of_words(), ["tags: {v}", "tagged with {v}", "the tags are {v}"]), "hobbies": ("array", lambda w: [w.any(T.SPORTS) if w.chance(0.6) else w.word() for _ in range(w.r.randint(1, 3))], ["the hobbies are {v}", "likes {v}"]),
    "size": ("enum:small|medium|large", None, ["of {v} size", "the size is {v}", "size {v}"]), "priority": ("enum:low|normal|high", None, ["with {v} priority", "the priority is {v}"]),
    "status": ("enum:open|closed|pending", None, ["the status is {v}", "status: {v}"]), "weight": ("number", lambda w: w.decimal(), ["weighing {v} kg", "the weight is {v}", "{v} kg heavy"]),
    "id": ("string", lambda w: w.ident(), ["with the id {v}", "id {v}", "the id is {v}"]), "phone": ("string", lambda w: w.phone(), ["phone {v}", "the phone number is {v}"]),
    "country": ("string", lambda w: w.pseudo().capitalize() + w.any(("ia", "land", "stan", "")), ["the country is {v}", "country: {v}"]), "title": ("string", lambda w: w.title(), ['the title is "{v}"', 'titled "{v}"']),
    "year": ("integer", lambda w: w.r.randint(1900, 2035), ["from the year {v}", "the year is {v}", "year {v}"]), "rating": ("number", lambda w: round(w.r.uniform(0, 10), 1), ["rated {v}", "the rating is {v}"]),
    "material": ("string", lambda w: w.any("wood steel glass paper plastic cotton".split()), ["made of {v}", "the material is {v}"]), "language": ("string", lambda w: w.any(T.LANGUAGES), ["the language is {v}", "in {v}"]),
    "author": ("string", lambda w: w.full_name(), ["by {v}", "the author is {v}"]), "time": ("string", lambda w: w.time(), ["at {v}", "the time is {v}"]),
    "animal": ("string", lambda w: w.any("dog cat horse parrot rabbit turtle goat".split()), ["the animal is a {v}", "it is a {v}"]), "score": ("integer", lambda w: w.r.randint(0, 100), ["the score is {v}", "{v} points"]),
}
TASKS = ["Extract the data from this text as JSON: {t}", "Turn this into JSON: {t}", "{t}\n\nGive me that as JSON.", "Read the text and answer in JSON. Text: {t}", "Convert the following to a JSON object. {t}", "Here is a text: {t} Return the data as JSON.",
         "I need this as JSON: {t}", "Fill the JSON from this text: {t}", "Text: {t}\nOutput JSON.", "Make a JSON object from: {t}", "Parse this: {t}", "{t}\nWrite it as JSON, please."]
INVENT = ["Make up a {n} as JSON.", "Invent a {n} and describe it as JSON.", "Give me an example {n} in JSON.", "Write a JSON object about a {n}.", "Describe a {n} in JSON.", "I need a sample {n} as JSON.", "Create JSON test data for a {n}."]
SCHEMA = ["Respond with a JSON value conforming to the following schema:\n```\n{s}\n```", "Answer with JSON that follows this schema:\n```json\n{s}\n```", "The JSON schema is: {s}", "Your answer must be JSON of this schema: {s}", "Use this JSON schema for the answer:\n{s}",
          "Only reply with a JSON object that matches the schema below.\n{s}", "Schema:\n```json\n{s}\n```\nReply with JSON only."]
PLAIN = ["Use the keys {k}.", "The keys are {k}.", "With the fields {k}.", "The object has these keys: {k}.", "Keys: {k}.", "It must have the keys {k} and nothing else.", "Only the fields {k}."]
ASIDES = ["as far as I know", "which we checked twice", "that is what the form says", "seen last week", "nothing else is known", "we were told by phone", "please handle with care", "the rest is unclear", "more will follow", "that took a while to find out", "it arrived in the morning", "my colleague wrote this"]
LEADS = ["{x}", "A record: {x}", "This is about something {x}", "We have one entry, {x}", "Customer data: {x}", "The details: {x}", "A new item, {x}", "Note: {x}"]


# other names that a request may give to a field
RENAMED = {"name": "full_name label called customer_name", "age": "years age_in_years how_old", "city": "town place location home_town", "price": "cost price_eur total", "color": "colour paint tint", "job": "occupation profession role work",
           "email": "mail e_mail contact email_address", "date": "day when due_date on_date", "quantity": "count amount pieces", "active": "is_active enabled", "in_stock": "available is_available", "married": "is_married", "tags": "labels keywords",
           "hobbies": "interests likes activities", "size": "format dimension", "priority": "urgency importance level", "status": "state condition", "weight": "mass weight_kg kilograms", "id": "identifier code number reference", "phone": "telephone phone_number tel",
           "country": "nation land", "title": "heading caption headline", "year": "published_in model_year", "rating": "stars mark grade", "material": "made_of substance", "language": "spoken_language lang tongue", "author": "writer written_by creator",
           "time": "hour start_time clock_time", "animal": "pet species", "score": "points result"}


def spelled_keys(w, types, typed):
    """The keys of a plain request, as people list them."""
    if w.held_out or w.chance(0.3):
        return ", ".join(f"{k} ({spoken_type(t)})" if typed or isinstance(t, list) else k for k, t in types.items())
    way, mark = w.any(("{k} ({t})", "{k}: {t}", "{k} as {t}", "{k} [{t}]", "{k} = {t}", "{t} {k}")), w.any(("", "", "", '"', "`"))
    parts = [way.format(k=mark + k + mark, t=spoken_type(t)) if typed or isinstance(t, list) else mark + k + mark for k, t in types.items()]
    if w.chance(0.15):
        return "\n" + "\n".join("- " + p for p in parts) + "\n"
    return "; ".join(parts) if w.chance(0.1) else " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 and w.chance(0.4) else ", ".join(parts)


def key_names(w, keys):
    """What the answer shall call its fields."""
    old = {k: k if w.chance(0.8) else w.any((k.title().replace("_", ""), k + "_value", "the_" + k, w.pseudo() + "_" + k)) for k in keys}
    if w.held_out or w.chance(0.6):
        return old
    names = {k: w.any(RENAMED[k].split()) if w.chance(0.5) else old[k] for k in keys}
    return names if len(set(names.values())) == len(keys) else old


def field(w, key):
    kind, make, ways = FIELDS[key]
    choices = kind[5:].split("|") if kind.startswith("enum:") else None
    value = w.any(choices) if choices else make(w)
    shown = {"type": "string" if choices else kind}
    if choices:
        shown["enum"] = choices
    if kind == "array":
        shown["items"] = {"type": "string"}
    text = w.any(ways)
    text = T.fill(w, text.replace("{?", "{v?").replace("}|", "}|"), [], {"v": value})
    return value, shown, text


def structured(w):
    keys = w.r.sample(list(FIELDS), w.any((1, 2, 2, 3, 3, 4, 5, 6)))
    values, schema, said = {}, {}, []
    names = key_names(w, keys)
    for k in keys:
        values[names[k]], schema[names[k]], text = field(w, k)
        said.append(text)
    extract = w.chance(0.75)
    if extract:
        if w.chance(0.25):  # a detail that nobody asked for
            other = w.any([k for k in FIELDS if k not in keys])
            said.append(field(w, other)[2])
        if not w.held_out and w.chance(0.35):
            said += [w.any(ASIDES) for _ in range(w.r.randint(1, 2))]
        text = w.any(LEADS).replace("{x}", ", ".join(w.r.sample(said, len(said)))) + "."
        task = w.ask(TASKS, "json task").replace("{t}", text[0].upper() + text[1:])
    else:
        task = w.ask(INVENT, "json invent").replace("{n}", w.any(("person", "product", "book", "customer", "ticket", "movie", "task", "animal")))
    types = {k: s.get("enum") or s["type"] for k, s in schema.items()}
    if w.chance(0.55):
        whole = {"type": "object", "properties": schema}
        if w.chance(0.7):
            whole["required"] = list(schema)
        if w.chance(0.4):
            whole["additionalProperties"] = False
        if w.chance(0.15):
            whole = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | whole
        ask = w.ask(SCHEMA, "json schema").replace("{s}", dumps(whole) if w.chance(0.6) else pretty(whole))
    else:
        typed = w.chance(0.6) or not extract
        ask = w.ask(PLAIN, "json keys").replace("{k}", spelled_keys(w, types, typed))
    check = {"kind": "json", "types": types, "values": values if extract else None}
    thought = "The user wants a JSON object with " + ", ".join(f"{k} ({spoken_type(t)})" for k, t in types.items()) + "."
    answer = {"role": "assistant", "content": dumps(values), "reasoning_content": thought}
    if w.chance(0.2):
        return dict(system=ask, user=task, turns=[answer], check=check)
    order = task + w.any(("\n\n", "\n", " ")) + ask if w.chance(0.75) else ask + w.any(("\n\n", "\n")) + task
    return dict(user=order, turns=[answer], check=check)


def pretty(value):
    return json.dumps(value, ensure_ascii=False, indent=2)


def spoken_type(t):
    return "one of " + "/".join(t) if isinstance(t, list) else t if t != "array" else "array of strings"
