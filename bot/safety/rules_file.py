"""The screen's files, read into a `Screen` or into faults with their lines; docs/safety.md
explains their notation."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.faults import Fault, Locate, Location
from bot.domain.reply_kinds import DANGERS
from bot.safety import emergency_lines, languages, patterns, phrases
from bot.safety.emergency_lines import LINES

KINDS = tuple(kind.value for kind in DANGERS)
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
Table = dict[str, Any]  # a mapping of a YAML file
Keys = tuple[str | int, ...]  # of an entry, from the top of its file
Groups = tuple[tuple[str, ...], ...]  # concepts joined by ">", in groups joined by "&"
# a part of safety.yml -> what each of its entries must be, and what that is called
PARTS: dict[str, tuple[type, str]] = {
    "same": (str, "phrases separated by commas"),
    "words": (str, "phrases separated by commas"),
    "flags": (dict, "kind, text, when ..."),
    "texts": (dict, "numbers, text ..."),
}


class SafetyFileError(ValueError):
    """A file of the screen can't be used; `faults` lists every reason, and so does the message."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class ScreenFile:
    """A file of the screen as `read` has it: its content, and the line of every entry by its
    keys."""

    path: Path
    text: str
    content: Any
    lines: dict[Keys, int]

    def at(self, *keys: str | int) -> Location:
        """Where an entry stands."""
        return str(self.path), self.lines.get(keys, 1), keys


@dataclass(frozen=True)
class Flag:
    id: str
    kind: str
    text: str
    when: tuple[Groups, ...]  # alternatives
    unless: tuple[str, ...]  # concepts whose sentence raises nothing
    even_if: frozenset[str]  # EXCUSES that don't count
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    like: str | None  # the kind whose warning stands where the net hears nothing; None: no net

    @functools.cached_property
    def needs(self) -> tuple[tuple[frozenset[str], Groups], ...]:
        """Each alternative of `when` behind all the concepts that it speaks of."""
        return tuple(
            (frozenset(concept for group in groups for concept in group), groups)
            for groups in self.when
        )


@dataclass(frozen=True)
class After:
    """Phrases (`patterns`) of what is told after an alarm: that help has come (`settled`, and what
    takes that back), that nothing is better (`going_on`); and what the first is answered."""

    settled: tuple[str, ...]
    going_on: tuple[str, ...]
    unless: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Screen:
    """A loaded screen, for `screen`, `reply` and `numbers`; immutable, safe to share between
    threads."""

    flags: tuple[Flag, ...]
    concepts: tuple[phrases.Tree, phrases.Keys]  # of all concepts
    same: tuple[phrases.Tree, phrases.Keys]  # of other spellings
    spell: phrases.Speller
    texts: dict[str, Table]
    book: emergency_lines.Book  # the telephone lines of each country
    must: dict[str, tuple[str, ...]]  # kind -> messages that may never be missed
    kinds: dict[str, dict[str, str]]  # what danger/ teaches -> {kind, text, warning}
    rates: dict[
        str, float
    ]  # RATES -> how often the net may be wrong; empty where a site has no net
    languages: languages.Languages | None = None  # None: a site without languages.yml
    after: After | None = None  # None: a release from before it


def read_rules_yaml(path: Path) -> tuple[Any, dict[Keys, int]]:
    """Return a YAML file as dicts, lists and strings, and the line of every entry by its keys, to
    be looked at alone; YAMLError, OSError."""
    return _parse_yaml(path.read_text("utf-8"))


@functools.lru_cache(maxsize=8)  # a check reads each twice, and mostly none has changed
def _parse_yaml(text: str) -> tuple[Any, dict[Keys, int]]:
    lines: dict[Keys, int] = {}

    def build(node: yaml.Node, keys: Keys) -> Any:
        lines[keys] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            made: Table = {}
            for key, value in node.value:
                made[key.value] = build(value, keys + (key.value,))
                lines[keys + (key.value,)] = key.start_mark.line + 1
            return made
        if isinstance(node, yaml.SequenceNode):
            return [build(item, keys + (i,)) for i, item in enumerate(node.value)]
        return node.value

    node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return build(node, ()) if node else None, lines


@functools.lru_cache(maxsize=2)
def _vocabulary(
    text: str,
) -> tuple[phrases.Speller, tuple[phrases.Tree, phrases.Keys], tuple[phrases.Tree, phrases.Keys]]:
    """The speller, the tree of other spellings and the tree of concepts of a screen's file, each
    tree with its `phrases.keys_of`."""
    table: Table = _parse_yaml(text)[0]
    known: set[str] = set()
    spellings: phrases.Tree = {}
    tree: phrases.Tree = {}
    for name, entry in table["same"].items():
        known.update(name.split())
        for words in itertools.chain.from_iterable(
            map(phrases.phrase_variants, phrases.phrase_entries(entry))
        ):
            known.update(words)
            phrases.add_to_tree(spellings, words, name)
    same = (spellings, phrases.keys_of(spellings))
    for name, entry in table["words"].items():
        for words in itertools.chain.from_iterable(
            map(phrases.phrase_variants, phrases.phrase_entries(entry))
        ):
            known.update(words)
            level = [0] * len(words)
            phrases.add_to_tree(
                tree,
                phrases.replace_spellings(same, phrases.Words(words, level, level)).words,
                name,
            )
    concepts = (tree, phrases.keys_of(tree))
    known = {word for word in known if word.replace("'", "").isalpha()}
    return (
        phrases.make_speller(known, set(table["not_typos"].split()), (concepts[1], same[1])),
        same,
        concepts,
    )


