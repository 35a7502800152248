"""The screen's two files, read into a `Screen` or into faults with their lines; docs/safety.md
explains their notation."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.safety import phrases

KINDS = ("emergency", "crisis")
LINES = ("emergency", "poison", "crisis")  # the telephone lines a text may ask for
# What these concepts mean to the screen is written here; which words they hold, in safety.yml.
CUES = (
    "figure",
    "negation",
    "not_negation",
    "past",
    "now",
    "study",
    "not_study",
    "lesson",
    "person",
    "turn",
)
EXCUSES = ("negation", "past", "study")  # what can take a danger back
# how often the learned net may be wrong: of look-alikes and of ordinary phrases, by what they get
RATES = ("alarm", "warning", "phrases", "phrases_warning")


class SafetyFileError(ValueError):
    """A file of the screen can't be used; the message lists the faults as `path:line: what is
    wrong`."""


@dataclass(frozen=True)
class Flag:
    id: str
    kind: str
    text: str
    when: tuple  # alternatives; each is groups joined by "&"; each group, concepts joined by ">"
    unless: tuple  # concepts whose sentence raises nothing
    even_if: frozenset  # EXCUSES that don't count
    must: tuple
    must_not: tuple


@dataclass(frozen=True)
class Screen:
    """A loaded screen, for `screen`, `reply` and `numbers`; immutable, safe to share between
    threads."""

    flags: tuple
    concepts: tuple  # the phrase tree of all concepts, and its `_keys`
    same: tuple  # the same for other spellings
    spell: object  # word -> the word of the table that it most likely is
    texts: dict
    countries: dict
    must: dict  # kind -> messages that may never be missed
    kinds: dict  # what danger/ teaches -> {kind, text, warning}
    rates: dict  # RATES -> how often the net may be wrong; empty where a site has no net


def read(path: Path):
    """Return a YAML file as dicts, lists and strings, and the line of every entry by its keys;
    YAMLError, OSError."""
    lines = {}

    def build(node, keys):
        lines[keys] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            made = {}
            for key, value in node.value:
                made[key.value] = build(value, keys + (key.value,))
                lines[keys + (key.value,)] = key.start_mark.line + 1
            return made
        if isinstance(node, yaml.SequenceNode):
            return [build(item, keys + (i,)) for i, item in enumerate(node.value)]
        return node.value

    node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    return build(node, ()) if node else None, lines


def _vocabulary(table: dict) -> tuple:
    """The speller, the tree of other spellings and the tree of concepts, each tree with its
    `phrases.keys_of`."""
    known, same, concepts = set(), {}, {}
    for name, entry in table["same"].items():
        known.update(name.split())
        for words in itertools.chain.from_iterable(map(phrases.variants, phrases.entries(entry))):
            known.update(words)
            phrases.plant(same, words, name)
    same = (same, phrases.keys_of(same))
    for name, entry in table["words"].items():
        for words in itertools.chain.from_iterable(map(phrases.variants, phrases.entries(entry))):
            known.update(words)
            level = [0] * len(words)
            phrases.plant(
                concepts, phrases.respell(same, phrases.Words(words, level, level)).words, name
            )
    concepts = (concepts, phrases.keys_of(concepts))
    known = {word for word in known if word.replace("'", "").isalpha()}
    return (
        phrases.speller(known, set(table["not_typos"].split()), (concepts[1], same[1])),
        same,
        concepts,
    )


def parse(folder: Path):
    faults = []
    files = []
    for name in ("safety.yml", "emergency_numbers.yml"):
        path = folder / name
        try:
            content, lines = read(path)
        except OSError as error:
            faults.append(f"{path}:1: can't be read ({error.strerror}); put the file there")
            continue
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            faults.append(
                f"{path}:{mark.line + 1 if mark else 1}: not YAML "
                f"({getattr(error, 'problem', error)}); "
                "check indentation and quotes"
            )
            continue
        files.append((path, content, lines))
    if faults:
        return None, faults
    (path, table, lines), (numbers_path, book, number_lines) = files

    def at(*keys):
        return f"{path}:{lines.get(keys, 1)}"

    table = table if isinstance(table, dict) else {}
    commas = "phrases separated by commas"
    for part, kind, holds in (
        ("same", str, commas),
        ("words", str, commas),
        ("flags", dict, "kind, text, when ..."),
        ("texts", dict, "numbers, text ..."),
    ):
        if not isinstance(table.get(part), dict):
            faults.append(f"{path}:1: '{part}' is missing; add it")
            continue
        faults += [
            f"{at(part, name)}: '{name}' must hold {holds}; write them after the colon"
            for name, entry in table[part].items()
            if not isinstance(entry, kind)
        ]
    if not isinstance(table.get("not_typos"), str):
        faults.append(f"{path}:1: 'not_typos' is missing; add it")
    if faults:
        return None, faults
    spell, same, concepts = _vocabulary(table)
    for cue in CUES:
        if cue not in table["words"]:
            faults.append(f"{at('words')}: '{cue}' is missing; list its words, the screen needs it")
    flags = []
    for name, entry in table["flags"].items():
        here = at("flags", name)
        if entry.get("kind") not in KINDS:
            faults.append(
                f"{here}: kind of {name} is '{entry.get('kind')}'; write {' or '.join(KINDS)}"
            )
        if entry.get("text") not in table["texts"]:
            faults.append(
                f"{here}: text '{entry.get('text')}' is not under texts; write one of "
                + ", ".join(table["texts"])
            )
        for side in ("when", "must", "must_not"):
            if not entry.get(side):
                faults.append(f"{here}: {name} has no '{side}'; add at least one")
        when = []  # every line written out, without its "/"
        for i, line in enumerate(entry.get("when") or ()):
            slots = [
                [slot.split("/") for slot in part.split(">")]
                for part in line.replace(" ", "").split("&")
            ]
            when += itertools.product(*(tuple(itertools.product(*part)) for part in slots))
            for concept in itertools.chain(*itertools.chain(*slots)):
                if concept not in table["words"]:
                    faults.append(
                        f"{at('flags', name, 'when', i)}: '{concept}' is not under words; add it "
                        f"or write "
                        "one that is"
                    )
        for concept in entry.get("unless") or ():
            if concept not in table["words"]:
                faults.append(
                    f"{here}: '{concept}' in unless is not under words; add it or write one that is"
                )
        for excuse in entry.get("even_if") or ():
            if excuse not in EXCUSES:
                faults.append(f"{here}: '{excuse}' in even_if; write some of {', '.join(EXCUSES)}")
        flags.append(
            Flag(
                name,
                entry.get("kind"),
                entry.get("text"),
                tuple(when),
                tuple(entry.get("unless") or ()),
                frozenset(entry.get("even_if") or ()),
                tuple(entry.get("must") or ()),
                tuple(entry.get("must_not") or ()),
            )
        )
    for name, entry in table["texts"].items():
        if not entry.get("text"):
            faults.append(f"{at('texts', name)}: {name} has no text; write what the visitor reads")
        if "{emergency}" not in entry.get("text", ""):
            faults.append(
                f"{at('texts', name)}: {name} doesn't say whom to call; write {{emergency}} "
                f"where the number "
                "goes"
            )
        for line in entry.get("numbers") or ("",):
            if line not in LINES:
                faults.append(
                    f"{at('texts', name)}: numbers '{line}'; write some of {', '.join(LINES)}"
                )
    must = table.get("must")
    if (
        not isinstance(must, dict)
        or set(must) != set(KINDS)
        or not all(isinstance(must[kind], list) for kind in KINDS)
    ):
        faults.append(
            f"{at('must')}: 'must' needs two lists, {' and '.join(KINDS)}: the messages that may "
            f"never be missed"
        )
    kinds, found = _read_kinds(table, at)
    faults += found
    rates, found = _read_rates(table, at)
    faults += found
    faults += _number_faults(numbers_path, book, number_lines)
    if faults:
        return None, faults
    return Screen(
        tuple(flags),
        concepts,
        same,
        spell,
        table["texts"],
        book["countries"],
        {kind: tuple(must[kind]) for kind in KINDS},
        kinds,
        rates,
    ), []


def _read_kinds(table: dict, at) -> tuple[dict, list[str]]:
    """What danger/ teaches, as {kind: {kind, text, warning}}, and its faults; releases from before
    the net have none."""
    entries, faults = table.get("kinds") or {}, []
    if not isinstance(entries, dict):
        return {}, [f"{at('kinds')}: 'kinds' must hold kind, text and warning of each kind"]
    for name, entry in entries.items():
        here, entry = at("kinds", name), entry if isinstance(entry, dict) else {}
        if entry.get("kind") not in KINDS:
            faults.append(
                f"{here}: kind of {name} is '{entry.get('kind')}'; write {' or '.join(KINDS)}"
            )
        if entry.get("text") not in table["texts"]:
            faults.append(
                f"{here}: text '{entry.get('text')}' is not under texts; write one of "
                + ", ".join(table["texts"])
            )
        if "{emergency}" not in (entry.get("warning") or ""):
            faults.append(
                f"{here}: the warning of {name} doesn't say whom to call; write {{emergency}} "
                f"where the number goes"
            )
    return entries, faults


def _read_rates(table: dict, at) -> tuple[dict, list[str]]:
    """How often the net may be wrong, as {RATES: share}, and the faults of these."""
    entries, rates, faults = table.get("net"), {}, []
    if entries is None:
        return {}, []
    for name in RATES:
        given = entries.get(name) if isinstance(entries, dict) else None
        try:
            rates[name] = float(given)
        except (TypeError, ValueError):
            rates[name] = -1.0
        if not 0 < rates[name] < 1:
            faults.append(
                f"{at('net', name) if given else at('net')}: '{name}' is '{given}'; write a share "
                f"between 0 and 1, like 0.02"
            )
    return rates, faults


def _number_faults(path: Path, book, lines: dict) -> list[str]:
    faults = []
    if not isinstance(book, dict) or not book.get("countries") or not book.get("sources"):
        return [f"{path}:1: 'countries' or 'sources' is missing; add it"]
    for code, entry in book["countries"].items():
        here = f"{path}:{lines.get(('countries', code), 1)}"
        if not re.fullmatch("[A-Z]{2}", code):
            faults.append(
                f"{here}: '{code}' is no country code; write two capital letters as in ISO 3166"
            )
        if "emergency" not in entry:
            faults.append(f"{here}: {code} has no emergency number; add it")
        for line in LINES:
            if line not in entry:
                continue
            for part in ("label", "number", "source"):
                if not entry[line].get(part):
                    faults.append(f"{here}: {code}'s {line} has no {part}; add it")
            if not re.fullmatch(r"\+?\d[\d -]*", entry[line].get("number") or ""):
                faults.append(
                    f"{here}: '{entry[line].get('number')}' is no telephone number; write digits "
                    f"and spaces"
                )
            if entry[line].get("source") not in book["sources"]:
                faults.append(
                    f"{here}: source '{entry[line].get('source')}' is not under sources; add it "
                    f"there"
                )
    return faults
