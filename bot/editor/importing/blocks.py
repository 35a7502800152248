"""What an import found in a file or text, in the shape in which a draft is made of it."""

from dataclasses import dataclass, field

HEADING, PARAGRAPH, ITEM, STEP = "heading", "paragraph", "item", "step"
FOOTNOTE, REFERENCE = "footnote", "reference"  # a footnote may be a remark, or name a source


class Refused(ValueError):
    """The file or text can't become a draft; the message is a sentence for the editor."""


@dataclass(frozen=True)
class Block:
    """One piece of a text, of a kind above; `links` are its (text, address).

    `[3]` in a text stands for the third of its listed references; `[#3]` for the FOOTNOTE or
    REFERENCE whose `label` is "#3"."""

    kind: str
    text: str
    links: tuple[tuple[str, str], ...] = ()
    label: str = ""


@dataclass(frozen=True)
class FoundContent:
    """What a page or file holds: title, date as 2026-11-22 or "", publisher, address, its Blocks
    in order, and notes: sentences that say what was not taken over, and where."""

    title: str
    date: str
    publisher: str
    url: str
    blocks: list[Block]
    notes: list[str] = field(default_factory=list)
