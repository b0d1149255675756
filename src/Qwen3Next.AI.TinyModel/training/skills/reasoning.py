"""Small problems that are worked out step by step."""
from .comparing import comparing
from .words import DAYS, MONTHS, NOUNS

LENGTHS = dict(zip(MONTHS, (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)))
ADD = ["What is {a} + {b}?", "{a} + {b} = ?", "How much is {a} plus {b}?", "Add {a} and {b}.", "Calculate {a} + {b}", "What do you get if you add {a} and {b}?", "{a} plus {b}?", "Please add {b} to {a}.",
       "What is the sum of {a} and {b}?", "Sum up {a} and {b}.", "Work out {a} + {b}.", "Can you compute {a} + {b}?", "{a}+{b}", "what's {a} + {b}", "Tell me what {a} and {b} make together."]
SUBTRACT = ["What is {a} - {b}?", "{a} - {b} = ?", "How much is {a} minus {b}?", "Subtract {b} from {a}.", "Calculate {a} - {b}", "Take {b} away from {a}.", "{a} minus {b}?", "What is the difference of {a} and {b}?",
            "Work out {a} - {b}.", "What remains if you take {b} from {a}?", "{a}-{b}", "what's {a} - {b}"]
ADD_STORIES = ["{p} has {a} {n}s and gets {b} more. How many {n}s does {p} have now?", "There are {a} {n}s in one box and {b} in another. How many are there in all?", "I had {a} {n}s and bought {b} more. How many do I have?",
               "{p} counts {a} {n}s, then {b} further {n}s. How many is that together?", "A shop sold {a} {n}s on Monday and {b} on Tuesday. How many in total?"]
SUB_STORIES = ["{p} has {a} {n}s and gives away {b}. How many are left?", "There were {a} {n}s, but {b} are gone. How many remain?", "I had {a} {n}s and lost {b}. How many do I still have?",
               "Of {a} {n}s, {b} were sold. How many are still there?", "{p} had {a} {n}s and used {b} of them. How many does {p} have now?"]
COMPARE = ["Which is larger, {a} or {b}?", "Is {a} or {b} larger?", "Which number is bigger: {a} or {b}?", "What is the larger number, {a} or {b}?", "Tell me the bigger of {a} and {b}.", "Compare {a} and {b}. Which is larger?", "{a} or {b}: which one is greater?"]
SMALLER = ["Which is smaller, {a} or {b}?", "Is {a} or {b} smaller?", "Which number is less: {a} or {b}?", "What is the smaller number, {a} or {b}?", "Tell me the smaller of {a} and {b}.", "Which of {a} and {b} is the lower number?"]
COUNT_LETTERS = ['How many times does the letter "{l}" occur in "{w}"?', 'How many {l}\'s are in the word {w}?', 'Count the letter {l} in "{w}".', 'How often is there a {l} in {w}?', 'How many "{l}" are in "{w}"?', 'In the word {w}, how many {l} are there?']
WORD_LENGTH = ['How many letters has the word "{w}"?', "How long is the word {w}?", 'Count the letters of "{w}".', "How many letters are in {w}?", 'What is the number of letters in "{w}"?', 'Tell me the number of letters of "{w}".', "Count how many letters {w} has.", "How many characters does the word {w} have?", 'The length of the word "{w}"?', "The word {w} has how many letters?"]
COUNT_ITEMS = ["How many things are in this list: {x}?", "Count the items: {x}", "How many items are there? {x}", "I have {x}. How many things is that?", "How many elements has the list {x}?", "Count these: {x}"]
COUNT_SAME = ["How many times is {y} in this list: {x}?", "How often does {y} occur in {x}?", "Count {y} in: {x}", "In the list {x}, how many times is {y} there?", "How many {y} are there in {x}?", "Tell me how often {y} stands in {x}."]
SORT_UP = ["Sort these numbers: {x}", "Sort {x} from small to large.", "Put {x} in ascending order.", "Order the numbers {x}.", "Arrange {x} from the smallest to the largest.", "Bring {x} into ascending order.", "Sort ascending: {x}", "Sort {x}, the smallest first.", "Write {x} from the lowest to the highest.", "Sort {x} so that the smallest number comes first.", "List {x} with the smallest first and the largest last.", "Sort the list {x}", "Sort from the smallest to the largest: {x}", "Order {x} from low to high.", "Put the numbers {x} in order."]
SORT_DOWN = ["Sort {x} from large to small.", "Put {x} in descending order.", "Sort descending: {x}", "Order {x}, the largest first.", "Arrange {x} from the largest to the smallest.", "Sort these numbers, biggest first: {x}", "Sort from the largest to the smallest: {x}", "Write {x} from the highest to the lowest.", "Sort {x} so that the largest number comes first.", "List {x} with the largest first and the smallest last.", "Order {x} from high to low.", "Sort in descending order: {x}"]
DAY_AFTER = ["What day is {n} days after {d}?", "Today is {d}. What day is it in {n} days?", "Which day comes {n} days after {d}?", "If today is {d}, which day is it {n} days later?", "It is {d}. Which day of the week is it in {n} days?", "{n} days after {d}, what day is that?"]
DAY_BEFORE = ["What day is {n} days before {d}?", "Today is {d}. What day was it {n} days ago?", "Which day comes {n} days before {d}?", "If today is {d}, which day was {n} days earlier?", "It is {d}. Which day of the week was {n} days ago?"]
NEXT_DAY = ["What day comes after {d}?", "Which day follows {d}?", "What is the day after {d}?", "Today is {d}. What is tomorrow?", "If it is {d} today, what day is tomorrow?", "Name the day after {d}."]
DATE_AFTER = ["What date is {n} days after {m} {x}?", "Today is {m} {x}. What is the date in {n} days?", "Which date is {n} days after {m} {x}?", "It is {m} {x}. What will the date be in {n} days?", "Add {n} days to {m} {x}.", "Count {n} days on from {m} {x}. Which date is it?", "What is the date {n} days after {m} {x}?", "Start at {m} {x} and go {n} days on. Which date is that?", "If today is {m} {x}, what is the date {n} days later?"]
BETWEEN = ["How many days are there from {m} {a} to {m} {b}?", "How many days lie between {m} {a} and {m} {b}?", "From {m} {a} until {m} {b}, how many days is that?", "Count the days from {m} {a} to {m} {b}.", "It is {m} {a}. How many days until {m} {b}?", "How many days from {m} {a} until {m} {b}?", "How long is it from {m} {a} to {m} {b}, in days?", "What is the number of days between {m} {a} and {m} {b}?"]


