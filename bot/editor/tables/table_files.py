"""Terms, talk, the safety list and the fixed texts as tables: rows out of a file, as CSV or XLSX,
and back with every fault named by its row.

A table's file is changed only where its rows differ: comments, order and lay-out of the rest stay.
"""

import csv
import dataclasses
import io
import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import yaml

from bot.content import articles, site_content, terms
from bot.domain.faults import Fault
from bot.editor.importing import bounded_process, imports
from bot.editor.importing.blocks import Refused
from bot.editor.shared import article_document, phrases_document
from bot.editor.tables import text_rows
from bot.runtime import settings

COLUMNS = {
    "terms": ("kind", "name", "other names"),
    "talk": ("topic", "use", "phrase"),
    "safety": ("list", "name", "entry"),
    "texts": ("read where", "name", "text"),
}
MOST_ROWS, LONGEST_CELL, LARGEST = 20_000, 2_000, 12_000_000
FORMULA = tuple("=+-@\t\r")  # what a cell begins with that a spreadsheet would work out
# What a row of the safety list may be: (in its first column, in the file)
SAFETY = {
    "other spellings": ("same",),
    "words": ("words",),
    "raised by": ("flags", "when"),
    "not if": ("flags", "unless"),
    "also if": ("flags", "even_if"),
    "must be caught": ("flags", "must"),
    "must not be caught": ("flags", "must_not"),
    "never missed": ("must",),
    "answer": ("texts", "text"),
    "answer, more": ("texts", "more"),
}
NO_TEXT = {
    "f": "a cell holds a formula; write its text instead",
    "d": "a cell holds a date; write it as text",
}
# names of these are not made in a table
OLD = {"flags": "red flag", "must": "kind", "texts": "answer"}
Cells = tuple[str, str, str]
Key = tuple[str, ...]  # where an entry stands in its file
Entries = dict[Key, list[str]]  # what a table's file holds


CELLS = ("first", "second", "third")  # what the cells of a row are called
type CellFault = tuple[str, str]  # one of CELLS ("": the row), and what is wrong with it


class Made(TypedDict):
    """What a job made: a table's new text, or the faults that forbid it, each as Fault.as_dict
    gives it."""

    text: str
    faults: list[dict[str, Any]]


class RowFaults(ValueError):
    """The table can't be taken. The field of each of the `faults` is ("row", its number, one of
    CELLS or ""), but of those in other files."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(say_with_row, faults)))
        self.faults = tuple(faults)


def say_with_row(fault: Fault) -> str:
    """A fault as one sentence, with its row where it is of one."""
    is_of_row = fault.field[:1] == ("row",)
    return f"row {fault.field[1]}: {fault.text}" if is_of_row else fault.text


def row_fault(number: int, cell: str, text: str) -> Fault:
    """What is wrong with a row, in one of CELLS or ("") as a whole."""
    return Fault("", None, ("row", number, cell), text)


@dataclass(frozen=True)
class Row:
    """One row: its number in the sheet (the first below the heading is 2) and its three cells."""

    number: int
    cells: Cells


def rows_of(name: str, text: str) -> list[Cells]:
    """The rows of a table's file, in its order: tuples of three cells. Raises articles.ContentError
    where it isn't readable."""
    data, _, faults = articles.read_yaml(text, f"{name}.yml")
    if data is None:
        raise articles.ContentError(faults)
    return [
        row for path, values in _entries(name, data).items() for row in _as_rows(name, path, values)
    ]


def write_csv(name: str, rows: Iterable[Cells]) -> bytes:
    """A table as the bytes of a CSV file that spreadsheets open rightly; no cell of it is a
    formula."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS[name])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return made.getvalue().encode("utf-8-sig")


def write_xlsx(name: str, rows: Iterable[Cells]) -> bytes:
    """A table as the bytes of an XLSX file; every cell of it is text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABC", (24, 36, 90), strict=True):
        sheet.column_dimensions[letter].width = width
    for number, row in enumerate([COLUMNS[name], *rows]):
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=_harmless(_printable(value)))
            cell.data_type = "s"
            if not number:
                cell.font = Font(bold=True)
            cells.append(cell)
        sheet.append(cells)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def read_csv(name: str, data: bytes) -> list[Row]:
    """The Rows of a CSV file's bytes; raises RowFaults, Refused."""
    if len(data) > LARGEST:
        raise Refused(f"The file is larger than {LARGEST // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            'The file is not UTF-8 text. In the spreadsheet choose "CSV UTF-8" when you save it.'
        ) from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        found = [
            (reader.line_num, row)
            for reader in [
                csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            ]
            for row in reader
        ]
    except csv.Error as error:
        raise Refused(
            f'The file is no CSV that can be read ({error}). Save it again as "CSV UTF-8".'
        ) from None
    return _take_rows(name, [row for _, row in found])


