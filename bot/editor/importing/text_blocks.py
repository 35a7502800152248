"""The Blocks of what is written elsewhere: of the lines of a text, and of a tree of HTML or of
trafilatura's XML. What an article can't hold is left out with a sentence that says where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.editor.importing.blocks import HEADING, ITEM, PARAGRAPH, STEP, Block

LONGEST_HEADING = 100  # letters of a line that may be meant as one
MARKED = re.compile(r"(?:[-*•·▪◦‣–]|\d{1,2}[.)])\s+(.*)", re.DOTALL)
NUMBERED = re.compile(r"\d+")
REFERENCES = re.compile(
    r"(?:(?:key|selected|list of|main)\s+)?(?:references?|sources?|bibliography|literature|"
    r"citations?|works cited|(?:further|recommended) reading|see also|footnotes|endnotes)"
    r"(?:\s+(?:and|&)\s+(?:(?:further|other|useful)\s+)?"
    r"(?:reading|references|links|notes|sources|literature|resources))?\W*",
    re.IGNORECASE,
)
HEADINGS = {"head", "title", "h1", "h2", "h3", "h4", "h5", "h6"}
LISTS = {"list", "ul", "ol", "dl"}
ITEMS = {"item", "li", "dt", "dd"}
CELLS = {"cell", "td", "th"}
BOLD = {"b", "strong"}
WHOLE = HEADINGS | LISTS | ITEMS | {  # what begins and ends a line of its own
    "p", "div", "section", "article", "main", "quote", "blockquote", "pre", "figure", "figcaption",
    "details", "summary", "table", "caption", "address", "center", "form", "fieldset", "header",
}  # fmt: skip
NOT_READ = {"script", "style", "noscript", "template", "nav", "aside", "footer", "button", "select"}
LONGEST_QUOTE = 60
WRAPPED = 60  # letters of a line that ends where there was no more room
STOPS = ".!?…:;,"
MOST_COLUMNS = 50
Element = Any  # one of lxml, which brings no types
Links = tuple[tuple[str, str], ...]  # (text, address)
MarkedText = tuple[str, Links, bool]  # and whether it is bold, or a heading


@dataclass(frozen=True)
class Piece:
    """Letters of one look inside a line."""

    text: str
    is_bold: bool = False
    address: str = ""


@dataclass
class Reading:
    """What a tree held so far; `levels` has the level of each heading by its place in `blocks`,
    0 being a document's title, and 9 a bold line that looks like one."""

    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    levels: dict[int, int] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    step: int = 0  # the number of the item that is read, in its list
    term: str = ""  # of a list of definitions, until its definition comes

    def take_title(self) -> str:
        """The title of a document, which is then no block of it any more; "" where it has none."""
        place = next((place for place, level in self.levels.items() if not level), 0)
        level = self.levels.get(place)
        if level is None or level and not self._is_only(level):
            return ""
        return self.blocks.pop(place).text

    def _is_only(self, level: int) -> bool:
        """Whether the heading with which a text begins stands above all others."""
        others = [other for place, other in self.levels.items() if place]
        return not self.blocks[0].text.endswith("?") and (
            level == 9 or level < min(others, default=9)
        )


def of_tree(body: Element) -> Reading:
    """The Reading of a tree."""
    reading = Reading()
    _read_inside(reading, body, PARAGRAPH)
    _end_line(reading, PARAGRAPH)
    _take_bold_back(reading)
    return reading


def of_lines(text: str) -> list[Block]:
    """The Blocks of a text of lines, as a table's cell or a paragraph with line breaks holds it."""
    reading = Reading(pieces=[Piece(text)])
    _end_line(reading, PARAGRAPH)
    return reading.blocks


def quote(text: str) -> str:
    """The beginning of a text, to say where something stands."""
    text = " ".join(text.split())
    return f"“{text if len(text) <= LONGEST_QUOTE else f'{text[:LONGEST_QUOTE].rstrip()}…'}”"


