"""What is a site's own on its pages: its name, texts, logo and colours, from the settings and the
folder PAGES. docs/site.md lists its files."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from bot.runtime.settings import Settings

OWN = ("about", "authors", "privacy", "contact")  # pages, in the order of the footer
LOGOS = {"logo.svg": "image/svg+xml", "logo.png": "image/png"}
ICON, COLOURS, FOOTER = "favicon.svg", "theme.css", "footer.md"
TITLE = re.compile(r"\A\s*#\s+(.+?)\s*$", re.MULTILINE)
markdown = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class OwnPage:
    """A page of the site's own; `html` is without the heading."""

    id: str
    title: str
    html: str


@dataclass(frozen=True)
class Site:
    """What every page shows of its site; `logo` is the name of a file, or empty."""

    name: str
    pages: tuple[OwnPage, ...]
    logo: str
    colours: bool
    footer: str


def read_site(config: Settings) -> Site:
    """The Site of these settings, as its files are now."""
    folder = config.path("pages")
    footer = _read(folder / FOOTER)
    return Site(
        name=config.site_name,
        pages=tuple(page for id in OWN if (page := read_page(config, id))),
        logo=next((name for name in LOGOS if (folder / name).is_file()), ""),
        colours=(folder / COLOURS).is_file(),
        footer=markdown.render(_fill(config, footer)) if footer else "",
    )


def state_of(config: Settings) -> tuple[tuple[str, int], ...]:
    """The site's own files as they are now: another value where one of them was changed."""
    try:
        with os.scandir(config.path("pages")) as files:
            return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files))
    except OSError:
        return ()


def read_page(config: Settings, id: str) -> OwnPage | None:
    """The OwnPage of this name, or None. A text without a heading is titled by its name."""
    text = _read(config.path("pages") / f"{id}.md") if id in OWN else ""
    if not text.strip():
        return None
    text = _fill(config, text)
    found = TITLE.match(text)
    title = found[1] if found else id.capitalize()
    return OwnPage(id, title, markdown.render(text[found.end() :] if found else text))


def _fill(config: Settings, text: str) -> str:
    return text.replace("{days}", str(config.retention_days)).replace("{site}", config.site_name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
