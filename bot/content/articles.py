"""Articles: read, check, and save the Markdown files that hold every answer.

An article is front matter (YAML between `---` lines) and one section a question; docs/articles.md
shows one whole. How people ask its questions stands elsewhere (bot/content/phrases.py). Faults of
content are returned as a list, never raised one by one."""

import datetime
import functools
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict

import yaml
from pydantic import ValidationError

from bot.content import reply_model, wording
from bot.domain.faults import Fault, Field, Locate, make_locate
from bot.domain.web_addresses import say_address_fault

LEAD_WORDS = 90
ID = re.compile(r"[a-z][a-z0-9_]*$")
YES_OR_NO = re.compile(r"(?:Yes|No)(?=[.,;:!])")
ASKS_YES_OR_NO = re.compile(
    r"(?:^|[,:;.] )"
    r"(?:is|are|was|were|can|could|do|does|did|should|will|would|has|have|had|may|must)\b",
    re.IGNORECASE,
)
HEADING = re.compile(r"^##\s+(?P<title>.+?)\s*(?:\{#(?P<id>[^}]*)\})?\s*$")
COMMENT = re.compile(r"[ \t]+#(?=\S)")  # "# so" is meant as one
NO_BREAK = re.compile("[\u00a0\u202f\u2007]")
MARK = re.compile(r"\[(\d+)\]")
PERIOD = re.compile(r"^0*([1-9]\d{0,4}) days$")  # more leads past the last day there is
ARTICLE_KEYS = {
    "title",
    "about",
    "url",
    "written_by",
    "written_on",
    "review_every",
    "sources",
    "further_reading",
    "evidence",
    "questions",
}
SHOWN = ("n", "title", "publisher", "url")  # of a source, in a reply
QUESTION_KEYS = {"ask", "about", "facet"}
# of a question in data/phrases/
PHRASE_KEYS: tuple[Literal["train", "test"], ...] = ("train", "test")
DEEPEST = 50  # lists and mappings in one another
# a deep indent, or many marks of a list or a key in a line
MAYBE_DEEP = re.compile(r"(?m)^ {50}|(?:[-?:] +){10}")
ANCHOR = re.compile(r"(?:^|[\s\[,{:-])[&*]\w", re.MULTILINE)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times as fast
MISSING = "the file is missing", "docs/articles.md shows one"  # a fault of a file beside them
NOT_HELD = "none"  # `evidence:` of an article whose statements were not held against its sources
SIGNED_ELSEWHERE = (
    "no article says by whom it was reviewed: a clinician signs its answers at the desk",
    "delete the line; `bot reviews import` takes over earlier reviews",
)
MADE_BY_US = "article_info"  # this question's answer is made from the front matter of every article

# text of the front matter that no article is without, and what is said where it is
WANTED = {
    "title": "the title is missing; write what the article is called",
    "about": "the condition that the article is about is missing; write it as the terms list does",
    "written_by": "nobody is named who wrote the article; write the name",
}
DATES = {
    "date": "the date of source {n} must be that of its newest version",
    "changed": "the day on which source {n} changed must be the one on which that was noticed",
    "withdrawn": "the day on which source {n} was withdrawn must be the one on which that was "
    "noticed",
}

type Lines = dict[Field, int]  # the keys that lead to a value of YAML -> its line


class Section(TypedDict):
    """A section of an article's file: a heading with its question's `id`, and `blocks`, each the
    line on which a paragraph begins and its text."""

    id: str | None
    title: str
    line: int
    blocks: list[tuple[int, str]]


