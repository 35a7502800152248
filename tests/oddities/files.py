"""The files that rows of imports.yml name, made of what the row holds."""

import io
import re

import openpyxl
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from tests.editor.test_imports import WORD, packed, word

PLACE = "http://schemas.openxmlformats.org/officeDocument/2006"
# in a row's text -> how Word writes it
LOOKS = {
    "b": "<w:b/>",
    "sup": '<w:vertAlign w:val="superscript"/>',
    "sub": '<w:vertAlign w:val="subscript"/>',
    "s": "<w:strike/>",
    "ss": "<w:dstrike/>",
    "hidden": "<w:vanish/>",
}
STYLES = {"Titel": "Title", "Heading1": "heading 1", "Heading2": "heading 2", "TOC1": "toc 1"}
TAG = re.compile(r"<(/?)(\w+)(?: (\d+))?>")


def bytes_of(row):
    """The bytes of the file that a row sends."""
    if "word" in row:
        return _word(row["word"], row.get("footnotes", {}), row.get("parts", {}))
    if "sheets" in row:
        return _sheets(row)
    if "html" in row:
        return f"<html><body><article>{row['html']}</article></body></html>".encode()
    if "zip" in row:
        return packed(dict.fromkeys(row["zip"], ""))
    if "bytes" in row:
        return bytes.fromhex(row["bytes"])
    more = "".join(row.get("times", "").format(n=n) for n in range(1, row.get("count", 0) + 1))
    return (row["text"] + more).encode(row.get("letters", "utf-8"))


def _word(paragraphs, footnotes, parts):
    """A Word file of these paragraphs: texts, {style: text}, lists of rows, or Word's XML."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{id}"><w:name w:val="{name}"/></w:style>'
        for id, name in STYLES.items()
    ) + (
        '<w:style w:type="paragraph" w:styleId="House"><w:name w:val="House style"/>'
        '<w:basedOn w:val="Heading2"/></w:style>'
    )
    notes = "".join(
        f'<w:footnote w:id="{n}">{_paragraph(text)}</w:footnote>' for n, text in footnotes.items()
    )
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{PLACE}/relationships/{kind}" Target="{kind}.xml"/>'
        for kind in ("styles", "footnotes")
    )
    more = {
        f"word/{name}.xml": f'<w:part xmlns:w="{WORD}">{_paragraph(text)}</w:part>'
        for name, text in parts.items()
    }
    return word(
        "".join(map(_block, paragraphs)),
        **{
            "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
            "word/footnotes.xml": f'<w:footnotes xmlns:w="{WORD}">{notes}</w:footnotes>',
            "word/_rels/document.xml.rels": "<Relationships "
            f'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}'
            "</Relationships>",
            **more,
        },
    )


def _block(given):
    if isinstance(given, list):
        return f"<w:tbl>{''.join(map(_row, given))}</w:tbl>"
    if isinstance(given, dict):
        return "".join(_paragraph(text, style) for style, text in given.items())
    return given if given.startswith("<w:") else _paragraph(given)


def _row(cells):
    return f"<w:tr>{''.join(map(_cell, cells))}</w:tr>"


def _cell(cell):
    """A cell: its text, or {what Word says of it: its text}."""
    said, text = next(iter(cell.items())) if isinstance(cell, dict) else ("", cell)
    lines = "".join(map(_paragraph, text.split("\n")))
    return f"<w:tc><w:tcPr>{said}</w:tcPr>{lines}</w:tc>"


def _paragraph(text, style=""):
    """A paragraph of Word's, from a text with the tags of LOOKS, <br>, <note 2>, <del> and
    <math>."""
    runs, looks, place = "", [], 0
    for tag in [*TAG.finditer(text), None]:
        said = text[place : tag.start() if tag else None]
        if said:
            runs += _run(said, looks)
        if tag:
            place = tag.end()
            runs += _tagged(tag, looks)
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}{runs}</w:p>"


def _tagged(tag, looks):
    if tag[2] == "br":
        return "<w:r><w:br/></w:r>"
    if tag[2] == "note":
        return f'<w:r><w:footnoteReference w:id="{tag[3]}"/></w:r>'
    looks.remove(tag[2]) if tag[1] else looks.append(tag[2])
    return ""


def _run(text, looks):
    if "del" in looks:
        return f"<w:del><w:r><w:delText>{text}</w:delText></w:r></w:del>"
    if "math" in looks:
        return f'<m:oMath xmlns:m="{PLACE}/math"><m:r><m:t>{text}</m:t></m:r></m:oMath>'
    said = "".join(LOOKS[look] for look in looks)
    return f'<w:r><w:rPr>{said}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def _sheets(row):
    """A spreadsheet of a row's `sheets`: {name: rows}; a `percent` cell and the like are named."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in row["sheets"].items():
        sheet = book.create_sheet(name)
        for cells in rows:
            sheet.append([_rich(cell) for cell in cells])
        for merged in row.get("merged", []):
            sheet.merge_cells(merged)
        for number in row.get("hidden_rows", []):
            sheet.row_dimensions[number].hidden = True
        for cell, shown in row.get("formats", {}).items():
            sheet[cell].number_format = shown
        for cell, address in row.get("links", {}).items():
            sheet[cell].hyperlink = address
        if name in row.get("hidden_sheets", []):
            sheet.sheet_state = "hidden"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _rich(cell):
    """A cell's value, raised and crossed letters as a spreadsheet has them."""
    parts = re.split(r"<(sup|sub|s)>(.*?)</\1>", cell) if isinstance(cell, str) else []
    if len(parts) < 2:
        return cell
    fonts = {"sup": {"vertAlign": "superscript"}, "sub": {"vertAlign": "subscript"}}
    made = []
    for place in range(0, len(parts), 3):
        made += [parts[place]] if parts[place] else []
        if place + 1 < len(parts):
            font = InlineFont(**fonts.get(parts[place + 1], {"strike": True}))
            made.append(TextBlock(font, parts[place + 2]))
    return CellRichText(*made)