def join_lines(lines: Iterable[str]) -> str:
    """Lines of an item or cell as one text, with semicolons where none has a stop."""
    text = ""
    for line in filter(None, lines):
        text += (" " if text[-1] in STOPS else "; ") if text else ""
        text += line
    return text


def _goes_on(before: str, line: str) -> bool:
    """Whether a line belongs to the sentence or paragraph of the one before it."""
    is_wrapped = len(before) >= WRAPPED or not (line[0].isupper() or line[0].isdigit())
    return before[-1] in STOPS or is_wrapped


def _read_inside(reading: Reading, element: Element, kind: str) -> None:
    """Read an element's own letters and children as parts of a block of this kind."""
    look = _look_of(element, Piece(""))
    _read_letters(reading, element, kind, look)


def _read_letters(reading: Reading, element: Element, kind: str, look: Piece) -> None:
    _add(reading, element.text, look)
    for child in element:
        if isinstance(child.tag, str):
            _read_child(reading, child, kind, look)
        _add(reading, child.tail, look)


def _read_child(reading: Reading, child: Element, kind: str, look: Piece) -> None:
    tag = child.tag
    if tag in ("br", "lb"):
        reading.pieces.append(Piece("\n"))
    elif tag == "table":
        _end_line(reading, kind)
        _read_table(reading, child)
    elif tag in ITEMS:
        _end_line(reading, kind)
        _read_item(reading, child)
    elif tag in HEADINGS:
        _end_line(reading, kind)
        _read_inside(reading, child, HEADING)
        _end_heading(reading, child)
    elif tag in NOT_READ:
        pass
    elif tag in WHOLE and kind in (ITEM, STEP) and tag not in LISTS:
        reading.pieces.append(Piece("\n"))
        _read_letters(reading, child, kind, look)
        reading.pieces.append(Piece("\n"))
    elif tag in WHOLE:
        _end_line(reading, kind)
        _read_letters(reading, child, kind, look)
        _end_line(reading, kind)
        _end_term(reading, tag)
    else:
        _read_letters(reading, child, kind, _look_of(child, look))


def _look_of(element: Element, look: Piece) -> Piece:
    """The look of an element's letters inside those of `look`."""
    is_bold = look.is_bold or element.tag in BOLD or element.get("rend") == "#b"
    address = look.address
    if element.tag in ("a", "ref"):
        address = element.get("target") or element.get("href") or ""
        address = element.get("href") or address if element.tag == "a" else address
    return Piece("", is_bold, address)


def _add(reading: Reading, text: str | None, look: Piece) -> None:
    if text:
        text = re.sub(r"\s+", " ", text)
        reading.pieces.append(Piece(text, look.is_bold, look.address))


def _read_item(reading: Reading, item: Element) -> None:
    """Read an item of a list; lists inside of it become items behind it."""
    rend = item.get("rend") or ""
    if item.tag == "dt" or rend.startswith("dt"):
        reading.term = join_lines(list(filter(None, [reading.term, _text_of(item)])))
        return
    if reading.term:
        reading.pieces.append(Piece(f"{reading.term}: "))
        reading.term = ""
    parent = item.getparent()
    is_step = parent is not None and (parent.tag == "ol" or parent.get("rend") == "ol")
    kind = STEP if is_step else ITEM
    reading.step = len(list(item.itersiblings(*ITEMS, preceding=True))) + 1
    if next(item.iterdescendants(*LISTS), None) is not None:
        _note_once(reading, "lists inside of lists", "became items of one list", item)
    _read_inside(reading, item, kind)
    _end_line(reading, kind)


def _end_term(reading: Reading, tag: str) -> None:
    """Keep a term whose definition never came."""
    if tag in LISTS and reading.term:
        reading.blocks.append(Block(ITEM, reading.term))
        reading.term = ""