def number(w):
    return w.r.choice((w.r.randint(0, 20), w.r.randint(10, 99), w.r.randint(10, 999), w.r.randint(100, 999)))


def add_steps(a, b):
    x, y, carry, lines, digits = str(a)[::-1], str(b)[::-1], 0, [], ""
    for i in range(max(len(x), len(y))):
        p, q = int(x[i]) if i < len(x) else 0, int(y[i]) if i < len(y) else 0
        total = p + q + carry
        lines.append(f"{p} + {q}" + (" + 1" if carry else "") + f" = {total}, write {total % 10}" + (", carry 1" if total > 9 else ""))
        digits, carry = str(total % 10) + digits, total // 10
    if carry:
        lines.append("write 1")
        digits = "1" + digits
    return lines, digits


def subtract_steps(a, b):
    x, y, borrow, lines, digits = str(a)[::-1], str(b)[::-1], 0, [], ""
    for i in range(len(x)):
        p, q = int(x[i]), (int(y[i]) if i < len(y) else 0)
        less = p - q - borrow
        lines.append(f"{p} - {q}" + (" - 1" if borrow else "") + (f" = {less}, write {less}" if less >= 0 else f" = {less}, borrow: write {less + 10}"))
        digits, borrow = str(less % 10) + digits, int(less < 0)
    return lines, digits


def spaced(n):
    return " ".join(str(n))


def arithmetic(w):
    a, b = w.fresh(lambda: (number(w), number(w)))
    story, minus = w.chance(0.25), w.chance(0.5)
    if minus:
        a, b = max(a, b), min(a, b)
        lines, digits = subtract_steps(a, b)
        answer, sign = a - b, "-"
    else:
        lines, digits = add_steps(a, b)
        answer, sign = a + b, "+"
    options = (SUB_STORIES if minus else ADD_STORIES) if story else (SUBTRACT if minus else ADD)
    question = w.ask(options, ("subtract" if minus else "add") + (" story" if story else "")).format(a=a, b=b, p=w.first(), n=w.any(NOUNS))
    thought = f"{a} {sign} {b}. Digits: {spaced(a)} and {spaced(b)}, from the right.\n" + "\n".join(lines) + f"\nThat gives {spaced(digits)}" + (f", so {answer}." if digits != str(answer) else f". {answer}.")
    return question, thought, w.any((f"{a} {sign} {b} = {answer}", f"The result is {answer}.", f"It is {answer}.")) if not story else f"{answer}", [str(answer)]


