"""What a new article's draft is made of: a saved web page, a pasted text, a Word file, or a list of
questions and answers in a spreadsheet.

What comes from elsewhere is taken apart in a process of its own, bounded in time and memory:
`python -m bot.editor.imports KIND ADDRESS` reads it from standard input and prints what it found
as JSON. Nothing in it is fetched, opened or obeyed."""

import copy
import dataclasses
import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from xml.parsers import expat

from bot import settings
from bot.editor import blocks, first_drafts, markup
from bot.editor.found import HEADING, Block, Found, Refused

LARGEST_PAGE, LARGEST_WORD = 3_000_000, 12_000_000  # bytes
LARGEST_UNPACKED, LARGEST_PART, MOST_PARTS = 60_000_000, 20_000_000, 2_000
SECONDS, MEMORY = 20, 2_000_000_000
REFUSED = 3  # the code with which the process ends that says why on its output
MOST_MISSED = 6  # texts that are named, of those that were not taken over
WORD_PART, SHEET_PART = r"word/document\d*\.xml", r"xl/workbook\d*\.xml"
# What a file of another kind begins with, and what to do.
OTHER_KINDS = (
    (b"%PDF", "This is a PDF. Open it, copy its text, and paste it below."),
    (
        b"\xd0\xcf\x11\xe0",
        "This is an older Word or Excel file, or one that is locked with a password. Save it as "
        ".docx or .xlsx, without a password, and choose it again.",
    ),
    (b"{\\rtf", "This is an RTF file. Save it as .docx, and choose it again."),
)
TABLES = (".csv", ".tsv", ".tab")


def from_file(name, data, url=""):
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
    if name.lower().endswith(TABLES) or name.lower().endswith(".txt") and not _is_page(data):
        return from_csv(data, url)
    return from_page(data, url)


def _from_archive(name, data, url):
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


def from_page(data, url=""):
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


def _is_page(data):
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    seen = data.replace(b"\0", b"") if is_wide else data
    return b"\0" not in seen[:1000] and bool(re.search(rb"<\s*[a-zA-Z!]", seen))


def from_word(data, url=""):
    """What the bytes of a Word file (.docx) hold, which came from `url`; raises Refused."""
    if len(data) > LARGEST_WORD:
        raise Refused(
            f"The file is larger than {LARGEST_WORD // 1_000_000} MB. Take its pictures out, or "
            f"paste its text."
        )
    check_archive(data, WORD_PART, "Word file", ".docx")
    return _take_apart("word", data, url)


def from_xlsx(data, url=""):
    """What the bytes of a spreadsheet (.xlsx) with questions and answers hold; raises Refused."""
    if len(data) > LARGEST_WORD:
        raise Refused(
            f"The file is larger than {LARGEST_WORD // 1_000_000} MB. Keep only the sheet with the "
            f"questions and answers."
        )
    check_archive(data, SHEET_PART, "spreadsheet", ".xlsx")
    return _take_apart("xlsx", data, url)


def from_csv(data, url=""):
    """What the bytes of a CSV file with questions and answers hold; raises Refused."""
    if len(data) > LARGEST_PAGE:
        raise Refused(
            f"The file is larger than {LARGEST_PAGE // 1_000_000} MB. Keep only the questions and "
            f"answers."
        )
    return _take_apart("csv", data, url)


def from_text(text, url=""):
    """What a pasted text holds: HTML if it looks like it, and otherwise paragraphs with headings
    between them."""
    if len(text.encode("utf-8", "replace")) > LARGEST_PAGE:
        raise Refused(f"The text is longer than {LARGEST_PAGE // 1_000_000} MB. Paste one article.")
    if len(re.findall(r"</(?:p|div|h[1-6]|li|article|body)>", text, re.IGNORECASE)) > 2:
        return from_page(text.encode("utf-8", "replace"), url)
    made = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        if lines and (heading := _heading_of(lines)):
            made.append(Block(HEADING, heading))
            lines = lines[1:]
        made += blocks.of_lines("\n".join(lines))
    if not any(block.kind != HEADING for block in made):
        raise Refused(first_drafts.NOTHING)
    title = made.pop(0).text if made[0].kind == HEADING else ""
    date = re.search(r"\b(20\d\d-[01]\d-[0-3]\d)\b", text)
    return Found(
        title=title,
        date=date[1] if date else "",
        publisher="",
        url=first_drafts.web_address(url),
        blocks=made,
    )


def _heading_of(lines):
    """The heading with which a pasted part begins, or None."""
    first = lines[0]
    if first.startswith("#"):
        return first.lstrip("# ").rstrip("# ") or None
    if not blocks.is_heading(first) or re.match(r"[-*•·\d]", first):
        return None
    is_one = len(lines) == 1 or len(lines[1]) > blocks.LONGEST_HEADING
    return first.rstrip(":") if is_one or blocks.MARKED.match(lines[1]) else None


