"""Faults as an editor reads them: the field's own label, the sentence, and a link to where it is
mended; no file and no key of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from bot.content import stories
from bot.domain.faults import Fault, Field
from bot.editor.shared import content_cache

# The labels of fields, as their forms have them.
ARTICLE = {
    "title": "Title",
    "about": "About",
    "written_by": "Written by",
    "written_on": "Written on",
    "review_every": "To be reviewed every",
    "evidence": "Its statements",
    "url": "Where the whole article stands",
    "new": "New question, in one or two words",
}
SOURCE = {
    "title": "Title",
    "publisher": "Publisher",
    "url": "Address",
    "date": "Date",
    "changed": "Changed on",
    "withdrawn": "Withdrawn on",
}
QUESTION = {
    "ask": "The question, in your words",
    "heading": "Heading of its section",
    "text": "Answer",
    "facet": "Side of the subject",
    "about": "About",
    "train": "Phrases that teach",
    "test": "Phrases that test",
}
READING = {"read": "How", "on": "Read on", "date": "Date of that version", "how": "What was read"}
EVIDENCE = {"states": "What it says there", "where": "Where in it", "verdict": "Verdict"}
TABLES = {"terms": "Terms", "talk": "Talk", "safety": "Safety list", "texts": "Fixed texts"}
# which of the keys of an entry of a table names it
NAMED_BY = {
    "terms": 1,
    "talk": 0,
    "safety": 1,
    "texts": 0,
}
STORIES = {"stories": ("story", "Story"), "conversations": ("test_conversation", "Test")}
ELSEWHERE = (
    "Something is wrong in the files that no page of the desk changes. Ask who looks after them to "
    "mend it: the check of the content names the place."
)


@dataclass(frozen=True)
class ShownFault:
    """A fault as a page shows it. `label`: of its field, or of what it is about; `name`: the field
    of the page's own form, "" where it is mended elsewhere; `link`: to where it is mended, "" where
    that is nowhere at the desk."""

    text: str
    label: str = ""
    name: str = ""
    link: str = ""


@dataclass(frozen=True)
class Spot:
    """Where a fault can be mended: a page, the name of a field of its form ("": the whole page),
    the field's label, and what the page is about, for other pages."""

    page: str
    name: str
    label: str
    about: str = ""


def show_here(name: str, label: str, text: str) -> ShownFault:
    """A fault of a field of the page's own form."""
    return ShownFault(text, label, name, f"#field-{name}")


def show_at_form(form: str, name: str, text: str) -> ShownFault:
    """A fault of a field of another page's form, by that page's address and the field's name."""
    match name.split("."):
        case ["source", n, key] if key in SOURCE:
            label = f"[{n}] {SOURCE[key]}"
        case ["reading", n, key] if key in READING:
            label = f"[{n}] {READING[key]}"
        case [_, _, key] if key in EVIDENCE:
            label = EVIDENCE[key]
        case _:
            label = QUESTION.get(name) or ARTICLE.get(name) or ""
    return ShownFault(text, label, "", f"{form}#field-{name}" if form and label else "")


def place_faults(
    faults: Iterable[Fault], here: str = "", own: Mapping[Field, tuple[str, str]] | None = None
) -> list[ShownFault]:
    """The faults as the page `here` shows them, each once; `own`: {field of a Fault: (name, label)}
    of fields that the page names by what it shows."""
    shown = [_place(fault, here, own or {}) for fault in faults]
    return list(dict.fromkeys(shown))


def _place(fault: Fault, here: str, own: Mapping[Field, tuple[str, str]]) -> ShownFault:
    text = _as_sentence(fault.text)
    if fault.field in own:
        name, label = own[fault.field]
        return show_here(name, label, text)
    if not PurePath(fault.path).suffix:  # of no file: of the content's folder, and its history
        return ShownFault(text)
    spots = _find_spots(PurePath(fault.path), fault.field)
    if not spots:
        return ShownFault(ELSEWHERE, "Files behind the desk")
    spot = next((each for each in spots if each.page == here), spots[0])
    if spot.page != here:
        label = ": ".join(part for part in (spot.about, spot.label) if part)
        return ShownFault(text, label, "", spot.page + (f"#field-{spot.name}" if spot.name else ""))
    return show_here(spot.name, spot.label, text) if spot.name else ShownFault(text, spot.label)


