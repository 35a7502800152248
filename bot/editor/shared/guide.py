"""The editors' guide, docs/editor.md, as the desk shows it."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from bot.runtime import settings

FILE = "docs/editor.md"
IMAGES = "docs/images"


@dataclass(frozen=True)
class Section:
    """A part of the guide: its heading, the `anchor` that links name, and what it says."""

    title: str
    anchor: str
    html: Markup


@functools.cache
def read_guide() -> tuple[Section, ...]:
    """The sections of the guide; the first is its title and beginning."""
    text = (settings.ROOT / FILE).read_text(encoding="utf-8")
    parts = re.split(r"(?m)^#{1,2} (.+)\n", text)[1:]
    return tuple(
        Section(title, make_anchor(title), _render(body))
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    )


def find_section(title: str) -> Section:
    """The section of this title; raises KeyError where the guide has none."""
    return {section.title: section for section in read_guide()}[title]


def make_anchor(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))


def _render(body: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(body)
    for token in tokens:
        if token.children:
            token.children = list(_serve(token.children))
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _serve(tokens: list[Token]) -> Iterator[Token]:
    """Pieces of text whose links and pictures lead to what the desk serves; of a link elsewhere in
    the project the words alone."""
    is_kept = True
    for token in tokens:
        if token.type == "link_open":
            is_kept = str(token.attrs["href"]).startswith(("#", "https://"))
        if token.type == "image":
            name = str(token.attrs["src"]).removeprefix("images/")
            token.attrs["src"] = f"/editor/guide/images/{name}"
        if is_kept or token.type not in ("link_open", "link_close"):
            yield token
