"""A new article's draft from a saved web page, a pasted one, or a Word file.

What comes from elsewhere is taken apart in a process of its own, bounded in time and memory:
`python -m bot.editor.imports page|word` reads it from standard input and prints what it found as
JSON. Nothing in it is fetched, opened or obeyed."""

import datetime
import html
import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from dataclasses import dataclass

from bot import articles, settings, wording
from bot.editor import manuscripts

LARGEST_PAGE, LARGEST_WORD = 3_000_000, 12_000_000  # bytes
LARGEST_UNPACKED, LARGEST_PART, MOST_PARTS = 60_000_000, 20_000_000, 2_000
SECONDS, MEMORY = 20, 2_000_000_000
MOST_SECTIONS, MOST_PARAGRAPHS, MOST_REFERENCES = 40, 400, 60
LONGEST_HEADING = 100  # letters of a line that a pasted text may mean as one
REFERENCES = re.compile(
    r"^(?:references?|sources?|bibliography|further reading|literature|see also)\b", re.IGNORECASE
)
ITEM = re.compile(r"(?:[-*•·]|\d+[.)])\s+(.*)")
MARKS = re.compile(r"\s*\[\s*\d+(?:\s*[,–-]\s*\d+)*\s*\]")
# facet: (what a heading of it says, how people ask for it)
FACETS = {
    "side_effects": (
        r"side.effects?|adverse",
        ["what are the side effects", "does it have side effects"],
    ),
    "symptoms": (
        r"symptoms?|signs?|feel like|look like",
        ["what are the symptoms of {about}", "signs of {about}", "how do i know if it is {about}"],
    ),
    "triggers": (
        r"triggers?|sets? (?:it|them) off|worse",
        ["what triggers {about}", "what makes {about} worse"],
    ),
    "risk_factors": (
        r"risk factors?|who gets|at risk",
        ["who gets {about}", "what raises the risk of {about}"],
    ),
    "causes": (
        r"causes?|why",
        ["what causes {about}", "why do people get {about}", "cause of {about}"],
    ),
    "diagnosis": (
        r"diagnos\w+|tests?|exams?",
        ["how is {about} diagnosed", "is there a test for {about}", "how do doctors find {about}"],
    ),
    "medicines": (
        r"medicines?|medications?|drugs?|tablets?",
        ["which medicines help with {about}", "what tablets are there for {about}"],
    ),
    "treatments": (
        r"treat\w*|therap\w+|manag\w+|surgery",
        ["how is {about} treated", "treatment for {about}", "what helps against {about}"],
    ),
    "prevention": (
        r"prevent\w*|avoid\w*",
        ["can {about} be prevented", "how do i stop getting {about}"],
    ),
    "outlook": (
        r"outlook|prognosis|go away|cured?|long.term",
        ["does {about} go away", "can {about} be cured"],
    ),
    "seriousness": (
        r"serious|dangerous|complications?|life.threatening",
        ["is {about} dangerous", "how serious is {about}"],
    ),
    "when_to_seek_help": (
        r"doctor|medical help|seek|emergency|urgent",
        ["when should i see a doctor about {about}", "do i need a doctor for {about}"],
    ),
    "inheritance": (
        r"inherit\w*|genetic\w*|famil\w+|hereditary",
        ["is {about} inherited", "does {about} run in families"],
    ),
    "types": (r"types?|kinds?|forms?", ["what types of {about} are there", "kinds of {about}"]),
    "pregnancy": (
        r"pregnan\w+|breast.?feed\w*",
        ["{about} and pregnancy", "is {about} a problem in pregnancy"],
    ),
    "children": (
        r"child\w*|bab(?:y|ies)|infants?",
        ["{about} in children", "can children have {about}"],
    ),
    "daily_life": (
        r"living|daily|everyday|work|driving|cop\w+",
        ["living with {about}", "how does {about} affect everyday life"],
    ),
    "definition": (
        r"what (?:is|are)|overview|about|introduction|definition|summary",
        ["what is {about}", "{about} meaning", "tell me about {about}"],
    ),
}
ASKS = re.compile(
    r"(?:what|why|how|when|where|which|who|can|could|does|do|is|are|will|would|should)\b",
    re.IGNORECASE,
)


class Refused(ValueError):
    """The file or text can't become a draft; the message is a sentence for the editor."""


@dataclass(frozen=True)
class Found:
    """What a page or file holds: title, date as 2026-11-22 or "", publisher, address, and its
    blocks in order, (kind, text, links): kind is heading, paragraph or item; links are (text,
    address)."""

    title: str
    date: str
    publisher: str
    url: str
    blocks: list


