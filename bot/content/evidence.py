"""Evidence: what the sources of an article say, statement by statement.

A ledger, `data/evidence/<article>.yml`, holds for each cited statement, found by its words, what
each of its sources says there; docs/articles.md shows one. An article that says anything else than
its ledger can't be published."""

import dataclasses
import datetime
import functools
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.content import articles
from bot.content.articles import Article, Question, Source
from bot.domain.faults import Fault, Field, Locate, make_locate

MARKS = re.compile(r"((?:\s*\[\d+\])+)")
BETWEEN = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)]))\s+(?=[\"'“‘(]?[A-Z0-9])")  # sentences
END = re.compile(r"[.!?…][\"'”’)]*$")  # of a sentence
BEFORE_THE_STOP = re.compile(r"\s*((?:\[\d+\]\s*)+)([.!?,;:])")
ITEM = re.compile(r"(?:^|\n)\s*(?:[-*]|\d+\.)\s+|\|")  # a list's item, or a cell of a table
MOST_SAID = 90  # characters of a statement that a fault repeats
KEYS = {"sources", "statements"}


class Read(StrEnum):
    """How a source was read."""

    WHOLE = "whole"
    PART = "part"
    ABSTRACT = "abstract"
    COPY = "copy"  # as another site, or a store of pages, shows it
    QUOTED = "quoted"  # where another page quotes it
    FACTS = "facts"  # an older text of it, in a collection of reference facts


class Verdict(StrEnum):
    """How a source bears a statement out. Nothing else may remain: what stands in no source, or
    against one, is mended or taken out."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    BY_SEVERAL = "by_several"  # only together with the others of the statement


WEAK = (Read.QUOTED, Read.PART)  # carries little alone


@dataclass(frozen=True)
class Reading:
    """How a source was read, on which day, and `by` whom where that was written down; `version`:
    the day of what was read, where that is known."""

    read: Read
    on: datetime.date
    version: datetime.date | None = None
    how: str = ""
    by: str = ""


@dataclass(frozen=True)
class Evidence:
    """What one source says about a statement: `where` in it, and a paraphrase of what it
    `states`."""

    source: int
    where: str
    states: str
    verdict: Verdict


@dataclass(frozen=True)
class Entry:
    """One statement of a ledger, word for word."""

    says: str
    evidence: tuple[Evidence, ...]
    line: int = 0

    def numbers(self) -> set[int]:
        return {each.source for each in self.evidence}


@dataclass(frozen=True)
class Ledger:
    """What the sources of one article say."""

    readings: dict[int, Reading] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    @functools.cached_property
    def by_words(self) -> dict[str, list[Entry]]:
        """{words: the entries for them}."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.says, []).append(entry)
        return found


@dataclass(frozen=True)
class Statement:
    """A sentence, a list's item or a cell of a table as it stands in an article, with the numbers
    behind it.

    `before`: sentences in front of it without a number of their own. `entry`: that of its words;
    None where there is none, or only one of other numbers. `question`: that whose answer it stands
    in, where an article's are listed."""

    says: str
    numbers: tuple[int, ...]
    before: str = ""
    line: int = 0
    entry: Entry | None = None
    question: str = ""

    def is_held(self) -> bool:
        """Whether its entry holds exactly its numbers."""
        return self.entry is not None and self.entry.numbers() == set(self.numbers)


@dataclass(frozen=True)
class Summary:
    """An article's statements and sources in figures. `last`: the day on which a source was last
    read."""

    statements: int
    held: int
    uncited: int  # sentences that name no source
    verdicts: dict[Verdict, int]
    reads: dict[Read, int]
    last: datetime.date | None


def path_of(folder: str | Path, article_id: str) -> Path:
    """The ledger of an article in a content folder."""
    return Path(folder, "evidence", f"{article_id}.yml")


def read_all(
    folder: str | Path, listed: Iterable[Article]
) -> tuple[dict[str, Ledger], list[Fault]]:
    """({article's id: Ledger}, faults) of a content folder, held against the articles `listed`; an
    article that says that it isn't held has none."""
    ledgers: dict[str, Ledger] = {}
    faults: list[Fault] = []
    for article in listed:
        path = path_of(folder, article.id)
        faults += withdrawn_faults(article)
        if article.evidence == articles.NOT_HELD:
            continue
        if path.is_file():
            ledger, found = read_ledger(path.read_text(encoding="utf-8", errors="replace"), path)
            ledgers[article.id] = ledger
            faults += found or article_faults(article, ledger, path)
        else:
            said = (
                "its statements have no evidence; write it, or say that they are not held against "
                "their sources yet, and visitors are told so"
            )
            write = (
                f"write {_name(path)} as docs/articles.md shows, or `evidence: "
                f"{articles.NOT_HELD}` in the front matter"
            )
            faults.append(Fault(article.path, 1, ("evidence",), said, write))
    for path in articles.list_files(folder, "evidence/*.yml"):
        if not Path(folder, "articles", f"{path.stem}.md").is_file():
            said = f"there is no article {path.stem} to hold this evidence"
            faults.append(Fault(str(path), 1, (), said, "delete this file"))
    return ledgers, faults


def read_ledger(text: str, path: str | Path) -> tuple[Ledger, list[Fault]]:
    """(Ledger, faults) of a ledger's text; what has a fault is left out of the first."""
    ledger, faults = _read_ledger(text, path)
    return ledger, list(faults)


@articles.keep_for_the_day
def _read_ledger(text: str, path: str | Path) -> tuple[Ledger, list[Fault]]:
    data, lines, faults = articles.read_yaml(text, path)
    if data is None:
        return Ledger(), faults

    at = make_locate(path, lines)
    faults += [
        Fault(*at(key), f"{key} is not known here", f"a ledger holds {' and '.join(sorted(KEYS))}")
        for key in data
        if key not in KEYS
    ]
    readings: dict[int, Reading] = {}
    entries: list[Entry] = []
    listed = data.get("sources")
    if not isinstance(listed, dict) or not listed:
        said = "no source was read yet; say how and when"
        faults.append(Fault(*at("sources"), said, "write `1: {read: whole, on: ...}`"))
        listed = {}
    for n, source in listed.items():
        found = [Fault(*at("sources", n, key), *said) for key, *said in _reading_faults(n, source)]
        faults += found
        if not found:
            readings[n] = Reading(
                Read(source["read"]),
                _on(source),
                source.get("date"),
                _line(source, "how"),
                _line(source, "by"),
            )
    statements = data.get("statements")
    if not isinstance(statements, list) or not statements:
        said = "no statement has evidence; write what the sources of one say"
        faults.append(Fault(*at("statements"), said, "below `statements:`"))
        statements = []
    for i, entry in enumerate(statements):
        found = _entry_faults(entry, listed, functools.partial(at, "statements", i))
        found = [dataclasses.replace(fault, field=_by_words(entry, fault.field)) for fault in found]
        faults += found
        if not found:
            entries.append(_make_entry(entry, lines[("statements", i)]))
    return Ledger(readings, tuple(entries)), faults


def _by_words(entry: Any, field: Field) -> Field:
    """A Field of an entry, which is named by its words in place of its number."""
    says = entry.get("says") if isinstance(entry, dict) else None
    return ("statements", _plain(articles.MARK.sub("", str(says or ""))), *field[2:])


def of_text(text: str, ledger: Ledger) -> list[Statement]:
    """The Statements that have a number in a text of several blocks, as a question's lead and
    more."""
    return [
        statement
        for block in text.split("\n\n")
        for statement in of_paragraph(block, ledger)
        if statement.numbers
    ]


def of_paragraph(block: str, ledger: Ledger, line: int = 0) -> list[Statement]:
    """Every Statement of a paragraph, a list or a table that begins on a line, those without a
    number too."""
    return [
        _match(words, numbers, ledger.by_words, line + below)
        for words, numbers, below in _split_paragraph(block)
    ]


@functools.lru_cache(maxsize=8192)  # paragraphs of articles alone, some 2,000 in fifteen
def _split_paragraph(block: str) -> tuple[tuple[str, tuple[int, ...], int], ...]:
    """((words, numbers, lines below the first), ...) of a paragraph, a list or a table."""
    found: list[tuple[str, tuple[int, ...], int]] = []
    start = 0
    text = BEFORE_THE_STOP.sub(r"\2 \1", block)
    for piece in filter(str.strip, ITEM.split(text)):
        start = text.index(piece, start)
        below = text.count("\n", 0, start)
        found += [(words, numbers, below) for words, numbers in _sentences(piece)]
    return tuple(found)


def of_article(
    article: Article, ledger: Ledger, lines: Mapping[str, int] | None = None
) -> list[Statement]:
    """Every Statement of an article, those without a number too; `lines`: what `lines_of` gave,
    where they are wanted."""
    return [
        dataclasses.replace(statement, question=question.name.partition(".")[2])
        for question in article.questions
        for block in answer_paragraphs(question)
        for statement in of_paragraph(block, ledger, (lines or {}).get(block, question.line))
    ]


def answer_paragraphs(question: Question) -> list[str]:
    """The paragraphs and lists of a question's answer, the lead first."""
    return [question.lead, *filter(None, question.more.split("\n\n"))]


def lines_of(article: Article) -> dict[str, int]:
    """{paragraph: the line on which it begins} of an article's file."""
    _, body, first = articles.split_front_matter(Path(article.path).read_text(encoding="utf-8"))
    sections, _ = articles.read_sections(body, first, article.path)
    return {block: line for section in sections.values() for line, block in section["blocks"]}


def article_faults(article: Article, ledger: Ledger, path: Path) -> list[Fault]:
    """What an article says otherwise than its ledger in `path` does."""
    found = of_article(article, ledger, lines_of(article))
    cited = [statement for statement in found if statement.numbers]
    return [
        *_source_faults(article, ledger, cited, path),
        *(fault for statement in cited for fault in statement_faults(statement, article, path)),
        *(_stale_fault(entry, path) for entry in stale_entries(found, ledger)),
    ]


def doubtful_sources(article: Article, ledger: Ledger) -> dict[int, Source]:
    """{n: Source} of an article's sources that were withdrawn, that changed on the day of their
    last reading or later, or of which an older version was read than there is."""
    return {
        source.n: source
        for source in article.sources
        if source.withdrawn or _is_older(ledger.readings.get(source.n), source)
    }


def _is_older(reading: Reading | None, source: Source) -> bool:
    """Whether a source became another after what was read of it."""
    if reading is None:
        return source.changed is not None
    return bool(
        (source.changed and reading.on <= source.changed)
        or (source.date and reading.version and reading.version < source.date)
    )


def summarise_evidence(article: Article, ledger: Ledger) -> Summary:
    """The Summary of an article."""
    found = of_article(article, ledger)
    cited = [statement for statement in found if statement.numbers]
    return Summary(
        statements=len(cited),
        held=sum(statement.is_held() for statement in cited),
        uncited=sum(
            sentence not in ledger.by_words
            for statement in found
            for sentence in _unnumbered(statement)
        ),
        verdicts=_count(
            Verdict,
            (statement_verdict(each.entry) for each in cited if each.entry and each.is_held()),
        ),
        reads=_count(
            Read,
            (ledger.readings[s.n].read for s in article.sources if s.n in ledger.readings),
        ),
        last=max((reading.on for reading in ledger.readings.values()), default=None),
    )


def statement_verdict(entry: Entry) -> Verdict:
    """The Verdict on a whole statement: by several where it needs them, partly where one source
    does no more."""
    given = {each.verdict for each in entry.evidence}
    if Verdict.BY_SEVERAL in given:
        return Verdict.BY_SEVERAL
    return Verdict.SUPPORTED if Verdict.SUPPORTED in given else Verdict.PARTLY


def is_weak(statement: Statement, ledger: Ledger) -> bool:
    """Whether a statement rests on one source that was only quoted or read in part."""
    reading = ledger.readings.get(statement.numbers[0])
    return len(set(statement.numbers)) == 1 and reading is not None and reading.read in WEAK


def _sentences(piece: str) -> list[tuple[str, tuple[int, ...]]]:
    """[(words, numbers)] of a running text: what stands before each run of marks; without a number,
    what stands behind the last."""
    parts, words = MARKS.split(piece), ""
    found: list[tuple[str, tuple[int, ...]]] = []
    numbers: list[int] = []
    for i in range(0, len(parts) - 1, 2):
        words = f"{words} {parts[i]}".strip()
        numbers += [int(n) for n in re.findall(r"\d+", parts[i + 1])]
        is_last = i + 3 == len(parts) and not parts[-1].strip()
        if END.search(words) or is_last:
            found.append((_plain(words), tuple(dict.fromkeys(numbers))))
            words, numbers = "", []
    rest = f"{words} {parts[-1]}".strip()
    return [*found, (_plain(rest), tuple(numbers))] if rest else found


def _match(
    words: str, numbers: tuple[int, ...], index: Mapping[str, list[Entry]], line: int
) -> Statement:
    """The Statement of these words, with the entry that fits it best."""
    fitting = (index.get(words) or _fitting(words, index)) if numbers else []
    if not fitting:
        sentences = (_split(words) if numbers else []) or [words]
        return Statement(sentences[-1], numbers, " ".join(sentences[:-1]), line)
    entry = max(fitting, key=lambda entry: (entry.numbers() == set(numbers), len(entry.says)))
    return Statement(entry.says, numbers, words[: -len(entry.says)].strip(), line, entry)


def _fitting(words: str, index: Mapping[str, list[Entry]]) -> list[Entry]:
    """The entries for a text's last sentences, where others without a number stand before them."""
    return [
        entry
        for says, entries in index.items()
        if words.endswith(f" {says}") and END.search(words[: -len(says)].strip())
        for entry in entries
    ]


def _split(text: str) -> list[str]:
    """The sentences of a text."""
    return [part for part in BETWEEN.split(text) if part]


def _unnumbered(statement: Statement) -> list[str]:
    """The sentences of a Statement that have no number of their own."""
    return _split(statement.before) + ([] if statement.numbers else _split(statement.says))


def _plain(words: str) -> str:
    return " ".join(words.split())


def _reading_faults(n: object, source: Any) -> Iterator[tuple[str, str, str]]:
    """(key, sentence, what to write in the file) of what is wrong with how a source was read."""
    if not isinstance(source, dict):
        yield (
            "read",
            f"it is not said how source {n} was read",
            "write `{read: ..., on: ..., date: ..., how: ...}`",
        )
        return
    on, version = _on(source), source.get("date")
    if source.get("read") not in list(Read):
        yield (
            "read",
            f"source {n} was never read; say how it was, or take out what rests on it",
            f"write `read:` with one of {', '.join(Read)}",
        )
    if type(on) is not datetime.date or on > datetime.date.today():
        yield (
            "on",
            f"source {n} has no date of reading; write the day, as 2026-11-28",
            "as `on: 2026-11-28`",
        )
    if version is not None and type(version) is not datetime.date:
        said = "the date must be that of the version read, as 2024-05-01, or be left empty"
        yield "date", said, "or null"


def _on(source: Mapping[Any, Any]) -> Any:
    return source.get("on", source.get(True))  # YAML takes the word for a yes


def _line(source: Mapping[Any, Any], key: str) -> str:
    return str(source.get(key) or "")


def _entry_faults(entry: Any, listed: Container[int], at: Locate) -> list[Fault]:
    says = entry.get("says") if isinstance(entry, dict) else None
    given = entry.get("evidence") if isinstance(entry, dict) else None
    if not isinstance(says, str) or not says.strip():
        said = "a statement needs its words, as they stand in the article"
        return [Fault(*at(), said, "as `says: ...`")]
    if not isinstance(given, list) or not given:
        said = f"“{_short(says)}” has no evidence; write below it what its sources say"
        return [Fault(*at(), said)]
    faults = [
        Fault(*at("evidence", i, key), *said)
        for i, each in enumerate(given)
        for key, *said in _evidence_faults(each, listed)
    ]
    if faults:
        return faults
    if len({each["source"] for each in given}) > 1:
        return []
    return [
        Fault(
            *at("evidence", i, "verdict"),
            f"“{_short(says)}” is by_several with one source only; add the others, or say "
            f"supported or partly",
        )
        for i, each in enumerate(given)
        if each["verdict"] == Verdict.BY_SEVERAL
    ]


def _evidence_faults(each: Any, listed: Container[int]) -> Iterator[tuple[str, str, str]]:
    """(key, sentence, what to write in the file) of what is wrong with one line of evidence."""
    if not isinstance(each, dict):
        yield (
            "states",
            "a line of evidence can't be read",
            "it needs `{source: ..., where: ..., states: ..., verdict: ...}`",
        )
        return
    for key, missing in (
        ("where", "the place is missing; write the heading, page or paragraph in the source"),
        ("states", "what the source says is missing; write in a line what stands there"),
    ):
        if not isinstance(each.get(key), str) or not each[key].strip():
            yield key, missing, f"as `{key}: ...`"
    if not isinstance(each.get("source"), int) or each["source"] not in listed:
        said = f"source {each.get('source')} was never read; say how it was, or take this line out"
        yield "source", said, "say it under `sources:`"
    if each.get("verdict") not in list(Verdict):
        said = (
            f"“{each.get('verdict')}” is no verdict; it is one of {', '.join(Verdict)}; what a "
            f"source does not say is mended in the article, or taken out"
        )
        yield "verdict", said, ""


def _make_entry(entry: Mapping[str, Any], line: int) -> Entry:
    return Entry(
        says=_plain(articles.MARK.sub("", entry["says"])),
        evidence=tuple(
            Evidence(each["source"], each["where"], each["states"], Verdict(each["verdict"]))
            for each in entry["evidence"]
        ),
        line=line,
    )


def _source_faults(
    article: Article, ledger: Ledger, cited: Iterable[Statement], path: Path
) -> list[Fault]:
    """Sources of the article that were not read, lead to a front page, or are cited nowhere."""
    used = {n for statement in cited for n in statement.numbers}
    numbers = {source.n for source in article.sources}
    faults = []
    for source in article.sources:
        what, address = f"source {source.n}, “{source.title}”,", urlsplit(source.url)
        place = article.path, 1
        if source.n not in used:
            said = f"{what} is cited nowhere; cite it, or take it out"
            write = "list it under `further_reading:`, or delete it"
            faults.append(Fault(*place, ("sources", source.n, "title"), said, write))
        elif source.n not in ledger.readings:
            said = f"{what} was never read; say how and when it was"
            write = f"say it in {_name(path)}"
            faults.append(Fault(*place, ("sources", source.n, "read"), said, write))
        if not address.path.strip("/") and not address.query:
            said = f"{what} leads to a front page; give the address of the page itself"
            faults.append(Fault(*place, ("sources", source.n, "url"), said))
    return faults + [
        Fault(str(path), 1, ("sources", n), f"the article has no source {n}", "take it out here")
        for n in ledger.readings
        if n not in numbers
    ]


def withdrawn_faults(article: Article) -> list[Fault]:
    """Statements that rest on a source that was withdrawn."""
    gone = {source.n: source for source in article.sources if source.withdrawn}
    if not gone:
        return []
    return [
        Fault(
            article.path,
            statement.line,
            ("questions", statement.question, "text"),
            f"“{_short(statement.says)}” rests on [{n}], which was withdrawn "
            f"({gone[n].withdrawn}); cite another source, or take the statement out",
        )
        for statement in of_article(article, Ledger(), lines_of(article))
        for n in statement.numbers
        if n in gone
    ]


def statement_faults(statement: Statement, article: Article, path: Path) -> list[Fault]:
    """What forbids a Statement of an article beside its ledger in `path`."""
    return [
        Fault(
            article.path,
            statement.line,
            ("questions", statement.question, "evidence", statement.says),
            f"“{_short(statement.says)}” {said}",
            write,
        )
        for said, write in _held_otherwise(statement, path)
    ]


def _held_otherwise(statement: Statement, path: Path) -> Iterator[tuple[str, str]]:
    """(sentence, place in the file) of what the ledger in `path` holds otherwise than a Statement
    says, each without its words."""
    if statement.entry is None:
        said = "has no evidence; write what its sources say, or take the statement out"
        yield said, f"the place is {_name(path)}"
        return
    held, place = statement.entry.numbers(), f"its entry is {_name(path)}:{statement.entry.line}"
    for n in statement.numbers:
        if n not in held:
            yield (
                f"cites [{n}], of which its evidence says nothing; write what source {n} says, or "
                f"take the number out",
                place,
            )
    for n in sorted(held - set(statement.numbers)):
        yield (
            f"does not cite [{n}], which its evidence holds; put the number behind it, or take the "
            f"line out of the evidence",
            place,
        )


def stale_entries(found: Sequence[Statement], ledger: Ledger) -> list[Entry]:
    """The Entries whose words stand in none of an article's Statements any more, or stand there
    without these numbers."""
    taken = Counter(each.entry.line for each in found if each.entry)
    entries = []
    for entry in ledger.entries:
        if taken[entry.line]:
            continue
        around = [each for each in found if each.numbers and _stands_in(entry.says, each)]
        if any(entry.numbers() <= set(each.numbers) for each in around):
            continue  # the mark behind a later sentence closes this one too
        entries.append(entry)
    return entries


def _stale_fault(entry: Entry, path: Path) -> Fault:
    said = (
        f"“{_short(entry.says)}” no longer stands in the article with these numbers; write the "
        f"words as they stand there now, if the sources say so, or delete the entry"
    )
    return Fault(str(path), entry.line, ("statements", entry.says), said)


def _stands_in(says: str, statement: Statement) -> bool:
    """Whether `says` is one of a statement's sentences, or of those before it."""
    return f" {says} " in f" {statement.before} {statement.says} "


def _short(says: str) -> str:
    return says if len(says) <= MOST_SAID else f"{says[: MOST_SAID - 1]}…"


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _count[Kind](kinds: Iterable[Kind], given: Iterable[Kind]) -> dict[Kind, int]:
    counts = Counter(given)
    return {kind: counts[kind] for kind in kinds if counts[kind]}