def _as_sentence(text: str) -> str:
    """A fault's text with a capital and a full stop."""
    closed = text if text.endswith((".", "!", "?", "”")) else f"{text}."
    return closed[:1].upper() + closed[1:]


def _find_spots(path: PurePath, field: Field) -> list[Spot]:
    """Where the desk mends a fault of a file, the likeliest first; [] where it does nowhere."""
    folder, id = path.parent.name, path.name.partition(".")[0]
    is_draft = folder == ".drafts"
    at, named = content_cache.article_address(id, is_draft), id.replace("_", " ").capitalize()
    if path.suffix == ".md":
        return _article_spots(at, named, field, is_draft)
    if folder == "phrases" or path.name.endswith(".phrases.yml"):
        return _phrase_spots(at, named, field, is_draft)
    if folder in ("evidence", "reviews") or is_draft:
        return [Spot(f"{at}/side-by-side", "", "Evidence", named)]
    if id in TABLES:
        return [_table_spot(id, field)]
    return [_story_spot(id, field)] if id in STORIES else []


def _article_spots(at: str, named: str, field: Field, is_draft: bool) -> list[Spot]:
    """Of a field of an article's file."""
    match field:
        case ("questions", str(id), "evidence", *_):
            return [Spot(f"{at}/{id}/its-evidence", "", "Evidence", _name(named, id))]
        case ("questions", str(id), *rest):
            key = str(rest[0]) if rest and rest[0] in QUESTION else "ask"
            line = f", line {rest[1]}" if rest[1:] else ""
            label = QUESTION[key] + line
            spots = [Spot(f"{at}/{id}", key, label, _name(named, id))]
            if key == "facet" and is_draft:
                spots.append(Spot(at, f"facet.{id}", label))
            return spots
        case ("questions",):
            return [Spot(at, "new", ARTICLE["new"], named)]
        case ("sources", n, "read"):
            return [Spot(f"{at}/side-by-side", "", f"[{n}]", named)]
        case ("sources", n, *rest):
            key = str(rest[0]) if rest and rest[0] in SOURCE else "title"
            return [Spot(at, f"source.{n}.{key}", f"[{n}] {SOURCE[key]}", named)]
        case ("sources",):
            return [Spot(at, "source.1.title", f"[1] {SOURCE['title']}", named)]
        case (str(key), *_) if key in ARTICLE:
            return [Spot(at, key, ARTICLE[key], named)]
    return [Spot(at, "", "The article", named)]


def _phrase_spots(at: str, named: str, field: Field, is_draft: bool) -> list[Spot]:
    """Of a field of a file of phrases."""
    match field:
        case (str(id), "train" | "test" as key, int(i)):
            label = f"{QUESTION[key]}, line {i + 1}"
            return [Spot(f"{at}/{id}", key, label, _name(named, id))]
        case (str(id), *_):
            spots = [Spot(f"{at}/{id}", "train", QUESTION["train"], _name(named, id))]
            mine = Spot(at, f"phrases.{id}", "Phrases of its own")
            return [*spots, mine] if is_draft else spots
    return [Spot(at, "", "Its phrases", named)]


def _table_spot(name: str, field: Field) -> Spot:
    """Of an entry of a table: the table, with the entry looked for."""
    page, title = f"/editor/tables/{name}", TABLES[name]
    keys = [str(key) for key in field if isinstance(key, str)]
    entry = ".".join(keys) if name == "texts" else next(iter(keys[NAMED_BY[name] :]), "")
    if not entry:
        return Spot(page, "", title)
    return Spot(f"{page}?search={quote(entry)}", "", f"{title}, {entry}")


def _story_spot(name: str, field: Field) -> Spot:
    """Of a story or test conversation, which is named by its name."""
    kind, title = STORIES[name]
    told = field[1] if field[1:] else None
    if not isinstance(told, str):
        return Spot("/editor/stories", "", "Stories")
    return Spot(f"/editor/stories/{kind}/{stories.Story(told, ()).key}", "", f"{title}, {told}")


def _name(article: str, question: str) -> str:
    """What the page of a question is about."""
    return f"{article}, {question.replace('_', ' ')}"
