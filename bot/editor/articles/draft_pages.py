"""Drafts of questions: written in peace, put into their article once nothing is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Form, Request, Response
from pydantic import StringConstraints

from bot.content import articles, phrases
from bot.content.articles import Article
from bot.editor.articles import question_phrases, question_preview
from bot.editor.articles.question_form import QuestionForm, QuestionWithPhrases
from bot.editor.shared import (
    article_document,
    content_cache,
    content_files,
    fault_places,
    form_texts,
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
Line = Annotated[str, StringConstraints(max_length=500)]
Lines = Annotated[str, StringConstraints(max_length=30_000), form_texts.NEWLINES]


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


def put_into_article(desk: State, person: Member, fields: Fields) -> list[ShownFault]:
    """Write a draft's question into its article; the faults that forbid it, for its form."""
    article, id = fields["article"], fields["id"]
    if article not in content_cache.read_articles(desk):
        said = "Choose the article that answers it."
        return [fault_places.show_here("article", "Article that answers it", said)]
    if not articles.ID.match(id):
        said = "Give it a short name of small letters, digits and _, as side_effects."
        return [fault_places.show_here("name", NAME, said)]
    path = content_files.article_path(desk.config, article)
    own = content_files.phrases_path(desk.config, article)
    base, phrases_base = content_files.read_file(path), content_files.read_file(own)
    manuscript = article_document.read_document(base, path)
    if id in manuscript["questions"]:
        said = f"{article} has a question {id} already: give this one another name."
        return [fault_places.show_here("name", NAME, said)]
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


def _render(
    request: Request, desk: State, draft: OpenedDraft, faults: Sequence[ShownFault] = ()
) -> Response:
    facets = {
        facet
        for question in content_cache.read_questions(desk).values()
        for facet in question.facets
    }
    known = content_cache.read_articles(desk)
    return pages.render_page(
        request,
        "draft.html",
        422 if faults else 200,
        id=draft.id,
        title=draft.title,
        fields=draft.fields,
        faults=faults,
        articles=known,
        facets=sorted(facets),
        wanted=_say_wanted(desk, draft.fields, known.get(draft.fields["article"])),
    )


def _say_wanted(
    desk: State, fields: Fields, article: Article | None
) -> question_phrases.Wanted | None:
    """What phrases a draft wants; None where it isn't known yet."""
    if article is None or not fields["facet"]:
        return None
    question = article_document.make_question(article.id, fields["id"], fields, article.about)
    return question_phrases.say_wanted(desk, question, article.about)
