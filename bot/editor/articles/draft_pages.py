"""Drafts of questions: written in peace, put into their article once nothing is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Form, Request, Response

from bot.content import articles, phrases
from bot.editor.articles import question_preview, question_view
from bot.editor.articles.question_form import Line, QuestionForm, QuestionWithPhrases
from bot.editor.articles.question_preview import Look
from bot.editor.articles.question_view import Place, QuestionView
from bot.editor.shared import (
    article_document,
    content_cache,
    content_files,
    fault_places,
    pages,
    phrases_document,
    session,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.store import drafts
from bot.store.accounts import Member

router = APIRouter()
NAME = "Short name"  # its label in the form
UNNAMED = "this_question"  # stands for a short name that it can't have


class Fields(QuestionWithPhrases):
    """A question as fields of a form, with the article that it belongs into and its name there."""

    article: str
    id: str


@dataclass(frozen=True)
class OpenedDraft:
    """A draft as its page shows it."""

    id: int
    title: str
    fields: Fields


class DraftForm(QuestionForm):
    """What an editor sent of a draft: its question, the `article` that it belongs into, and its
    `name` there."""

    article: Line = ""
    name: Line = ""

    def to_draft(self) -> Fields:
        """The draft as it is stored."""
        return {**self.to_fields(), "article": self.article, "id": self.name.strip()}


@router.get("/drafts")
def show_drafts(request: Request, desk: DeskState) -> Response:
    """The drafts of all editors."""
    return pages.render_page(request, "drafts.html", drafts=drafts.list_drafts(desk.engine))


@router.get("/drafts/{id}")
def show_draft(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """A draft's form."""
    title, fields = drafts.read_draft(desk.engine, id)
    return _render(request, desk, OpenedDraft(id, title, cast(Fields, fields)))


@router.post("/drafts/{id}/look-at")
def look_at(
    request: Request, desk: DeskState, id: pages.Number, form: Annotated[DraftForm, Form()]
) -> Response:
    """What the chat would make of a draft as it is being written, and its faults; nothing is
    saved."""
    look = _preview(desk, form.to_draft())
    return question_view.render_look(request, f"/editor/drafts/{id}", look, "")


@router.post("/drafts/{id}")
def save_draft(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: pages.Number,
    form: Annotated[DraftForm, Form()],
) -> Response:
    """Save a draft; `then` "put" puts it into its article as well, or says what is still
    missing."""
    fields = form.to_draft()
    article = pages.blank_nul(fields["article"])
    title = pages.blank_nul(fields["ask"]) or "A new question"
    drafts.change_draft(desk.engine, id, article or None, title, {**fields}, person.name)
    if form.then != "put":
        return pages.redirect_to(request, f"/editor/drafts/{id}", "The draft is saved.")
    faults = put_into_article(desk, person, fields)
    if faults:
        return _render(request, desk, OpenedDraft(id, title, fields), faults)
    drafts.remove_draft(desk.engine, id)
    session.record_action(request, "added a question", f"{article}.{fields['id']}")
    return pages.redirect_to(
        request,
        f"{content_cache.article_address(article)}/{fields['id']}",
        f"“{title}” stands in its article now. Visitors get it once it is published.",
    )


@router.post("/drafts/{id}/removal")
def remove_draft(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """Remove a draft for good."""
    drafts.remove_draft(desk.engine, id)
    session.record_action(request, "removed a draft", str(id))
    return pages.redirect_to(request, "/editor/drafts", "The draft is gone.")


def put_into_article(desk: State, person: Member, fields: Fields) -> list[ShownFault]:
    """Write a draft's question into its article; the faults that forbid it, for its form."""
    if misplaced := _find_place_faults(desk, fields):
        return misplaced
    article, id = fields["article"], fields["id"]
    path = content_files.article_path(desk.config, article)
    own = content_files.phrases_path(desk.config, article)
    base, phrases_base = content_files.read_file(path), content_files.read_file(own)
    manuscript = article_document.read_document(base, path)
    here = f"{content_cache.article_address(article, draft=False)}/{id}"
    if wrong := question_preview.heading_faults(path, id, fields["text"]):
        return fault_places.place_faults(wrong, here)
    manuscript["questions"][id] = fields
    lists = {"train": fields["train"], "test": fields["test"]}
    edits = [
        content_files.Edit(path, article_document.write_document(base, manuscript), base),
        content_files.Edit(
            own, phrases_document.write_phrases(phrases_base, article, id, lists), phrases_base
        ),
    ]
    try:
        content_files.save_files(
            desk.config,
            [edit for edit in edits if edit.text != edit.base],
            person,
            f"Add the question {article}.{id}",
            lambda texts: question_preview.article_faults(
                desk,
                path,
                texts[path],
                phrases.parse(texts[own], own) if own in texts else phrases.read_file(own),
            ),
        )
    except articles.ContentError as refusal:
        return fault_places.place_faults(refusal.faults, here)
    return []


def _find_place_faults(desk: State, fields: Fields) -> list[ShownFault]:
    """What is wrong with the article that a draft belongs into, or with its name there."""
    article = content_cache.read_articles(desk).get(fields["article"])
    if article is None:
        said = "Choose the article that answers it."
        return [fault_places.show_here("article", "Article that answers it", said)]
    id = fields["id"]
    if not articles.ID.match(id) or id == articles.MADE_BY_US:
        said = "Give it a short name of small letters, digits and _, as side_effects."
        return [fault_places.show_here("name", NAME, said)]
    if f"{article.id}.{id}" in (question.name for question in article.questions):
        said = f"{article.id} has a question {id} already: give this one another name."
        return [fault_places.show_here("name", NAME, said)]
    return []


def _preview(desk: State, fields: Fields) -> Look | None:
    """What the chat would make of a draft in its article; None where none is chosen."""
    if fields["article"] not in content_cache.read_articles(desk):
        return None
    misplaced = _find_place_faults(desk, fields)
    opened = content_cache.open_article(desk, fields["article"])
    name = UNNAMED if misplaced else fields["id"]
    look = question_preview.preview_question(desk, opened, name, fields)
    return {**look, "faults": [*misplaced, *look["faults"]]}


def _render(
    request: Request, desk: State, draft: OpenedDraft, faults: Sequence[ShownFault] = ()
) -> Response:
    fields = draft.fields
    shown = QuestionView(
        at=f"/editor/drafts/{draft.id}",
        above=[("/editor/drafts", "Drafts of questions")],
        title=draft.title,
        tag="draft",
        fields=fields,
        look=_preview(desk, fields),
        place=Place(content_cache.read_articles(desk), fields["article"], fields["id"]),
        status=422 if faults else 200,
        faults=faults,
        lead="It is saved as a draft, but can’t be put into its article yet:",
    )
    return question_view.render_question(request, desk, shown)
