"""A tree of HTML made ready to be read as text: raised and lowered letters, footnotes, cells that
go over several rows or columns; and what of it no text can hold, in sentences."""

import copy
import re
from collections.abc import Iterable

from bot.editor.importing import superscripts, text_blocks
from bot.editor.importing.blocks import FOOTNOTE, Block
from bot.editor.importing.text_blocks import Element

NOISE = {"nav", "header", "footer", "aside", "form", "noscript", "template", "script", "style"}
SEEN = {  # what a text can't hold
    "img": "a picture",
    "video": "a video",
    "audio": "a recording",
    "iframe": "a frame of another page",
    "object": "an embedded file",
    "embed": "an embedded file",
    "math": "a formula",
}
CROSSED = ("del", "s", "strike")
PROSE = (
    *("p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption"),
    *("blockquote", "pre", "summary"),
)
MOST_OF_A_KIND = 8  # sentences about one kind of thing
MOST_COLUMNS, MOST_ROWS, MOST_CELLS = 50, 500, 20_000  # that merged cells may become
OWN_LIST = re.compile(r"#_?(?:footnote|endnote|fn|ftn|edn)")  # of notes, and not of references
LEAST_LETTERS = 10  # of a text that is missed


def prepare_tree(root: Element) -> tuple[list[Block], list[str]]:
    """Make a tree ready, in place: ([FOOTNOTE blocks], [sentences on what was left out])."""
    footnotes = _take_footnotes(root)
    notes = _take_crossed(root) + _name_unseen(root)
    for element in list(root.iter("sup", "sub")):
        _level(element)
    for box in root.xpath("//input[@type='checkbox']"):
        _replace(box, "☒ " if "checked" in box.attrib else "☐ ")
    for table in list(root.iter("table")):
        _spread(table)
    return footnotes, notes


def main_part(root: Element) -> Element:
    """The element of a page in which its article stands."""
    found = [element for tag in ("article", "main") for element in root.iter(tag)]
    return max(found, key=lambda element: len("".join(element.itertext())), default=root)


def tree_paragraphs(root: Element) -> list[str]:
    """The texts of the paragraphs, items, cells and headings of a page's main part."""
    return [
        " ".join("".join(element.itertext()).split())
        for element in main_part(root).iter(*PROSE)
        if not any(child.tag in PROSE for child in element.iterdescendants())
        and not _is_noise(element)
    ]


