"""Terms: conditions, medicines and treatments under all their names, and where a text names
them."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.content import articles
from bot.domain.faults import Fault

KINDS = {"conditions": "condition", "medicines": "medicine", "treatments": "treatment"}

type Finder = Callable[[str], list[Mention]]  # what names a text, the first first


@dataclass(frozen=True)
class Mention:
    """A term named in a text: its canonical name, its kind, the characters that name it, and those
    of the shortest name in them: "motor tics" are "tics", and more is said of them."""

    term: str
    kind: str
    start: int
    end: int
    core: tuple[int, int]


def read_terms(folder: str | Path) -> tuple[dict[str, str], dict[str, str], list[Fault]]:
    """(kinds, names, faults) of data/terms.yml: {term: kind} and {any of its names: term}, in small
    letters."""
    path = Path(folder, "terms.yml")
    if not path.is_file():
        return {}, {}, [Fault(str(path), 1, (), *articles.MISSING)]
    data, lines, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        return {}, {}, faults
    kinds: dict[str, str] = {}
    names: dict[str, str] = {}
    for group, terms in data.items():
        if group not in KINDS or not isinstance(terms, dict):
            said = f"{group} is unknown; use {', '.join(KINDS)}"
            write = "each with `term: [other names]`"
            faults.append(Fault(str(path), lines[(group,)], (group,), said, write))
            continue
        for term, others in terms.items():
            line = lines[(group, term)]
            if not isinstance(others, list | None) or not all(
                isinstance(name, str) for name in [term, *(others or [])]
            ):
                said = f"{term} needs a list of other names, each of them text"
                write = f"as `{term}: [name, name]`"
                faults.append(Fault(str(path), line, (group, term), said, write))
                continue
            kinds[term] = KINDS[group]
            for name in [term, *(others or [])]:
                key = name.lower().strip()
                if names.setdefault(key, term) != term:
                    said = f'"{name}" names {names[key]} too; leave it with one of them'
                    faults.append(Fault(str(path), line, (group, term), said))
    return kinds, names, faults


@functools.lru_cache(maxsize=2)
def _keep_finder(kinds: tuple[tuple[str, str], ...], names: tuple[tuple[str, str], ...]) -> Finder:
    return make_finder(dict(kinds), dict(names))


def keep_finder(kinds: Mapping[str, str], names: Mapping[str, str]) -> Finder:
    """As make_finder, and kept, for it takes half a second to make: for what editors write alone,
    for the words of all that it reads stay in memory."""
    return _keep_finder(tuple(kinds.items()), tuple(names.items()))


def make_finder(kinds: Mapping[str, str], names: Mapping[str, str]) -> Finder:
    """A function text -> [Mention, ...], longest names first, in the order of the text.

    Whole words only, whatever their case; a hyphen is as good as a blank.
    """
    import spacy
    from spacy.matcher import PhraseMatcher
    from spacy.util import filter_spans

    language = spacy.blank("en")
    matcher = PhraseMatcher(language.vocab, attr="LOWER")
    by_term: dict[str, list[Any]] = {}
    for name, term in names.items():
        by_term.setdefault(term, []).append(language.make_doc(_plain(name)))
    for term, docs in by_term.items():
        matcher.add(term, docs)

    def find(text: str) -> list[Mention]:
        named = matcher(language.make_doc(_plain(text)), as_spans=True)
        mentions = []
        for span in sorted(filter_spans(named)):
            core = min(
                (
                    other
                    for other in named
                    if other.label == span.label
                    and span.start <= other.start
                    and other.end <= span.end
                ),
                key=len,
            )
            mentions.append(
                Mention(
                    span.label_,
                    kinds[span.label_],
                    span.start_char,
                    span.end_char,
                    (core.start_char, core.end_char),
                )
            )
        return mentions

    return find


def _plain(text: str) -> str:
    """`text` with its hyphens as blanks and its apostrophes straight; as long as before."""
    return text.replace("-", " ").replace("’", "'")