def parse_rules(folder: Path) -> tuple[Screen | None, list[Fault]]:
    """(Screen, faults) of a folder's two files; the Screen is None where there are faults."""
    files, faults = _read_files(folder)
    if faults:
        return None, faults
    screen, numbers = files
    table = screen.content if isinstance(screen.content, dict) else {}
    faults = _part_faults(screen, table)
    if faults:
        return None, faults
    spell, same, concepts = _vocabulary(screen.text)
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
    faults += found + emergency_lines.book_faults(numbers.path, numbers.content, numbers.at)
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
        emergency_lines.make_book(numbers.content),
        {kind: tuple(table["must"][kind]) for kind in KINDS},
        kinds,
        rates,
        spoken,
        after,
    ), []


def _read_files(folder: Path) -> tuple[list[ScreenFile], list[Fault]]:
    """The files that can be read, and the faults of those that can't."""
    files: list[ScreenFile] = []
    faults: list[Fault] = []
    for name in ("safety.yml", "emergency_numbers.yml"):
        path = folder / name
        try:
            text = path.read_text("utf-8")
            files.append(ScreenFile(path, text, *_parse_yaml(text)))
        except OSError as error:
            said = f"can't be read ({error.strerror}); put the file there"
            faults.append(Fault(str(path), 1, (), said))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", error)
            said = f"not YAML ({problem}); check indentation and quotes"
            line = min(mark.line, text.count("\n")) + 1 if mark else 1  # libyaml's may be beyond
            faults.append(Fault(str(path), line, (), said))
    return files, faults


def _part_faults(screen: ScreenFile, table: Table) -> list[Fault]:
    """Parts of the screen's file that are missing, or hold something of another form."""
    faults: list[Fault] = []
    for part, (kind, holds) in PARTS.items():
        if not isinstance(table.get(part), dict):
            faults.append(Fault(str(screen.path), 1, (), f"'{part}' is missing; add it"))
            continue
        faults += [
            Fault(*screen.at(part, name), f"'{name}' must hold {holds}; write them after the colon")
            for name, entry in table[part].items()
            if not isinstance(entry, kind)
        ]
    if not isinstance(table.get("not_typos"), str):
        faults.append(Fault(str(screen.path), 1, (), "'not_typos' is missing; add it"))
    return faults


def _cue_faults(screen: ScreenFile, table: Table) -> list[Fault]:
    return [
        Fault(*screen.at("words"), f"'{cue}' is missing; list its words, the screen needs it")
        for cue in CUES
        if cue not in table["words"]
    ]


def _flag_faults(screen: ScreenFile, table: Table, name: str, entry: Table) -> list[Fault]:
    """What is wrong with one flag, entry by entry."""
    here = screen.at("flags", name)
    faults = [
        Fault(*here, said)
        for said in (*_kind_and_text(table, name, entry), *_missing_parts(table, name, entry))
    ]
    for i, line in enumerate(entry.get("when") or ()):
        faults += [
            Fault(
                *screen.at("flags", name, "when", i),
                f"'{concept}' is not under words; add it or write one that is",
            )
            for concept in itertools.chain(*itertools.chain(*_take_apart(line)))
            if concept not in table["words"]
        ]
    faults += [
        Fault(*here, f"'{concept}' in unless is not under words; add it or write one that is")
        for concept in entry.get("unless") or ()
        if concept not in table["words"]
    ]
    return faults + [
        Fault(*here, f"'{excuse}' in even_if; write some of {', '.join(EXCUSES)}")
        for excuse in entry.get("even_if") or ()
        if excuse not in EXCUSES
    ]


def _kind_and_text(table: Table, name: str, entry: Table) -> Iterator[str]:
    """What is wrong with the kind and the text of a flag, or of a kind of danger."""
    if entry.get("kind") not in KINDS:
        yield f"kind of {name} is '{entry.get('kind')}'; write {' or '.join(KINDS)}"
    if entry.get("text") not in table["texts"]:
        yield (
            f"text '{entry.get('text')}' is not under texts; write one of "
            f"{', '.join(table['texts'])}"
        )


def _missing_parts(table: Table, name: str, entry: Table) -> Iterator[str]:
    """What a flag lacks: the kind of danger that it is like, and each list."""
    kinds = table.get("kinds")
    if isinstance(kinds, dict) and entry.get("like") not in kinds:
        yield (
            f"{name} is like '{entry.get('like')}', which is not under kinds; write one of "
            f"{', '.join(kinds)}"
        )
    for side in ("when", "must", "must_not"):
        if not entry.get(side):
            yield f"{name} has no '{side}'; add at least one"


