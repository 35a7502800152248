"""Terms, talk and the safety list as tables: rows out of a file, as CSV or XLSX, and back with
every fault named by its row.

A table's file is changed only where its rows differ: comments, order and lay-out of the rest stay.
"""

import csv
import io
import re
import shutil
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot import articles, content
from bot.editor import imports, manuscripts

COLUMNS = {
    "terms": ("kind", "name", "other names"),
    "talk": ("topic", "use", "phrase"),
    "safety": ("list", "name", "entry"),
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
# names of these are not made in a table
OLD = {"flags": "red flag", "must": "kind", "texts": "answer"}


class RowFaults(ValueError):
    """The table can't be taken; `faults` are sentences, each with its row."""

    def __init__(self, faults):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Row:
    """One row: its number in the sheet (the first below the heading is 2) and its three cells."""

    number: int
    cells: tuple[str, str, str]


def rows_of(name, text):
    """The rows of a table's file, in its order: tuples of three cells. Raises articles.ContentError
    where it isn't readable."""
    data, _, faults = articles.read_yaml(text, f"{name}.yml")
    if data is None:
        raise articles.ContentError(faults)
    return [
        row for path, values in _entries(name, data).items() for row in _as_rows(name, path, values)
    ]


def write_csv(name, rows):
    """A table as the bytes of a CSV file that spreadsheets open rightly; no cell of it is a
    formula."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS[name])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return made.getvalue().encode("utf-8-sig")


def write_xlsx(name, rows):
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


def read_csv(name, data):
    """The Rows of a CSV file's bytes; raises RowFaults, imports.Refused."""
    if len(data) > LARGEST:
        raise imports.Refused(f"The file is larger than {LARGEST // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise imports.Refused(
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
        raise imports.Refused(
            f'The file is no CSV that can be read ({error}). Save it again as "CSV UTF-8".'
        ) from None
    return _take_rows(name, [row for _, row in found])


def read_xlsx(name, data):
    """The Rows of an XLSX file's first sheet; raises RowFaults, imports.Refused."""
    from openpyxl import load_workbook

    if len(data) > LARGEST:
        raise imports.Refused(f"The file is larger than {LARGEST // 1_000_000} MB.")
    imports.check_archive(data, "xl/workbook.xml", "spreadsheet", ".xlsx")
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        try:
            listed, faults = [], []
            for number, row in enumerate(
                book.worksheets[0].iter_rows(max_col=3, max_row=MOST_ROWS + 2), 1
            ):
                faults += [
                    f"row {number}: a cell holds a formula; write its text instead"
                    for cell in row
                    if cell.data_type == "f"
                ]
                faults += [
                    f"row {number}: a cell holds a date; write it as text"
                    for cell in row
                    if cell.data_type == "d"
                ]
                listed.append(["" if cell.value is None else str(cell.value) for cell in row])
        finally:
            book.close()
    except (KeyError, ValueError, IndexError, AttributeError, TypeError, OSError):
        raise imports.Refused(
            'This is not a spreadsheet that can be read. Save it as .xlsx, or as "CSV UTF-8".'
        ) from None
    if faults:
        raise RowFaults(faults)
    return _take_rows(name, listed)


def write(name, text, rows):
    """`text` of the table's file with these Rows in place of its own; raises RowFaults."""
    data, lines, faults = articles.read_yaml(text, f"{name}.yml")
    if data is None:
        raise articles.ContentError(faults)
    now, faults = _entries(name, data), []
    wanted = {}
    seen = {}
    for row in rows:
        path, values = _as_entry(name, row, now, faults)
        if path is None:
            continue
        key = {
            "terms": path,
            "talk": (path, articles.normalise(values[-1]) if values else ""),
            "safety": (path, *values),
        }[name]
        if key in seen:
            faults.append(
                f"row {row.number}: this stands in row {seen[key]} too; keep it in one place"
            )
        seen.setdefault(key, row.number)
        wanted.setdefault(path, []).extend(values)
    for path in now:
        if path not in wanted and name == "safety" and path[0] == "texts" and path[-1] == "text":
            faults.append(f"the answer {path[1]} is missing; a flag shows it")
    if faults:
        raise RowFaults(faults)
    return _rewrite(name, text, now, wanted)


def check(config, name, text, rows):
    """What is wrong with a table's new text, beside all other content: sentences with their
    rows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(
            shutil.copytree(
                config.path("data"), Path(scratch) / "data", ignore=shutil.ignore_patterns(".*")
            )
        )
        before = set(_without_lines(content.check(folder)))
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
        faults = [fault for fault in content.check(folder) if _without_line(fault) not in before]
    _, lines, _ = articles.read_yaml(text, f"{name}.yml")
    numbers = {}
    for row in rows:
        path, values = _as_entry(name, row, {}, [])
        numbers.setdefault(path, row.number)
        for value in values or ():
            numbers.setdefault((path, value), row.number)
    return [_by_row(fault, name, lines, numbers) for fault in faults]


def _without_line(fault):
    return re.sub(r"^([^:]*):\d+:", r"\1:", fault)


def _without_lines(faults):
    return [_without_line(fault) for fault in faults]


def _by_row(fault, name, lines, numbers):
    """A fault `path:line: ...` of this table's file with its row in place of the line."""
    place = re.match(r"(.*?):(\d+): (.*)", fault, re.DOTALL)
    if not place:
        return fault
    path, line, said = Path(place[1]).name, int(place[2]), place[3]
    if path != f"{name}.yml":
        return f"{path}, line {line}: {said}"
    quoted = re.search(r'"([^"]*)"', said)
    keys = max(
        (keys for keys in lines if lines[keys] <= line),
        key=lambda keys: (lines[keys], len(keys)),
        default=(),
    )
    near = next((path for path in numbers if path and path == keys[: len(path)]), None)
    value = quoted and quoted[1]
    number = numbers.get((near, value)) or next(
        (found for key, found in numbers.items() if line == 1 and key and key[-1] == value),
        numbers.get(near),
    )
    return f"row {number}: {said}" if number else said


def _take_rows(name, listed):
    """The Rows below the heading; raises RowFaults."""
    head = [cell.strip().lower() for cell in listed[0][:3]] if listed else []
    if head != list(COLUMNS[name]):
        raise RowFaults([f"row 1: the columns must be {', '.join(COLUMNS[name])}, in this order"])
    if len(listed) > MOST_ROWS + 1:
        raise RowFaults([f"row {MOST_ROWS + 2}: there are more than {MOST_ROWS:,} rows"])
    rows, faults = [], []
    for number, row in enumerate(listed[1:], 2):
        cells = [_restored(cell.strip()) for cell in [*row, "", "", ""][:3]]
        if not any(cells):
            continue
        faults += [f"row {number}: {fault}" for fault in _cell_faults(name, cells, row[3:])]
        rows.append(Row(number, tuple(cell or "" for cell in cells)))
    if faults:
        raise RowFaults(faults)
    return rows


def _cell_faults(name, cells, behind):
    """What is wrong with a row's cells, None being a formula; `behind`: those past its third."""
    faults = []
    if any(cell.strip() for cell in behind):
        faults.append("there is something behind the third column; is a comma or quote missing?")
    for cell in cells:
        if cell is None:
            faults.append("a cell begins with =, as a formula does; write its text instead")
        elif len(cell) > LONGEST_CELL and name != "terms":
            faults.append(f"a cell has {len(cell):,} letters; at most {LONGEST_CELL:,} are taken")
        elif any(
            ord(letter) < 32 and letter not in "\n\t" or "\ud800" <= letter <= "\udfff"
            for letter in cell
        ):
            faults.append("a cell holds a sign that can't be shown; type the text anew")
    return faults


def _harmless(cell):
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) or re.match(r"'+[=+@\t\r-]", cell) else cell


def _restored(cell):
    """The cell that `_harmless` was given; None for a formula."""
    if re.match(r"'+[=+@\t\r-]", cell):
        return cell[1:]
    return None if cell.startswith("=") else cell


def _printable(text):
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _entries(name, data):
    """{path in the file: its values} of a table's data."""
    if name == "terms":
        return {
            (kind, term): list(others or [])
            for kind, terms in data.items()
            for term, others in terms.items()
        }
    if name == "talk":
        return {
            (topic, use): list(phrases)
            for topic, both in data.items()
            for use, phrases in both.items()
        }
    found = {
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


def _words(value):
    return (
        [word.strip() for word in value.split(",") if word.strip()]
        if isinstance(value, str)
        else list(value)
    )


def _as_rows(name, path, values):
    if name == "terms":
        return [(path[0], path[1], "; ".join(values))]
    if name == "talk":
        return [(path[0], path[1], value) for value in values]
    listed = next(listed for listed, place in SAFETY.items() if place == (path[0], *path[2:]))
    return [(listed, path[1], str(value)) for value in values]


def _as_entry(name, row, now, faults):
    """(path, values) of a row; (None, None) where `faults` say why it has none."""
    find_fault, make_entry = {
        "terms": (_term_fault, _term_entry),
        "talk": (_talk_fault, _talk_entry),
        "safety": (_safety_fault, _safety_entry),
    }[name]
    fault = find_fault(*row.cells, now)
    if fault:
        faults.append(f"row {row.number}: {fault}")
        return None, None
    return make_entry(*row.cells)


def _term_fault(kind, term, others, now):
    if kind not in content.terms.KINDS:
        return f'"{kind}" is no kind; write one of {", ".join(content.terms.KINDS)}'
    return None if term else "the name is empty"


def _term_entry(kind, term, others):
    return (kind, term), [part.strip() for part in others.split(";") if part.strip()]


def _talk_fault(topic, use, phrase, now):
    if now and (topic, use) not in now:
        known = sorted({path[0] for path in now})
        if topic not in known:
            return f'"{topic}" is no topic; write one of {", ".join(known)}'
        return f'"{use}" is no use; write train or test'
    if not articles.normalise(phrase):
        return "the phrase is empty; write how somebody would say it, or delete the row"
    return None


def _talk_entry(topic, use, phrase):
    return (topic, use), [phrase]


def _safety_fault(listed, name, value, now):
    if listed not in SAFETY:
        return f'"{listed}" is no list; write one of {", ".join(SAFETY)}'
    group = SAFETY[listed][0]
    if now and group in OLD and name not in {known[1] for known in now if known[0] == group}:
        return f'there is no {OLD[group]} named "{name}"; a new one is written in data/safety.yml'
    if not name or not value:
        return f"{'the name' if not name else 'the entry'} is empty; write it, or delete the row"
    if group in ("same", "words") and "," in value:
        return "one row is one wording; put what stands behind the comma into a row of its own"
    return None


def _safety_entry(listed, name, value):
    group, *part = SAFETY[listed]
    return (group, name, *part), [value]


def _rewrite(name, text, now, wanted):
    root = yaml.compose(text, Loader=articles.LOADER)
    lines = text.splitlines(keepends=True)
    edits = []
    for path in [*now, *(path for path in wanted if path not in now)]:
        if now.get(path) != wanted.get(path):
            edits += _edit(name, root, lines, path, now.get(path), wanted.get(path))
    for first, last, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        lines[first:last] = new
    return "".join(lines)


def _edit(name, root, lines, path, before, after):
    """The edits of one entry: taken out, added behind the last of its group, or written anew."""
    parent, indent = root, 0
    for key in path[:-1]:
        own = manuscripts.entries_of(parent)[key]
        parent, indent = own[1], own[1].start_mark.column
    found = manuscripts.entries_of(parent).get(path[-1])
    if after is None:
        return [(found[0].start_mark.line, manuscripts.last_line(*found), [])]
    if before is None:
        end = manuscripts.last_line(*own)
        return [(end, end, _written(name, path, after, indent))]
    if isinstance(found[1], yaml.SequenceNode) and not found[1].flow_style:
        return manuscripts.list_edits(
            manuscripts.entries_of(parent),
            lines,
            path[-1],
            before,
            after,
            indent,
            manuscripts.last_line(*found),
        )
    return [
        (
            found[0].start_mark.line,
            manuscripts.last_line(*found),
            _written(name, path, after, indent),
        )
    ]


def _written(name, path, values, indent):
    """The lines of an entry, laid out as the rest of its file."""
    key = manuscripts.write_yaml({path[-1]: 0})[:-4]
    margin = " " * indent
    if path[0] == "texts":
        said = values[0].rstrip("\n").split("\n")
        return [f"{margin}{key}: |-\n", *(f"{margin}  {line}\n" if line else "\n" for line in said)]
    if path[0] in ("same", "words") and name == "safety":
        if "\n" in ", ".join(values) or re.search(r"\s#|:\s", ", ".join(values)):
            return [f"{margin}{key}: {manuscripts.write_yaml([', '.join(values)])[2:]}"]
        return [
            f"{margin}{key}: >-\n",
            *(
                f"{margin}  {line}\n"
                for line in textwrap.wrap(
                    ", ".join(values), 100, break_long_words=False, break_on_hyphens=False
                )
            ),
        ]
    items = [manuscripts.write_yaml([manuscripts.Few([value])]).strip()[3:-1] for value in values]
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