class ContentError(Exception):
    """The content can't be used; `faults` lists every reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults in the content:\n" + "\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Source:
    """A source of an article. `date`: that of its newest version, where it is known; `changed`,
    `withdrawn`: the day on which that was noticed."""

    n: int
    title: str
    url: str
    publisher: str = ""
    date: datetime.date | None = None
    changed: datetime.date | None = None
    withdrawn: datetime.date | None = None


@dataclass(frozen=True)
class Question:
    """One question of one article; `name` is its Rasa intent, `lead` and `more` its answer in plain
    text. `train` and `test`: the phrases of its own, which bot/content/phrases.py reads."""

    name: str
    ask: str
    about: tuple[str, ...]
    facets: tuple[str, ...]
    title: str
    lead: str
    more: str
    line: int
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    @property
    def facet(self) -> str:
        """The side of its subject that the question is chiefly about."""
        return self.facets[0]

    @property
    def taught(self) -> tuple[str, ...]:
        """What teaches it beside its facet and its section: its phrases, or its wording where it
        has none."""
        return self.train or (self.ask,)


@dataclass(frozen=True)
class Article:
    id: str
    path: str
    title: str
    about: str
    url: str
    written_by: str
    written_on: datetime.date
    review_every: int  # days
    sources: tuple[Source, ...]
    revision: str  # of the file's text: 12 hex digits of its SHA-256
    questions: tuple[Question, ...] = field(repr=False)
    further_reading: tuple[Source, ...] = ()  # cited nowhere
    evidence: str = ""  # NOT_HELD, or empty: data/evidence/ holds what the sources say

    def sources_of(self, text: str) -> tuple[Source, ...]:
        """The sources whose marks stand in `text`, in the order of their numbers."""
        used = {int(n) for n in MARK.findall(text)}
        return tuple(source for source in self.sources if source.n in used)


def load_articles(folder: str | Path) -> list[Article]:
    """The articles of `folder` (a `data` folder) in the order of their ids, without phrases; raises
    ContentError with every fault."""
    articles, faults = read_articles(folder)
    if faults:
        raise ContentError(faults)
    return articles


def read_articles(folder: str | Path) -> tuple[list[Article], list[Fault]]:
    """(articles, faults) of a `data` folder, without phrases; an article with a fault is left out
    of the first."""
    paths = list_files(folder, "articles/*.md")
    if not paths:
        said = "there is no article", "write one as docs/articles.md shows"
        return [], [Fault(str(Path(folder, "articles")), 1, (), *said)]
    articles: list[Article] = []
    faults: list[Fault] = []
    for path in paths:
        text, found = read_text(path)
        article, wrong = (None, []) if text is None else read_article(text, path)
        faults += found + wrong
        if article:
            articles.append(article)
    return articles, faults


def read_text(path: Path) -> tuple[str | None, list[Fault]]:
    """(text, faults) of a file; the text is None where it is none."""
    try:
        return path.read_text(encoding="utf-8"), []
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        said = "this is not UTF-8 text; save the file as UTF-8"
        return None, [Fault(str(path), line, (), said)]


def keep_for_the_day[Where, Result](
    read: Callable[[str, Where], Result],
) -> Callable[[str, Where], Result]:
    """A function of a text and its path, whose last results are kept, to be looked at alone: a
    check reads all files, and mostly one has changed. What is wrong may be so today and not
    tomorrow."""

    @functools.lru_cache(maxsize=64)
    def read_on(day: datetime.date, text: str, path: Where) -> Result:
        return read(text, path)

    @functools.wraps(read)
    def read_today(text: str, path: Where) -> Result:
        return read_on(datetime.date.today(), text, path)

    return read_today


def read_article(text: str, path: str | Path) -> tuple[Article | None, list[Fault]]:
    """(article, faults) of one article's text, without phrases; the article is None where the
    faults leave none."""
    article, faults = _read_article(text, Path(path))
    return article, list(faults)


@keep_for_the_day
def _read_article(text: str, path: Path) -> tuple[Article | None, list[Fault]]:
    front, body, body_line = split_front_matter(text)
    if front is None:
        said = "the front matter is missing", "begin with `---`, the fields, and a line `---`"
        return None, [Fault(str(path), 1, (), *said)]
    data, lines, faults = read_yaml(front, path, first_line=2)
    if data is None:
        return None, faults

    at = make_locate(path, lines)
    faults += cut_faults(front, path, first_line=2)
    faults += _front_faults(data, at)
    faults += _further_faults(data, at)
    sections, found = read_sections(body, body_line, path)
    numbers = set(data["sources"]) if isinstance(data.get("sources"), dict) else set()
    for section in sections.values():
        found += _section_faults(section, numbers, path)
    if faults:
        return None, faults + found
    faults = [
        *found,
        *_unmatched_faults(data["questions"], sections, path, at),
        *_lead_faults(data["questions"], sections, path),
        *_same_facets(data, at),
    ]
    if faults:
        return None, faults
    return _make_article(path, text, data, sections), []


def _unmatched_faults(
    questions: Mapping[str, Any], sections: Mapping[str, Section], path: Path, at: Locate
) -> list[Fault]:
    """Questions without a section, and sections without a question."""
    faults = []
    for id in questions:
        if id not in sections:
            said = f"the question {id} has no section"
            write = f"write `## ... {{#{id}}}` with its answer"
            faults.append(Fault(*at("questions", id, "text"), said, write))
    for id, section in sections.items():
        if id not in questions:
            said, write = f"the section {id} has no question", f"add {id} under `questions:`"
            faults.append(Fault(str(path), section["line"], (), said, write))
    return faults


def _make_source(n: int, source: Mapping[str, Any]) -> Source:
    return Source(
        n=n,
        title=source["title"],
        url=source["url"],
        publisher=source.get("publisher", ""),
        date=source.get("date"),
        changed=source.get("changed"),
        withdrawn=source.get("withdrawn"),
    )


def _make_article(
    path: Path, text: str, data: Mapping[str, Any], sections: Mapping[str, Section]
) -> Article:
    """The Article of a front matter and sections without faults."""
    article = path.stem
    questions = tuple(
        Question(
            name=f"{article}.{id}",
            ask=q["ask"].strip(),
            about=_several(q.get("about", data["about"])),
            facets=_several(q["facet"]),
            title=sections[id]["title"],
            lead=sections[id]["blocks"][0][1],
            more="\n\n".join(block for _, block in sections[id]["blocks"][1:]),
            line=sections[id]["line"],
        )
        for id, q in data["questions"].items()
    )
    return Article(
        id=article,
        path=str(path),
        title=data["title"],
        about=data["about"],
        url=data.get("url") or "",
        written_by=data["written_by"],
        written_on=data["written_on"],
        review_every=int(data["review_every"].split()[0]),
        further_reading=tuple(
            Source(n=n, title=s["title"], url=s["url"], publisher=s.get("publisher", ""))
            for n, s in enumerate(data.get("further_reading") or [], 1)
        ),
        evidence=data.get("evidence") or "",
        sources=tuple(_make_source(n, source) for n, source in sorted(data["sources"].items())),
        revision=hashlib.sha256(text.encode()).hexdigest()[:12],
        questions=questions,
    )


def save_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` whole or not at all: beside it first, then renamed over it."""
    path = Path(path)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def normalise_phrase(phrase: str) -> str:
    """A phrase without case, punctuation and double blanks: two phrases alike in this are one."""
    return " ".join(re.findall(r"\w+", phrase.lower()))