def read_xlsx(name: str, data: bytes) -> list[Row]:
    """The Rows of an XLSX file's first sheet; raises RowFaults, Refused."""
    from openpyxl import load_workbook

    if len(data) > LARGEST:
        raise Refused(f"The file is larger than {LARGEST // 1_000_000} MB.")
    imports.check_archive(data, "xl/workbook.xml", "spreadsheet", ".xlsx")
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        try:
            listed, faults = [], []
            for number, row in enumerate(
                book.worksheets[0].iter_rows(max_col=3, max_row=MOST_ROWS + 2), 1
            ):
                faults += [
                    row_fault(number, place, NO_TEXT[cell.data_type])
                    for place, cell in zip(CELLS, row, strict=False)
                    if cell.data_type in NO_TEXT
                ]
                listed.append(["" if cell.value is None else str(cell.value) for cell in row])
        finally:
            book.close()
    except (KeyError, ValueError, IndexError, AttributeError, TypeError, OSError):
        raise Refused(
            'This is not a spreadsheet that can be read. Save it as .xlsx, or as "CSV UTF-8".'
        ) from None
    if faults:
        raise RowFaults(faults)
    return _take_rows(name, listed)


def read_file(folder: Path, name: str, text: str, data: bytes) -> str:
    """The new text of a table's file whose rows a file's bytes are, checked beside the content in
    `folder`; raises RowFaults, Refused, articles.ContentError."""
    return _taken(
        bounded_process.run_bounded("table", data, folder=str(folder), name=name, text=text)
    )


def change_rows(folder: Path, name: str, text: str, rows: Iterable[Row]) -> str:
    """The new text of a table's file with these Rows, checked; raises as `read_file`."""
    listed = [[row.number, *row.cells] for row in rows]
    return _taken(
        bounded_process.run_bounded("rows", folder=str(folder), name=name, text=text, listed=listed)
    )


def _taken(found: Made) -> str:
    if found["faults"]:
        raise RowFaults([Fault.from_dict(each) for each in found["faults"]])
    return found["text"]


def table_job(data: bytes, folder: str, name: str, text: str) -> Made:
    """{"text", "faults"}: a job of bot/editor/importing/bounded_process.py."""
    try:
        rows = read_xlsx(name, data) if data.startswith(b"PK") else read_csv(name, data)
    except RowFaults as error:
        return {"text": "", "faults": [fault.as_dict() for fault in error.faults]}
    return _write_and_check(folder, name, text, rows)


def rows_job(
    data: bytes, folder: str, name: str, text: str, listed: list[tuple[int, str, str, str]]
) -> Made:
    """{"text", "faults"}: a job of bot/editor/importing/bounded_process.py."""
    rows = [Row(number, (first, second, third)) for number, first, second, third in listed]
    return _write_and_check(folder, name, text, rows)


def _write_and_check(folder: str, name: str, text: str, rows: list[Row]) -> Made:
    try:
        new = write_rows(name, text, rows)
    except (RowFaults, articles.ContentError) as error:
        return {"text": "", "faults": [fault.as_dict() for fault in error.faults]}
    config = dataclasses.replace(settings.read_settings({}), data=folder)
    faults = check_table(config, name, new, rows) if new != text else []
    return {"text": new, "faults": [fault.as_dict() for fault in faults]}


