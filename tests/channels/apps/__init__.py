"""The messaging apps as their platforms are: how each calls us, and what it takes from us.

Each module has: NAME; settings(url) that let the service talk to its stand-in; write(person, text,
id) and press(person, sent, title), each the (headers, body) of a call; take(platform, request),
what the platform does with a call of ours; and odd(person), calls that are no question, each with
what its visitor gets: a part of a text, or None."""

import dataclasses
import itertools

PUBLIC = "https://chat.example.org"
ids = itertools.count(1_000_000)


@dataclasses.dataclass
class Call:
    """A call of a platform to us."""

    headers: dict
    body: bytes
    query: str = ""


def button_of(sent, title):
    """The code of the button with this title."""
    return next(code for name, code in sent.buttons if name == title)
