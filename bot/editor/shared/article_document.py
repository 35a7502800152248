"""An article as its editor sees it: fields out of a file's text, and back with no more lines
changed than were meant.

Comments, quotes and the order of the file stay as they were; what is read and written is the text
alone."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

import yaml

from bot.content import articles
from bot.domain.faults import Fault

FrontKey = Literal[
    "title",
    "about",
    "url",
    "written_by",
    "written_on",
    "review_every",
    "evidence",
]
SourceKey = Literal["title", "publisher", "url", "date", "changed", "withdrawn"]
FRONT: tuple[FrontKey, ...] = (
    "title",
    "about",
    "url",
    "written_by",
    "written_on",
    "review_every",
    "evidence",
)
SOURCE: tuple[SourceKey, ...] = ("title", "publisher", "url", "date", "changed", "withdrawn")
FOR_EVER = 36_500  # days until a review is due where no period can be read
ASKED: tuple[Literal["ask", "about", "facet"], ...] = ("ask", "about", "facet")

# {key: (its node, the node of its value)} of a mapping in YAML, and an edit of its lines: the first
# that goes, the one behind the last, and what comes in their place
Entries = dict[str, tuple[yaml.Node, yaml.Node]]
Edit = tuple[int, int, list[str]]


@dataclass(frozen=True)
class Group:
    """A mapping of YAML in the `lines` of its file: its entries, the columns by which they are
    indented, and the line behind its last one."""

    entries: Entries
    lines: list[str]
    indent: int
    end: int


class SourceFields(TypedDict):
    """A source as fields of a form; what is left out is ""."""

    title: str
    publisher: str
    url: str
    date: str
    changed: str
    withdrawn: str


class QuestionFields(TypedDict):
    """A question of an article as fields of a form; what is left out is ""."""

    ask: str
    about: str
    facet: str
    heading: str
    text: str


class ArticleFields(TypedDict):
    """An article as fields of a form: those of FRONT, its sources by number, its questions by
    id."""

    title: str
    about: str
    url: str
    written_by: str
    written_on: str
    review_every: str
    evidence: str
    sources: dict[int, SourceFields]
    questions: dict[str, QuestionFields]


class Section(TypedDict):
    """A section of a body; the lines first to last are its own."""

    id: str | None
    heading: str
    first: int
    last: int
    text: str


class Unreadable(ValueError):
    """The text is no article that can be shown as fields; `faults` say why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(str(faults[0]))
        self.faults = tuple(faults)


def read_document(text: str, path: str | Path = "article.md") -> ArticleFields:
    """The fields of an article's text: those of FRONT, `sources` {n: {...}}, and `questions` {id:
    {ask, about, facet, heading, text}}; what is left out is "". It need not be without faults;
    raises Unreadable."""
    front, body, _ = articles.split_front_matter(text)
    if front is None:
        raise Unreadable([Fault(str(path), 1, (), "the front matter is missing")])
    data, _, faults = articles.read_yaml(front, path, first_line=2)
    if data is None:
        raise Unreadable(faults)
    sections = {section["id"]: section for section in _sections(body)}
    listed = data.get("questions")
    sources = data.get("sources")
    fields: dict[str, Any] = {key: _shown(data.get(key)) for key in FRONT}
    fields["sources"] = {
        n: {key: _shown(source.get(key)) for key in SOURCE}
        for n, source in (sources if isinstance(sources, dict) else {}).items()
        if isinstance(source, dict) and type(n) is int
    }
    fields["questions"] = {
        str(id): {
            **{key: _shown(question.get(key)) for key in ASKED},
            "heading": sections[id]["heading"] if id in sections else "",
            "text": sections[id]["text"] if id in sections else "",
        }
        for id, question in (listed if isinstance(listed, dict) else {}).items()
        if isinstance(question, dict)
    }
    return cast(ArticleFields, fields)  # FRONT, SOURCE and ASKED are its keys


def write_document(text: str, fields: ArticleFields) -> str:
    """`text` with what differs in `fields` (as `read` gives them) written into it; raises
    Unreadable.

    A question that `fields` has and the text has not is added at the end, one that it lacks is
    taken out; so are sources."""
    now = read_document(text)
    front, body, _ = articles.split_front_matter(text)
    assert front is not None  # or it could not have been read
    root = yaml.compose(front, Loader=articles.LOADER)
    edits = _front_edits(root, front.splitlines(keepends=True), now, fields)
    lines = front.splitlines(keepends=True)
    for first, last, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        lines[first:last] = new
    return f"---\n{''.join(lines)}---\n{_write_body(body, now, fields)}"


