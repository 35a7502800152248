"""A list of questions and answers, out of a spreadsheet, as the Blocks of an article: one section a
question."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypedDict

from bot.editor.importing import html_cleaning, spreadsheets, text_blocks
from bot.editor.importing.blocks import HEADING, PARAGRAPH, REFERENCE, Block, Refused
from bot.editor.importing.spreadsheets import Sheet

NAMES = {
    "question": {"question", "questions", "q", "faq", "ask", "query", "heading", "topic question"},
    "answer": {"answer", "answers", "a", "response", "reply", "text", "content"},
    "source": {"source", "sources", "reference", "references", "url", "link", "address", "website"},
}
# What beside a name in a heading makes it another thing: "question id", "answered by".
OTHERS = re.compile(
    r"\b(?:id|nr|no|number|type|category|group|status|date|by|on|author|language|lang|tags?)\b"
)
QUESTION = re.compile(
    r".*\?\W*|(?:what|why|how|when|where|which|who|can|could|does|do|is|are|will|would|should)\b.*",
    re.IGNORECASE | re.DOTALL,
)
NUMBER = re.compile(r"\A(?:(?:question|q)\s*\d*\s*[:.)]|\d+[.)])\s+", re.IGNORECASE)  # "Q1. "
LABEL = re.compile(r"\A(?:answer|a)\s*\d*\s*:\s+", re.IGNORECASE)
MARKUP = re.compile(r"<(?:p|br|div|ul|ol|li|a|b|i|em|strong|span|h[1-6]|table)\b[^>]*>", re.I)
ADDRESS = re.compile(r"https?://\S+|www\.\S+")
MOST_NAMED = 10  # columns
FIRST_ROWS = 20  # among which the headings are looked for
Row = tuple[int, list[str]]  # its number in the sheet, and its cells
NO_FAQ = (
    "No questions with answers were found in it. A list of them needs one column with the "
    "questions and one with the answers. Write “Question” and “Answer” above them, and choose the "
    "file again."
)


class Faq(TypedDict):
    """What a list of questions and answers holds."""

    title: str
    blocks: list[Block]
    notes: list[str]


@dataclass(frozen=True)
class Columns:
    """Where a sheet's questions, answers and sources (None: nowhere) stand, below which row of its
    `rows`, and what else its headings name."""

    question: int
    answer: int
    source: int | None
    below: int
    is_named: bool


def read_csv(data: bytes) -> Faq:
    """The Faq of a CSV file's bytes; raises Refused."""
    ways, broken = spreadsheets.read_csv(data)
    best = max(ways, key=_worth, default=None)
    if best is None or broken and not any(_worth(best)):
        raise Refused(
            f"The file can't be read from line {broken} on: a quotation mark is not closed, or "
            f'stands alone. Write it twice (""), and the whole text of its cell in quotation '
            f"marks; or save the spreadsheet as .xlsx."
        )
    return _read_sheets([best], [])


def read_xlsx(data: bytes) -> Faq:
    """The Faq of an XLSX file's bytes; raises Refused."""
    return _read_sheets(*spreadsheets.read_xlsx(data))


def _worth(sheet: Sheet) -> tuple[bool, int]:
    """How well a way of reading a CSV file finds questions and answers."""
    columns = _find_columns(sheet.rows)
    if columns is None:
        return (False, 0)
    whole = sum(
        bool(_cell(cells, columns.question) and _cell(cells, columns.answer))
        for _, cells in sheet.rows[columns.below :]
    )
    return (columns.is_named, whole)


