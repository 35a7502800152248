"""The phrases of an article's questions as their editor sees them: lists out of a file's text, and
back with no more lines changed than were meant."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from bot.content import articles, phrases
from bot.editor.shared import article_document
from bot.editor.shared.article_document import Edit, Group

HEAD = (
    "# How people ask the questions of {name}, beside what data/facets.yml holds for every "
    "article.\n"
)
Lists = dict[str, list[str]]  # of a question: `train` and `test`


def read_phrases(text: str, path: str | Path) -> dict[str, Lists]:
    """{question: its lists} of the text of a file of phrases, which need not be without faults;
    raises article_document.Unreadable."""
    if phrases.is_empty(text):
        return {}
    data, _, faults = articles.read_yaml(text, path)
    if data is None:
        raise article_document.Unreadable(faults)
    return {
        str(id): {key: _as_texts(lists.get(key)) for key in articles.PHRASE_KEYS}
        for id, lists in data.items()
        if isinstance(lists, dict)
    }


def write_phrases(text: str, article: str, question: str, new: Mapping[str, Sequence[str]]) -> str:
    """`text` of the file of an article's phrases with the lists of a question in it; one without
    phrases has no entry. Raises article_document.Unreadable."""
    now = read_phrases(text, f"{article}.yml").get(question, {})
    wanted: Lists = {key: list(new[key]) for key in articles.PHRASE_KEYS if new.get(key)}
    if wanted == {key: listed for key, listed in now.items() if listed}:
        return text
    begun = f"{text.rstrip()}\n" if text.strip() else HEAD.format(name=f"{article}.md")
    lines = begun.splitlines(keepends=True)
    entries = article_document.entries_of(yaml.compose("".join(lines), Loader=articles.LOADER))
    for first, last, written in sorted(
        _edits(entries, lines, question, now, wanted), key=lambda edit: edit[:2], reverse=True
    ):
        lines[first:last] = written
    return "".join(lines)


def _edits(
    entries: article_document.Entries,
    lines: list[str],
    question: str,
    now: Lists,
    wanted: Lists,
) -> list[Edit]:
    """The edits that give a question its lists."""
    if question not in entries:
        return [(len(lines), len(lines), article_document.dump_lines({question: wanted}, 0))]
    key, value = entries[question]
    first, last = key.start_mark.line, article_document.last_line(key, value)
    if not wanted:
        return [(first, last, [])]
    lists = article_document.entries_of(value)
    if not lists or (isinstance(value, yaml.MappingNode) and value.flow_style):
        return [(first, last, article_document.dump_lines({question: wanted}, 0))]
    group = Group(lists, lines, value.start_mark.column, last)
    edits: list[Edit] = []
    for kind in articles.PHRASE_KEYS:
        if wanted.get(kind, []) != now[kind]:
            edits += list_edits(group, kind, now[kind], wanted.get(kind, []))
    return edits


def list_edits(group: Group, key: str, old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """The edits that make a list of phrases the new one; a phrase that stays keeps its line."""
    if key not in group.entries:
        return [(group.end, group.end, article_document.dump_lines({key: new}, group.indent))]
    name, node = group.entries[key]
    if not new:
        return [(name.start_mark.line, article_document.last_line(name, node), [])]
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        return [
            (
                name.start_mark.line,
                article_document.last_line(name, node),
                article_document.dump_lines({key: new}, group.indent),
            )
        ]
    first = group.lines[node.value[0].start_mark.line]
    margin = first[: len(first) - len(first.lstrip(" "))]
    starts = [item.start_mark.line for item in node.value] + [
        article_document.last_line(name, node)
    ]
    edits: list[Edit] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            # what comes in stands behind the phrase before it, and what follows that (a comment)
            # stays with the next one
            place = starts[a] if a < len(old) else article_document.last_line(None, node.value[-1])
            stop = (
                place
                if a == b
                else max(article_document.last_line(None, item) for item in node.value[a:b])
            )
            edits.append(
                (
                    place,
                    stop,
                    [
                        f"{margin}{line}"
                        for phrase in new[c:d]
                        for line in article_document.dump_lines([phrase], 0)
                    ],
                )
            )
    return edits


def _as_texts(value: object) -> list[str]:
    """A YAML value as phrases: one that stands alone is the only one."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return [str(phrase) for phrase in listed]
