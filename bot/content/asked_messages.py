"""What other hands asked: `asked/<hand>.yml`, first messages of people who saw no phrase.

They teach what a question's own phrases can't: how people talk, what they ask that is never
answered, and so how sure an answer is; docs/understanding.md explains their notation."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.content import articles
from bot.domain.faults import Fault

# what a message gets that no question answers
GETS = ("decision", "unanswered", "other_condition", "not_health", "talk")
MOST_LETTERS = 300  # a longer message is a story, and no phrase of what it asks
FEWEST_LETTERS = 3


@dataclass(frozen=True)
class AskedMessage:
    """A message as somebody wrote it, on the `page` of an article, or anywhere (None).

    `asks`: the questions that answer it, the best first; or, where it is empty, `gets`: one of
    GETS. `hand`: who wrote it."""

    text: str
    page: str | None
    asks: tuple[str, ...]
    gets: str | None
    hand: str

    @property
    def teaches(self) -> bool:
        """Whether it is also a phrase of what it asks: short enough, and words."""
        letters = sum(sign.isalpha() for sign in self.text)
        return len(self.text) <= MOST_LETTERS and letters >= FEWEST_LETTERS


def read_asked_messages(
    folder: str | Path, questions: Collection[str]
) -> tuple[list[AskedMessage], list[Fault]]:
    """The messages in `folder`/asked, but for those about an article that the folder doesn't hold,
    and every fault; `questions`: the names of all questions. What answers a message in an article
    that the folder doesn't hold is left out where another question answers it too."""
    found, faults = list[AskedMessage](), list[Fault]()
    held = {name.partition(".")[0] for name in questions}
    for path in sorted(Path(folder, "asked").glob("*.yml")):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            said = f"can't be read ({error}); save it as UTF-8 text"
            faults.append(Fault(str(path), 1, (), said))
            continue
        rows, wrong = _parse(text, path)
        faults += wrong
        first: dict[tuple[str | None, str], int] = {}  # two hands may well write the same
        for line, row in rows:
            what, form = f"'{row.text[:60]}'", articles.normalise_phrase(row.text)
            before = first.setdefault((row.page, form), line)
            asks = tuple(name for name in row.asks if name.partition(".")[0] in held)
            gone = [name for name in asks or row.asks if name not in questions]
            if row.page and row.page not in held:
                continue
            if gone:
                said = (
                    f"{what} asks {gone[0]}, which is no question; name another, or take the "
                    f"message out"
                )
                faults.append(Fault(str(path), line, (), said))
            elif before != line:
                said = f"{what} stands in line {before} already; take one of them out"
                faults.append(Fault(str(path), line, (), said))
            else:
                found.append(replace(row, asks=asks))
    return found, faults


@functools.lru_cache(maxsize=64)  # editors' pages check all content at every change of one file
def _parse(text: str, path: Path) -> tuple[list[tuple[int, AskedMessage]], list[Fault]]:
    data, lines, faults = articles.read_yaml(text, path)
    if data is None:
        return [], faults
    if set(data) != {"messages"} or not isinstance(data["messages"], list):
        said = "must hold 'messages:' and below it '- says: what was written'"
        return [], [Fault(str(path), 1, (), said)]
    rows = []
    for i, entry in enumerate(data["messages"]):
        line = lines[("messages", i)]
        row = _read_row(entry, path.stem)
        if isinstance(row, str):
            faults.append(Fault(str(path), line, (), row))
        else:
            rows.append((line, row))
    return rows, faults


def _read_row(entry: Any, hand: str) -> AskedMessage | str:
    """The message of an entry, or what is wrong with it."""
    if not isinstance(entry, dict) or not str(entry.get("says") or "").strip():
        return "is no message; begin it with '- says: what was written', in quotes"
    unknown = set(entry) - {"says", "page", "asks", "gets"}
    if unknown:
        return f"'{unknown.pop()}' is not understood; a message has says, page, asks or gets"
    page = entry.get("page")
    if page is not None and not isinstance(page, str):
        return "'page' must be the article on whose page it was written, as in dystonia"
    asks = entry.get("asks") or []
    asks = [asks] if isinstance(asks, str) else asks
    if not isinstance(asks, list) or not all(isinstance(name, str) for name in asks):
        return "'asks' must be a question's name, as in dystonia.causes, or a list of them"
    gets = entry.get("gets")
    if bool(asks) == (gets is not None) or gets not in (None, *GETS):
        return f"write either 'asks: a question' or 'gets:' one of {', '.join(GETS)}"
    return AskedMessage(" ".join(str(entry["says"]).split()), page, tuple(asks), gets, hand)
