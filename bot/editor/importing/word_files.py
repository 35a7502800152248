"""A Word file as a tree of HTML: mammoth reads it, once what mammoth leaves out in silence was
written so that it is read, or said."""

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping

from bot.editor.importing import html_cleaning, text_blocks
from bot.editor.importing.text_blocks import Element

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
FORMULAS = ("oMathPara", "oMath")
GONE = ("del", "moveFrom")  # what tracked changes took out
DRAWN = {"chart": "a chart", "relIds": "a diagram", "OLEObject": "an embedded file"}
TITLES = "p[style-name='Title'] => h1.title:fresh\np[style-name='Subtitle'] => p:fresh"
PRIVATE = re.compile("[\ue000-\uf8ff]")  # signs that only a font of theirs can show
DEEPEST_STYLE = 20
Notes = dict[str, list[str]]  # sentences on what was left out, by its kind


def read_word_file(data: bytes) -> tuple[Element, list[str], list[str], str]:
    """(tree, notes, texts of its paragraphs, day) of a Word file's bytes; the day is when it was
    last changed, or ""."""
    import mammoth
    from lxml import html

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        name = _main_part(packed)
        document = _parse(packed.read(name))
        levels, contents = _styles(packed, posixpath.dirname(name))
        texts, notes = _prepare(document, levels, contents)
        notes += _name_beside(packed)
        day = _day(packed)
        rewritten = _rewrite(packed, name, document)
    made = mammoth.convert_to_html(
        rewritten,
        style_map=TITLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
    )
    signs = sum("unsupported character" in message.message for message in made.messages)
    if signs:
        notes.append(f"{signs} signs of a font of signs were left out. Compare it with the file.")
    return html.fromstring(f"<body>{made.value}</body>"), notes, texts, day


def _parse(text: bytes) -> Element:
    from lxml import etree

    return etree.fromstring(
        text, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    )


def _main_part(packed: zipfile.ZipFile) -> str:
    """The name of the part that holds the text."""
    try:
        for relation in _parse(packed.read("_rels/.rels")):
            target: str = relation.get("Target", "").lstrip("/")
            if relation.get("Type", "").endswith("/officeDocument") and target in packed.namelist():
                return target
    except KeyError:
        pass
    return "word/document.xml"


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _value(element: Element, *path: str) -> str | None:
    """The `val` of an element's child below `path`; None where there is none."""
    for name in path:
        element = next((child for child in element if _local(child) == name), None)
        if element is None:
            return None
    return next((v for key, v in element.attrib.items() if key.endswith("}val")), "")


def _styles(packed: zipfile.ZipFile, folder: str) -> tuple[dict[str | None, int], set[str | None]]:
    """({id of a paragraph's style: level of a heading, from 0}, {ids of a table of contents})."""
    try:
        root = _parse(packed.read(f"{folder}/styles.xml"))
    except KeyError:
        return {}, set()
    styles: dict[str | None, Element] = {}
    for style in root:
        if _local(style) == "style":
            id = next((v for key, v in style.attrib.items() if key.endswith("}styleId")), "")
            styles[id] = style
    levels = {id: level for id in styles if (level := _level(styles, id)) is not None}
    contents = {
        id
        for id, style in styles.items()
        if re.match(r"toc (?:\d|heading)", (_value(style, "name") or "").lower())
    }
    return levels, contents


def _level(styles: dict[str | None, Element], id: str | None) -> int | None:
    """The level of a heading that a style or one that it is based on has; None for none."""
    for _ in range(DEEPEST_STYLE):
        if id not in styles:
            return None
        style = styles[id]
        named = re.match(r"heading (\d)", (_value(style, "name") or "").lower())
        outline = _value(style, "pPr", "outlineLvl")
        if named:
            return int(named[1]) - 1
        if outline and outline.isdecimal():
            return int(outline) if int(outline) < 9 else None
        id = _value(style, "basedOn")
    return None


def _prepare(
    document: Element, levels: Mapping[str | None, int], contents: set[str | None]
) -> tuple[list[str], list[str]]:
    """(texts of the paragraphs, notes): what mammoth doesn't read is written otherwise, in
    place."""
    texts: list[str] = []
    notes: Notes = {}
    place = ""
    space = STRICT if document.tag.startswith(STRICT) else WORD
    for paragraph in list(document.iter(f"{space}p")):
        if _value(paragraph, "pPr", "pStyle") in contents:
            paragraph.getparent().remove(paragraph)
            notes["contents"] = ["Its table of contents was left out."]
            continue
        where = f"Behind {text_blocks.quote(place)}: " if place else "At the beginning: "
        _take_hidden(paragraph, where, notes, space)
        _take_formulas(paragraph, where, notes, space)
        _name_drawn(paragraph, where, notes)
        text = _text_of(paragraph, space)
        if PRIVATE.search(text):
            notes.setdefault("signs", []).append(
                f"In {text_blocks.quote(PRIVATE.sub(' ', text))}: a sign that only its font can "
                f"show was left out. Compare it with the file."
            )
        if text:
            texts.append(PRIVATE.sub("", text))
            place = text
        _make_heading(paragraph, levels, space)
    gone = [text for tag in GONE for e in document.iter(f"{space}{tag}") if (text := _gone(e))]
    if gone:
        notes["gone"] = [
            f"It has tracked changes. What was deleted was left out, as "
            f"{text_blocks.quote(gone[0])}; what was inserted was taken."
        ]
    return texts, [note for listed in notes.values() for note in html_cleaning.first_notes(listed)]