def list_files(folder: str | Path, pattern: str) -> list[Path]:
    """The files of a content folder that fit a pattern, but hidden ones, as an editor's program or
    a Mac leaves them beside those that are meant."""
    return sorted(
        path for path in Path(folder).glob(pattern) if path.is_file() and path.name[0] != "."
    )


def read_yaml(
    text: str, path: str | Path, first_line: int = 1
) -> tuple[dict[Any, Any] | None, Lines, list[Fault]]:
    """(data, lines, faults): the data, {key path: line}, and what is wrong with the YAML (data is
    then None)."""
    if deep := _find_deep_line(text):
        said = "lists in lists without end; write plain lines"
        return None, {}, [Fault(str(path), first_line + deep, (), said)]
    try:
        anchor = _find_anchor(text)
        if anchor:  # a few of them make a file that never ends
            said = (
                "& and * at the start of a word mean something else in YAML; put the text in quotes"
            )
            return None, {}, [Fault(str(path), first_line + anchor.start_mark.line, (), said)]
        loader = LOADER(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or "it can't be read"
        said = (
            f"this is not valid YAML ({problem}); look for a missing quote, a colon inside a "
            f"phrase, or a wrong indent"
        )
        return None, {}, [Fault(str(path), line, (), said)]
    except (ValueError, RecursionError) as error:  # an impossible date, nesting without end
        said = f"a value here can't be read ({error}); write dates as 2026-11-22"
        return None, {}, [Fault(str(path), first_line, (), said)]
    if node is None or not isinstance(data, dict):
        said, write = "nothing here can be read", "`key: value` lines are expected here"
        return None, {}, [Fault(str(path), first_line, (), said, write)]
    lines, faults = _find_lines(node, path, first_line)
    return (None if faults else data), lines, faults


def _find_deep_line(text: str) -> int:
    """The line (from 1) from which on a YAML text nests deeper than DEEPEST; 0 where it doesn't.
    libyaml ends the whole process where it nests without end."""
    if text.count("[") + text.count("{") < DEEPEST and not MAYBE_DEEP.search(text):
        return 0
    depth = 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST and event.start_mark:
                return event.start_mark.line + 1
    except yaml.YAMLError:
        pass  # which the reader tells
    return 0


def _find_anchor(text: str) -> yaml.Token | None:
    """The first anchor or alias of a YAML text, as a token; None where it has none."""
    if not ANCHOR.search(text):
        return None
    return next(
        (
            token
            for token in yaml.scan(text, Loader=LOADER)
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken)
        ),
        None,
    )


