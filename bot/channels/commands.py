"""What a few words, a quote or a button of a messaging app mean: to stop, to start, a number, the
words of a button that isn't ours. Pure functions over texts."""

import re
from typing import TypedDict

from bot.language.normal_form import make_normal_form

STOP = frozenset({"stop", "stop all", "stopall", "unsubscribe", "opt out", "optout"})
START = frozenset({"start", "restart", "unstop"})
OPT_IN = START | {"yes", "resume", "go on", "continue"}  # after a "stop"
# words around a command that change nothing of it
AROUND = frozenset(
    "please pls plz thanks thank you thx ty ok okay now again hi hello bot pamphlet it this that "
    "the chat me us all sending texting messaging message messages texts".split()
)
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "one first",
            "two second",
            "three third",
            "four fourth",
            "five fifth",
            "six sixth",
            "seven seventh",
            "eight eighth",
            "nine ninth",
            "ten tenth",
        ),
        1,
    )
    for word in words.split()
}
DIGITS = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?")
# words around a number that is chosen
AROUND_NUMBER = AROUND | frozenset(
    "reply option number no nr choice choose answer question".split()
)
OFFER = re.compile(r"\W*reply\s+(\w+)\s+for\b", re.IGNORECASE)  # the offer itself, copied
OURS = re.compile(r"[0-9a-f]{32}\.(?:[0-9]{1,3}|[ynm]|r[0-9]{1,2})")  # the code of a button of ours
GREETS = re.compile(r"\W*(?:get[\W_]*started|start|welcome|begin)(?:[\W_]*payload)?\W*", re.I)


class Words(TypedDict, total=False):
    """What a visitor said, as fields of a base.Message: a button of ours, or a text."""

    code: str
    text: str | None


def read_command(text: str) -> str:
    """The words of a text without punctuation, and without those around a command: "stop" of
    "/STOP, thank you"."""
    words = WORD.findall(make_normal_form(text).lower())
    if " ".join(words) in STOP | OPT_IN:
        return " ".join(words)
    return " ".join(word for word in words if word not in AROUND)


def read_number(text: str) -> int | None:
    """The number that a text chooses, as "two", "#2", "2nd", "the second one" or "Reply 2"; None
    where it says more."""
    text = make_normal_form(text)
    copied = OFFER.match(text)
    words = [copied[1].lower()] if copied else WORD.findall(text.lower())
    left = [word for word in words if word not in AROUND_NUMBER]
    if len(left) == 2 and left[1] in ("one", "option"):
        left.pop()
    if len(left) != 1:
        return None
    digits = DIGITS.fullmatch(left[0])
    return int(digits[1]) if digits else NUMBERS.get(left[0])


def drop_quotes(text: str) -> str:
    """A text without the lines that quote another ("> ..."), where something is left of it."""
    left = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    return left.strip() or text.strip()


def read_button(code: str, title: str | None = None) -> Words:
    """{code} of a button of ours; {text} of any other: of a page's first one, to start; of an
    icebreaker or another sender's, its title, or a greeting."""
    title = title or ""
    if OURS.fullmatch(code):
        return {"code": code}
    if GREETS.fullmatch(code) or GREETS.fullmatch(title):
        return {"text": "start"}
    return {"text": title if title.strip() else "hello"}