def make_article(fields: ArticleFields, path: Path) -> articles.Article:
    """The Article that fields make as they stand, whatever is wrong with them: for showing it, and
    for its evidence. A question without text has an empty lead."""
    today = datetime.datetime.now(datetime.UTC).date()
    period = articles.PERIOD.match(fields["review_every"])
    return articles.Article(
        id=path.stem,
        path=str(path),
        title=fields["title"] or path.stem,
        about=fields["about"],
        url=fields["url"],
        written_by=fields["written_by"],
        written_on=_day(fields["written_on"]) or today,
        review_every=int(period[1]) if period else FOR_EVER,
        sources=tuple(
            _make_source(n, fields["sources"][n])
            for n in sorted(n for n in fields["sources"] if isinstance(n, int))
        ),
        revision="draft",
        questions=tuple(
            make_question(path.stem, id, question, fields["about"])
            for id, question in fields["questions"].items()
        ),
        evidence=fields["evidence"],
    )


def _make_source(n: int, source: SourceFields) -> articles.Source:
    return articles.Source(
        n=n,
        title=source["title"],
        url=source["url"],
        publisher=source["publisher"],
        date=_day(source["date"]),
        changed=_day(source["changed"]),
        withdrawn=_day(source["withdrawn"]),
    )


def make_question(article: str, id: str, question: QuestionFields, about: str) -> articles.Question:
    """The question that fields make as they stand; one without text has an empty lead."""
    sections = articles.read_sections(f"## - {{#text}}\n\n{question['text']}\n", 1, id)[0]
    lead, *more = [block for _, block in sections["text"]["blocks"]] or [""]
    return articles.Question(
        name=f"{article}.{id}",
        ask=question["ask"] or id,
        about=tuple(_split_names(question["about"])) or (about,),
        facets=tuple(_split_names(question["facet"])) or ("-",),
        title=question["heading"] or question["ask"],
        lead=lead,
        more="\n\n".join(more),
        line=1,
    )


def _day(text: str) -> datetime.date | None:
    """The date that a field holds, or None."""
    try:
        return datetime.date.fromisoformat(text.strip())
    except ValueError:
        return None


