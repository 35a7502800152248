"""A Markdown file as a text with headings between its paragraphs, and what its front matter says of
it."""

import datetime
import re
from dataclasses import dataclass, field

from bot.content import articles
from bot.editor.importing.blocks import FOOTNOTE, REFERENCE, Block

HEADING = re.compile(r"(?m)^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*(?:#+[ \t]*)?(?:\{#[^}\n]*\})?[ \t]*$")
NOTE = re.compile(r"(?m)^\[\^([\w-]{1,30})\]:[ \t]*(.+(?:\n[ \t]+\S.*)*)")
NOTE_MARK = re.compile(r"\[\^([\w-]{1,30})\]")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
STRONG = re.compile(r"(\*\*|__)(?=\S)([^\n]+?)(?<=\S)\1")
SLANTED = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^\n*_]+?)(?<=\S)\1(?![\w*])")


@dataclass(frozen=True)
class Markdown:
    """What a Markdown file holds: its `text` without marks of emphasis, the title, address and day
    of its front matter, each "" where it has none, and Blocks of its sources and footnotes."""

    text: str
    title: str = ""
    url: str = ""
    date: str = ""
    references: list[Block] = field(default_factory=list)


def read_markdown(text: str) -> Markdown:
    """The Markdown of a file's text. A front matter that can't be read is left out."""
    front, body, _ = articles.split_front_matter(text.replace("\r\n", "\n"))
    data = articles.read_yaml(front, "")[0] if front else None
    body = COMMENT.sub("", body if front is not None else text.replace("\r\n", "\n"))
    labels: dict[str, str] = {}
    notes = [
        Block(FOOTNOTE, " ".join(said.split()), (), labels.setdefault(name, f"#m{len(labels)}"))
        for name, said in NOTE.findall(body)
    ]
    body = NOTE.sub("", body)
    body = NOTE_MARK.sub(lambda mark: f"[{labels[mark[1]]}]" if mark[1] in labels else "", body)
    body = HEADING.sub(lambda heading: f"\n{heading[1]} {heading[2]}\n", body)
    body = SLANTED.sub(r"\2", STRONG.sub(r"\2", body))
    given = data or {}
    return Markdown(
        text=body,
        title=_line_of(given.get("title")),
        url=_line_of(given.get("url")),
        date=_line_of(given.get("written_on") or given.get("date")),
        references=[*_list_sources(given.get("sources")), *notes],
    )


def _line_of(value: object) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | datetime.date) else ""


def _list_sources(sources: object) -> list[Block]:
    """The sources of a front matter in the form of our articles, as REFERENCE Blocks."""
    found = []
    for n, source in sources.items() if isinstance(sources, dict) else ():
        if isinstance(source, dict) and source.get("title"):
            title, url = _line_of(source["title"]), _line_of(source.get("url"))
            found.append(Block(REFERENCE, title, ((title, url),) if url else (), str(n)))
    return found