@dataclass(frozen=True)
class Draft:
    """A new article in our format; it isn't finished, and reviewed by nobody. `notes` say what its
    editor must see to."""

    title: str
    id: str
    text: str
    notes: list


def from_page(data, url=""):
    """What the bytes of a saved web page hold, without its menus and advertisements; raises
    Refused."""
    if len(data) > LARGEST_PAGE:
        raise Refused(
            f'The page is larger than {LARGEST_PAGE // 1_000_000} MB. Save it as "web page, HTML '
            f'only", or paste its text.'
        )
    if b"\0" in data[:1000] or not re.search(rb"<\s*[a-zA-Z!]", data):
        raise Refused(
            'This is not a saved web page. Save it in the browser as "web page, HTML only", or '
            "paste its text."
        )
    return _take_apart("page", data, _web_address(url))


def from_word(data, url=""):
    """What the bytes of a Word file (.docx) hold, which came from `url`; raises Refused."""
    if len(data) > LARGEST_WORD:
        raise Refused(
            f"The file is larger than {LARGEST_WORD // 1_000_000} MB. Take its pictures out, or "
            f"paste its text."
        )
    check_archive(data, "word/document.xml", "Word file", ".docx")
    return _take_apart("word", data, _web_address(url))


def from_text(text, url=""):
    """What a pasted text holds: HTML if it looks like it, and otherwise paragraphs with headings
    between them."""
    if len(text.encode("utf-8", "replace")) > LARGEST_PAGE:
        raise Refused(f"The text is longer than {LARGEST_PAGE // 1_000_000} MB. Paste one article.")
    if len(re.findall(r"</(?:p|div|h[1-6]|li|article|body)>", text, re.IGNORECASE)) > 2:
        return from_page(text.encode("utf-8", "replace"), url)
    blocks = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        if (
            lines
            and (heading := _as_heading(lines[0]))
            and (len(lines) == 1 or lines[0].startswith("#"))
            or len(lines) > 1
            and (heading := _as_heading(lines[0]))
            and (len(lines[1]) > LONGEST_HEADING or ITEM.match(lines[1]))
        ):
            blocks.append(("heading", heading, []))
            lines = lines[1:]
        items = [ITEM.match(line) for line in lines]
        if lines and all(items):
            blocks += [("item", item[1], _addresses(item[1])) for item in items]
        elif lines:
            blocks.append(("paragraph", " ".join(lines), _addresses(" ".join(lines))))
    if not any(kind != "heading" for kind, *_ in blocks):
        raise Refused(
            "There is no text to make an article of. Paste the article's paragraphs, with an "
            "empty line between them."
        )
    title = blocks.pop(0)[1] if blocks[0][0] == "heading" else ""
    date = re.search(r"\b(20\d\d-[01]\d-[0-3]\d)\b", text)
    return Found(
        title=title,
        date=date[1] if date else "",
        publisher="",
        url=_web_address(url),
        blocks=blocks,
    )


def draft(found, editor, today, find):
    """The Draft of what was found. `find`: text -> terms named in it (terms.make_finder); `editor`:
    who writes it."""
    sections, references = _sections(found)
    if not sections:
        raise Refused(
            "There is no text to make an article of. Paste the article's paragraphs, with an "
            "empty line between them."
        )
    title = _plain(found.title) or "A new article"
    about = _about(title, sections, find)
    sources = {
        1: {
            "title": title,
            "publisher": _plain(found.publisher),
            "url": found.url or "https://",
            "date": _as_date(found.date),
        }
    }
    for text, address in references:
        if address not in [source["url"] for source in sources.values()]:
            sources[len(sources) + 1] = {"title": text, "url": address}
    sources = {
        n: {key: value for key, value in source.items() if value} for n, source in sources.items()
    }
    questions, bodies, ids = {}, [], set()
    for heading, blocks in sections[:MOST_SECTIONS]:
        id, facet = _name(heading, about, ids)
        ids.add(id)
        questions[id] = {
            "ask": _as_question(heading, facet, about or title),
            "facet": facet,
            "train": _phrases(heading, facet, about or title),
            "test": [],
        }
        bodies.append(f"## {heading} {{#{id}}}\n\n{_write(blocks)}")
    front = {
        "title": title,
        "about": about or "",
        "written_by": editor,
        "written_on": today,
        "reviewed_by": None,
        "reviewed_on": None,
        "review_every": "365 days",
        "sources": sources,
        "questions": questions,
    }
    text = "---\n" + manuscripts.write_yaml(front) + "---\n" + "\n\n".join(bodies) + "\n"
    return Draft(
        title=title,
        id=_slug(about or title),
        text=text,
        notes=_notes(found, about, sections, sources),
    )