def _read_sheets(sheets: list[Sheet], notes: Iterable[str]) -> Faq:
    title, made, notes = "", list[Block](), list(notes)
    for sheet in sheets:
        columns = _find_columns(sheet.rows)
        of_sheet = f"In the sheet “{sheet.name}”: " if len(sheets) > 1 else ""
        if columns is None:
            if sheet.rows:
                notes.append(f"{of_sheet}there are no questions with answers; it was left out.")
            continue
        found, said, above = _read_rows(sheet, columns, len(made))
        title = title or above
        made += found
        said = html_cleaning.first_notes(sheet.notes) + html_cleaning.first_notes(said)
        notes += (
            [f"{of_sheet}{sentence[:1].lower()}{sentence[1:]}" for sentence in said]
            if (of_sheet)
            else said
        )
    if not made:
        raise Refused(NO_FAQ)
    return {"title": title, "blocks": made, "notes": notes}


def _find_columns(rows: list[Row]) -> Columns | None:
    """The Columns of a sheet, by their headings or else by what stands in them; None where it has
    no questions with answers."""
    for place, (_, cells) in enumerate(rows[:FIRST_ROWS]):
        named: dict[str, int] = {}
        for column, cell in enumerate(cells):
            name = _name_of(cell)
            if name and name not in named:
                named[name] = column
        if "question" in named and "answer" in named and place + 1 < len(rows):
            source = named.get("source")
            return Columns(named["question"], named["answer"], source, place + 1, True)
    return _guess_columns(rows)


def _name_of(cell: str) -> str | None:
    """What a heading names: "question", "answer" or "source"; None for anything else."""
    text = " ".join(re.findall(r"\w+", cell.lower()))
    for name, words in NAMES.items():
        if text in words:
            return name
    if len(text) > 40 or OTHERS.search(text) or cell.strip().endswith("?"):
        return None
    words = set(text.split())
    return next((n for n in NAMES if words & {n, f"{n}s"}), None)


def _guess_columns(rows: list[Row]) -> Columns | None:
    """The Columns of a sheet without headings, or with others."""
    width = max((len(cells) for _, cells in rows), default=0)
    columns = [[_cell(cells, n) for _, cells in rows] for n in range(width)]
    asked = [sum(bool(QUESTION.fullmatch(cell)) for cell in column if cell) for column in columns]
    if width < 2 or not max(asked):
        return None
    question = asked.index(max(asked))
    if asked[question] * 2 < sum(bool(cell) for cell in columns[question]):
        return None
    others = [n for n in range(width) if n != question]
    answer = max(others, key=lambda n: _share_of_text(columns, question, n))
    if not any(ADDRESS.sub("", cell).strip() for cell in columns[answer]):
        return None
    source = next((n for n in others if n != answer and any(map(ADDRESS.match, columns[n]))), None)
    below = next(n for n, cell in enumerate(columns[question]) if QUESTION.fullmatch(cell))
    return Columns(question, answer, source, below, False)


def _share_of_text(columns: list[list[str]], question: int, n: int) -> tuple[int, int]:
    """Beside how many of the questions a column has words, and how long all of them are."""
    pairs = zip(columns[question], columns[n], strict=True)
    beside = [ADDRESS.sub("", text) for asked, text in pairs if asked]
    return sum(bool(re.search(r"[^\W\d]", text)) for text in beside), sum(map(len, beside))


def _cell(cells: list[str], column: int | None) -> str:
    return cells[column] if column is not None and column < len(cells) else ""


def _read_rows(sheet: Sheet, columns: Columns, before: int) -> tuple[list[Block], list[str], str]:
    """(blocks, notes, title) of a sheet's rows; `before`: how many blocks there are already."""
    made: list[Block] = []
    notes: list[str] = []
    title = ""
    for number, cells in sheet.rows[: columns.below]:
        named = list(dict.fromkeys(filter(None, cells)))
        if len(named) == 1 and not title:
            title = named[0]
        elif not (columns.is_named and number == sheet.rows[columns.below - 1][0]):
            notes.append(
                f"Row {number} was taken for headings: {text_blocks.quote(', '.join(named))}."
            )
    behind = _columns_behind(sheet, columns)
    notes += _name_others(sheet, columns, behind)
    asked = ""
    said: str | None = None
    for number, cells in sheet.rows[columns.below :]:
        question = NUMBER.sub("", " ".join(_plain(_cell(cells, columns.question)).split()))
        answer = _cell(cells, columns.answer)
        if fault := _row_fault(question, answer, asked):
            whole = text_blocks.quote(", ".join(filter(None, cells)))
            notes.append(f"Row {number} {fault}; it was left out: {whole}.")
            continue
        if not question:
            notes.append(
                f"Row {number} has no question; it was put under {text_blocks.quote(asked)}."
            )
        elif question != asked:
            asked, said = question, None
            made.append(Block(HEADING, question))
        if answer != said:  # merged cells say it in each row
            said = answer
            label = f"#{before + len(made)}"
            made += _answer(sheet, columns, behind, number, cells, label, notes)
    return made, notes, title


