"""The telephone lines of each country, as `emergency_numbers.yml` holds them, and as a visitor
reads them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain import countries
from bot.domain.faults import Fault, Locate
from bot.domain.web_addresses import is_web_address, say_address_fault

# what a country has lines for -> what is said of it beside a line's own name
LINES = {
    "emergency": "",
    "deaf": "for deaf people",
    "poison": "poison advice",
    "crisis": "someone to talk to",
    "children": "for children",
    "violence": "violence at home",
    "harm": "if you may hurt someone",
}
PHONES = {"mobile": "from mobiles", "landline": "from landlines", "relay": "by relay"}
WAYS = {"voice": "", "text": "by text", "chat": ""}
SHOWN = (
    "label",
    "number",
    "url",
    "way",
    "word",
    "phones",
    "region",
    "languages",
    "hours",
)
FIELDS = (*SHOWN, "source", "page", "checked", "doubt")
ALWAYS = "24 h"
DAYS = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
HOURS = re.compile(rf"24 h|({DAYS}(-{DAYS})? )?[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d")
NUMBER = re.compile(r"[+*]?\d[\d *-]*")
NEVER = "never"
# who found a number on a page of the web has not asked whoever runs the line
NO_PERSON = "a stored page"
# of a file from before the lines of nowhere
OLD_ANYWHERE: dict[str, Any] = {
    "say": "112 or your local emergency number",
    "emergency": {"label": "Emergency (or your local emergency number)", "number": "112"},
}


@dataclass(frozen=True)
class Line:
    """One telephone line: `number` to dial or `url` to open; what is empty isn't known."""

    kind: str  # one of LINES
    label: str
    number: str = ""
    url: str = ""
    way: str = "voice"
    word: str = ""  # what to text
    phones: tuple[str, ...] = ()
    region: str = ""
    languages: tuple[str, ...] = ()
    hours: str = ""
    checked: datetime.date | None = None
    by: str = ""
    doubt: str = ""

    def is_checked_since(self, day: datetime.date) -> bool:
        """Whether a person has checked it on that day or later."""
        return self.by != NO_PERSON and self.checked is not None and self.checked >= day

    def show(self) -> dict[str, str]:
        """{line, label, number, and tel or url}, as a visitor gets it: beside the name stands what
        it is for, and who reaches it where and when."""
        number = self.number or self.url.partition("://")[2].strip("/")
        if self.way == "text":
            number = f"Text {self.word} to {number}" if self.word else f"Text {number}"
        dialled = re.sub(r"[^+*\d]", "", self.number)
        link = (
            {"tel": f"{'sms' if self.way == 'text' else 'tel'}:{dialled}"}
            if dialled
            else {"url": self.url}
        )
        about = ", ".join(filter(None, (LINES[self.kind], self.conditions())))
        label = f"{self.label} ({about})" if about else self.label
        return {"line": self.kind, "label": label, "number": number, **link}

    def conditions(self) -> str:
        """Who reaches it, where and when: "in French, from mobiles, 10:00-24:00"."""
        return ", ".join(
            filter(
                None,
                (
                    self.region,
                    f"in {' and '.join(self.languages)}" if self.languages else "",
                    *(PHONES[phone] for phone in self.phones),
                    "day and night" if self.hours == ALWAYS else self.hours,
                ),
            )
        )


@dataclass(frozen=True)
class Book:
    """All lines: by country, of visitors whose country isn't known, and which territory has whose.
    `say`: what stands in a sentence in place of an unknown country's number."""

    countries: dict[str, dict[str, tuple[Line, ...]]]
    anywhere: dict[str, tuple[Line, ...]]
    say: str
    territories: dict[str, str] = field(default_factory=dict)

    def find(self, country: str | None) -> dict[str, tuple[Line, ...]] | None:
        """{kind: its lines} of a country as somebody wrote it; None where none are known."""
        code = countries.country_code(country) or ""
        return self.countries.get(self.territories.get(code, code))


def make_book(book: dict[str, Any]) -> Book:
    """The Book of a file's content in which `faults` found none."""
    anywhere = book.get("anywhere") or OLD_ANYWHERE
    return Book(
        countries={code: _lines_of(entry) for code, entry in book["countries"].items()},
        anywhere=_lines_of(anywhere),
        say=anywhere["say"],
        territories=book.get("territories") or {},
    )


def _lines_of(entry: dict[str, Any]) -> dict[str, tuple[Line, ...]]:
    return {
        kind: tuple(_make_line(kind, line) for line in _listed(entry[kind]))
        for kind in LINES
        if kind in entry
    }


def _listed(lines: Any) -> list[Any]:
    """A kind's lines; a file from before several had one, and no list."""
    return lines if isinstance(lines, list) else [lines]


def _make_line(kind: str, line: dict[str, Any]) -> Line:
    day, _, by = line.get("checked", NEVER).partition(", ")
    given = {name: line[name] for name in SHOWN if name in line}
    for name in ("phones", "languages"):
        given[name] = tuple(line.get(name, ()))
    checked = None if day == NEVER else datetime.date.fromisoformat(day)
    return Line(kind, **given, checked=checked, by=by, doubt=line.get("doubt", ""))


