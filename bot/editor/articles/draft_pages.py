"""Drafts of questions: written in peace, put into their article once nothing is missing."""

from collections.abc import Sequence
from typing import Annotated, cast

from fastapi import APIRouter, Form, Request, Response

from bot.content import articles
from bot.editor.shared import article_document, content_cache, content_files, pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import drafts
from bot.store.accounts import Member

router = APIRouter()
Field = Annotated[str, Form(max_length=500)]
Text = Annotated[str, Form(max_length=30_000)]


class Fields(article_document.QuestionFields):
    """A question as fields of a form, with the article that it belongs into and its name there."""

    article: str
    id: str


@router.get("/drafts")
def show_drafts(request: Request, desk: DeskState) -> Response:
    return pages.render_page(request, "drafts.html", drafts=drafts.list_drafts(desk.engine))


@router.get("/drafts/{id}")
def show_draft(request: Request, desk: DeskState, id: pages.Number) -> Response:
    title, fields = drafts.read_draft(desk.engine, id)
    return _page(request, desk, id, title, cast(Fields, fields))


@router.post("/drafts/{id}")
def save_draft(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: pages.Number,
    article: Field = "",
    name: Field = "",
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Text = "",
    train: Text = "",
    test: Text = "",
    then: Field = "",
) -> Response:
    """Save a draft; `then` "put" puts it into its article as well, or says what is still
    missing."""
    fields: Fields = {
        "article": article,
        "id": name.strip(),
        "ask": " ".join(ask.split()),
        "facet": " ".join(facet.split()),
        "about": " ".join(about.split()),
        "heading": " ".join(heading.split()),
        "text": content_files.tidy_text(text).strip("\n"),
        "train": _lines(train),
        "test": _lines(test),
    }
    title = fields["ask"] or "A new question"
    drafts.change_draft(desk.engine, id, article or None, title, {**fields}, person.name)
    if then != "put":
        return pages.redirect_to(request, f"/editor/drafts/{id}", "The draft is saved.")
    faults = put_into_article(desk, person, fields)
    if faults:
        return _page(request, desk, id, title, fields, 422, faults)
    drafts.remove_draft(desk.engine, id)
    session.record_action(request, "added a question", f"{article}.{fields['id']}")
    return pages.redirect_to(
        request,
        "/editor/drafts",
        f"“{title}” stands in its article now. Visitors get it with the next release.",
    )


@router.post("/drafts/{id}/removal")
def remove_draft(request: Request, desk: DeskState, id: pages.Number) -> Response:
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


def _page(
    request: Request,
    desk: State,
    id: int,
    title: str,
    fields: Fields,
    status: int = 200,
    faults: Sequence[str] = (),
) -> Response:
    known = content_cache.read_articles(desk)
    facets = sorted(
        {
            facet
            for article in known.values()
            for question in article.questions
            for facet in question.facets
        }
    )
    return pages.render_page(
        request,
        "draft.html",
        status,
        id=id,
        title=title,
        fields=fields,
        faults=faults,
        articles=known,
        facets=facets,
        least={"train": articles.MIN_TRAIN, "test": articles.MIN_TEST},
    )


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
