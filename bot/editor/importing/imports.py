"""What a new article's draft is made of: a saved web page, a pasted text, a Word or Markdown file,
or a list of questions and answers in a spreadsheet.

What comes from elsewhere is taken apart in a process of its own
(bot/editor/importing/bounded_process.py)."""

import copy
import dataclasses
import datetime
import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from bot.content import facets, terms
from bot.editor.importing import bounded_process, first_drafts, html_cleaning, text_blocks
from bot.editor.importing.blocks import HEADING, Block, FoundContent, Refused

LARGEST_PAGE, LARGEST_WORD = 3_000_000, 12_000_000  # bytes
LARGEST_UNPACKED, LARGEST_PART, MOST_PARTS = 60_000_000, 20_000_000, 2_000
MOST_MISSED = 6  # texts that are named, of those that were not taken over
WORD_PART, SHEET_PART = r"word/document\d*\.xml", r"xl/workbook\d*\.xml"
PICTURE = (
    "This is a picture, and the words in it can't be read here. Have a program read them (OCR) or "
    "write them down, and paste the text."
)
# What a file of another kind begins with, and what to do.
OTHER_KINDS = (
    (
        b"%PDF",
        "This is a PDF. Open it, copy its text, and paste that at the desk or save it as .txt. A "
        "scan has no text to copy: have a program read it first (OCR).",
    ),
    *((begin, PICTURE) for begin in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")),
    (
        b"\xd0\xcf\x11\xe0",
        "This is an older Word or Excel file, or one that is locked with a password. Save it as "
        ".docx or .xlsx, without a password, and choose it again.",
    ),
    (b"{\\rtf", "This is an RTF file. Save it as .docx, and choose it again."),
)
TABLES = (".csv", ".tsv", ".tab")
MARKDOWN = (".md", ".markdown")
MARKS_BEHIND = re.compile(r"(?:\s*\[[\w#,;\s–-]{1,20}\])+\s*$")


def from_file(name: str, data: bytes, url: str = "") -> FoundContent:
    """The Found of a file's bytes, whatever it is by its content, or else by its name; raises
    Refused."""
    for begin, said in OTHER_KINDS:
        if data.startswith(begin):
            raise Refused(said)
    if data.startswith(b"PK"):
        return _from_archive(name, data, url)
    if name.lower().endswith((".docx", ".doc")):
        return from_word(data, url)
    if name.lower().endswith((".xlsx", ".xls", ".xlsm")) and not _is_page(data):
        return from_xlsx(data, url)
    if name.lower().endswith(MARKDOWN):
        return from_markdown(data, url)
    if name.lower().endswith(TABLES):
        return from_csv(data, url)
    if name.lower().endswith(".txt") and not _is_page(data):
        return _from_text_file(data, url)
    return from_page(data, url)


def _from_text_file(data: bytes, url: str) -> FoundContent:
    """The Found of a text file: a list of questions and answers, or else paragraphs."""
    from bot.editor.importing import spreadsheets

    try:
        return from_csv(data, url)
    except Refused:
        return from_text(spreadsheets.decode_text(data)[0], url)


def _from_archive(name: str, data: bytes, url: str) -> FoundContent:
    """The Found of a packed file: Word's or a spreadsheet's."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        names = []
    is_word = any(re.fullmatch(WORD_PART, part) for part in names)
    is_sheet = any(re.fullmatch(SHEET_PART, part) for part in names)
    if is_sheet or not is_word and name.lower().endswith((".xlsx", ".xlsm", ".xlsb")):
        return from_xlsx(data, url)
    if "content.xml" in names or "Index/Document.iwa" in names:
        raise Refused(
            "This is a file of LibreOffice or Pages. Save it as .docx or .xlsx, and choose it "
            "again."
        )
    return from_word(data, url)


def from_page(data: bytes, url: str = "") -> FoundContent:
    """What the bytes of a saved web page hold, without its menus and advertisements; raises
    Refused."""
    if len(data) > LARGEST_PAGE:
        raise Refused(
            f'The page is larger than {LARGEST_PAGE // 1_000_000} MB. Save it as "web page, HTML '
            f'only", or paste its text.'
        )
    if not _is_page(data):
        raise Refused(
            'This is not a saved web page. Save it in the browser as "web page, HTML only", or '
            "paste its text."
        )
    if re.search(rb"^MIME-Version:|^Snapshot-Content-Location:", data[:2000], re.M | re.I):
        raise Refused(
            'This page was saved as one file with its pictures. Save it as "web page, HTML only", '
            "or paste its text."
        )
    return _take_apart("page", data, url)


def _is_page(data: bytes) -> bool:
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    seen = data.replace(b"\0", b"") if is_wide else data
    return b"\0" not in seen[:1000] and bool(re.search(rb"<\s*[a-zA-Z!]", seen))


def from_word(data: bytes, url: str = "") -> FoundContent:
    """What the bytes of a Word file (.docx) hold, which came from `url`; raises Refused."""
    if len(data) > LARGEST_WORD:
        raise Refused(
            f"The file is larger than {LARGEST_WORD // 1_000_000} MB. Take its pictures out, or "
            f"paste its text."
        )
    check_archive(data, WORD_PART, "Word file", ".docx")
    return _take_apart("word", data, url)


def from_xlsx(data: bytes, url: str = "") -> FoundContent:
    """What the bytes of a spreadsheet (.xlsx) with questions and answers hold; raises Refused."""
    if len(data) > LARGEST_WORD:
        raise Refused(
            f"The file is larger than {LARGEST_WORD // 1_000_000} MB. Keep only the sheet with the "
            f"questions and answers."
        )
    check_archive(data, SHEET_PART, "spreadsheet", ".xlsx")
    return _take_apart("xlsx", data, url)


def from_csv(data: bytes, url: str = "") -> FoundContent:
    """What the bytes of a CSV file with questions and answers hold; raises Refused."""
    if len(data) > LARGEST_PAGE:
        raise Refused(
            f"The file is larger than {LARGEST_PAGE // 1_000_000} MB. Keep only the questions and "
            f"answers."
        )
    return _take_apart("csv", data, url)


def from_markdown(data: bytes, url: str = "") -> FoundContent:
    """What the bytes of a Markdown file hold, with the sources of its front matter and its
    footnotes; raises Refused."""
    from bot.editor.importing import markdown_files, spreadsheets

    text, notes = spreadsheets.decode_text(data)
    read = markdown_files.read_markdown(text)
    found = from_text(read.text, url or read.url)
    is_title_apart = bool(read.title and found.title and found.title != read.title)
    first = [Block(HEADING, found.title)] if is_title_apart else []
    return dataclasses.replace(
        found,
        title=read.title or found.title,
        date=read.date or found.date,
        blocks=[*first, *found.blocks, *read.references],
        notes=[*notes, *found.notes],
    )


def from_text(text: str, url: str = "") -> FoundContent:
    """What a pasted text holds: HTML if it looks like it, and otherwise paragraphs with headings
    between them."""
    if len(text.encode("utf-8", "replace")) > LARGEST_PAGE:
        raise Refused(f"The text is longer than {LARGEST_PAGE // 1_000_000} MB. Paste one article.")
    if len(re.findall(r"</(?:p|div|h[1-6]|li|article|body)>", text, re.IGNORECASE)) > 2:
        return from_page(text.encode("utf-8", "replace"), url)
    made: list[Block] = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        if lines and (heading := _heading_of(lines)):
            made.append(Block(HEADING, heading))
            lines = lines[1:]
        made += text_blocks.of_lines("\n".join(lines))
    if not any(block.kind != HEADING for block in made):
        raise Refused(first_drafts.NOTHING)
    title = made.pop(0).text if made[0].kind == HEADING else ""
    date = re.search(r"\b(20\d\d-[01]\d-[0-3]\d)\b", text)
    return FoundContent(
        title=title,
        date=date[1] if date else "",
        publisher="",
        url=first_drafts.web_address(url),
        blocks=made,
    )


def _heading_of(lines: list[str]) -> str | None:
    """The heading with which a pasted part begins, or None."""
    first = lines[0]
    if first.startswith("#"):
        return first.lstrip("# ").rstrip("# ") or None
    bare = MARKS_BEHIND.sub("", first)  # a sentence that ends with its source is none
    if not bare or not text_blocks.is_heading(bare) or re.match(r"[-*•·\d]", first):
        return None
    is_one = len(lines) == 1 or len(lines[1]) > text_blocks.LONGEST_HEADING
    return first.rstrip(":") if is_one or text_blocks.MARKED.match(lines[1]) else None


def check_archive(data: bytes, wanted: str, what: str, ending: str) -> None:
    """Nothing, or Refused: the bytes are no packed Office file with a part that fits `wanted`, or
    one that was made to do harm."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
            if not any(re.fullmatch(wanted, part.filename) for part in parts):
                raise Refused(f"This is not a {what}. Save it as {ending}, and choose it again.")
            _check_listing(parts, what)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _check_part(packed, part, what)
    except Refused:
        raise
    except (
        zipfile.BadZipFile,
        expat.ExpatError,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ):
        raise Refused(
            f"This is not a {what}, or it is damaged. Save it as {ending}, and choose it again."
        ) from None


def _check_part(packed: zipfile.ZipFile, part: zipfile.ZipInfo, what: str) -> None:
    """Nothing, or Refused: a part is too large, or has a document type, with which entities come.
    Raises expat.ExpatError where it is no XML."""
    if part.file_size > LARGEST_PART:
        raise Refused(
            f"The {what} unpacks to more than can be read, and was not opened. {_SMALLER[what]}"
        )

    elements = 0

    def refuse(*_: object) -> None:
        raise Refused(
            f"The {what} holds XML that no {what} needs (a document type or entities), and was "
            f"not opened."
        )

    def count(*_: object) -> None:
        nonlocal elements
        elements += 1
        if elements > bounded_process.LIMITS.elements:
            raise Refused(
                f"The {what} holds more than {bounded_process.LIMITS.elements:,} elements, and was "
                f"not opened. {_SMALLER[what]}"
            )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = count
    parser.Parse(packed.read(part), True)


def _check_listing(parts: list[zipfile.ZipInfo], what: str) -> None:
    """Nothing, or Refused: what an archive lists of its parts is harmful, before any is
    unpacked."""
    if any(
        part.filename.startswith(("/", "\\"))
        or ".." in re.split(r"[/\\]", part.filename)
        or ":" in part.filename
        for part in parts
    ):
        raise Refused(
            f"The {what} holds a part that wants to be put outside of it, and was not opened."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise Refused(
            f"The {what} is locked with a password. Save it without one, and choose it again."
        )
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        raise Refused(
            f"The {what} unpacks to more than {LARGEST_UNPACKED // 1_000_000} MB, and "
            f"was not opened. {_SMALLER[what]}"
        )


_SMALLER = {
    "Word file": "Take its pictures out.",
    "spreadsheet": "Copy the rows that hold text into a new one; empty rows below them count.",
}


def _take_apart(kind: str, data: bytes, url: str) -> FoundContent:
    """The Found of a file, from a process of its own."""
    found = bounded_process.run_bounded("read", data, kind=kind, url=first_drafts.web_address(url))
    listed = [Block(**{**block, "links": tuple(block["links"])}) for block in found["blocks"]]
    if not any(block.kind != HEADING for block in listed):
        if any("a picture was left out" in note for note in found["notes"]):
            raise Refused(
                "No article's text was found in it, only pictures, as in a scan. Have a program "
                "read them (OCR) or write their words down, and paste the text."
            )
        raise Refused("No article's text was found in it. Paste the text instead.")
    return FoundContent(**{**found, "blocks": listed})


def _read_page(data: bytes, url: str) -> FoundContent:
    import trafilatura
    from lxml import html
    from trafilatura.settings import Document

    text, notes = _decode_page(data)
    root = html.document_fromstring(text.encode(), html.HTMLParser(encoding="utf-8"))
    footnotes, said = html_cleaning.prepare_tree(root)
    wanted = html_cleaning.tree_paragraphs(root)
    whole = copy.deepcopy(html_cleaning.main_part(root))
    found = trafilatura.bare_extraction(
        root,
        url=url or None,
        include_links=True,
        include_formatting=True,
        with_metadata=True,
        favor_recall=True,
        include_images=False,
        date_extraction_params={"extensive_search": False, "original_date": False},
        include_comments=False,
    )
    if not isinstance(found, Document):  # None; a dict comes only where one is asked for
        return FoundContent("", "", "", url, [])
    reading = text_blocks.of_tree(found.body)
    if len(reading.blocks) < 2 < len(wanted):  # it took a short page for one paragraph
        reading = text_blocks.of_tree(whole)
    title = found.title or reading.take_title()
    missed = _name_missed(wanted, [title, *_texts(reading.blocks + footnotes)])
    return FoundContent(
        title=title,
        date=found.date or "",
        publisher=found.sitename or "",
        url=url or first_drafts.web_address(found.url or ""),
        blocks=reading.blocks + footnotes,
        notes=[*notes, *said, *html_cleaning.first_notes(reading.notes), *missed],
    )


def _decode_page(data: bytes) -> tuple[str, list[str]]:
    """(text, notes) of a page's bytes, in the letters that it names, if any."""
    from bot.editor.importing import spreadsheets

    named = re.search(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", data[:4000], re.IGNORECASE)
    if named and data[:1] not in (b"\xef", b"\xff", b"\xfe"):
        try:
            return data.decode(named[1].decode()), []
        except (LookupError, UnicodeDecodeError):
            pass
    return spreadsheets.decode_text(data)


def _read_word(data: bytes, url: str) -> FoundContent:
    from bot.editor.importing import word_files

    root, notes, wanted, day = word_files.read_word_file(data)
    footnotes, said = html_cleaning.prepare_tree(root)
    reading = text_blocks.of_tree(root)
    missed = _name_missed(wanted, _texts(reading.blocks + footnotes))
    title = reading.take_title()
    return FoundContent(
        title=title,
        date=day,
        publisher="",
        url=url,
        blocks=reading.blocks + footnotes,
        notes=[*notes, *said, *html_cleaning.first_notes(reading.notes), *missed],
    )


def _read_xlsx(data: bytes, url: str) -> FoundContent:
    from bot.editor.importing import question_lists

    return FoundContent(date="", publisher="", url=url, **question_lists.read_xlsx(data))


def _read_csv(data: bytes, url: str) -> FoundContent:
    from bot.editor.importing import question_lists

    return FoundContent(date="", publisher="", url=url, **question_lists.read_csv(data))


def _texts(listed: Iterable[Block]) -> list[str]:
    return [part for block in listed for part in (block.text, *(said for said, _ in block.links))]


def _name_missed(wanted: Iterable[str], taken: Iterable[str]) -> list[str]:
    """A sentence on the texts of a file that were not found again in what was taken."""
    missed = html_cleaning.missing_texts(wanted, taken)
    if not missed:
        return []
    more = f", and {len(missed) - MOST_MISSED} more" if len(missed) > MOST_MISSED else ""
    named = ", ".join(map(text_blocks.quote, missed[:MOST_MISSED]))
    return [f"These texts were left out; look whether the article needs them: {named}{more}."]


READERS = {"page": _read_page, "word": _read_word, "xlsx": _read_xlsx, "csv": _read_csv}


def read_job(data: bytes, kind: str, url: str) -> dict[str, Any]:
    """What bytes of this kind hold, as a Found's fields: a job of
    bot/editor/importing/bounded_process.py."""
    return dataclasses.asdict(READERS[kind](data, url))


@dataclasses.dataclass(frozen=True)
class Original:
    """What a draft is made of: the bytes and name of a file, or a text; the address that it comes
    from; and the term that it is about, where an editor says that."""

    data: bytes
    name: str
    text: str
    url: str
    about: str = ""


def make_draft(
    folder: Path, editor: str, today: datetime.date, original: Original
) -> first_drafts.Draft:
    """The first_drafts.Draft of an original, by the terms of the content in `folder`; raises
    Refused."""
    made = bounded_process.run_bounded(
        "article",
        original.data or original.text.encode("utf-8", "replace"),
        name=original.name,
        is_file=bool(original.data),
        url=original.url,
        about=original.about,
        folder=str(folder),
        editor=editor,
        today=today.isoformat(),
    )
    return first_drafts.Draft(**made)


def article_job(
    data: bytes,
    name: str,
    is_file: bool,
    url: str,
    about: str,
    folder: str,
    editor: str,
    today: str,
) -> dict[str, Any]:
    """A draft's fields: a job of bot/editor/importing/bounded_process.py."""
    found = from_file(name, data, url) if is_file else from_text(data.decode("utf-8"), url)
    kinds, names, _ = terms.read_terms(Path(folder))
    about = about.strip()
    subject = first_drafts.Subject(
        find=terms.make_finder(kinds, names),
        common=facets.read_facets(folder) or {},
        about=names.get(about.lower(), about),
    )
    made = first_drafts.make_draft(found, editor, datetime.date.fromisoformat(today), subject)
    return dataclasses.asdict(made)
