"""Drafts of questions: written in peace, put into their article once nothing is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Form, Request, Response
from pydantic import StringConstraints

from bot.content import articles
from bot.editor.articles.question_form import QuestionForm
from bot.editor.shared import (
    article_document,
    content_cache,
    content_files,
    form_texts,
    pages,
    session,
)
from bot.editor.shared.state import DeskState, State
from bot.store import drafts
from bot.store.accounts import Member

router = APIRouter()
Line = Annotated[str, StringConstraints(max_length=500)]
Lines = Annotated[str, StringConstraints(max_length=30_000), form_texts.NEWLINES]


class Fields(article_document.QuestionFields):
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
    """What an editor sent of a draft: its question, within the limits of a draft, the `article`
    that it belongs into, and its `name` there."""

    article: Line = ""
    name: Line = ""
    then: Line = ""
    ask: Line = ""
    facet: Line = ""
    about: Line = ""
    heading: Line = ""
    text: Lines = ""
    train: Lines = ""
    test: Lines = ""

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
        "/editor/drafts",
        f"“{title}” stands in its article now. Visitors get it with the next release.",
    )


@router.post("/drafts/{id}/removal")
def remove_draft(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """Remove a draft for good."""
    drafts.remove_draft(desk.engine, id)
    session.record_action(request, "removed a draft", str(id))
    return pages.redirect_to(request, "/editor/drafts", "The draft is gone.")


def put_into_article(desk: State, person: Member, fields: Fields) -> list[str]:
    """Write a draft's question into its article; the faults that forbid it, as sentences for its
    form."""
    article, id = fields["article"], fields["id"]
    if article not in content_cache.read_articles(desk):
        return ["Choose the article that answers it."]
    if not articles.ID.match(id):
        return ["Give it a short name of small letters, digits and _, as side_effects."]
    path = content_files.article_path(desk.config, article)
    base = content_files.read_file(path)
    manuscript = article_document.read_document(base, path)
    if id in manuscript["questions"]:
        return [f"{article} has a question {id} already: give this one another name."]
    places = {
        articles.normalise_phrase(phrase): name
        for name, question in content_cache.read_questions(desk).items()
        for phrase in (*question.train, *question.test)
    }
    faults = [
        f"“{phrase}” is a phrase of {places[articles.normalise_phrase(phrase)]} already."
        for part in article_document.PHRASES
        for phrase in fields[part]
        if articles.normalise_phrase(phrase) in places
    ]
    manuscript["questions"][id] = {
        "ask": fields["ask"],
        "facet": fields["facet"],
        "about": fields["about"],
        "heading": fields["heading"],
        "text": fields["text"],
        "train": fields["train"],
        "test": fields["test"],
    }
    written = article_document.write_document(base, manuscript)
    faults += [fault.text for fault in articles.read_article(written, path)[1]]
    if not faults:
        content_files.save_file(
            desk.config,
            path,
            written,
            person,
            f"Add the question {article}.{id}",
            base=base,
            check=lambda text: articles.read_article(text, path)[1],
        )
    return faults


def _render(
    request: Request, desk: State, draft: OpenedDraft, faults: Sequence[str] = ()
) -> Response:
    facets = {
        facet
        for question in content_cache.read_questions(desk).values()
        for facet in question.facets
    }
    return pages.render_page(
        request,
        "draft.html",
        422 if faults else 200,
        id=draft.id,
        title=draft.title,
        fields=draft.fields,
        faults=faults,
        articles=content_cache.read_articles(desk),
        facets=sorted(facets),
        least={"train": articles.MIN_TRAIN, "test": articles.MIN_TEST},
    )
