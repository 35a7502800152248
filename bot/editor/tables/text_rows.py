"""The fixed texts as rows of a table: where visitors read it, its name, its words. A row is changed
and never added or taken out: the program says each of them."""

import re
import textwrap
from collections.abc import Collection, Mapping
from typing import Any

from bot.content import articles, fixed_texts
from bot.editor.shared import article_document

Cells = tuple[str, str, str]
Key = tuple[str, ...]
WIDTH = 118  # of a line of the file


def read_entries(data: Mapping[str, Any]) -> dict[Key, list[str]]:
    """{keys in the file: its text, alone in a list}, without the blanks around it."""
    return {keys: [text] for keys, text in fixed_texts.list_texts(data)}


def write_row(path: Key, text: str) -> Cells:
    """The row of a text; one of several has both names, as `read_as.whole`."""
    return fixed_texts.find_place(path[0]), ".".join(path), text


def find_fault(place: str, name: str, text: str, now: Collection[Key]) -> tuple[str, str] | None:
    """(cell, what is wrong with it) of a row, as a sentence; `now`: the keys of the texts that
    there are. The place is only shown."""
    if now and tuple(name.split(".")) not in now:
        return "second", f'there is no text named "{name}"; leave the names as they are'
    return None if text else ("third", f"“{name}” is empty; write what visitors are to read")


def find_missing(now: Collection[Key], wanted: Collection[Key]) -> list[str]:
    """A sentence on each text that is gone."""
    return [
        f"the text {'.'.join(path)} is missing; visitors read it"
        for path in now
        if path not in wanted
    ]


def write_lines(path: Key, text: str, indent: int) -> list[str]:
    """The lines of a text in its file: what is long is broken into lines, what has lines keeps
    them."""
    margin, name = " " * indent, path[-1]
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):  # no block can hold every sign
        written = article_document.write_yaml({name: text}).splitlines(keepends=True)
        return [f"{margin}{line}" for line in written]
    if len(lines) > 1:
        return [f"{margin}{name}: |-\n", *(f"{margin}  {line}".rstrip() + "\n" for line in lines)]
    short = f"{margin}{article_document.write_yaml({name: text})}"
    if len(short) <= WIDTH:
        return [short]
    broken = textwrap.wrap(
        re.sub(" +", " ", text),
        WIDTH - indent - 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f"{margin}{name}: >-\n", *(f"{margin}  {line}\n" for line in broken)]


def read_hints(text: str) -> dict[str, tuple[str, str]]:
    """{a row's name: (when visitors read it, as the file's comment says; an example of how they
    do)} of a file's text; the example is "" where nothing is filled in."""
    data, _, faults = articles.read_yaml(text, fixed_texts.FILE)
    if data is None:
        raise articles.ContentError(faults)
    comments, found = fixed_texts.read_comments(text), {}
    for keys, said in fixed_texts.list_texts(data):
        example = fixed_texts.fill_example(keys[0], said)
        found[".".join(keys)] = comments.get(keys[0], ""), example if example != said else ""
    return found