def missing_texts(wanted: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Those of the `wanted` texts that stand nowhere in the `taken` ones; the number of an item is
    none of its text."""
    there = _letters(" ".join(taken))
    items = {text: text_blocks.MARKED.match(text) for text in wanted}
    return [
        text
        for text, item in items.items()
        if len(letters := _letters(item[1] if item else text)) >= LEAST_LETTERS
        and letters not in there
    ]


def first_notes(notes: list[str], most: int = MOST_OF_A_KIND) -> list[str]:
    """The first sentences of a list, and how many more there are."""
    return (
        notes
        if len(notes) <= most
        else [*notes[:most], f"And {len(notes) - most} more of this kind."]
    )


def _letters(text: str) -> str:
    text = re.sub(r"\[#\d+\]", "", text).translate(_BACK)
    return "".join(letter for letter in text if letter.isalnum()).lower()


_BACK = {
    value: key
    for table in (superscripts.RAISED, superscripts.LOWERED)
    for key, value in table.items()
}  # "10³" is missed as "103"


def _is_noise(element: Element) -> bool:
    return any(parent.tag in NOISE for parent in element.iterancestors())


def _take_footnotes(root: Element) -> list[Block]:
    """Take what small numbers in the text lead to out of a tree, as FOOTNOTE blocks, and write
    their labels in the numbers' place."""
    named = {e.get("name"): e for e in root.iter("a") if e.get("name")}
    named |= {element.get("id"): element for element in root.iter() if element.get("id")}
    holders: dict[Element, str] = {}
    found: list[Block] = []
    for link in list(root.iter("a")):
        target = named.get((link.get("href") or "").removeprefix("#"))
        if target is None or not _is_number(link) or root not in link.iterancestors():
            continue
        holder = _holder(target)
        if holder in link.iterancestors() or any(h in holders for h in link.iterancestors()):
            continue
        is_footnote = OWN_LIST.match(link.get("href"))
        label = None if is_footnote else _listed_number(holder)
        label = label or holders.setdefault(holder, f"#{len(holders) + 1}")
        parent = link.getparent()
        alone = parent.tag == "sup" and len(parent) == 1 and not (parent.text or "").strip()
        _replace(parent if alone else link, f"[{label}]")
    for holder, label in holders.items():
        for link in list(holder.iter("a")):
            if (link.get("href") or "").startswith("#"):
                _replace(link, "")
        reading = text_blocks.of_tree(holder)
        links = tuple(link for block in reading.blocks for link in block.links)
        text = text_blocks.join_lines([block.text for block in reading.blocks])
        found.append(Block(FOOTNOTE, re.sub(r"^[\W\d]*(?=[\w(“\"])", "", text), links, label))
        _replace(holder, "")
    return [footnote for footnote in found if footnote.text]


def _listed_number(holder: Element) -> str | None:
    """The number of an item in a list of references, which stays where it is; None for others."""
    heading = next(holder.iterancestors("ol", "ul"), holder).xpath(
        "preceding::*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5][1]"
    )
    said = " ".join("".join(heading[0].itertext()).split()) if heading else ""
    if holder.tag != "li" or not text_blocks.REFERENCES.fullmatch(said):
        return None
    return str(len(list(holder.itersiblings("li", preceding=True))) + 1)


def _is_number(link: Element) -> bool:
    """Whether a link inside of a page is the small number of a footnote."""
    text = "".join(link.itertext()).strip()
    is_raised = link.getparent() is not None and link.getparent().tag == "sup"
    is_raised = is_raised or link.find("sup") is not None
    return bool(re.fullmatch(r"\[\w{1,4}\]", text)) or (
        is_raised and bool(re.fullmatch(r"[\[(]?(?:\w{1,4}|[*†‡§¶]+)[\])]?", text))
    )


def _holder(target: Element) -> Element:
    """The item or paragraph that holds a footnote's text."""
    if target.tag in ("a", "sup", "span"):
        return next(
            (parent for parent in target.iterancestors() if parent.tag in ("li", "p", "td", "div")),
            target,
        )
    return target


def _take_crossed(root: Element) -> list[str]:
    notes: list[str] = []
    for element in list(root.iter(*CROSSED)):
        text = "".join(element.itertext()).strip()
        if text and not _is_noise(element):
            notes.append(
                f"{_place(element)}{text_blocks.quote(text)} is crossed out; it was left out."
            )
        _replace(element, "")
    return first_notes(notes)


def _name_unseen(root: Element) -> list[str]:
    """Sentences on what no text can hold; a formula leaves a word in its place."""
    notes: dict[str, list[str]] = {}
    inside = main_part(root)
    for element in list(inside.iter(*SEEN)):
        if _is_noise(element) or element.get("width") == "1":
            continue
        said = element.get("alt") or element.get("title") or ""
        if element.tag == "math":
            said = "".join(element.itertext())
        said = f" ({text_blocks.quote(said)})" if said.strip() else ""
        what = SEEN[element.tag]
        notes.setdefault(what, []).append(f"{_place(element)}{what} was left out{said}.")
        if element.tag == "math":
            _replace(element, " (formula left out) ")
    return [note for listed in notes.values() for note in first_notes(listed)]


def _place(element: Element) -> str:
    """Where an element stands, as the beginning of a sentence."""
    own = next((e for e in element.iterancestors() if e.tag in PROSE), None)
    text = "".join(own.itertext()).strip() if own is not None else ""
    if text:
        return f"In {text_blocks.quote(text)}: "
    before = next(
        (text for e in element.xpath("preceding::*[self::p or self::li or self::h1 or self::h2 or "
         "self::h3 or self::h4][1]") if (text := "".join(e.itertext()).strip())), "",
    )  # fmt: skip
    return f"Behind {text_blocks.quote(before)}: " if before else "At the beginning: "


def _level(element: Element) -> None:
    """Replace a superscript or subscript by plain text."""
    text = "".join(element.itertext())
    if element.tag == "sub":
        _replace(element, superscripts.lower_text(text))
    else:
        _replace(element, superscripts.raise_text(text, _before(element), element.tail or ""))


def _before(element: Element) -> str:
    """The letters that stand directly before an element, in its parent."""
    sibling = element.getprevious()
    if sibling is None:
        return element.getparent().text or ""
    return "".join(sibling.itertext()) + (sibling.tail or "")


def _replace(element: Element, text: str) -> None:
    """Put a text in an element's place; what stands behind it stays."""
    parent, sibling = element.getparent(), element.getprevious()
    if parent is None:
        return
    text += element.tail or ""
    if sibling is None:
        parent.text = (parent.text or "") + text
    else:
        sibling.tail = (sibling.tail or "") + text
    parent.remove(element)


def _spread(table: Element) -> None:
    """Write a cell that goes over several columns or rows into each of them."""
    rows = [row for row in table.iter("tr") if _owner(row) is table]
    waiting: dict[int, tuple[int, Element]] = {}  # {column: (rows that are left, the cell)}
    made = 0
    for row in rows:
        cells, column = [cell for cell in row if cell.tag in ("td", "th")], 0
        for cell in [*cells, None]:
            while column in waiting:
                left, above = waiting.pop(column)
                if left > 1:
                    waiting[column] = (left - 1, above)
                again = copy.deepcopy(above)
                row.insert(row.index(cell) if cell is not None else len(row), again)
                column, made = column + 1, made + 1
            if cell is None or made > MOST_CELLS:
                break
            wide, high = _number(cell, "colspan", MOST_COLUMNS), _number(cell, "rowspan", MOST_ROWS)
            for n in range(wide):
                if n:
                    row.insert(row.index(cell) + 1, copy.deepcopy(cell))
                if high > 1:
                    waiting[column + n] = (high - 1, cell)
            column, made = column + wide, made + wide


def _owner(row: Element) -> Element:
    return next(parent for parent in row.iterancestors() if parent.tag == "table")


def _number(cell: Element, name: str, most: int) -> int:
    said = cell.attrib.pop(name, "1").strip().lstrip("0")
    digits = said[: len(str(most)) + 1]  # of thousands of them, int() makes no number
    return min(int(digits), most) if digits and said.isdecimal() else 1
