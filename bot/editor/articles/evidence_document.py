"""An article's evidence as its editor sees it: the statements of a question beside what their
sources say, and a ledger's text with what was changed written into it, and no other line."""

import difflib
import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from bot.content import articles, evidence
from bot.content.articles import Article, Question
from bot.content.evidence import Entry, Evidence, Ledger, Statement
from bot.domain.faults import Fault
from bot.editor.shared import article_document
from bot.editor.shared.article_document import Edit

ALIKE = 0.5  # the least likeness of a statement to the words that it had before
NEW = (
    "# What the sources of this article say, statement by statement; held against the text by "
    "`bot evidence`.\n"
)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}$")
READING = ("read", "on", "date", "how", "by")
Reading = Mapping[str, object]  # how a source was read, by the keys of READING
Top = tuple[yaml.Node, yaml.Node] | None  # an entry of the ledger, and what stands under it


@dataclass(frozen=True)
class Row:
    """One line of evidence in a form: what source `source` says. Empty, it is still to be
    written."""

    source: int
    where: str = ""
    states: str = ""
    verdict: str = evidence.Verdict.SUPPORTED

    def is_empty(self) -> bool:
        return not (self.where or self.states)


@dataclass(frozen=True)
class Side:
    """A statement with its evidence in a form. `line`: where its entry stands in the ledger, 0
    without one; `was`: the words for which its rows were written, where these are others."""

    says: str
    numbers: tuple[int, ...]
    rows: tuple[Row, ...]
    line: int = 0
    was: str = ""
    faults: tuple[str, ...] = ()


def statement_rows(
    article: Article, question: Question, ledger: Ledger, path: Path
) -> list[tuple[str, list[Side]]]:
    """[(paragraph, [Side])] of a question's text; a statement whose words were changed begins with
    the evidence of those that it had."""
    unused = stale_entries(article, ledger)
    return [
        (
            block,
            [
                _side(statement, article, path, unused)
                for statement in evidence.of_text(block, ledger)
            ],
        )
        for block in evidence.answer_paragraphs(question)
    ]


def stale_entries(article: Article, ledger: Ledger) -> list[Entry]:
    """The Entries of a ledger for words that no longer stand in the article."""
    return evidence.stale_entries(evidence.of_article(article, ledger), ledger)


def write_ledger(
    text: str, readings: Mapping[int, Reading], changed: Iterable[Side], dropped: Iterable[int]
) -> str:
    """A ledger's text with these changes and no other line touched: `readings` {n: {of READING}},
    `changed` [Side] as they shall be, `dropped` the lines of entries that go. Raises
    articles.ContentError where the file isn't laid out as ours are."""
    if not text.strip():
        text = f"{NEW}sources: {{}}\nstatements: []\n"
    data, _, faults = articles.read_yaml(text, "evidence")
    if data is None:
        raise articles.ContentError(faults)
    lines = text.splitlines(keepends=True)
    top = article_document.entries_of(yaml.compose(text, Loader=articles.LOADER))
    edits = [
        *_reading_edits(top.get("sources"), readings, lines),
        *_statement_edits(top.get("statements"), changed, dropped, lines),
    ]
    for first, last, new in reversed(sorted(edits, key=lambda edit: edit[:2])):
        lines[first:last] = new
    return "".join(lines)


def _side(statement: Statement, article: Article, path: Path, unused: list[Entry]) -> Side:
    entry, was = statement.entry, ""
    if entry is None:
        entry = _nearest(statement.says, unused)
        if entry:
            unused.remove(entry)
            was = entry.says
    rows = [Row(each.source, each.where, each.states, each.verdict) for each in _given(entry)]
    cited = [n for n in statement.numbers if n not in {row.source for row in rows}]
    if was:
        rows = [row for row in rows if row.source in statement.numbers]
    return Side(
        says=statement.says,
        numbers=statement.numbers,
        rows=(*rows, *map(Row, cited)),
        line=entry.line if entry else 0,
        was=was,
        faults=tuple(fault.text for fault in evidence.statement_faults(statement, article, path)),
    )


def _given(entry: Entry | None) -> tuple[Evidence, ...]:
    return entry.evidence if entry else ()


