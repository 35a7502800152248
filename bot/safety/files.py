"""The screen's files, read into a `Screen` or into faults with their lines; docs/safety.md
explains their notation."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.safety import languages, lines, patterns, phrases
from bot.safety.lines import LINES

KINDS = ("emergency", "crisis")
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
# a part of safety.yml -> what each of its entries must be, and what that is called
PARTS = {
    "same": (str, "phrases separated by commas"),
    "words": (str, "phrases separated by commas"),
    "flags": (dict, "kind, text, when ..."),
    "texts": (dict, "numbers, text ..."),
}


class SafetyFileError(ValueError):
    """A file of the screen can't be used; the message lists the faults as `path:line: what is
    wrong`."""


@dataclass(frozen=True)
class ScreenFile:
    """A file of the screen as `read` has it: its content, and the line of every entry by its
    keys."""

    path: Path
    content: object
    lines: dict

    def at(self, *keys):
        """`path:line` of an entry."""
        return f"{self.path}:{self.lines.get(keys, 1)}"


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
    like: str | None  # the kind whose warning stands where the net hears nothing; None: no net


@dataclass(frozen=True)
class After:
    """Phrases (`patterns`) of what is told after an alarm: that help has come (`settled`, and what
    takes that back), that nothing is better (`going_on`); and what the first is answered."""

    settled: tuple
    going_on: tuple
    unless: tuple
    text: str


@dataclass(frozen=True)
class Screen:
    """A loaded screen, for `screen`, `reply` and `numbers`; immutable, safe to share between
    threads."""

    flags: tuple
    concepts: tuple  # the phrase tree of all concepts, and its `_keys`
    same: tuple  # the same for other spellings
    spell: object  # word -> the word of the table that it most likely is
    texts: dict
    book: lines.Book  # the telephone lines of each country
    must: dict  # kind -> messages that may never be missed
    kinds: dict  # what danger/ teaches -> {kind, text, warning}
    rates: dict  # RATES -> how often the net may be wrong; empty where a site has no net
    languages: languages.Languages | None = None  # None: a site without languages.yml
    after: After | None = None  # None: a release from before it


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
    """(Screen, faults) of a folder's two files; the Screen is None where there are faults."""
    files, faults = _read_files(folder)
    if faults:
        return None, faults
    screen, numbers = files
    table = screen.content if isinstance(screen.content, dict) else {}
    faults = _part_faults(screen, table)
    if faults:
        return None, faults
    spell, same, concepts = _vocabulary(table)
    faults = _cue_faults(screen, table)
    flags = []
    for name, entry in table["flags"].items():
        faults += _flag_faults(screen, table, name, entry)
        flags.append(_make_flag(name, entry))
    faults += _text_faults(screen, table["texts"])
    faults += _must_faults(screen, table.get("must"))
    kinds, found = _read_kinds(table, screen.at)
    faults += found
    rates, found = _read_rates(table, screen.at)
    faults += found + lines.faults(numbers.path, numbers.content, numbers.at)
    spoken, found = languages.read_languages(folder / "languages.yml")
    after, wrong = _read_after(table, screen.at)
    faults += found + wrong
    if faults:
        return None, faults
    return Screen(
        tuple(flags),
        concepts,
        same,
        spell,
        table["texts"],
        lines.make(numbers.content),
        {kind: tuple(table["must"][kind]) for kind in KINDS},
        kinds,
        rates,
        spoken,
        after,
    ), []


def _read_files(folder: Path) -> tuple[list[ScreenFile], list[str]]:
    """The files that can be read, and the faults of those that can't."""
    files, faults = [], []
    for name in ("safety.yml", "emergency_numbers.yml"):
        path = folder / name
        try:
            files.append(ScreenFile(path, *read(path)))
        except OSError as error:
            faults.append(f"{path}:1: can't be read ({error.strerror}); put the file there")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            faults.append(
                f"{path}:{mark.line + 1 if mark else 1}: not YAML "
                f"({getattr(error, 'problem', error)}); "
                "check indentation and quotes"
            )
    return files, faults


def _part_faults(screen: ScreenFile, table: dict) -> list[str]:
    """Parts of the screen's file that are missing, or hold something of another form."""
    faults = []
    for part, (kind, holds) in PARTS.items():
        if not isinstance(table.get(part), dict):
            faults.append(f"{screen.path}:1: '{part}' is missing; add it")
            continue
        faults += [
            f"{screen.at(part, name)}: '{name}' must hold {holds}; write them after the colon"
            for name, entry in table[part].items()
            if not isinstance(entry, kind)
        ]
    if not isinstance(table.get("not_typos"), str):
        faults.append(f"{screen.path}:1: 'not_typos' is missing; add it")
    return faults


def _cue_faults(screen: ScreenFile, table: dict) -> list[str]:
    return [
        f"{screen.at('words')}: '{cue}' is missing; list its words, the screen needs it"
        for cue in CUES
        if cue not in table["words"]
    ]


def _flag_faults(screen: ScreenFile, table: dict, name: str, entry: dict) -> list[str]:
    """What is wrong with one flag, entry by entry."""
    faults = []
    here = screen.at("flags", name)
    if entry.get("kind") not in KINDS:
        faults.append(
            f"{here}: kind of {name} is '{entry.get('kind')}'; write {' or '.join(KINDS)}"
        )
    if entry.get("text") not in table["texts"]:
        faults.append(
            f"{here}: text '{entry.get('text')}' is not under texts; write one of "
            + ", ".join(table["texts"])
        )
    kinds = table.get("kinds")
    if isinstance(kinds, dict) and entry.get("like") not in kinds:
        faults.append(
            f"{here}: {name} is like '{entry.get('like')}', which is not under kinds; write one of "
            + ", ".join(kinds)
        )
    for side in ("when", "must", "must_not"):
        if not entry.get(side):
            faults.append(f"{here}: {name} has no '{side}'; add at least one")
    for i, line in enumerate(entry.get("when") or ()):
        faults += [
            f"{screen.at('flags', name, 'when', i)}: '{concept}' is not under words; add it or "
            f"write one that is"
            for concept in itertools.chain(*itertools.chain(*_take_apart(line)))
            if concept not in table["words"]
        ]
    faults += [
        f"{here}: '{concept}' in unless is not under words; add it or write one that is"
        for concept in entry.get("unless") or ()
        if concept not in table["words"]
    ]
    return faults + [
        f"{here}: '{excuse}' in even_if; write some of {', '.join(EXCUSES)}"
        for excuse in entry.get("even_if") or ()
        if excuse not in EXCUSES
    ]


def _take_apart(line: str) -> list[list[list[str]]]:
    """A line of `when`: its groups, their places, and the concepts that may stand in each."""
    return [
        [place.split("/") for place in group.split(">")]
        for group in line.replace(" ", "").split("&")
    ]


def _make_flag(name: str, entry: dict) -> Flag:
    when = []  # every line written out, without its "/"
    for line in entry.get("when") or ():
        groups = (tuple(itertools.product(*group)) for group in _take_apart(line))
        when += itertools.product(*groups)
    return Flag(
        name,
        entry.get("kind"),
        entry.get("text"),
        tuple(when),
        tuple(entry.get("unless") or ()),
        frozenset(entry.get("even_if") or ()),
        tuple(entry.get("must") or ()),
        tuple(entry.get("must_not") or ()),
        entry.get("like"),
    )


def _text_faults(screen: ScreenFile, texts: dict) -> list[str]:
    faults = []
    for name, entry in texts.items():
        here = screen.at("texts", name)
        if not entry.get("text"):
            faults.append(f"{here}: {name} has no text; write what the visitor reads")
        if "{emergency}" not in entry.get("text", ""):
            faults.append(
                f"{here}: {name} doesn't say whom to call; write {{emergency}} where the number "
                "goes"
            )
        for word, part in (("crisis", "no_line"), ("open", "open")):
            if f"{{{word}}}" in entry.get("text", "") + entry.get("more", "") and not entry.get(
                part
            ):
                faults.append(
                    f"{here}: {name} says {{{word}}} but has no '{part}'; write what is said where "
                    + ("no line is known" if part == "no_line" else "all lines are open")
                )
        for line in entry.get("numbers") or ("",):
            if line not in LINES:
                faults.append(f"{here}: numbers '{line}'; write some of {', '.join(LINES)}")
    return faults


def _must_faults(screen: ScreenFile, must) -> list[str]:
    if (
        isinstance(must, dict)
        and set(must) == set(KINDS)
        and all(isinstance(must[kind], list) for kind in KINDS)
    ):
        return []
    return [
        f"{screen.at('must')}: 'must' needs two lists, {' and '.join(KINDS)}: the messages that "
        f"may never be missed"
    ]


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


def _read_after(table: dict, at) -> tuple[After | None, list[str]]:
    """What is told after an alarm, and its faults; releases from before it have none."""
    entry, parts = table.get("after"), ("settled", "going_on", "unless")
    if entry is None:
        return None, []
    given = entry if isinstance(entry, dict) else {}
    faults = [
        f"{at('after')}: '{part}' must hold lines of phrases separated by commas; write them"
        for part in parts
        if not isinstance(given.get(part), list)
    ]
    if "{emergency}" not in (given.get("text") or ""):
        faults.append(
            f"{at('after')}: the text doesn't say whom to call; write {{emergency}} where the "
            f"number goes"
        )
    if faults:
        return None, faults
    phrases_of = [tuple(patterns.split_phrases(given[part])) for part in parts]
    return After(*phrases_of, given["text"]), []