def check_archive(data, wanted, what, ending):
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


def _check_part(packed, part, what):
    """Nothing, or Refused: a part is too large, or has a document type, with which entities come.
    Raises expat.ExpatError where it is no XML."""
    if part.file_size > LARGEST_PART:
        raise Refused(
            f"The {what} unpacks to more than can be read, and was not opened. {_SMALLER[what]}"
        )

    def refuse(*_):
        raise Refused(
            f"The {what} holds XML that no {what} needs (a document type or entities), and was "
            f"not opened."
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(packed.read(part), True)


def _check_listing(parts, what):
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


def _take_apart(kind, data, url):
    """The Found of a file, from a process of its own."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bot.editor.imports", kind, first_drafts.web_address(url)],
            input=data,
            capture_output=True,
            cwd=settings.ROOT,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Refused("It takes too long to read this. Paste the article's text instead.") from None
    if done.returncode == REFUSED:
        raise Refused(json.loads(done.stdout))
    if done.returncode:
        raise Refused("This can't be read. Paste the article's text instead.")
    found = json.loads(done.stdout)
    listed = [Block(**{**block, "links": tuple(block["links"])}) for block in found["blocks"]]
    if not any(block.kind != HEADING for block in listed):
        raise Refused("No article's text was found in it. Paste the text instead.")
    return Found(**{**found, "blocks": listed})


def _read_page(data, url):
    import trafilatura
    from lxml import html

    text, notes = _decode_page(data)
    root = html.document_fromstring(text.encode(), html.HTMLParser(encoding="utf-8"))
    footnotes, said = markup.prepare(root)
    wanted = markup.paragraphs(root)
    whole = copy.deepcopy(markup.main_part(root))
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
    if found is None:
        return Found("", "", "", url, [])
    reading = blocks.of_tree(found.body)
    if len(reading.blocks) < 2 < len(wanted):  # it took a short page for one paragraph
        reading = blocks.of_tree(whole)
    title = found.title or reading.take_title()
    missed = _name_missed(wanted, [title, *_texts(reading.blocks + footnotes)])
    return Found(
        title=title,
        date=found.date or "",
        publisher=found.sitename or "",
        url=url or first_drafts.web_address(found.url or ""),
        blocks=reading.blocks + footnotes,
        notes=[*notes, *said, *markup.few(reading.notes), *missed],
    )


def _decode_page(data):
    """(text, notes) of a page's bytes, in the letters that it names, if any."""
    from bot.editor import spreadsheets

    named = re.search(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", data[:4000], re.IGNORECASE)
    if named and data[:1] not in (b"\xef", b"\xff", b"\xfe"):
        try:
            return data.decode(named[1].decode()), []
        except (LookupError, UnicodeDecodeError):
            pass
    return spreadsheets.decode(data)


def _read_word(data, url):
    from bot.editor import word_files

    root, notes, wanted, day = word_files.read(data)
    footnotes, said = markup.prepare(root)
    reading = blocks.of_tree(root)
    missed = _name_missed(wanted, _texts(reading.blocks + footnotes))
    title = reading.take_title()
    return Found(
        title=title,
        date=day,
        publisher="",
        url=url,
        blocks=reading.blocks + footnotes,
        notes=[*notes, *said, *markup.few(reading.notes), *missed],
    )


def _read_xlsx(data, url):
    from bot.editor import faqs

    return Found(date="", publisher="", url=url, **faqs.read_xlsx(data))


def _read_csv(data, url):
    from bot.editor import faqs

    return Found(date="", publisher="", url=url, **faqs.read_csv(data))


def _texts(listed):
    return [part for block in listed for part in (block.text, *(said for said, _ in block.links))]


def _name_missed(wanted, taken):
    """A sentence on the texts of a file that were not found again in what was taken."""
    missed = markup.missing(wanted, taken)
    if not missed:
        return []
    more = f", and {len(missed) - MOST_MISSED} more" if len(missed) > MOST_MISSED else ""
    named = ", ".join(map(blocks.quote, missed[:MOST_MISSED]))
    return [f"These texts were left out; look whether the article needs them: {named}{more}."]


READERS = {"page": _read_page, "word": _read_word, "xlsx": _read_xlsx, "csv": _read_csv}


def main(kind, url):
    """Read a file from standard input and print what it holds; the code to end with."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        print(json.dumps(dataclasses.asdict(READERS[kind](sys.stdin.buffer.read(), url))))
    except Refused as refused:
        print(json.dumps(str(refused)))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