def _row_fault(question: str, answer: str, asked: str) -> str | None:
    """Why a row can't be taken over, or None; `asked`: the question above it, or ""."""
    if not question and not answer:
        return "has no question and no answer"
    if not answer:
        return "has no answer"
    return None if question or asked else "has no question"


def _name_others(sheet: Sheet, columns: Columns, behind: set[int]) -> list[str]:
    """A sentence on the columns that were not taken over."""
    taken = {columns.question, columns.answer, columns.source, *behind}
    below = sheet.rows[columns.below :]
    heads = sheet.rows[columns.below - 1][1] if columns.below else []
    filled = {n for _, cells in below for n, cell in enumerate(cells) if cell}
    others = [_cell(heads, n) or f"number {n + 1}" for n in sorted(filled - taken)]
    if not others:
        return []
    named = ", ".join(f"“{name}”" for name in others[:MOST_NAMED])
    more = f", and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return [f"Columns that were left out: {named}{more}."]


def _columns_behind(sheet: Sheet, columns: Columns) -> set[int]:
    """The columns that hold what a separator inside of an answer cut off: those without a heading
    behind the last one, or in a CSV file without headings, those that not every row has."""
    rows = [cells for _, cells in sheet.rows[columns.below :]]
    width = max(map(len, rows), default=0)
    if columns.is_named:
        heads = sheet.rows[columns.below - 1][1]
        return set(range(len(heads), width)) if columns.answer + 1 == len(heads) else set()
    shortest = min(map(len, rows), default=0)
    is_csv = not sheet.name
    return set(range(max(shortest, columns.answer + 1), width * is_csv)) - {columns.source}


def _answer(
    sheet: Sheet,
    columns: Columns,
    behind: set[int],
    number: int,
    cells: list[str],
    label: str,
    notes: list[str],
) -> list[Block]:
    """The blocks of an answer, the last one with a mark of its source, and that source."""
    text = _cell(cells, columns.answer)
    cut = [cell for n, cell in enumerate(cells) if cell and n in behind]
    if cut:
        text = ", ".join([text, *cut])
        notes.append(
            f"Row {number} has more cells than others. Look whether its answer is as it was "
            f"written: {text_blocks.quote(text)}"
        )
    made = [
        Block(PARAGRAPH, block.text, block.links) if block.kind == HEADING else block
        for block in _blocks_of(LABEL.sub("", text))
    ]
    source = " ".join(_plain(_cell(cells, columns.source)).split())
    link = "" if columns.source is None else sheet.links.get((number, columns.source), "")
    if made and (source or link):
        last = made.pop()
        made.append(replace(last, text=f"{last.text} [{label}]"))
        made.append(Block(REFERENCE, source or link, ((source, link),) if link else (), label))
    return made


def _blocks_of(text: str) -> list[Block]:
    """The blocks of a cell, which may hold lines or HTML."""
    if not MARKUP.search(text):
        return text_blocks.of_lines(text)
    from lxml import html

    root = html.fromstring(f"<body>{text}</body>")
    html_cleaning.prepare_tree(root)
    return text_blocks.of_tree(root).blocks or text_blocks.of_lines(text)


def _plain(text: str) -> str:
    return " ".join(block.text for block in _blocks_of(text)) if MARKUP.search(text) else text