def _end_heading(reading: Reading, element: Element) -> None:
    begin = len(reading.blocks)
    _end_line(reading, HEADING)
    if len(reading.blocks) > begin:
        shown = element.get("rend") or element.tag
        level = int(shown[-1]) if shown[-1:].isdigit() else 2
        is_title = element.tag == "title" or "title" in (element.get("class") or "").split()
        reading.levels[begin] = 0 if is_title else level


def _end_line(reading: Reading, kind: str) -> None:
    """Make blocks of the letters that were read since the last block ended."""
    lines = [
        (text, links, is_bold)
        for text, links, is_bold in map(_tidy_line, _split_lines(reading.pieces))
    ]
    reading.pieces = []
    if not any(text for text, _, _ in lines):
        return
    if kind in (HEADING, ITEM, STEP):
        said = [text for text, _, _ in lines if text]
        links = tuple(link for _, links, _ in lines for link in links)
        text = " ".join(said) if kind == HEADING else join_lines(said)
        label = str(reading.step) if kind == STEP else ""
        reading.blocks.append(Block(kind, text, links, label))
    else:
        _read_paragraph(reading, lines)


def _split_lines(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """The pieces of each line."""
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split("\n")
        lines[-1].append(Piece(first, piece.is_bold, piece.address))
        lines += [[Piece(other, piece.is_bold, piece.address)] for other in others]
    return lines


def _tidy_line(pieces: list[Piece]) -> MarkedText:
    """(text, links, whether all of it is bold) of a line."""
    text = " ".join("".join(piece.text for piece in pieces).split())
    addresses: dict[str, str] = {}
    for piece in pieces:
        if piece.address:
            addresses[piece.address] = addresses.get(piece.address, "") + piece.text
    is_bold = all(piece.is_bold for piece in pieces if piece.text.strip())
    links = tuple((" ".join(said.split()), address) for address, said in addresses.items())
    return text, links, is_bold and bool(text)


def _read_paragraph(reading: Reading, lines: list[MarkedText]) -> None:
    """Make blocks of a paragraph's lines: items where they have marks, a heading where a whole line
    is bold; an empty line ends one."""
    before = ""
    for text, links, is_bold in lines:
        item = MARKED.match(text)
        if is_bold and not before and is_heading(text):
            reading.levels[len(reading.blocks)] = 9
            reading.blocks.append(Block(HEADING, text.rstrip(":"), links))
            continue
        if item:
            number = NUMBERED.match(text)
            kind, label = (STEP, number[0]) if number else (ITEM, "")
            reading.blocks.append(Block(kind, item[1], links, label))
        elif text and before and _goes_on(before, text):
            last = reading.blocks.pop()
            whole = f"{last.text} {text}"
            reading.blocks.append(Block(last.kind, whole, last.links + links, last.label))
        elif text:
            reading.blocks.append(Block(PARAGRAPH, text, links))
        before = text


def is_heading(line: str) -> bool:
    """Whether a line of its own may be meant as a heading."""
    return len(line) <= LONGEST_HEADING and line[-1] not in ".!;," and bool(re.search(r"\w", line))


def _take_bold_back(reading: Reading) -> None:
    """Make paragraphs again of bold lines under which nothing stands."""
    for place, level in list(reading.levels.items()):
        below = reading.blocks[place + 1].kind if place + 1 < len(reading.blocks) else HEADING
        if level == 9 and below == HEADING and place:
            block = reading.blocks[place]
            reading.blocks[place] = Block(PARAGRAPH, block.text, block.links)
            del reading.levels[place]


def _read_table(reading: Reading, table: Element) -> None:
    """Read a table: each row as an item with what its columns are called, a table of questions and
    answers as sections, one that only lays out a page as what stands in it."""
    rows = [row for row in _rows_of(table) if any(text for text, _, _ in row)]
    columns = len(rows[0]) if rows else 0
    has_heads = bool(rows) and all(is_head for text, _, is_head in rows[0] if text)
    if columns < 2 or len(rows) < 2:
        for cell in _cells_of(table):
            _read_inside(reading, cell, PARAGRAPH)
            _end_line(reading, PARAGRAPH)
        return
    where = place_of(reading)
    heads = [text for text, _, _ in rows.pop(0)] if has_heads else [""] * columns
    if columns == 2 and all(row[0][0].endswith("?") for row in rows):
        _add_questions(reading, rows)
        return
    for row in rows:
        text = _write_row(heads, [text for text, _, _ in row])
        links = tuple(link for _, links, _ in row for link in links)
        reading.blocks.append(Block(ITEM, text, links))
    said = "" if has_heads else " It has no headings: say what each part is."
    reading.notes.append(
        f"{where}a table was written as a list, one item a row. Read it through.{said}"
    )


def _add_questions(reading: Reading, rows: list[list[MarkedText]]) -> None:
    """Add rows of a question and its answer as sections."""
    for (question, links, _), (answer, more, _) in rows:
        reading.levels[len(reading.blocks)] = 3
        reading.blocks.append(Block(HEADING, question, links))
        if answer:
            reading.blocks.append(Block(PARAGRAPH, answer, more))


def _write_row(heads: list[str], cells: list[str]) -> str:
    """A row in words; a cell that goes over several columns stands once, under all their names."""
    if len({cell for cell in cells if cell}) == 1 and cells[0] == cells[-1]:
        return cells[0]
    if not any(heads) and len(cells) == 2 and all(cells):
        return ": ".join(cells)
    parts: list[tuple[str, str]] = []
    for head, cell in zip(heads + [""] * len(cells), cells, strict=False):
        if parts and parts[-1][1] == cell and head:
            parts[-1] = (f"{parts[-1][0]}, {head}", cell)
        elif cell:
            parts.append((head, cell))
    return "; ".join(f"{head}: {cell}" if head else cell for head, cell in parts)


def _rows_of(table: Element) -> list[list[MarkedText]]:
    """The cells of each row, (text, links, whether it is a heading), all rows being as wide."""
    rows: list[list[MarkedText]] = []
    for row in table.iter("tr", "row"):
        if _table_of(row) is table:
            rows.append([_read_cell(cell) for cell in row if cell.tag in CELLS][:MOST_COLUMNS])
    width = max(map(len, rows), default=0)
    return [row + [("", (), False)] * (width - len(row)) for row in rows]


def _cells_of(table: Element) -> list[Element]:
    return [cell for cell in table.iter(*CELLS) if _table_of(cell) is table]


def _table_of(element: Element) -> Element:
    return next(parent for parent in element.iterancestors() if parent.tag == "table")


def _read_cell(cell: Element) -> MarkedText:
    """(text, links, whether it is a heading) of a cell."""
    inner = Reading()
    _read_inside(inner, cell, ITEM)
    pieces = [piece for piece in inner.pieces if piece.text.strip()]
    is_bold = bool(pieces) and all(piece.is_bold for piece in pieces)
    _end_line(inner, ITEM)
    text = join_lines([block.text for block in inner.blocks])
    links = tuple(link for block in inner.blocks for link in block.links)
    return text, links, cell.tag == "th" or cell.get("role") == "head" or is_bold


def _text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def place_of(reading: Reading) -> str:
    """Where the reading is, as the beginning of a sentence."""
    last = next((block for block in reversed(reading.blocks)), None)
    return f"Behind {quote(last.text)}: " if last else "At the beginning: "


def _note_once(reading: Reading, what: str, happened: str, item: Element) -> None:
    """Say once for a run of lists what became of it."""
    said = f"{what} {happened}. Look whether it still says what it should."
    if not any(note.endswith(said) for note in reading.notes[-1:]):
        reading.notes.append(f"In {quote(' '.join(item.itertext()))}: {said}")