def _text_of(paragraph: Element, space: str) -> str:
    """The text of a paragraph as Word shows it, without that of text boxes in it."""
    gone = tuple(f"{space}{tag}" for tag in GONE)
    return "".join(
        element.text or ""
        for element in paragraph.iter(f"{space}t")
        if next(element.iterancestors(f"{space}p")) is paragraph
        and next(element.iterancestors(*gone), None) is None
        and _value(element.getparent(), "rPr", "strike") not in ("", "1", "true", "on")
    ).strip()


def _gone(element: Element) -> str:
    return "".join(e.text or "" for e in element.iter() if _local(e) in ("delText", "t")).strip()


def _take_hidden(paragraph: Element, where: str, notes: Notes, space: str) -> None:
    """Take out what Word doesn't show; what is crossed out twice is crossed out."""
    for look in list(paragraph.iter(f"{space}rPr")):
        run = look.getparent()
        if _local(run) != "r":
            continue
        for twice in look.findall(f"{space}dstrike"):
            twice.tag = f"{space}strike"
        if _value(look, "vanish") in ("", "1", "true", "on"):
            text = "".join(e.text or "" for e in run.iter(f"{space}t")).strip()
            run.getparent().remove(run)
            if text:
                notes.setdefault("hidden", []).append(
                    f"{where}{text_blocks.quote(text)} is hidden text; it was left out."
                )


def _take_formulas(paragraph: Element, where: str, notes: Notes, space: str) -> None:
    """Leave a word in each formula's place."""
    for formula in [e for e in paragraph.iter() if _local(e) in FORMULAS]:
        if any(_local(parent) in FORMULAS for parent in formula.iterancestors()):
            continue
        text = "".join(e.text or "" for e in formula.iter() if _local(e) == "t")
        own = _text_of(paragraph, space)
        notes.setdefault("formulas", []).append(
            f"{f'In {text_blocks.quote(own)}: ' if own else where}a formula was left out "
            f"({text_blocks.quote(text)})."
        )
        run = formula.makeelement(f"{space}r")
        letters = formula.makeelement(f"{space}t")
        letters.text = " (formula left out) "
        run.append(letters)
        run.tail = formula.tail
        formula.getparent().replace(formula, run)


def _name_drawn(paragraph: Element, where: str, notes: Notes) -> None:
    for element in paragraph.iter():
        if what := DRAWN.get(_local(element)):
            notes.setdefault(what, []).append(f"{where}{what} was left out.")


def _make_heading(paragraph: Element, levels: Mapping[str | None, int], space: str) -> None:
    """Give a paragraph that is a heading by a style of the file's own, or by its outline, the style
    that mammoth knows."""
    properties = paragraph.find(f"{space}pPr")
    if properties is None:
        return
    level = levels.get(_value(properties, "pStyle"))
    own = _value(properties, "outlineLvl")
    if own and own.isdecimal():
        level = int(own) if int(own) < 9 else None
    if level is None:
        return
    style = properties.find(f"{space}pStyle")
    if style is None:
        style = properties.makeelement(f"{space}pStyle")
        properties.insert(0, style)
    style.set(f"{space}val", f"Heading{min(level + 1, 6)}")
    for numbers in properties.findall(f"{space}numPr"):
        properties.remove(numbers)


def _name_beside(packed: zipfile.ZipFile) -> list[str]:
    """Sentences on what stands beside a file's text."""
    notes = []
    for kind, said in (
        ("header", "What stands at the top of each page"),
        ("footer", "What stands at the foot of each page"),
        ("comments", "Comments of colleagues"),
    ):
        texts = [
            text
            for name in packed.namelist()
            if re.fullmatch(rf"word/{kind}\d*\.xml", name)
            and re.search(r"[^\W\d]{3}", text := _letters_of(packed.read(name)))
        ]
        if texts:
            is_one = kind != "comments"
            notes.append(
                f"{said} {'was' if is_one else 'were'} left out, as {text_blocks.quote(texts[0])}."
            )
    return notes


def _letters_of(part: bytes) -> str:
    return " ".join(
        " ".join("".join(e.text or "" for e in p.iter() if _local(e) == "t").split())
        for p in _parse(part).iter()
        if _local(p) == "p"
    ).strip()


def _day(packed: zipfile.ZipFile) -> str:
    """The day on which a file was last changed, by its own account; "" where it gives none."""
    try:
        core = packed.read("docProps/core.xml").decode("utf-8", "replace")
    except KeyError:
        return ""
    changed = re.search(r"<dcterms:modified[^>]*>(\d{4}-\d\d-\d\d)", core)
    return changed[1] if changed else ""


def _rewrite(packed: zipfile.ZipFile, name: str, document: Element) -> io.BytesIO:
    """The file with this document in place of its own."""
    from lxml import etree

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        for part in packed.infolist():
            is_it = part.filename == name
            new.writestr(part.filename, etree.tostring(document) if is_it else packed.read(part))
    return made