def write_rows(name: str, text: str, rows: Iterable[Row]) -> str:
    """`text` of the table's file with these Rows in place of its own; raises RowFaults."""
    data, _, wrong = articles.read_yaml(text, f"{name}.yml")
    if data is None:
        raise articles.ContentError(wrong)
    now, faults = _entries(name, data), list[Fault]()
    wanted: Entries = {}
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        path, values = _as_entry(name, row, now, faults)
        if path is None or values is None:
            continue
        key = {
            "terms": path,
            "talk": (path, articles.normalise_phrase(values[-1]) if values else ""),
            "safety": (path, *values),
            "texts": path,
        }[name]
        if key in seen:
            said = f"this stands in row {seen[key]} too; keep it in one place"
            faults.append(row_fault(row.number, "second" if name == "terms" else "third", said))
        seen.setdefault(key, row.number)
        wanted.setdefault(path, []).extend(values)
    for path in now:
        if path not in wanted and name == "safety" and path[0] == "texts" and path[-1] == "text":
            said = f"the answer {path[1]} is missing; a flag shows it"
            faults.append(Fault.from_sentence(said))
    if name == "texts":
        faults += map(Fault.from_sentence, text_rows.find_missing(now, wanted))
    if faults:
        raise RowFaults(faults)
    return _rewrite(name, text, now, wanted)


def check_table(
    config: settings.Settings, name: str, text: str, rows: Iterable[Row]
) -> list[Fault]:
    """What is wrong with a table's new text, beside all other content; what is wrong in the table
    has its row as its field."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(
            shutil.copytree(
                config.path("data"), Path(scratch) / "data", ignore=shutil.ignore_patterns(".*")
            )
        )
        table = folder / f"{name}.yml"
        old = table.read_text(encoding="utf-8")
        table.write_text(text, encoding="utf-8")
        faults = site_content.check_content(folder)
        if faults:  # only those that this table's new text brings
            table.write_text(old, encoding="utf-8")
            before = {(fault.path, fault.text) for fault in site_content.check_content(folder)}
            faults = [fault for fault in faults if (fault.path, fault.text) not in before]
    entries = _entries(name, articles.read_yaml(text, f"{name}.yml")[0] or {})
    numbers: dict[Any, int] = {}  # {an entry, or an entry and one of its values: a row}
    for row in rows:
        path, values = _as_entry(name, row, {}, [])
        numbers.setdefault(path, row.number)
        for value in values or ():
            numbers.setdefault((path, value), row.number)
    return [
        _by_row(fault, entries, numbers) if fault.file == f"{name}.yml" else fault
        for fault in faults
    ]


def _by_row(fault: Fault, entries: Entries, numbers: Mapping[Any, int]) -> Fault:
    """A fault of this table's file with the row that it is about as its field; as it is, where that
    is none of them."""
    keys = fault.field
    near = next((path for path in numbers if path in entries and path == keys[: len(path)]), None)
    if near is None:
        return fault
    place = keys[len(near)] if keys[len(near) :] else None
    values = entries[near]
    value = values[place] if isinstance(place, int) and place < len(values) else None
    number = numbers.get((near, value)) or numbers[near]
    return row_fault(number, "third", fault.text)


def _take_rows(name: str, listed: list[list[str]]) -> list[Row]:
    """The Rows below the heading; raises RowFaults."""
    head = [cell.strip().lower() for cell in listed[0][:3]] if listed else []
    if head != list(COLUMNS[name]):
        said = f"the columns must be {', '.join(COLUMNS[name])}, in this order"
        raise RowFaults([row_fault(1, "", said)])
    if len(listed) > MOST_ROWS + 1:
        said = f"there are more than {MOST_ROWS:,} rows"
        raise RowFaults([row_fault(MOST_ROWS + 2, "", said)])
    rows, faults = [], []
    for number, row in enumerate(listed[1:], 2):
        cells = [_restored(cell.strip()) for cell in [*row, "", "", ""][:3]]
        if not any(cells):
            continue
        faults += [row_fault(number, *fault) for fault in _cell_faults(name, cells, row[3:])]
        first, second, third = (cell or "" for cell in cells)
        rows.append(Row(number, (first, second, third)))
    if faults:
        raise RowFaults(faults)
    return rows


def _cell_faults(name: str, cells: Iterable[str | None], behind: Iterable[str]) -> list[CellFault]:
    """What is wrong with a row's cells, None being a formula; `behind`: those past its third."""
    faults = []
    if any(cell.strip() for cell in behind):
        said = "there is something behind the third column; is a comma or quote missing?"
        faults.append(("", said))
    for place, cell in zip(CELLS, cells, strict=True):
        if cell is None:
            said = "a cell begins with =, as a formula does; write its text instead"
            faults.append((place, said))
        elif len(cell) > LONGEST_CELL and name != "terms":
            said = f"a cell has {len(cell):,} letters; at most {LONGEST_CELL:,} are taken"
            faults.append((place, said))
        elif any(
            ord(letter) < 32 and letter not in "\n\t" or "\ud800" <= letter <= "\udfff"
            for letter in cell
        ):
            faults.append((place, "a cell holds a sign that can't be shown; type the text anew"))
    return faults


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) or re.match(r"'+[=+@\t\r-]", cell) else cell


