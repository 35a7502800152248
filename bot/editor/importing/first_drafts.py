"""A new article's draft, of what was found in a file or a text: sections, sources, and ways of
asking to begin with. It isn't finished, and reviewed by nobody."""

import datetime
import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.content import articles, wording
from bot.content.facets import TERM
from bot.content.terms import Finder
from bot.domain.web_addresses import is_web_address
from bot.editor.importing import heading_questions, leads, other_names, text_blocks
from bot.editor.importing.blocks import (
    FOOTNOTE,
    HEADING,
    ITEM,
    PARAGRAPH,
    REFERENCE,
    STEP,
    Block,
    FoundContent,
    Refused,
)
from bot.editor.importing.heading_questions import HeadingQuestion
from bot.editor.shared import article_document

MOST_SECTIONS, MOST_BLOCKS, MOST_REFERENCES = 100, 1_500, 100
Section = tuple[str, list[Block]]  # its heading, and what stands below it
Sources = dict[int, dict[str, Any]]  # as the front matter has them
LONGEST_TITLE = 300  # of a source
NO_ADDRESS = "https://"
LONGEST_ADDRESS = 500
NOTHING = (
    "There is no text to make an article of. Paste the article's paragraphs, with an empty line "
    "between them."
)
MARK = re.compile(r"\s*\[(#\w+|\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
BEFORE_THE_STOP = re.compile(r"\s*((?:\[\d+\])+)([.!?])(?=\s|$)")
ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]|www\.[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
DOI = re.compile(r"\b(?:doi\s*:?\s*)?(10\.\d{4,9}/[^\s<>\"']*[^\s<>\"'.,;:)\]])", re.IGNORECASE)
PUBMED = re.compile(r"\bPMID\s*:?\s*(\d{4,9})\b", re.IGNORECASE)
# a title stands behind a blank: two runs of the same letters would take hours for a long address
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]+)\]\((https?://[^\s()]+)(?:\s[^()]*)?\)")
IS_CITED = re.compile(r"\b(?:19|20)\d\d\b|\bet al\b", re.IGNORECASE)  # what a source's line has
NUMBER = re.compile(r"\A\s*(?:\[?(\d{1,3})[\].)]+|\^)\s*")  # before a reference
LAST_MARK = re.compile(r"\[(#\w+|[\d\s,;–-]+)\]\s*[.!?]?\s*\Z")
HEADING_NUMBER = re.compile(r"\A(?:\d{1,2}(?:\.\d{1,2})+\.?|\d{1,2}[.)])\s+")
TAG = re.compile(
    r"</?(?:a|abbr|article|b|blockquote|body|br|cite|code|dd|div|dl|dt|em|figure|font|form|h[1-6]|"
    r"head|hr|html|i|iframe|img|li|link|meta|ol|p|pre|q|s|script|section|small|span|strong|style|"
    r"sub|sup|svg|table|tbody|td|th|thead|title|tr|u|ul)"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+))*\s*/?>",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Subject:
    """By what a draft's subject is found: `find` names the terms of a text, `common` are the facets
    of facets.yml with their phrases, and `about` is the term that an editor gave, or ""."""

    find: Finder
    common: Mapping[str, Collection[str]]
    about: str = ""


@dataclass(frozen=True)
class Draft:
    """A new article in our format, and {question: phrases to begin with} of those that facets.yml
    doesn't teach. `notes` say what its editor must see to."""

    title: str
    id: str
    text: str
    phrases: dict[str, list[str]]
    notes: list[str]


@dataclass
class _Outline:
    """What a draft is made of: sections (heading, [Blocks]), references as (label, title,
    address), how many of them a list has, remarks {label: text of a footnote that names no
    source}, notes, whether the text itself is a source, and (what it asks, heading) of each
    section."""

    sections: list[Section] = field(default_factory=list)
    references: list[tuple[str, str, str]] = field(default_factory=list)
    listed: int = 0
    remarks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_source: bool = True
    sides: list[tuple[HeadingQuestion, str]] = field(default_factory=list)


def make_draft(found: FoundContent, editor: str, today: datetime.date, subject: Subject) -> Draft:
    """The Draft of what was found, about the `subject`, which `editor` writes. Raises Refused."""
    outline = _outline(found)
    if not outline.sections:
        raise Refused(NOTHING)
    title = plain_text(found.title) or "A new article"
    about = subject.about or _about(title, outline.sections, subject.find)
    sources, numbers = _sources(found, title, outline)
    questions: dict[str, dict[str, object]] = {}
    bodies: list[str] = []
    for heading, written in outline.sections[:MOST_SECTIONS]:
        asked = _ask_heading(heading, about or title, subject.find, questions)
        of_it = {"about": asked.about} if asked.about else {}
        questions[asked.id] = {"ask": asked.ask, **of_it, "facet": asked.facet}
        outline.sides.append((asked, heading))
        marked = [
            replace(block, text=_put_marks(block.text, numbers, outline, heading))
            for block in written
        ]
        body = _write_section(marked, outline, heading, has_own=bool(found.url))
        bodies.append(f"## {heading} {{#{asked.id}}}\n\n{body}")
    _name_alike(outline)
    front = {
        "title": title,
        "about": about,
        "written_by": editor,
        "written_on": today,
        "review_every": "365 days",
        "sources": sources,
        "questions": questions,
    }
    text = "---\n" + article_document.write_yaml(front) + "---\n" + "\n\n".join(bodies) + "\n"
    return Draft(
        title=title,
        id=heading_questions.make_id(about or title),
        text=text,
        phrases=_begin_phrases((asked for asked, _ in outline.sides), about or title, subject),
        notes=[*_notes(found, about, sources, outline.is_source), *found.notes, *outline.notes],
    )


def _write_section(marked: Sequence[Block], outline: _Outline, heading: str, has_own: bool) -> str:
    """A section's Markdown, its lead cut. What names no source is marked with 1, the text itself;
    where that has an address (`has_own`), so is all else, for it is what was read."""
    bare = sum(not block.text.endswith("]") for block in marked)
    if bare and not has_own and outline.references:
        outline.notes.append(
            f"Under {text_blocks.quote(heading)}: "
            f"{wording.counted(bare, 'paragraph or item', 'paragraphs or items')} without a source "
            f"got [1], the file itself. Put the right number there."
        )
    cited = [
        replace(block, text=f"{block.text}{'' if block.text.endswith(']') else ' '}[1]")
        if has_own or not block.text.endswith("]")
        else block
        for block in marked
    ]
    lead, below = leads.cut_lead(cited)
    if len(lead) + len(below) > len(cited) or below and lead[-1].kind == below[0].kind != PARAGRAPH:
        last = " ".join(MARK.sub("", lead[-1].text).split()[-6:])
        outline.notes.append(
            f"Under {text_blocks.quote(heading)}: the lead was too long for the chat. It ends "
            f"behind “… {last}” now, and the rest stands below it."
        )
    return "\n\n".join(_write(part) for part in (lead, below) if part)


def _begin_phrases(
    asked: Iterable[HeadingQuestion], about: str, subject: Subject
) -> dict[str, list[str]]:
    """{question: ways of asking it}, each of which stands nowhere else, of those that facets.yml
    doesn't teach."""
    said = {
        articles.normalise_phrase(phrase.replace(TERM, about))
        for listed in subject.common.values()
        for phrase in listed
    }
    found: dict[str, list[str]] = {}
    for each in asked:
        if each.about or each.facet not in subject.common:
            ways = [way for way in each.phrases if articles.normalise_phrase(way) not in said]
            found[each.id] = ways
            said.update(map(articles.normalise_phrase, ways))
    return {id: ways for id, ways in found.items() if ways}


def _ask_heading(heading: str, about: str, find: Finder, taken: Collection[str]) -> HeadingQuestion:
    """What a heading asks: of a medicine or treatment that it names, or of the article's term."""
    named = (each.term for each in find(heading) if each.kind != "condition")
    term = next(named, "")
    of_medicine = term and heading_questions.ask_medicine(heading, term, taken)
    return of_medicine or heading_questions.ask_heading(heading, about, taken)


def _name_alike(outline: _Outline) -> None:
    """Say which sections ask for one side of one thing, so that nothing tells them apart."""
    first: dict[tuple[str, str], str] = {}
    for asked, heading in outline.sides:
        side = asked.facet if asked.about else heading_questions.find_facet(heading)
        key = (asked.about, side or heading.lower().strip(" ?:."))
        other = first.setdefault(key, heading)
        if other is not heading:
            outline.notes.append(
                f"{text_blocks.quote(other)} and {text_blocks.quote(heading)} ask for the same "
                f"side. The second got a side of its own: say in its question what is its own, or "
                f"put both into one section."
            )


def _outline(found: FoundContent) -> _Outline:
    """The _Outline of what was found."""
    outline, is_listing = _Outline(), False
    for block in found.blocks[:MOST_BLOCKS]:
        if block.kind == HEADING:
            heading = HEADING_NUMBER.sub("", plain_text(MARK.sub("", block.text)))
            is_listing = bool(text_blocks.REFERENCES.fullmatch(heading))
            if not is_listing and heading != plain_text(found.title):
                outline.sections.append((heading, []))
        elif is_listing or block.kind in (FOOTNOTE, REFERENCE):
            _take_reference(outline, block)
        else:
            _take_text(outline, block)
    if len(found.blocks) > MOST_BLOCKS:
        first = plain_text(found.blocks[MOST_BLOCKS].text)
        outline.notes.append(
            f"It is too long for one article. It was left out from {text_blocks.quote(first)} on: "
            f"bring the rest as an article of its own."
        )
    empty = [heading for heading, written in outline.sections if not written]
    if empty:
        outline.notes.append(
            f"Headings without text of their own were left out: "
            f"{', '.join(map(text_blocks.quote, empty[:10]))}."
        )
    outline.sections = [(heading, written) for heading, written in outline.sections if written]
    for heading, _ in outline.sections[MOST_SECTIONS:][:1]:
        outline.notes.append(
            f"Only the first {MOST_SECTIONS} of {len(outline.sections)} sections were taken. "
            f"It was left out from {text_blocks.quote(heading)} on. Bring the rest as an article "
            f"of its own."
        )
    return outline


def _take_reference(outline: _Outline, block: Block) -> None:
    """Keep a line of a list of references, or a footnote; links of their own names are several."""
    text = plain_text(block.text)
    number = NUMBER.match(text)
    outline.listed += block.kind not in (FOOTNOTE, REFERENCE)
    is_step = block.kind == STEP
    label = (
        (not is_step and block.label)
        or (number and number[1])
        or (is_step and block.label)
        or str(outline.listed)
    )
    title = " ".join(ADDRESS.sub("", NUMBER.sub("", text)).split()).strip(" :;,-–")
    links = [(plain_text(said), address) for said, address in block.links if web_address(address)]
    if block.kind != FOOTNOTE and len(links) > 1 and all(len(said) > 11 for said, _ in links):
        outline.references += [("", said, web_address(address)) for said, address in links]
        return
    address = _address_of(text, links)
    if block.kind == FOOTNOTE and not address and not IS_CITED.search(text):
        outline.remarks[label] = text
    elif title or address:
        outline.references.append((label, title or address, address))


def _address_of(text: str, links: list[tuple[str, str]]) -> str:
    """The address of a reference: a link's, one that is written out, or that of its number."""
    if links:
        return web_address(links[0][1])
    if written := ADDRESS.search(text):
        return web_address(written[0] if "://" in written[0] else f"https://{written[0]}")
    if doi := DOI.search(text):
        return web_address(f"https://doi.org/{doi[1]}")
    pubmed = PUBMED.search(text)
    return f"https://pubmed.ncbi.nlm.nih.gov/{pubmed[1]}/" if pubmed else ""


def _take_text(outline: _Outline, block: Block) -> None:
    """Keep a paragraph or item; an address that is written out becomes a mark of its source."""

    def mark(address: str, said: str) -> str:
        if not web_address(address):
            return f" {said} "
        label = f"#a{len(outline.references)}"
        outline.references.append((label, said or address, web_address(address)))
        return f" [{label}]"

    for said, address in block.links:
        if web_address(address) and not ADDRESS.search(said):
            outline.references.append(("", plain_text(said) or address, web_address(address)))
    text = plain_text(MARKDOWN_LINK.sub(lambda m: f"{m[1]}{mark(m[2], m[1])}", block.text))
    text = ADDRESS.sub(
        lambda m: mark(m[0] if "://" in m[0] else f"https://{m[0]}", m[0]).strip(), text
    )
    if not re.search(r"\w", MARK.sub("", text)):
        return
    if not outline.sections:
        outline.sections.append(("Overview", []))
    outline.sections[-1][1].append(replace(block, text=text))


def _sources(found: FoundContent, title: str, outline: _Outline) -> tuple[Sources, dict[str, int]]:
    """({number: source}, {label: number}) of the page itself and of its references; without itself,
    where it has no address, and each paragraph ends with a reference."""
    sources: Sources = {}
    outline.is_source = bool(found.url) or not _is_cited_throughout(outline)
    if outline.is_source:
        sources[1] = {
            "title": title,
            "publisher": plain_text(found.publisher),
            "url": found.url or NO_ADDRESS,
            "date": _as_date(found.date),
        }
    numbers: dict[str, int] = {}
    places = {found.url: 1} if found.url else {}
    for label, said, address in outline.references:
        key = address or said
        if key not in places and len(sources) <= MOST_REFERENCES:
            places[key] = len(sources) + 1
            cut = said if len(said) <= LONGEST_TITLE else f"{said[:LONGEST_TITLE].rstrip()}…"
            sources[places[key]] = {"title": cut, "url": address or NO_ADDRESS}
        if label and key in places:
            numbers.setdefault(label, places[key])
    left = {address or said for _, said, address in outline.references} - set(places)
    if left:
        outline.notes.append(
            f"Only the first {MOST_REFERENCES} references were taken; {len(left)} were left out."
        )
    return {
        n: {key: value for key, value in source.items() if value} for n, source in sources.items()
    }, numbers


def _is_cited_throughout(outline: _Outline) -> bool:
    """Whether each paragraph and item ends with the mark of a reference that is there."""
    labels = {label for label, _, _ in outline.references[:MOST_REFERENCES] if label}
    return all(
        (mark := LAST_MARK.search(block.text)) and labels & set(_labels(mark[1].strip()))
        for _, written in outline.sections
        for block in written
    )


def _put_marks(text: str, numbers: dict[str, int], outline: _Outline, heading: str) -> str:
    """A text with the numbers of our sources in place of its own; what names none is told."""
    lost: list[str] = []

    def mark(match: re.Match[str]) -> str:
        labels = _labels(match[1])
        lost.extend(label for label in labels if label not in numbers)
        known = [numbers[label] for label in labels if label in numbers]
        return " " + "".join(f"[{n}]" for n in dict.fromkeys(known)) if known else ""

    text = BEFORE_THE_STOP.sub(r"\2 \1", MARK.sub(mark, text))
    for label in lost:
        if label in outline.remarks:
            said = (
                f"the footnote {text_blocks.quote(outline.remarks[label])} was left out. Write "
                f"into the text what matters of it"
            )
        elif label.startswith("#"):
            continue
        else:
            said = f"the number [{label}] was left out: no reference of that number was found"
        outline.notes.append(f"Under {text_blocks.quote(heading)}: {said}.")
    return " ".join(text.split())


def _labels(mark: str) -> list[str]:
    """The labels that a mark stands for: "1, 3-5" for four."""
    if mark.startswith("#"):
        return [mark]
    labels: list[int] = []
    for part in re.split(r"\s*[,;]\s*", mark):
        first, *last = (int(n) for n in re.split(r"\s*[–-]\s*", part))
        labels += range(first, min(last[0] if last else first, first + 50) + 1)
    return list(map(str, labels))


def plain_text(text: str) -> str:
    """A text that our articles may hold: no braces, no markup, no line that begins a heading."""
    text = TAG.sub(" ", html.unescape(" ".join(text.split())))
    text = text.replace("${", "(").replace("{", "(").replace("}", ")")
    text = "".join(letter for letter in text if letter.isprintable())
    text = re.sub(r"<(?=[a-zA-Z/!])", "‹", text)
    if "‹" in text:
        text = text.replace(">", "›")
    return " ".join(text.split()).lstrip("# ")


def web_address(url: str) -> str:
    """An address of the web, or "" for what is none."""
    bare = url.strip()
    is_short = len(bare) <= LONGEST_ADDRESS and not re.search(r"[{}]", bare)
    return bare if is_short and is_web_address(bare) else ""


def _as_date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _about(title: str, sections: list[Section], find: Finder) -> str:
    """The condition that the title names, as the terms or as the text calls it, or the one that is
    named most; "" for none."""
    text = " ".join(
        [heading for heading, _ in sections]
        + [block.text for _, written in sections for block in written]
    )[:20_000]
    named = [mention.term for mention in find(title) if mention.kind == "condition"]
    if not named and (own := other_names.name_subject(title, text)):
        return own
    named = named or [mention.term for mention in find(text) if mention.kind == "condition"]
    return max(named, key=named.count) if named else ""


def _write(written: Iterable[Block]) -> str:
    """The Markdown of blocks: paragraphs, and items that follow each other as one list."""
    text, before = "", ""
    for block in written:
        is_listed = block.kind in (ITEM, STEP)
        text += "\n" if is_listed and block.kind == before else "\n\n" if text else ""
        text += f"{block.label}. " if block.kind == STEP else "- " if block.kind == ITEM else ""
        text += block.text
        before = block.kind
    return text


def _notes(found: FoundContent, about: str, sources: Sources, has_own: bool) -> list[str]:
    notes = [
        "Rewrite the text in your own plain words: what stands here is another's.",
        "Nobody has reviewed this. A clinician signs it beside its sources.",
    ]
    if not any(block.kind == HEADING for block in found.blocks):
        notes.append(
            "It has no headings, so all of it is one section. Put a heading above each part (in "
            "Word: Heading 2) and bring it again, or divide it here: each question its section."
        )
    if has_own and not found.url:
        notes.append("Source 1 has no address. Write where the text comes from.")
    if not about:
        notes.append(
            "No condition of the terms list was found. Choose what the article is about, or add "
            "the term first."
        )
    more = len(sources) - has_own
    if more:
        counted, whose = (
            ("1 reference was", "its")
            if more == 1
            else (
                f"{more} references were",
                "each one's",
            )
        )
        notes.append(
            f"{counted} found. Put {whose} number behind what it supports; where the text had one, "
            f"it stands there."
        )
    without = [n for n, source in sources.items() if source["url"] == NO_ADDRESS and n > has_own]
    if without:
        notes.append(
            f"References without an address: {', '.join(f'[{n}]' for n in without)}. Write where "
            f"each stands, or take it out."
        )
    return notes
