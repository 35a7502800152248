"""The sheets of an XLSX or CSV file as rows of text. It is read with the standard library alone:
openpyxl refuses files of other programs for their fonts and colours, and tells neither a formula
that was never worked out nor what is raised. imports.check_archive has refused document types and
entities, before any of its XML is read here."""

import csv
import datetime
import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from bot.editor.importing import superscripts
from bot.editor.importing.blocks import Refused

SEPARATORS = (",", ";", "\t", "|")
MOST_ROWS, MOST_COLUMNS, MOST_SHEETS = 5_000, 50, 50
MOST_LETTERS = 3_000_000  # of a sheet
DATE = re.compile(r"[dmyh]", re.IGNORECASE)  # in a number's format
NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
DATES = {*range(14, 23), *range(45, 48)}  # formats that every spreadsheet knows
PERCENT = {9, 10}
CROSSED = "\x01"  # stands around what is crossed out; no text of XML can hold it
FIRST_DAY = datetime.datetime(1899, 12, 30), datetime.datetime(1904, 1, 1)
UNKNOWN_LETTERS = (
    "The file is no UTF-8; it was read as Windows-1252. Look whether its letters are right."
)


@dataclass
class Sheet:
    """A sheet's rows, those without text left out: (number, [cells]); `links` has the address
    behind a cell by its row and column, `notes` what was not taken over."""

    name: str
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    links: dict[tuple[int, int], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    letters: int = 0
    is_full: bool = False


def read_csv(data: bytes) -> tuple[list[Sheet], int]:
    """(the ways in which a CSV file's bytes may be read, a Sheet for each separator; the line from
    which on another can't read it, or 0)."""
    text, notes = decode_text(data)
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        raise Refused(
            "This is no CSV file: it holds no plain text. Save the spreadsheet as .xlsx, or as "
            '"CSV UTF-8", and choose it again.'
        )
    named = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    text = text[named.end() :] if named else text
    sheets: list[Sheet] = []
    broken = 0
    for separator in (named[1],) if named else SEPARATORS:
        try:
            sheets.append(_read_separated(text, separator, notes))
        except csv.Error as error:
            broken = error.args[-1]
    return sheets, broken


def _read_separated(text: str, separator: str, notes: list[str]) -> Sheet:
    sheet = Sheet("", notes=list(notes))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            _add_row(sheet, line, row)
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(str(error), line) from None
    return sheet


def decode_text(data: bytes) -> tuple[str, list[str]]:
    """(text, notes) of a text file's bytes, in whatever letters it is written."""
    for mark, letters in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(letters, "replace").removeprefix("\ufeff"), []
    if data[1::2].count(0) > len(data) // 4:
        return data.decode("utf-16-le", "replace"), []
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        return data.decode("windows-1252", "replace"), [UNKNOWN_LETTERS]


def _add_row(sheet: Sheet, number: int, cells: list[str]) -> None:
    cells = [cell.strip() for cell in cells[:MOST_COLUMNS]]
    if not any(cells) or sheet.is_full:
        return
    sheet.letters += sum(map(len, cells))
    sheet.is_full = len(sheet.rows) == MOST_ROWS or sheet.letters > MOST_LETTERS
    if sheet.is_full:
        sheet.notes.append(f"What stands from row {number} on was left out: it is too much.")
    else:
        sheet.rows.append((number, cells))


def read_xlsx(data: bytes) -> tuple[list[Sheet], list[str]]:
    """The Sheets of an XLSX file's bytes that are not hidden, and notes on the others."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        book = _Book(packed)
        sheets: list[Sheet] = []
        notes: list[str] = []
        for name, part, is_hidden in book.listed()[:MOST_SHEETS]:
            if is_hidden:
                notes.append(f"The sheet “{name}” is hidden; it was left out.")
            elif part in packed.namelist():
                sheets.append(book.read(name, part))
        return sheets, notes


class _Book:
    """What the sheets of a file share: its texts, and which looks of numbers are dates."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self.packed = packed
        self.names = set(packed.namelist())
        self.workbook = next(
            (name for name in self.names if re.fullmatch(r"xl/workbook\d*\.xml", name)),
            "xl/workbook.xml",
        )
        self.texts = [_text_of(item) for item in self._items("xl/sharedStrings.xml", "si")]
        formats = {
            item.get("numFmtId"): item.get("formatCode") or ""
            for item in self._items("xl/styles.xml", "numFmt")
        }
        looks = self._items("xl/styles.xml", "cellXfs")[:1]
        self.looks = [
            _kind_of(look.get("numFmtId") or "0", formats) for listed in looks for look in listed
        ]
        settings = self._items(self.workbook, "workbookPr")[:1]
        is_of_1904 = any(each.get("date1904") in ("1", "true") for each in settings)
        self.first_day = FIRST_DAY[is_of_1904]

    def _items(self, part: str, name: str) -> list[Element]:
        if part not in self.names:
            return []
        root = ElementTree.fromstring(self.packed.read(part))
        return root.findall(".//{*}" + name)

    def relations(self, part: str) -> dict[str | None, str]:
        """{id: the part or address that it names} of a part."""
        folder, name = posixpath.split(part)
        return {
            item.get("Id"): item.get("Target", "")
            if item.get("TargetMode") == "External"
            else posixpath.normpath(posixpath.join("/", folder, item.get("Target", ""))).lstrip("/")
            for item in self._items(f"{folder}/_rels/{name}.rels", "Relationship")
        }

    def listed(self) -> list[tuple[str, str, bool]]:
        """[(name, part, whether it is hidden)] of the sheets."""
        parts = self.relations(self.workbook)
        return [
            (
                sheet.get("name", ""),
                parts.get(_relation(sheet), ""),
                sheet.get("state", "visible") != "visible",
            )
            for sheet in self._items(self.workbook, "sheet")
        ]

    def read(self, name: str, part: str) -> Sheet:
        """The Sheet of a part; its empty rows take no memory."""
        sheet = Sheet(name)
        hidden: set[int] = set()
        merged: list[str] = []
        linked: list[tuple[str, str]] = []
        with self.packed.open(part) as stream:
            number = 0
            for _, element in ElementTree.iterparse(stream):
                tag = element.tag.rpartition("}")[2]
                if tag == "col" and element.get("hidden") in ("1", "true"):
                    hidden |= set(range(int(element.attrib["min"]) - 1, int(element.attrib["max"])))
                elif tag == "row":
                    number = int(element.get("r") or number + 1)
                    self._read_row(sheet, number, element, hidden)
                    element.clear()
                elif tag == "mergeCell":
                    merged.append(element.get("ref", ""))
                elif tag == "hyperlink":
                    linked.append((element.get("ref", ""), _relation(element)))
        addresses = self.relations(part)
        for ref, id in linked:
            column, row = _place(ref.partition(":")[0])
            sheet.links[row, column] = addresses.get(id, "")
        _fill_merged(sheet, merged)
        return sheet

    def _read_row(self, sheet: Sheet, number: int, row: Element, hidden: set[int]) -> None:
        cells = {}
        for place, cell in enumerate(row):
            column = _place(cell.get("r"))[0] if cell.get("r") else place
            if column < MOST_COLUMNS and column not in hidden:
                cells[column] = self._text(sheet, cell, number)
        listed = [cells.get(column, "") for column in range(max(cells, default=-1) + 1)]
        if any(listed) and row.get("hidden") in ("1", "true"):
            sheet.notes.append(f"Row {number} is hidden; it was left out.")
        else:
            _add_row(sheet, number, listed)

    def _text(self, sheet: Sheet, cell: Element, number: int) -> str:
        """What a cell shows."""
        kind, value = cell.get("t", "n"), cell.findtext("{*}v")
        if kind == "inlineStr":
            inside = cell.find("{*}is")
            text = _text_of(inside) if inside is not None else ""
            return _without_crossed(sheet, text, number)
        if not value:
            if cell.find("{*}f") is not None:
                sheet.notes.append(
                    f"Row {number}: a formula was never worked out, and is left out. Open the file "
                    f"in a spreadsheet, save it, and choose it again."
                )
            return ""
        if kind == "s":
            text = self.texts[int(value)] if int(value) < len(self.texts) else ""
            return _without_crossed(sheet, text, number)
        if kind == "e":
            sheet.notes.append(f"Row {number}: a cell shows the fault {value}; it was left out.")
            return ""
        if kind == "b":
            return "yes" if value == "1" else "no"
        return value if kind in ("str", "d") else self._number(sheet, cell, value, number)

    def _number(self, sheet: Sheet, cell: Element, value: str, number: int) -> str:
        look = int(cell.get("s") or 0)
        kind = self.looks[look] if look < len(self.looks) else ""
        try:
            number_of = float(value)
            if kind == "date":
                moment = self.first_day + datetime.timedelta(days=number_of)
                return f"{moment:%Y-%m-%d}" if number_of >= 1 else f"{moment:%H:%M}"
            said = f"{number_of * 100:.10g} %" if kind == "percent" else f"{number_of:.15g}"
        except (ValueError, OverflowError):
            return value
        sheet.notes.append(
            f"Row {number}: {said} is a number. Look whether it reads as in the spreadsheet."
        )
        return said


def _relation(element: Element) -> str:
    return next((v for key, v in element.attrib.items() if key.endswith("}id")), "")


def _kind_of(id: str, formats: Mapping[str | None, str]) -> str:
    """What a look makes of a number: "date", "percent" or ""."""
    code = NOT_SHOWN.sub("", formats.get(id, ""))
    if id.isdecimal() and int(id) in DATES or DATE.search(code) and "General" not in code:
        return "date"
    return "percent" if id.isdecimal() and int(id) in PERCENT or "%" in code else ""


def _text_of(item: Element) -> str:
    """A cell's text of one or more looks."""
    parts = [child for child in item if child.tag.rpartition("}")[2] in ("t", "r")]
    texts = [
        part.text or "" if part.tag.endswith("}t") else part.findtext("{*}t") or ""
        for part in parts
    ]
    said = ""
    for place, (part, text) in enumerate(zip(parts, texts, strict=True)):
        align = part.find("{*}rPr/{*}vertAlign")
        level = align.get("val", "") if align is not None and text.strip() else ""
        if level == "superscript":
            text = superscripts.raise_text(text, said, "".join(texts[place + 1 : place + 2]))
        elif level == "subscript":
            text = superscripts.lower_text(text)
        said += f"{CROSSED}{text}{CROSSED}" if part.find("{*}rPr/{*}strike") is not None else text
    said = re.sub(r"_x([0-9A-Fa-f]{4})_", _letter_of, said)
    said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of halves
    return said.replace("\r\n", "\n").replace("\r", "\n")


def _letter_of(code: re.Match[str]) -> str:
    """The letter that a code in a cell stands for; "" for what no text holds."""
    letter = chr(int(code[1], 16))
    return "" if letter < " " and letter not in "\t\n\r" else letter


def _without_crossed(sheet: Sheet, text: str, number: int) -> str:
    """A text without what is crossed out in it."""
    kept = text.split(CROSSED)
    if len(kept) > 1:
        sheet.notes.append(f"Row {number}: “{kept[1]}” is crossed out; it was left out.")
    return "".join(kept[::2])


def _place(ref: str | None) -> tuple[int, int]:
    """(column, row) of a cell's name, the column from 0."""
    found = re.match(r"\$?([A-Z]{1,3})\$?(\d+)", ref or "")
    if not found:
        return MOST_COLUMNS, 0
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return column - 1, int(found[2])


def _fill_merged(sheet: Sheet, merged: list[str]) -> None:
    """Write the text of merged cells into each of them."""
    rows = dict(sheet.rows)
    for ref in merged[:MOST_ROWS]:
        first, _, last = ref.partition(":")
        (left, top), (right, bottom) = _place(first), _place(last)
        text = (rows.get(top, [])[left : left + 1] or [""])[0]
        for number in (number for number in rows if text and top <= number <= bottom):
            cells = rows[number]
            cells += [""] * (min(right + 1, MOST_COLUMNS) - len(cells))
            cells[left : right + 1] = [text] * len(cells[left : right + 1])