def _restored(cell: str) -> str | None:
    """The cell that `_harmless` was given; None for a formula."""
    if re.match(r"'+[=+@\t\r-]", cell):
        return cell[1:]
    return None if cell.startswith("=") else cell


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _entries(name: str, data: dict[str, Any]) -> Entries:
    """{path in the file: its values} of a table's data."""
    if name == "terms":
        return {
            (kind, term): list(others or [])
            for kind, named in data.items()
            for term, others in named.items()
        }
    if name == "talk":
        return {
            (topic, use): list(phrases)
            for topic, both in data.items()
            for use, phrases in both.items()
        }
    if name == "texts":
        return text_rows.read_entries(data)
    found: Entries = {
        (group, key): _words(value)
        for group in ("same", "words")
        for key, value in data[group].items()
    }
    found |= {
        ("flags", flag, part): list(values) if isinstance(values, list) else [values]
        for flag, entry in data["flags"].items()
        for part, values in entry.items()
        if part in ("when", "unless", "even_if", "must", "must_not")
    }
    found |= {("must", kind): list(messages) for kind, messages in data["must"].items()}
    return found | {
        ("texts", key, part): [entry[part]]
        for key, entry in data["texts"].items()
        for part in ("text", "more")
        if part in entry
    }


def _words(value: str | list[str]) -> list[str]:
    return (
        [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, str)
        else list(value)
    )


def _as_rows(name: str, path: Key, values: list[str]) -> list[Cells]:
    if name == "terms":
        return [(path[0], path[1], "; ".join(values))]
    if name == "talk":
        return [(path[0], path[1], value) for value in values]
    if name == "texts":
        return [text_rows.write_row(path, value) for value in values]
    listed = next(listed for listed, place in SAFETY.items() if place == (path[0], *path[2:]))
    return [(listed, path[1], str(value)) for value in values]


def _as_entry(
    name: str, row: Row, now: Entries, faults: list[Fault]
) -> tuple[Key, list[str]] | tuple[None, None]:
    """(path, values) of a row; (None, None) where `faults` say why it has none."""
    find_fault, make_entry = {
        "terms": (_term_fault, _term_entry),
        "talk": (_talk_fault, _talk_entry),
        "safety": (_safety_fault, _safety_entry),
        "texts": (text_rows.find_fault, _text_entry),
    }[name]
    fault = find_fault(*row.cells, now)
    if fault:
        faults.append(row_fault(row.number, *fault))
        return None, None
    return make_entry(*row.cells)


def _term_fault(kind: str, term: str, others: str, now: Entries) -> CellFault | None:
    if kind not in terms.KINDS:
        return "first", f'"{kind}" is no kind; write one of {", ".join(terms.KINDS)}'
    return None if term else ("second", "the name is empty; write it, or take the row out")


def _term_entry(kind: str, term: str, others: str) -> tuple[Key, list[str]]:
    return (kind, term), [part.strip() for part in others.split(";") if part.strip()]


def _talk_fault(topic: str, use: str, phrase: str, now: Entries) -> CellFault | None:
    if now and (topic, use) not in now:
        known = sorted({path[0] for path in now})
        if topic not in known:
            return "first", f'"{topic}" is no topic; write one of {", ".join(known)}'
        return "second", f'"{use}" is no use; write train or test'
    if not articles.normalise_phrase(phrase):
        return "third", "the phrase is empty; write how somebody would say it, or delete the row"
    return None


def _talk_entry(topic: str, use: str, phrase: str) -> tuple[Key, list[str]]:
    return (topic, use), [phrase]