def _find_lines(root: yaml.Node, path: str | Path, first_line: int) -> tuple[Lines, list[Fault]]:
    """({key path: line}, faults) of a YAML node: a key that stands twice is a fault."""
    lines: Lines = {}
    faults: list[Fault] = []

    def walk(node: yaml.Node, keys: tuple[Any, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            names = set()
            for key, value in node.value:
                name = _name_of(key)
                line = first_line + key.start_mark.line
                if name in names:
                    faults.append(Fault(str(path), line, (), f"{name} stands here twice; keep one"))
                names.add(name)
                lines[(*keys, name)] = line
                walk(value, (*keys, name))
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                lines[(*keys, i)] = first_line + item.start_mark.line
                walk(item, (*keys, i))
        elif "\0" in node.value:  # which no database keeps
            line = first_line + node.start_mark.line
            said = "\\0 is no sign that can be shown; delete it"
            faults.append(Fault(str(path), line, (), said))

    walk(root, ())
    return lines, faults


def _name_of(key: yaml.Node) -> Any:
    """A key of YAML as its data has it: no and on are truth values there, 1:30 is a number."""
    if not key.tag.endswith((":bool", ":int", ":float", ":null", ":timestamp")):
        return key.value
    return yaml.constructor.SafeConstructor().construct_object(key)


def phrase_faults(
    phrases: object, at: Locate, keys: tuple[object, ...], fewest: int = 1
) -> list[Fault]:
    """Faults of one list of phrases."""
    if not isinstance(phrases, list):
        return [Fault(*at(*keys), "a list of phrases is expected", "one a line after `- `")]
    faults = [
        Fault(*at(*keys, i), said)
        for i, phrase in enumerate(phrases)
        if (said := _phrase_fault(phrase))
    ]
    if len(phrases) < fewest:
        said = f"{len(phrases)} phrases are too few; write at least {fewest}"
        faults.append(Fault(*at(*keys), said))
    return faults


def _phrase_fault(phrase: object) -> str | None:
    if not isinstance(phrase, str):
        return f"the phrase {phrase!r} is not text; put it in quotes"
    if not normalise_phrase(phrase):
        return "the phrase is empty; write how somebody would ask, or delete the line"
    if len(phrase) > 300:
        return f"the phrase has {len(phrase)} characters; keep it under 300"
    return None


def split_front_matter(text: str) -> tuple[str | None, str, int]:
    """(front matter, body, line on which the body begins); the first is None where there is no
    front matter.

    Blank lines before it are its own, so that its lines can be counted; a byte order mark and
    no-break blanks are what editors' programs put in."""
    text = text.removeprefix("\ufeff")
    parts = re.match(r"((?:[ \t]*\r?\n)*)---[ \t]*\r?\n(.*?\n)---[ \t]*\r?\n(.*)", text, re.DOTALL)
    if not parts:
        return None, "", 0
    front = "\n" * parts[1].count("\n") + NO_BREAK.sub(" ", parts[2])
    return front, parts[3], text[: parts.start(3)].count("\n") + 1


def cut_faults(text: str, path: Path, first_line: int = 1) -> list[Fault]:
    """Values that YAML cuts at a blank and "#1", as if a comment began there."""
    if not COMMENT.search(text):
        return []
    found = []
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if not isinstance(token, yaml.ScalarToken) or not token.plain:
            continue
        end = token.end_mark
        if COMMENT.match(end.buffer, end.pointer):
            said = (
                f"what stands behind the # is cut off, for YAML reads it as a comment; put the "
                f'text in quotes: "{token.value} #..."'
            )
            found.append(Fault(str(path), end.line + first_line, (), said))
    return found


def _several(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _front_faults(data: Mapping[str, Any], at: Locate) -> list[Fault]:
    """What is wrong with the front matter."""
    known = ", ".join(sorted(ARTICLE_KEYS))
    faults = [
        Fault(*at(key), *SIGNED_ELSEWHERE)
        if key in ("reviewed_by", "reviewed_on")
        else Fault(*at(key), f"{key} is not a field of an article", f"use one of {known}")
        for key in data
        if key not in ARTICLE_KEYS
    ]
    faults += _text_faults(data, at)
    faults += _date_faults(data, at)
    if not PERIOD.match(str(data.get("review_every"))):
        said = "the time until its next review must be a number of days, as 365 days"
        faults.append(Fault(*at("review_every"), said, "write `review_every: 365 days`"))
    faults += _source_faults(data.get("sources"), at)
    questions = data.get("questions")
    if not isinstance(questions, dict) or not questions:
        said, write = "the article has no question yet; write one", "docs/articles.md shows one"
        return [*faults, Fault(*at("questions"), said, write)]
    for id, question in questions.items():
        faults += _question_faults(id, question, at)
    return faults


def _text_faults(data: Mapping[str, Any], at: Locate) -> list[Fault]:
    """Fields of the front matter that must be text, and may or may not be left empty."""
    faults = []
    for key, missing in WANTED.items():
        if not isinstance(data.get(key), str) or not data[key].strip():
            faults.append(Fault(*at(key), missing, f"write `{key}: ...`"))
    url = data.get("url")
    if url not in (None, "") and (said := say_address_fault(url)):
        faults.append(Fault(*at("url"), f"{said}; or leave it empty"))
    return faults


def _date_faults(data: Mapping[str, Any], at: Locate) -> list[Fault]:
    """The day of the front matter."""
    value = data.get("written_on")
    if type(value) is not datetime.date:
        said = "the day on which it was written must be one that exists, as 2026-11-22"
        return [Fault(*at("written_on"), said)]
    if value > datetime.date.today():
        said = "the day on which it was written is in the future; write the day it was done"
        return [Fault(*at("written_on"), said)]
    return []


def _source_faults(sources: object, at: Locate) -> list[Fault]:
    if not isinstance(sources, dict) or not sources:
        said = "the article names no source; give the title and the address of one"
        write = "write `1: {title: ..., publisher: ..., url: ...}` for each"
        return [Fault(*at("sources"), said, write)]
    faults = []
    for n, source in sources.items():
        here = at("sources", n)
        if type(n) is not int or n < 1:
            faults.append(Fault(*here, f"a source is named by a number from 1, not {n!r}"))
        elif not isinstance(source, dict):
            faults.append(Fault(*here, f"source {n} needs a title and an address"))
        else:
            faults += _one_source_faults(n, source, partial(at, "sources", n))
    return faults


def _one_source_faults(n: int, source: Mapping[str, Any], at: Locate) -> list[Fault]:
    faults = [
        Fault(*at(key), f"source {n} needs {what}")
        for key, what in (("title", "a title"), ("url", "an address"))
        if not source.get(key)
    ]
    if source.get("url") and (said := say_address_fault(source["url"])):
        faults.append(Fault(*at("url"), f"source {n}: {said}"))
    if faults:
        return faults
    faults = [
        Fault(*at(key), f"{what.format(n=n)}, as 2026-11-28, or be left empty")
        for key, what in DATES.items()
        if source.get(key) is not None and type(source[key]) is not datetime.date
    ]
    return faults + _unheld(source, f"source {n}", at)


def _unheld(source: Mapping[str, Any], what: str, at: Locate) -> list[Fault]:
    """Fields of a source that a reply can't hold, or that say nothing."""
    given = {"n": 0, "publisher": "-", **source}
    try:
        reply_model.Source.model_validate({key: given[key] for key in SHOWN}, strict=True)
        wrong = []
    except ValidationError as error:
        wrong = [fault["loc"][0] for fault in error.errors()]
    wrong += [key for key in SHOWN if isinstance(given[key], str) and not given[key].strip()]
    return [
        Fault(*at(key), f"{key} of {what} must be text; write it", "or delete the line")
        for key in wrong
    ]


def _question_faults(id: object, question: object, at: Locate) -> list[Fault]:
    here = at("questions", id)
    if not isinstance(id, str) or not ID.match(id):
        said = f"{id!r} can't name a question; use small letters, digits and _, as `side_effects`"
        return [Fault(*here, said)]
    if id == MADE_BY_US:
        return [Fault(*here, f"{id} is made from the front matter; delete it here")]
    if not isinstance(question, dict):
        return [Fault(*here, f"the question {id} says nothing", "it needs ask and facet")]
    faults = [
        Fault(*at("questions", id, key), *_key_fault(id, key, Path(here[0]).stem))
        for key in question
        if key not in QUESTION_KEYS
    ]
    if not isinstance(question.get("ask"), str) or not question["ask"].strip():
        said = f"the question {id} has no wording; write how a visitor would ask"
        faults.append(Fault(*at("questions", id, "ask"), said, "as `ask: ...`"))
    facet = question.get("facet")
    if not facet or not all(
        isinstance(f, str) and f.strip() for f in (facet if isinstance(facet, list) else [facet])
    ):
        said = f"the question {id} names no side of its subject; choose one"
        write = "write `facet: ...`, one or a list: [use, side_effects]"
        faults.append(Fault(*at("questions", id, "facet"), said, write))
    about = question.get("about", "-")
    if not (
        isinstance(about, str)
        or isinstance(about, list)
        and about
        and all(isinstance(a, str) for a in about)
    ):
        said = "what a question is about must be a term of the terms list, or several"
        faults.append(Fault(*at("questions", id, "about"), said, "the list is data/terms.yml"))
    return faults


def _key_fault(id: str, key: object, article: str) -> tuple[str, str]:
    if key in PHRASE_KEYS:
        return "an article's file holds no phrases", (
            f"phrases stand in data/phrases/{article}.yml; write `{id}:` there, `{key}:` with this "
            f"list below it, and delete it here"
        )
    known = ", ".join(sorted(QUESTION_KEYS))
    return f"{key} is not a field of a question", f"use one of {known}"


def _same_facets(data: Mapping[str, Any], at: Locate) -> list[Fault]:
    """Two questions about one thing with one facet: a follow-up could not tell them apart."""
    faults: list[Fault] = []
    seen: dict[tuple[str, str], str] = {}
    for id, question in data["questions"].items():
        for about in _several(question.get("about", data["about"])):
            for facet in _several(question["facet"]):
                other = seen.setdefault((about, facet), id)
                if other != id:
                    said = (
                        f"“{id}” and “{other}” are both the {facet} of {about}; give one another "
                        f"side of the subject"
                    )
                    faults += [Fault(*at("questions", each, "facet"), said) for each in (id, other)]
    return faults


def read_sections(
    body: str, first_line: int, path: str | Path
) -> tuple[dict[str, Section], list[Fault]]:
    """({id: {title, line, blocks}}, faults); a block is (line, plain text), the first is the
    lead."""
    sections: dict[str, Section] = {}
    faults: list[Fault] = []
    current: Section | None = None
    for number, line in enumerate(body.splitlines(), first_line):
        heading = HEADING.match(line)
        if heading:
            id = heading["id"]
            if not id or not ID.match(id):
                said = "the heading needs its question's id"
                write = f"write `## {heading['title']} {{#id}}`"
                faults.append(Fault(str(path), number, (), said, write))
            elif id in sections:
                said = f"the section {id} stands here twice; keep one"
                faults.append(Fault(str(path), number, (), said))
            current = {"id": id, "title": heading["title"], "line": number, "blocks": []}
            if id:
                sections.setdefault(id, current)
            new = True
        elif line.startswith("#"):
            said = "a line that begins with # is no heading of a question"
            write = "only headings of the form `## Title {#id}` are known here"
            faults.append(Fault(str(path), number, (), said, write))
        elif not line.strip():
            new = True
        elif current is None:
            said = "text before the first heading is never shown; put it in a section"
            faults.append(Fault(str(path), number, (), said))
        elif new:
            current["blocks"].append((number, line.strip()))
            new = False
        else:
            start, block = current["blocks"][-1]
            joint = "\n" if re.match(r"\s*([-*]|\d+\.)\s", line) else " "
            current["blocks"][-1] = (start, block + joint + line.strip())
    return sections, faults


def text_field(section: Section, line: int) -> Field:
    """The Field of a line of the file, in the text of a section."""
    first = section["blocks"][0][0] if section["blocks"] else line
    return "questions", section["id"], "text", line - first + 1


def _section_faults(section: Section, numbers: Collection[int], path: Path) -> list[Fault]:
    if not section["blocks"]:
        said = "the section has no text; write the answer under the heading"
        return [Fault(str(path), section["line"], ("questions", section["id"], "text"), said)]
    return [
        Fault(str(path), line, text_field(section, line), said)
        for place, (line, block) in enumerate(section["blocks"])
        for said in _block_faults(block, place == 0, numbers)
    ]


def _block_faults(block: str, is_lead: bool, numbers: Collection[int]) -> Iterator[str]:
    """What is wrong with one paragraph, as sentences."""
    for n in MARK.findall(block):
        if int(n) not in numbers:
            yield (
                f"source [{n}] is not listed; correct the number, or add the source to the article"
            )
    if not MARK.search(block):
        yield "this paragraph names no source; put its number behind it, as [1]"
    if is_lead and len(block.split()) > LEAD_WORDS:
        yield (
            f"the lead has {len(block.split())} words; keep it to {LEAD_WORDS} and move the rest "
            f"below it"
        )
    yield from wording.wording_faults(MARK.sub("", block))


def _lead_faults(
    questions: Mapping[str, Any], sections: Mapping[str, Section], path: Path
) -> list[Fault]:
    """Leads that don't make sense below their question, which is their heading on the page."""
    faults = []
    for id, section in sections.items():
        ask = questions[id]["ask"] if id in questions else ""
        line, lead = section["blocks"][0] if section["blocks"] else (0, "")
        answer = YES_OR_NO.match(lead)
        if ask and answer and not ASKS_YES_OR_NO.search(ask):
            said = (
                f'the lead says "{answer[0]}", but its heading asks "{ask}"; begin with what it is '
                f"about, or ask for a yes or no"
            )
            faults.append(Fault(str(path), line, text_field(section, line), said))
    return faults


def _further_faults(data: Mapping[str, Any], at: Locate) -> list[Fault]:
    """Faults of the fields that say what is not cited, and what was not held against sources."""
    faults, listed = [], data.get("further_reading") or []
    if not isinstance(listed, list):
        said = "further reading must be a list"
        write = "one a line after `- `: `- {title: ..., publisher: ..., url: ...}`"
        faults.append(Fault(*at("further_reading"), said, write))
        listed = []
    for i, source in enumerate(listed):
        if not isinstance(source, dict) or not source.get("title"):
            said = "further reading needs a title and an address"
            faults.append(Fault(*at("further_reading", i), said))
        elif wrong := say_address_fault(source.get("url")):
            said = f"further reading: {wrong}"
            faults.append(Fault(*at("further_reading", i, "url"), said))
        else:
            faults += _unheld(source, "further reading", partial(at, "further_reading", i))
    if data.get("evidence") not in (None, NOT_HELD):
        said = "its statements are held against their sources, or not yet; choose one of the two"
        write = (
            f"evidence can only be `{NOT_HELD}`, for an article whose statements were not held "
            f"against its sources; delete the line where they were"
        )
        faults.append(Fault(*at("evidence"), said, write))
    return faults