def _shown(value: object) -> str:
    """A YAML value as its field shows it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _sections(body: str) -> list[Section]:
    """The sections of a body."""
    lines = body.splitlines(keepends=True)
    found: list[Section] = []
    for number, line in enumerate(lines):
        heading = articles.HEADING.match(line.rstrip("\n"))
        if heading:
            found.append(
                {
                    "id": heading["id"],
                    "heading": heading["title"],
                    "first": number,
                    "last": len(lines),
                    "text": "",
                }
            )
            if len(found) > 1:
                found[-2]["last"] = number
    for section in found:
        section["text"] = "".join(lines[section["first"] + 1 : section["last"]]).strip("\n")
    return found


def _write_body(body: str, now: ArticleFields, fields: ArticleFields) -> str:
    lines, sections = body.splitlines(keepends=True), _sections(body)
    for section in reversed(sections):
        name = section["id"]
        if name is None:
            continue
        question = fields["questions"].get(name)
        if question is None and name in now["questions"]:
            del lines[section["first"] : section["last"]]
        elif question and (question["heading"], question["text"].strip("\n")) != (
            section["heading"],
            section["text"],
        ):
            after = ["\n"] if section["last"] < len(lines) else []
            lines[section["first"] : section["last"]] = [_section(name, question), *after]
    body = "".join(lines)
    for id, question in fields["questions"].items():
        if id not in {section["id"] for section in sections}:
            body = body.rstrip("\n") + f"\n\n{_section(id, question)}"
    return body


def _section(id: str, question: QuestionFields) -> str:
    return (
        f"## {question['heading'] or question['ask'] or id.replace('_', ' ')} {{#{id}}}\n\n"
        + question["text"].strip("\n")
        + "\n"
    )


def _front_edits(
    root: yaml.Node | None, lines: list[str], now: ArticleFields, fields: ArticleFields
) -> list[Edit]:
    """The edits that make the front matter say what `fields` do."""
    entries = entries_of(root)
    group = Group(entries, lines, 0, len(lines))
    edits = []
    for key in FRONT:
        if fields[key] != now[key]:
            edits.append(_scalar_edit(group, key, _typed(key, fields[key])))
    if _is_block(entries, "sources"):
        edits += _source_edits(entries["sources"], lines, now["sources"], fields["sources"])
    elif fields["sources"] != now["sources"]:
        sources = {n: _tidy_source(source) for n, source in fields["sources"].items()}
        edits.append(_whole_edit(entries, lines, "sources", sources))
    if _is_block(entries, "questions"):
        edits += _question_edits(entries["questions"], lines, now["questions"], fields["questions"])
    elif fields["questions"] != now["questions"]:
        questions = {id: _tidy_question(question) for id, question in fields["questions"].items()}
        edits.append(_whole_edit(entries, lines, "questions", questions))
    return edits


def _is_block(entries: Entries, group: str) -> bool:
    """Whether a mapping stands there with an entry a line, so that one can be changed alone."""
    if group not in entries:
        return False
    node = entries[group][1]
    return isinstance(node, yaml.MappingNode) and not node.flow_style


def _whole_edit(
    entries: Entries, lines: list[str], group: str, values: Mapping[Any, object]
) -> Edit:
    """The edit that writes a whole group anew, in its place or at the end."""
    written = dump_lines({group: values}, 0)
    if group not in entries:
        return len(lines), len(lines), written
    return entries[group][0].start_mark.line, last_line(*entries[group]), written


def _source_edits(
    entry: tuple[yaml.Node, yaml.Node],
    lines: list[str],
    now: dict[int, SourceFields],
    sources: dict[int, SourceFields],
) -> list[Edit]:
    entries = entries_of(entry[1])
    edits: list[Edit] = []
    indent = entry[1].start_mark.column
    for n, source in now.items():
        key, value = entries[str(n)]
        if n not in sources:
            edits.append((key.start_mark.line, last_line(key, value), []))
        elif source != sources[n]:
            edits.append(
                (
                    key.start_mark.line,
                    last_line(key, value),
                    dump_lines({n: _tidy_source(sources[n])}, indent),
                )
            )
    added = {n: _tidy_source(source) for n, source in sources.items() if n not in now}
    return edits + (
        [(last_line(*entry), last_line(*entry), dump_lines(added, indent))] if added else []
    )


def _question_edits(
    entry: tuple[yaml.Node, yaml.Node],
    lines: list[str],
    now: dict[str, QuestionFields],
    questions: dict[str, QuestionFields],
) -> list[Edit]:
    entries = entries_of(entry[1])
    edits: list[Edit] = []
    indent = entry[1].start_mark.column
    for id, question in now.items():
        key, value = entries[id]
        if id not in questions:
            edits.append((key.start_mark.line, last_line(key, value), []))
            continue
        new = questions[id]
        group = Group(entries_of(value), lines, value.start_mark.column, last_line(key, value))
        for part in ASKED:
            if new[part] != question[part]:
                edits.append(_scalar_edit(group, part, _several(part, new[part])))
    added = {id: _tidy_question(question) for id, question in questions.items() if id not in now}
    return edits + (
        [(last_line(*entry), last_line(*entry), dump_lines(added, indent))] if added else []
    )


def _scalar_edit(group: Group, key: str, value: object) -> Edit:
    """The edit that gives `key` this value: inside its line, so that a comment behind it stays, or
    a new line at the end."""
    if key not in group.entries:
        return (
            group.end,
            group.end,
            dump_lines({key: value}, group.indent) if value is not None else [],
        )
    name, node = group.entries[key]
    first, last = name.start_mark.line, last_line(name, node)
    written = dump_lines({key: value}, 0)
    if (
        last - first == 1
        and len(written) == 1
        and node.start_mark.line == first
        and isinstance(node, yaml.ScalarNode)
    ):
        line, said = group.lines[first], written[0].partition(":")[2].strip()
        start, stop = (
            (node.start_mark.column, node.end_mark.column)
            if node.value
            else (name.end_mark.column + 1, name.end_mark.column + 1)
        )
        return (
            first,
            last,
            [
                f"{line[:start].rstrip()} {said}{line[stop:]}"
                if said
                else f"{line[:start].rstrip()}{line[stop:]}"
            ],
        )
    return first, last, dump_lines({key: value}, group.indent)


def entries_of(node: yaml.Node | None) -> Entries:
    """{key: (key node, value node)} of a mapping."""
    return (
        {key.value: (key, value) for key, value in node.value}
        if isinstance(node, yaml.MappingNode)
        else {}
    )


def last_line(key: yaml.Node | None, node: yaml.Node) -> int:
    """The line behind the last one of an entry or item."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return last_line(*last) if isinstance(last, tuple) else last_line(None, last)
    begin: int = (key or node).start_mark.line
    return max(node.end_mark.line + (node.end_mark.column > 0), begin + 1)


def dump_lines(data: object, indent: int) -> list[str]:
    """Data as lines of YAML, indented."""
    return [f"{' ' * indent}{line}" for line in write_yaml(data).splitlines(keepends=True)]


def _tidy_source(source: SourceFields) -> dict[str, object]:
    """A source as it's written: without what is empty."""
    return {key: _typed(key, source[key]) for key in SOURCE if source.get(key)}


def _tidy_question(question: QuestionFields) -> dict[str, object]:
    """A question as it's written: without what is empty."""
    return {key: _several(key, question[key]) for key in ASKED if question.get(key)}


def _several(key: str, text: str) -> str | list[str] | None:
    """The value of a question's field: terms and facets may be several, with commas between
    them."""
    if not text.strip():
        return None
    parts = _split_names(text)
    return Few(parts) if key != "ask" and len(parts) > 1 else text.strip()


def _split_names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _typed(key: str, text: str) -> datetime.date | str | None:
    """A date where the field wants one; None for nothing."""
    if key in ("written_on", "date", "changed", "withdrawn"):
        day = _day(text)
        if day:
            return day
    return text.strip() or None


def write_yaml(data: object) -> str:
    """Data as the YAML of our files: in the order given, dates as dates, nothing for None."""
    written: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
    return written


class Few(list[str]):
    """A list that is written in one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "")
)
_Dumper.add_representer(
    Few,
    lambda dumper, few: dumper.represent_sequence("tag:yaml.org,2002:seq", few, flow_style=True),
)
