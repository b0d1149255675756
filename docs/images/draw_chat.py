"""Draws docs/images/chat.svg: a real conversation of the tool in a pseudo-terminal.

usage: draw_chat.py COMMAND...      for example: draw_chat.py dotnet qwen3next.dll chat --temperature 0
"""
import html, os, pty, re, select, subprocess, sys, time
from pathlib import Path

QUESTIONS = ["Who are you?", "What is 37 * 12?", "Thank you!"]
WIDTH, LINE, CHARACTER, MARGIN = 100, 19, 8.43, 16


def converse(command):
    master, slave = pty.openpty()
    environment = dict(os.environ, TERM="xterm", COLUMNS=str(WIDTH), LINES="40")
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env=environment, close_fds=True)
    os.close(slave)
    text = ""

    def read_until(end, seconds=120):
        nonlocal text
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    text += os.read(master, 65536).decode("utf-8", "replace")
                except OSError:
                    return
            elif plain(text).endswith(end):
                return
        raise TimeoutError(f"no {end!r} within {seconds} s: {plain(text)[-200:]!r}")

    for question in QUESTIONS:
        read_until("> ")
        os.write(master, question.encode() + b"\n")
        time.sleep(0.5)
    read_until("> ")
    os.write(master, b"/exit\n")
    process.wait(30)
    return text


def plain(text):
    """Without escape sequences other than dim on (\\x01) and off (\\x02)."""
    text = text.replace("\x1b[2m", "\x01").replace("\x1b[22m", "\x02").replace("\r", "")
    return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>]|\].*?\x07)", "", text)


def lines(text):
    """Lines of (text, dim) pieces, wrapped at the width."""
    result, line, column, dim = [], [], 0, False
    for character in plain(text):
        if character in "\x01\x02":
            dim = character == "\x01"
        elif character == "\n" or column == WIDTH:
            result.append(line)
            line, column = [], 0
            if character != "\n":
                line, column = [(character, dim)], 1
        else:
            line.append((character, dim))
            column += 1
    return result


def draw(rows):
    height = 2 * MARGIN + 14 + LINE * len(rows)
    width = int(2 * MARGIN + CHARACTER * WIDTH)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14">',
        f'<rect width="{width}" height="{height}" rx="10" fill="#1c1b3a"/>',
    ]
    for number, row in enumerate(rows):
        y = MARGIN + 14 + LINE * number
        spans, at = [], 0
        while at < len(row):
            end = at
            while end < len(row) and row[end][1] == row[at][1]:
                end += 1
            text = html.escape("".join(character for character, _ in row[at:end]))
            color = "#8a8ab0" if row[at][1] else "#e8e8f4"
            spans.append(f'<tspan x="{MARGIN + CHARACTER * at:.1f}" fill="{color}">{text}</tspan>')
            at = end
        if spans:
            parts.append(f'<text y="{y}" xml:space="preserve">{"".join(spans)}</text>')
    return "\n".join(parts) + "\n</svg>\n"


rows = lines(converse(sys.argv[1:]))
while rows and not "".join(character for character, _ in rows[0]).strip():
    rows.pop(0)
rows = [row for row in rows if "".join(character for character, _ in row).strip() != "> /exit"]
Path(__file__).with_name("chat.svg").write_text(draw(rows))