def check_archive(data, wanted, what, ending):
    """Nothing, or Refused: the bytes are no packed Office file that holds `wanted`, or one that was
    made to do harm."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
            if wanted not in [part.filename for part in parts]:
                raise Refused(f"This is not a {what}. Save it as {ending}, and choose it again.")
            _check_listing(parts, what)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    if part.file_size > LARGEST_PART:
                        raise Refused(
                            f"The {what} unpacks to more than can be read, and was not opened."
                        )
                    ElementTree.fromstring(packed.read(part), forbid_dtd=True)
    except DefusedXmlException:
        raise Refused(
            f"The {what} holds XML that no {what} needs (a document type or entities), and was "
            f"not opened."
        ) from None
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(
            f"This is not a {what}, or it is damaged. Save it as {ending}, and choose it again."
        ) from None


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
            f"was not opened. Take its pictures out."
        )


def _take_apart(kind, data, url):
    """The Found of a page or Word file, from a process of its own."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bot.editor.imports", kind, url],
            input=data,
            capture_output=True,
            cwd=settings.ROOT,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Refused("It takes too long to read this. Paste the article's text instead.") from None
    if done.returncode:
        raise Refused("This can't be read. Paste the article's text instead.")
    found = json.loads(done.stdout)
    if not any(kind != "heading" for kind, *_ in found["blocks"]):
        raise Refused("No article's text was found in it. Paste the text instead.")
    return Found(**found)


def _read_page(data, url):
    import trafilatura

    found = trafilatura.bare_extraction(
        data.decode("utf-8", "replace"),
        url=url or None,
        include_links=True,
        with_metadata=True,
        favor_recall=True,
        include_images=False,
        include_comments=False,
    )
    if found is None:
        return {"title": "", "date": "", "publisher": "", "url": url, "blocks": []}
    return {
        "title": found.title or "",
        "date": found.date or "",
        "publisher": found.sitename or "",
        "url": url or _web_address(found.url or ""),
        "blocks": list(_walk(found.body)),
    }


def _read_word(data, url):
    import mammoth
    from lxml import html as markup

    made = mammoth.convert_to_html(
        io.BytesIO(data), convert_image=mammoth.images.img_element(lambda image: {})
    ).value
    blocks = list(_walk(markup.fromstring(f"<body>{made}</body>")))
    title = blocks.pop(0)[1] if blocks and blocks[0][0] == "heading" else ""
    return {"title": title, "date": _word_date(data), "publisher": "", "url": url, "blocks": blocks}


def _word_date(data):
    """The day on which a Word file was last changed, by its own account; "" where it gives none."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        try:
            core = packed.read("docProps/core.xml").decode("utf-8", "replace")
        except KeyError:
            return ""
    changed = re.search(r"<dcterms:modified[^>]*>(\d{4}-\d\d-\d\d)", core)
    return changed[1] if changed else ""


def _walk(body):
    """The blocks of a tree of trafilatura's XML or of HTML."""
    for element in body.iter(
        "head", "h1", "h2", "h3", "h4", "h5", "h6", "p", "item", "li", "cell", "td", "quote"
    ):
        if any(child.tag in ("p", "item", "li", "head") for child in element):
            continue  # its parts come by themselves
        text = " ".join("".join(element.itertext()).split())
        if text:
            kind = (
                "heading"
                if element.tag[0] == "h"
                else "item"
                if element.tag in ("item", "li")
                else "paragraph"
            )
            links = [
                (
                    " ".join("".join(link.itertext()).split()),
                    link.get("target") or link.get("href") or "",
                )
                for link in element.iter("ref", "a")
            ]
            yield kind, text, links


def _as_heading(line):
    """The heading that a line of a pasted text is, or None."""
    if line.startswith("#"):
        return line.lstrip("# ").rstrip("# ") or None
    return (
        line.rstrip(":")
        if len(line) <= LONGEST_HEADING
        and line[-1:] not in ".!;,"
        and not re.match(r"[-*•·\d]", line)
        else None
    )


def _as_date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _addresses(text):
    return [(text, address.rstrip(".,;)")) for address in re.findall(r"https?://[^\s<>\"']+", text)]


def _web_address(url):
    return url.strip() if re.fullmatch(r"https?://[^\s<>\"'{}]{1,500}", url.strip()) else ""