def _safety_fault(listed: str, name: str, value: str, now: Entries) -> CellFault | None:
    if listed not in SAFETY:
        return "first", f'"{listed}" is no list; write one of {", ".join(SAFETY)}'
    group = SAFETY[listed][0]
    if now and group in OLD and name not in {known[1] for known in now if known[0] == group}:
        return "second", (
            f'there is no {OLD[group]} named "{name}"; a new one is made by who looks after the '
            f"files"
        )
    if not name:
        return "second", "the name is empty; write it, or delete the row"
    if not value:
        return "third", "the entry is empty; write it, or delete the row"
    if group in ("same", "words") and "," in value:
        said = "one row is one wording; put what stands behind the comma into a row of its own"
        return "third", said
    return None


def _safety_entry(listed: str, name: str, value: str) -> tuple[Key, list[str]]:
    group, *part = SAFETY[listed]
    return (group, name, *part), [value]


def _text_entry(place: str, name: str, value: str) -> tuple[Key, list[str]]:
    return tuple(name.split(".")), [value]


def _rewrite(name: str, text: str, now: Entries, wanted: Entries) -> str:
    root = yaml.compose(text, Loader=articles.LOADER)
    lines = text.splitlines(keepends=True)
    edits = []
    for path in [*now, *(path for path in wanted if path not in now)]:
        if now.get(path) != wanted.get(path):
            edits += _edit(name, root, lines, path, now.get(path), wanted.get(path))
    for first, last, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        while new and last - 1 > first and not lines[last - 1].strip():
            last -= 1  # blank lines behind a long text are none of it
        lines[first:last] = new
    return "".join(lines)


def _edit(
    name: str,
    root: yaml.Node | None,
    lines: list[str],
    path: Key,
    before: list[str] | None,
    after: list[str] | None,
) -> list[article_document.Edit]:
    """The edits of one entry: taken out, added behind the last of its group, or written anew."""
    parent, indent, end = root, 0, 0
    for key in path[:-1]:
        own = article_document.entries_of(parent)[key]
        parent, indent, end = own[1], own[1].start_mark.column, article_document.last_line(*own)
    if before is None:
        assert after is not None  # an entry that is in neither is no change
        return [(end, end, _written(name, path, after, indent))]
    entries = article_document.entries_of(parent)
    found = entries[path[-1]]
    first, last = found[0].start_mark.line, article_document.last_line(*found)
    if after is None:
        return [(first, last, [])]
    if isinstance(found[1], yaml.SequenceNode) and not found[1].flow_style:
        group = article_document.Group(entries, lines, indent, last)
        return phrases_document.list_edits(group, path[-1], before, after)
    return [(first, last, _written(name, path, after, indent))]


def _written(name: str, path: Key, values: list[str], indent: int) -> list[str]:
    """The lines of an entry, laid out as the rest of its file."""
    if name == "texts":
        return text_rows.write_lines(path, values[0], indent)
    key = article_document.write_yaml({path[-1]: 0})[:-4]
    margin = " " * indent
    if path[0] == "texts":
        said = values[0].rstrip("\n").split("\n")
        return [f"{margin}{key}: |-\n", *(f"{margin}  {line}\n" if line else "\n" for line in said)]
    if path[0] in ("same", "words") and name == "safety":
        if "\n" in ", ".join(values) or re.search(r"\s#|:\s", ", ".join(values)):
            return [f"{margin}{key}: {article_document.write_yaml([', '.join(values)])[2:]}"]
        return [
            f"{margin}{key}: >-\n",
            *(
                f"{margin}  {line}\n"
                for line in textwrap.wrap(
                    ", ".join(values), 100, break_long_words=False, break_on_hyphens=False
                )
            ),
        ]
    items = [
        article_document.write_yaml([article_document.Few([value])]).strip()[3:-1]
        for value in values
    ]
    wrapped = (
        textwrap.wrap(
            f"{margin}{key}: [{', '.join(items)}]",
            115,
            subsequent_indent=margin + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        if not any("'" in item or '"' in item for item in items)
        else [f"{margin}{key}: [{', '.join(items)}]"]
    )
    return [f"{line}\n" for line in wrapped]
