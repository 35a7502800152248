"""Drafts of whole articles: made of what stands elsewhere, and made an article or removed."""

import datetime
import itertools
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import articles, phrases
from bot.content.phrases import Phrases
from bot.domain.faults import Fault
from bot.editor.articles import (
    article_pages,
    draft_phrases,
    draft_proposals,
    draft_terms,
    question_preview,
)
from bot.editor.articles.article_form import ArticleForm, SentArticle
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.importing import imports
from bot.editor.importing.blocks import Refused
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import content_files, pages, session, vectors
from bot.editor.shared.state import DeskState, State
from bot.language import encoder
from bot.store.accounts import Member

router = APIRouter()
Tried = Annotated[str, Query(max_length=2_000)]
LONGEST_SHOWN = 100_000  # characters of a refused text that stand in the form again
# No article may be named so: it would have no page. What else follows an article in an address has
# a hyphen, and a question's name has none.
PAGES = ("new", "drafts")


class ImportForm(BaseModel):
    """What a draft is to be made of: a file or a pasted text, and the address that it comes
    from."""

    model_config = ConfigDict(frozen=True)
    file: UploadFile | None = None
    text: Annotated[str, StringConstraints(max_length=imports.LARGEST_PAGE)] = ""
    url: Annotated[str, StringConstraints(max_length=2_000)] = ""


@router.get("/articles/new")
def show_new(request: Request) -> Response:
    """The form for what a draft is to be made of."""
    return pages.render_page(request, "article_new.html", fault=None, url="", text="")


@router.post("/articles/new")
def make_new(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    form: Annotated[ImportForm, Form()],
) -> Response:
    """A draft from a saved page, a Word file, a list of questions and answers, or a pasted text."""
    try:
        made = _import_draft(desk, person, form)
    except Refused as refused:
        return pages.render_page(
            request,
            "article_new.html",
            422,
            fault=str(refused),
            url=form.url,
            text=form.text if len(form.text) < LONGEST_SHOWN else "",
        )
    id = _save_new(desk, made, person)
    if made.phrases:
        own = {question: Phrases(tuple(listed)) for question, listed in made.phrases.items()}
        content_files.save_file(
            desk.config,
            draft_phrases.path_of(desk.config, id),
            draft_phrases.write_phrases(id, own),
            person,
            f"Begin phrases of the draft {id}",
        )
    content_files.save_file(
        desk.config,
        content_files.notes_path(desk.config, id),
        "\n".join(" ".join(note.split()) for note in made.notes),
        person,
        f"Say what the draft {id} lacks",
    )
    session.record_action(request, "drafted an article", id)
    return pages.redirect_to(
        request,
        f"/editor/articles/drafts/{id}",
        "The draft is made. What you must see to stands below.",
    )


@router.post("/articles/drafts/{draft}")
def save_draft(page: PageToEdit, form: SentArticle) -> Response:
    """Save a draft's particulars, sources, facets and phrases, and its term's names."""
    return _save_sent(page, form)


@router.post("/articles/drafts/{draft}/make-article")
def finish_draft(page: PageToEdit, form: SentArticle) -> Response:
    """Save what was sent of a draft, and make an article of it, with its evidence and phrases,
    where it has no fault."""
    if form.base and (saved := _save_sent(page, form)).status_code != 303:
        return saved
    opened, config, id = page.open_article(), page.desk.config, page.id
    path = content_files.article_path(config, id)
    faults = question_preview.draft_faults(page.desk, opened)
    if path.is_file():
        faults = [Fault.from_sentence(f"There is an article {id} already.")]
    if faults:
        return article_pages.render_article(page, 422, faults)
    why = f"Add the article {id}"
    beside = [
        (content_files.ledger_path(config, id), opened.ledger_text, "its evidence"),
        (
            phrases.path_of(config.path("data"), id),
            content_files.read_file(draft_phrases.path_of(config, id)),
            "its phrases",
        ),
    ]
    for place, text, what in beside:
        if text:
            content_files.save_file(config, place, text, page.person, f"{why}: {what}")
    content_files.save_file(config, path, opened.text, page.person, why)
    _remove_files(page, f"The draft {id} is an article now")
    session.record_action(page.request, "added an article", id)
    return pages.redirect_to(
        page.request,
        f"/editor/articles/{id}",
        "It is an article now. Visitors get it once it is published.",
    )


@router.get("/articles/drafts/{draft}/tried-message")
def try_message(page: PageToRead, text: Tried = "") -> Response:
    """A part of the draft's page: which of its questions is nearest to a message, and its lead."""
    opened, asked, nearest, fault = page.open_article(), " ".join(text.split()), None, ""
    proposals = draft_proposals.propose_questions(page.desk, opened)
    try:
        vector = vectors.encode_text(page.desk, articles.normalise_phrase(asked))
        nearest = draft_proposals.find_nearest(page.desk, proposals, [vector])
    except encoder.EncoderMissing as missing:
        fault = str(missing)
    leads = {each.name.partition(".")[2]: each.lead for each in opened.article.questions}
    return pages.render_page(
        page.request,
        "draft_tried.html",
        at=page.at,
        text=asked,
        nearest=nearest,
        leads=leads,
        fault=fault,
    )


@router.post("/articles/drafts/{draft}/remove-draft")
def remove_draft(page: PageToEdit) -> Response:
    """Remove a draft; its history stays."""
    page.read_text()  # raises NoFile where there is none
    _remove_files(page, f"Drop the draft {page.id}")
    session.record_action(page.request, "removed a draft", page.id)
    return pages.redirect_to(
        page.request, "/editor/articles", "The draft is gone; its history stays."
    )


def _save_sent(page: ArticlePage, form: ArticleForm) -> Response:
    """Save what was sent of a draft; the page that comes next, or that says what forbids it."""
    fields = form.change_fields(page.open_article().fields)
    taught = {id: said for id, said in form.phrases.items() if id in fields["questions"]}
    term, group = fields["about"], form.term_group
    try:
        draft_phrases.save_phrases(page.desk.config, page.id, taught, page.person)
        if term and group:
            draft_terms.save_names(page.desk, page.person, group, term, form.other_names)
    except articles.ContentError as refused:
        return article_pages.render_again(page, fields, form.base, refused)
    return article_pages.save_article(page, form)


def _import_draft(desk: State, person: Member, form: ImportForm) -> Draft:
    """The draft of what an editor sent; raises Refused."""
    file = form.file if form.file and form.file.filename else None
    original = imports.Original(
        file.file.read() if file else b"", (file and file.filename) or "", form.text, form.url
    )
    today = datetime.datetime.now(datetime.UTC).date()
    return imports.make_draft(desk.config.path("data"), person.name, today, original)


def _save_new(desk: State, made: Draft, person: Member) -> str:
    """Save a new draft under the first id that is free, which is given."""
    base = made.id or "article"
    free = (
        id
        for id in itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2)))
        if id not in PAGES and not content_files.article_path(desk.config, id).exists()
    )
    return next(
        id
        for id in free
        if content_files.create_file(
            desk.config,
            content_files.draft_path(desk.config, id),
            made.text,
            person,
            f"Draft the article {id}",
        )
    )


def _remove_files(page: ArticlePage, why: str) -> None:
    """Take a draft away, with its evidence and what was to be seen to in it."""
    config = page.desk.config
    paths = [
        content_files.draft_path(config, page.id),
        content_files.ledger_path(config, page.id, True),
        draft_phrases.path_of(config, page.id),
        content_files.notes_path(config, page.id),
    ]
    content_files.remove_files(config, paths, page.person, why)