def _sections(found):
    """([(heading, [(kind, text)])], [(reference, address)]) of what was found."""
    sections, references, listing = [], [], False
    for kind, text, links in found.blocks[:MOST_PARAGRAPHS]:
        text = _plain(text)
        if kind == "heading":
            listing = bool(REFERENCES.match(text))
            if not listing and text != _plain(found.title):
                sections.append((text, []))
            continue
        for said, address in links:
            address = _web_address(address)
            if address and len(references) < MOST_REFERENCES:
                references.append(((text if listing else _plain(said))[:200] or address, address))
        text = MARKS.sub("", re.sub(r"https?://\S*[^\s.,;:)]", "", text)).strip()
        if listing or not re.search(r"\w", text):
            continue
        if not sections:
            sections.append(("Overview", []))
        sections[-1][1].append((kind, text))
    return [(heading, blocks) for heading, blocks in sections if blocks], references


def _plain(text):
    """A text that our articles may hold: no braces, no markup, no line that begins a heading."""
    text = (
        html.unescape(re.sub(r"<[a-zA-Z/!][^>]*>", " ", text))
        .replace("${", "(")
        .replace("{", "(")
        .replace("}", ")")
    )
    text = (
        "".join(letter for letter in text if letter.isprintable() or letter == " ")
        .replace("<", "‹")
        .replace(">", "›")
    )
    return " ".join(text.split()).lstrip("# ")


def _about(title, sections, find):
    """The condition that the title names, or the one that is named most; "" for none."""
    for text in (
        title,
        " ".join(
            [heading for heading, _ in sections]
            + [text for _, blocks in sections for _, text in blocks]
        )[:20_000],
    ):
        named = [mention.term for mention in find(text) if mention.kind == "condition"]
        if named:
            return max(named, key=named.count)
    return ""


def _facet(heading):
    return next(
        (
            facet
            for facet, (words, _) in FACETS.items()
            if re.search(rf"\b(?:{words})\b", heading, re.IGNORECASE)
        ),
        None,
    )


def _name(heading, about, taken):
    """(id, facet) of a section: the side of the subject that its heading names, or its words where
    that is taken."""
    facet = _facet(heading)
    if facet and facet not in taken:
        return facet, facet
    base = _slug(heading.lower().replace(about or "\0", " ")) or "section"
    id = next(
        name
        for name in (base, *(f"{base}_{n}" for n in range(2, 100)))
        if name not in taken and name != articles.MADE_BY_US
    )
    return id, id


def _slug(text):
    words = re.findall(r"[a-z0-9]+", text.lower())
    slug = "_".join(words[:4])
    return slug if re.match("[a-z]", slug) else f"a_{slug}" if slug else ""


def _as_question(heading, facet, about):
    if heading.endswith("?"):
        return heading
    asked = FACETS.get(facet, (None, [heading]))[1][0].replace("{about}", about)
    return asked[:1].upper() + asked[1:].rstrip("?") + "?"


def _phrases(heading, facet, about):
    """Phrases to begin with: the heading, and how people ask for what it names."""
    own = heading.rstrip("?:.").lower()
    asked = [
        phrase.replace("{about}", about.lower()) for phrase in FACETS.get(facet, (None, []))[1]
    ]
    if about.lower() not in own and not ASKS.match(own):
        own = f"{own} {about.lower()}"
    return list({articles.normalise(phrase): phrase for phrase in [own, *asked]}.values())


def _write(blocks):
    """A section's Markdown: paragraphs, and items that follow each other as one list; each names
    the source."""
    text, before = "", None
    for kind, said in blocks:
        text += "\n" if kind == before == "item" else "\n\n" if text else ""
        text += f"{'- ' if kind == 'item' else ''}{said} [1]"
        before = kind
    return text


def _notes(found, about, sections, sources):
    notes = [
        "Rewrite the text in your own plain words: what stands here is another's.",
        "Nobody has reviewed this. `reviewed_by` stays empty until a clinician has.",
    ]
    if not found.url:
        notes.append("Source 1 has no address. Write where the text comes from.")
    if not about:
        notes.append(
            "No condition of the terms list was found. Choose what the article is about, or add "
            "the term first."
        )
    if len(sources) > 1:
        notes.append(
            f"{wording.counted(len(sources) - 1, 'reference was', 'references were')} found. Put "
            f"each one's number behind what it supports."
        )
    if len(sections) > MOST_SECTIONS:
        notes.append(f"Only the first {MOST_SECTIONS} of {len(sections)} sections were taken.")
    notes.append(
        f"Each question needs {articles.MIN_TRAIN} ways of asking it, and {articles.MIN_TEST} "
        f"more to test with."
    )
    return notes


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    read = {"page": _read_page, "word": _read_word}[sys.argv[1]]
    print(json.dumps(read(sys.stdin.buffer.read(), sys.argv[2])))