def compare(w):
    a, b = w.fresh(lambda: (w.integer(1, 99999), w.integer(1, 99999)))
    if w.chance(0.6):
        b = w.r.randint(max(1, a // 2), a * 2)
    if w.chance(0.3):
        text = str(a)
        at = w.r.randrange(len(text))
        b = int(text[:at] + str(w.r.randint(1, 9)) + text[at + 1:])
    if a == b:
        b += 1
    larger = w.chance(0.6)
    x, y = str(a), str(b)
    question = w.ask(*((COMPARE, "larger") if larger else (SMALLER, "smaller"))).format(a=a, b=b)
    thought = f"{spaced(a)} has {len(x)} digits, {spaced(b)} has {len(y)} digits. "
    big = max(a, b)
    if len(x) == len(y):
        place = next(i for i in range(len(x)) if x[i] != y[i])
        thought += "".join(f"{x[i]} and {y[i]} are equal, " for i in range(place)) + f"{max(x[place], y[place])} is more than {min(x[place], y[place])}. "
    answer = big if larger else min(a, b)
    return question, thought + f"{big} is larger than {min(a, b)}.", f"{answer} is {'larger' if larger else 'smaller'}.", [f"{answer} is"]


def counting(w):
    kind = w.r.randrange(4)
    if kind < 2:
        word = w.fresh(lambda: w.any(NOUNS) if w.chance(0.5) else w.syllables(w.r.choice((2, 3))))
        if kind == 0:
            lines = ", ".join(f"{c} {i}" for i, c in enumerate(word, 1))
            return w.ask(WORD_LENGTH, "word length").format(w=word), lines + ".", f'The word "{word}" has {len(word)} letters.', [f"{len(word)} letters"]
        letter, seen, lines = w.any(word), 0, []
        for c in word:
            seen += c == letter
            lines.append(f"{c} yes {seen}" if c == letter else c)
        return w.ask(COUNT_LETTERS, "count letter").format(l=letter, w=word), ", ".join(lines) + ".", f"There {'is' if seen == 1 else 'are'} {seen}.", [f" {seen}."]
    items = [w.any(NOUNS) for _ in range(w.r.randint(2, 10))]
    if kind == 2:
        return w.ask(COUNT_ITEMS, "count items").format(x=", ".join(items)), ", ".join(f"{c} {i}" for i, c in enumerate(items, 1)) + ".", f"There are {len(items)}.", [f" {len(items)}."]
    wanted = w.any(items)
    items = [wanted if w.chance(0.3) else x for x in items]
    items[w.r.randrange(len(items))] = wanted
    seen, lines = 0, []
    for x in items:
        seen += x == wanted
        lines.append(f"{x} yes {seen}" if x == wanted else x)
    return w.ask(COUNT_SAME, "count same").format(x=", ".join(items), y=wanted), ", ".join(lines) + ".", f"There {'is' if seen == 1 else 'are'} {seen}.", [f" {seen}."]


def sorting(w):
    items, down = w.fresh(lambda: [w.integer(0, w.any((20, 100, 1000))) for _ in range(w.r.randint(3, 6))]), w.chance(0.35)
    left, lines, order = list(items), [], sorted(items, reverse=down)
    for x in order[:-1]:
        lines.append(f"{', '.join(map(str, left))}: the {'largest' if down else 'smallest'} is {x}")
        left.remove(x)
    lines.append(f"{left[0]} is left")
    given = (", " if w.chance(0.8) else " ").join(map(str, items))
    result = ", ".join(map(str, order))
    return w.ask(*((SORT_DOWN, "sort down") if down else (SORT_UP, "sort up"))).format(x=given), "\n".join(lines), result, [result]


def days(w):
    kind = w.r.randrange(5)
    if kind < 2:
        day, n, back = w.any(DAYS), w.r.randint(1, 12), kind == 1 and w.chance(0.7)
        at, lines = DAYS.index(day), []
        for i in range(1, n + 1):
            at = (at + (-1 if back else 1)) % 7
            lines.append(f"{i} {DAYS[at]}")
        return w.ask(*((DAY_BEFORE, "day before") if back else (DAY_AFTER, "day after"))).format(n=n, d=day), f"Start at {day}. " + ", ".join(lines) + ".", f"It is {DAYS[at]}." if not back else f"It was {DAYS[at]}.", [DAYS[at] + "."]
    if kind == 2:
        day = w.any(DAYS)
        after = DAYS[(DAYS.index(day) + 1) % 7]
        return w.ask(NEXT_DAY, "next day").format(d=day), f"After {day} comes {after}.", f"{after}.", [after]
    month = w.any(MONTHS)
    if kind == 3:
        x, n = w.fresh(lambda: (w.r.randint(1, 28), w.r.randint(1, 25)))
        total, length = x + n, LENGTHS[month]
        thought = f"{x} + {n} = {total}. {month} has {length} days. "
        if total > length:
            after = MONTHS[(MONTHS.index(month) + 1) % 12]
            thought += f"{total} is more than {length}, so {total} - {length} = {total - length} in {after}."
            answer = f"{after} {total - length}"
        else:
            thought += f"{total} is not more than {length}."
            answer = f"{month} {total}"
        return w.ask(DATE_AFTER, "date after").format(n=n, m=month, x=x), thought, f"It is {answer}.", [answer + "."]
    a = w.r.randint(1, 20)
    b = w.r.randint(a + 1, 28)
    return w.ask(BETWEEN, "between").format(m=month, a=a, b=b), f"{b} - {a} = {b - a}.", f"There are {b - a} days.", [f" {b - a} days"]


def reasoning(w):
    make = w.any((arithmetic, arithmetic, arithmetic, compare, counting, counting, sorting, days, days) if w.held_out else (arithmetic, arithmetic, arithmetic, arithmetic, compare, compare, comparing, counting, counting, counting, sorting, days, days))
    question, thought, answer, must = make(w)
    return dict(user=w.framed(question) if make not in (sorting,) else question, turns=[{"role": "assistant", "content": answer, "reasoning_content": thought}],
                check={"kind": "contains", "all": must, "thinks": True, "topic": make.__name__})
