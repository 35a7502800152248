"""A term with its other names, added to the text of `terms.yml`; the rest of its lines stays."""

from collections.abc import Sequence

import yaml

from bot.content import articles
from bot.editor.shared import article_document


def add_term(text: str, group: str, term: str, others: Sequence[str]) -> str:
    """The text with a term in its `group` (conditions, medicines ...), or with more names of one
    that is there."""
    root = yaml.compose(text, Loader=articles.LOADER)
    entries = article_document.entries_of(root)
    lines = text.splitlines(keepends=True)
    written = article_document.write_yaml({term: article_document.Few(others)})
    if group not in entries or not article_document.entries_of(entries[group][1]):
        kept = "".join(line for line in lines if line.partition(":")[0] != group)
        return f"{kept.rstrip()}\n\n{group}:\n  {written}"
    listed = article_document.entries_of(entries[group][1])
    if term not in listed:
        end = article_document.last_line(*entries[group])
        indent = " " * entries[group][1].start_mark.column
        return "".join([*lines[:end], f"{indent}{written}", *lines[end:]])
    key, value = listed[term]
    first, last = key.start_mark.line, article_document.last_line(key, value)
    if not isinstance(value, yaml.SequenceNode) or not value.value:
        indent = " " * key.start_mark.column
        return "".join([*lines[:first], f"{indent}{written}", *lines[last:]])
    end = value.value[-1].end_mark
    more = article_document.write_yaml(article_document.Few(others)).strip()[1:-1]
    line = lines[end.line]
    lines[end.line] = f"{line[: end.column]}, {more}{line[end.column :]}"
    return "".join(lines)