def _nearest(says: str, unused: list[Entry]) -> Entry | None:
    """Of the entries without a statement the one whose words are most like these."""
    alike = [
        (difflib.SequenceMatcher(None, entry.says, says, autojunk=False).ratio(), entry)
        for entry in unused
    ]
    best, entry = max(alike, key=lambda each: each[0], default=(0, None))
    return entry if best >= ALIKE else None


def _reading_edits(top: Top, readings: Mapping[int, Reading], lines: list[str]) -> list[Edit]:
    is_listed = _block(top, yaml.MappingNode)
    if not readings:
        return []
    if top is None or not is_listed:
        return _first(top, "sources", [_reading_line(n, readings[n]) for n in readings], lines)
    known = article_document.entries_of(top[1])
    edits: list[Edit] = []
    for n, reading in readings.items():
        new = [_reading_line(n, reading, top[1].start_mark.column)]
        if str(n) in known:
            key, value = known[str(n)]
            edits.append((key.start_mark.line, article_document.last_line(key, value), new))
        else:
            end = article_document.last_line(*top)
            edits.append((end, end, new))
    return edits


def _statement_edits(
    top: Top, changed: Iterable[Side], dropped: Iterable[int], lines: list[str]
) -> list[Edit]:
    if top is None or not _block(top, yaml.SequenceNode):
        new = [line for side in changed for line in _entry_lines(side)]
        return _first(top, "statements", new, lines) if new else []
    items = top[1].value
    margin = len(lines[items[0].start_mark.line]) - len(lines[items[0].start_mark.line].lstrip())
    places = {item.start_mark.line + 1: item for item in items}
    end = article_document.last_line(*top)
    edits: list[Edit] = []
    for side in changed:
        new, item = _entry_lines(side, margin), places.pop(side.line, None)
        if item is None:
            edits.append((end, end, new))
        else:
            edits.append((item.start_mark.line, article_document.last_line(None, item), new))
    return edits + [
        (places[line].start_mark.line, article_document.last_line(None, places[line]), [])
        for line in dropped
        if line in places
    ]


def _block(top: Top, kind: type[yaml.CollectionNode]) -> bool:
    """Whether an entry holds lines of its own; raises where they stand in one line."""
    if top is None or not isinstance(top[1], yaml.CollectionNode) or not top[1].value:
        return False
    if not isinstance(top[1], kind) or top[1].flow_style:
        said = "this evidence was laid out by hand; who looks after the files must set it right"
        write = f"{top[0].value} must stand one a line, as docs/articles.md shows"
        raise articles.ContentError(
            [Fault("evidence", top[0].start_mark.line + 1, (), said, write)]
        )
    return True


def _first(top: Top, key: str, new: list[str], lines: list[str]) -> list[Edit]:
    """The edit that gives an empty entry its first lines."""
    place = (
        (top[0].start_mark.line, article_document.last_line(*top))
        if top
        else (len(lines), len(lines))
    )
    return [(*place, [f"{key}:\n", *new])]


def _reading_line(n: int, reading: Reading, margin: int = 2) -> str:
    kept = {key: reading[key] for key in READING if reading.get(key) or key == "date"}
    return f"{' ' * margin}{n}: {_flow(kept, plain=('read',))}\n"


def _entry_lines(side: Side, margin: int = 2) -> list[str]:
    """A Side as an entry of a ledger; none where all its rows are empty."""
    rows = [row for row in side.rows if not row.is_empty()]
    indent = " " * margin
    return (
        [
            f"{indent}- says: {_quoted(side.says)}\n",
            f"{indent}  evidence:\n",
            *(f"{indent}    - {_flow(vars(row), plain=('verdict', 'source'))}\n" for row in rows),
        ]
        if rows
        else []
    )


def _flow(values: Mapping[str, object], plain: Container[str]) -> str:
    """A mapping in one line; `plain`: the keys whose values need no quotes."""
    return "{" + ", ".join(f"{key}: {_value(values[key], key in plain)}" for key in values) + "}"


def _value(value: object, plain: bool) -> str:
    if value in ("", None):
        return "null"
    is_plain = DAY.match(str(value)) or (plain and re.fullmatch(r"\w+", str(value)))
    return str(value) if is_plain else _quoted(value)


def _quoted(text: object) -> str:
    return json.dumps(" ".join(str(text).split()), ensure_ascii=False)


def with_rows(side: Side, rows: Iterable[Row]) -> Side:
    """The Side with other rows; its words are its own now."""
    return replace(side, rows=tuple(rows), was="")