# What is wrong with the file


def book_faults(path: Path, book: Any, at: Locate) -> list[Fault]:
    """What is wrong with the content of emergency_numbers.yml."""
    if not isinstance(book, dict) or not book.get("countries") or not book.get("sources"):
        return [Fault(str(path), 1, (), "'countries' or 'sources' is missing; add it")]
    sources = book["sources"]
    found = _address_faults(sources, at)
    for code, entry in book["countries"].items():
        here = at("countries", code)
        if code not in countries.CODES:
            found.append(Fault(*here, f"'{code}' is no country code; {countries.SAY}"))
        if not isinstance(entry, dict) or not entry.get("emergency"):
            said = f"{code} has no emergency number; add it under 'emergency'"
            found.append(Fault(*here, said))
            continue
        found += _entry_faults(("countries", code), entry, sources, at)
    for code, whose in (book.get("territories") or {}).items():
        if code not in countries.CODES or whose not in book["countries"]:
            said = (
                f"'{code}: {whose}' names no territory and a country below; {countries.SAY}, and "
                f"a country that stands under countries"
            )
            found.append(Fault(*at("territories", code), said))
    if (anywhere := book.get("anywhere")) is not None:
        if not isinstance(anywhere, dict) or not anywhere.get("say"):
            said = "'say' is missing; write what stands for the number"
            return [*found, Fault(*at("anywhere"), said)]
        found += _entry_faults(("anywhere",), anywhere, sources, at)
    return found


def _address_faults(sources: Any, at: Locate) -> list[Fault]:
    """What is wrong with the addresses of the sources."""
    return [
        Fault(*at("sources", name), said)
        for name, source in (sources.items() if isinstance(sources, dict) else ())
        if isinstance(source, dict)
        and "url" in source
        and (said := say_address_fault(source["url"]))
    ]


def _entry_faults(
    keys: tuple[str, ...],
    entry: dict[str, Any],
    sources: Collection[str],
    at: Locate,
) -> list[Fault]:
    """What is wrong with the lines of one country, or of nowhere."""
    found = [
        Fault(
            *at(*keys, kind),
            f"'{kind}' is nothing that a line is for; write one of {', '.join(LINES)}",
        )
        for kind in entry
        if kind not in LINES and kind not in ("name", "say")
    ]
    for kind in LINES:
        if kind not in entry:
            continue
        several = isinstance(entry[kind], list)
        for i, line in enumerate(_listed(entry[kind])):
            here = at(*keys, kind, i) if several else at(*keys, kind)
            if not isinstance(line, dict):
                said = "this is no line; write {label: ..., number: ..., ...}"
                found.append(Fault(*here, said))
                continue
            found += [Fault(*here, said) for said in _line_faults(line, sources)]
    return found


def _line_faults(line: dict[str, Any], sources: Collection[str]) -> list[str]:
    """What is wrong with one line, as sentences."""
    found = [
        f"'{name}' is no field of a line; write some of {', '.join(FIELDS)}"
        for name in line
        if name not in FIELDS
    ]
    found += [
        f"the line has no {part}; add it" for part in ("label", "source") if not line.get(part)
    ]
    number, url, way = line.get("number"), line.get("url"), line.get("way", "voice")
    if (number is None) == (url is None):
        found.append("a line has either a number or a url; write one of them")
    elif number is not None and not NUMBER.fullmatch(number):
        found.append(f"'{number}' is no telephone number; write digits, blanks, - and *")
    elif url is not None and not (is_web_address(url) and url.startswith("https://")):
        found.append(f"'{url}' is no web address; write one that begins with https://")
    if way not in WAYS:
        found.append(f"way '{way}'; write one of {', '.join(WAYS)}")
    if line.get("word") and way != "text":
        found.append("a word to text, but no text line; write way: text")
    return found + _detail_faults(line, sources)


def _detail_faults(line: dict[str, Any], sources: Collection[str]) -> list[str]:
    """What is wrong with who reaches a line and when, where it comes from, and who checked it."""
    found = []
    for name in ("phones", "languages"):
        if not isinstance(line.get(name, []), list):
            found.append(f"{name} '{line[name]}'; write a list, as [{line[name]}]")
        elif name == "phones":
            found += [
                f"phones '{phone}'; write some of {', '.join(PHONES)}"
                for phone in line.get(name, [])
                if phone not in PHONES
            ]
    if "hours" in line and not HOURS.fullmatch(line["hours"]):
        found.append(
            f"hours '{line['hours']}'; write {ALWAYS}, 08:00-22:00, or Mon-Sat 14:00-20:00"
        )
    found += [
        f"{part} '{line[part]}' is not under sources; add it there"
        for part in ("source", "page")
        if line.get(part) and line[part] not in sources
    ]
    if not _is_check(line.get("checked", NEVER)):
        found.append(
            f"checked '{line['checked']}'; write {NEVER}, or a day and by whom, as "
            f'"2026-11-28, Ada Lovelace"'
        )
    return found


def _is_check(text: object) -> bool:
    if text == NEVER:
        return True
    day, _, by = str(text).partition(", ")
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        return False
    return bool(by.strip())
