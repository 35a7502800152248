"""What editors write on a conversation: tags, in words of their own, and one note; both masked, as
what visitors write is."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from bot.content import terms
from bot.editor.insights import conversation_pages
from bot.editor.insights.conversation_pages import Unsaved
from bot.editor.shared import content_cache, fault_places, form_texts, pages, session
from bot.editor.shared.state import DeskState, State
from bot.privacy import masking
from bot.store import conversation_notes

LONGEST_NOTE, LONGEST_TAG = 2_000, 40  # characters
MOST_TAGS = 10  # of one conversation
NOTHING_LEFT = (
    "The texts of this conversation are deleted, and what was noted of it went with them: nothing "
    "can be added. Nothing was saved."
)
CHANGED = (
    "Somebody changed the note meanwhile: theirs stands above, yours is in the form and not saved "
    "yet. Save again to put yours in its place."
)
router = APIRouter()


@router.post("/conversations/{id}/tags")
def add_tags(
    request: Request,
    desk: DeskState,
    _person: session.Editor,
    id: str,
    tag: Annotated[str, Form()] = "",
) -> Response:
    """Give a conversation a tag, or several with commas between them."""
    typed = pages.blank_nul(tag)
    wanted = split_tags(typed)
    known = conversation_notes.read_tags(desk.engine, [id]).get(id, [])
    if fault := _find_tag_fault(desk, typed, {*known, *wanted}):
        faults = [fault_places.show_here("tag", "Another tag", fault)]
        return conversation_pages.render_conversation(
            request, desk, id, Unsaved(422, tag=typed, faults=faults)
        )
    try:
        conversation_notes.add_tags(desk.engine, id, wanted)
    except conversation_notes.NoTexts:
        return pages.redirect_to(request, f"/editor/conversations/{id}", NOTHING_LEFT)
    # no word and no conversation: nobody could delete them from the log when that is forgotten
    session.record_action(request, "tagged a conversation")
    return pages.redirect_to(request, f"/editor/conversations/{id}#written", "It has the tag now.")


@router.post("/conversations/{id}/tags/removal")
def remove_tag(
    request: Request,
    desk: DeskState,
    _person: session.Editor,
    id: str,
    tag: Annotated[str, Form()] = "",
) -> Response:
    """Take a tag from a conversation."""
    conversation_notes.remove_tag(desk.engine, id, pages.blank_nul(tag))
    session.record_action(request, "took a tag from a conversation")
    return pages.redirect_to(request, f"/editor/conversations/{id}#written", "The tag is gone.")


@router.post("/conversations/{id}/note")
def change_note(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: str,
    note: Annotated[str, Form()] = "",
    base: Annotated[str, Form()] = "",
) -> Response:
    """Write the note on a conversation anew; an empty one takes it away."""
    typed = pages.blank_nul(note).replace("\r\n", "\n").strip()
    if len(typed) > LONGEST_NOTE:
        said = form_texts.say_too_long(typed, LONGEST_NOTE)
        return _render_note(request, desk, id, 422, typed, said)
    kept = mask(desk, typed)
    try:
        opened = conversation_pages.read_moment(base)
        conversation_notes.change_note(desk.engine, id, kept, person.name, opened)
    except conversation_notes.OtherNote:
        return _render_note(request, desk, id, 409, typed, CHANGED)
    except conversation_notes.NoTexts:
        return pages.redirect_to(request, f"/editor/conversations/{id}", NOTHING_LEFT)
    session.record_action(request, "changed the note on a conversation")
    said = "The note is kept." if kept else "The note is gone."
    if kept != typed:
        said = "The note is kept. Personal data in it was masked: read what stands there now."
    return pages.redirect_to(request, f"/editor/conversations/{id}#written", said)


def _render_note(
    request: Request, desk: State, id: str, status: int, typed: str, said: str
) -> Response:
    """The page of a conversation whose note was not saved."""
    faults = [fault_places.show_here("note", "Note", said)]
    return conversation_pages.render_conversation(
        request, desk, id, Unsaved(status, note=typed, faults=faults)
    )


def split_tags(text: str) -> list[str]:
    """The tags that a text names, with commas between them, in small letters."""
    named = (" ".join(part.split()).lower() for part in text.split(","))
    return list(dict.fromkeys(filter(None, named)))


def mask(desk: State, text: str) -> str:
    """A text without personal data, as the gateway masks what visitors write."""
    _, names, _ = content_cache.read_kept(terms.read_terms, desk.config.path("data"), "terms.yml")
    return masking.mask_text(text, frozenset(word for name in names for word in name.split()))


def _find_tag_fault(desk: State, typed: str, tags: set[str]) -> str:
    """Why a conversation can't have these tags, the last of which was just typed; "" where it
    can."""
    wanted = split_tags(typed)
    if not wanted:
        return "Type a word or two that say what it is about."
    if any(len(tag) > LONGEST_TAG for tag in wanted):
        return f"A tag has at most {LONGEST_TAG} characters: say the rest in the note."
    if len(tags) > MOST_TAGS:
        return f"A conversation has at most {MOST_TAGS} tags: take one away first."
    # in small letters a name is harder to tell
    if any(mask(desk, text) != text for text in (typed, *wanted)):
        return (
            "This holds personal data, such as a name or a number, which no tag may hold: write "
            "what it is about."
        )
    return ""