def _take_apart(line: str) -> list[list[list[str]]]:
    """A line of `when`: its groups, their places, and the concepts that may stand in each."""
    return [
        [place.split("/") for place in group.split(">")]
        for group in line.replace(" ", "").split("&")
    ]


def _make_flag(name: str, entry: Table) -> Flag:
    when: list[Groups] = []  # every line written out, without its "/"
    for line in entry.get("when") or ():
        groups = (tuple(itertools.product(*group)) for group in _take_apart(line))
        when += itertools.product(*groups)
    return Flag(
        name,
        entry.get("kind", ""),
        entry.get("text", ""),
        tuple(when),
        tuple(entry.get("unless") or ()),
        frozenset(entry.get("even_if") or ()),
        tuple(entry.get("must") or ()),
        tuple(entry.get("must_not") or ()),
        entry.get("like"),
    )


def _text_faults(screen: ScreenFile, texts: dict[str, Table]) -> list[Fault]:
    return [
        Fault(*screen.at("texts", name), said)
        for name, entry in texts.items()
        for said in _answer_faults(name, entry)
    ]


def _answer_faults(name: str, entry: Table) -> Iterator[str]:
    """What is wrong with one answer to a danger, as sentences."""
    if not entry.get("text"):
        yield f"{name} has no text; write what the visitor reads"
    if "{emergency}" not in entry.get("text", ""):
        yield f"{name} doesn't say whom to call; write {{emergency}} where the number goes"
    for word, part in (("crisis", "no_line"), ("open", "open")):
        if f"{{{word}}}" in entry.get("text", "") + entry.get("more", "") and not entry.get(part):
            yield f"{name} says {{{word}}} but has no '{part}'; write what is said where " + (
                "no line is known" if part == "no_line" else "all lines are open"
            )
    for line in entry.get("numbers") or ("",):
        if line not in LINES:
            yield f"numbers '{line}'; write some of {', '.join(LINES)}"


def _must_faults(screen: ScreenFile, must: object) -> list[Fault]:
    if (
        isinstance(must, dict)
        and set(must) == set(KINDS)
        and all(isinstance(must[kind], list) for kind in KINDS)
    ):
        return []
    said = f"'must' needs two lists, {' and '.join(KINDS)}: the messages that may never be missed"
    return [Fault(*screen.at("must"), said)]


def _read_kinds(table: Table, at: Locate) -> tuple[dict[str, dict[str, str]], list[Fault]]:
    """What danger/ teaches, as {kind: {kind, text, warning}}, and its faults; releases from before
    the net have none."""
    entries = table.get("kinds") or {}
    faults: list[Fault] = []
    if not isinstance(entries, dict):
        said = "'kinds' must hold kind, text and warning of each kind"
        return {}, [Fault(*at("kinds"), said)]
    for name, entry in entries.items():
        here, entry = at("kinds", name), entry if isinstance(entry, dict) else {}
        faults += [Fault(*here, said) for said in _kind_and_text(table, name, entry)]
        if "{emergency}" not in (entry.get("warning") or ""):
            said = (
                f"the warning of {name} doesn't say whom to call; write {{emergency}} where the "
                f"number goes"
            )
            faults.append(Fault(*here, said))
    return entries, faults


def _read_rates(table: Table, at: Locate) -> tuple[dict[str, float], list[Fault]]:
    """How often the net may be wrong, as {RATES: share}, and the faults of these."""
    entries = table.get("net")
    rates: dict[str, float] = {}
    faults: list[Fault] = []
    if entries is None:
        return {}, []
    for name in RATES:
        given = entries.get(name) if isinstance(entries, dict) else None
        try:
            rates[name] = float(given or "")
        except (TypeError, ValueError):
            rates[name] = -1.0
        if not 0 < rates[name] < 1:
            said = f"'{name}' is '{given}'; write a share between 0 and 1, like 0.02"
            faults.append(Fault(*(at("net", name) if given else at("net")), said))
    return rates, faults


def _read_after(table: Table, at: Locate) -> tuple[After | None, list[Fault]]:
    """What is told after an alarm, and its faults; releases from before it have none."""
    entry, parts = table.get("after"), ("settled", "going_on", "unless")
    if entry is None:
        return None, []
    given = entry if isinstance(entry, dict) else {}
    faults = [
        Fault(*at("after"), f"'{part}' must hold lines of phrases separated by commas; write them")
        for part in parts
        if not isinstance(given.get(part), list)
    ]
    if "{emergency}" not in (given.get("text") or ""):
        said = "the text doesn't say whom to call; write {emergency} where the number goes"
        faults.append(Fault(*at("after"), said))
    if faults:
        return None, faults
    settled, going_on, unless = (tuple(patterns.split_phrases(given[part])) for part in parts)
    return After(settled, going_on, unless, given["text"]), []
