"""Drafts of whole articles: made of what stands elsewhere, and made an article or removed."""

import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import articles, phrases
from bot.domain.faults import Fault
from bot.domain.web_addresses import say_address_fault
from bot.editor.articles import (
    article_pages,
    draft_proposals,
    draft_terms,
    new_drafts,
    question_preview,
)
from bot.editor.articles.article_form import ArticleForm, SentArticle
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.importing import imports
from bot.editor.importing.blocks import Refused
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import (
    content_files,
    fault_places,
    pages,
    phrases_document,
    session,
    vectors,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.language import encoder
from bot.store.accounts import Member

router = APIRouter()
LONGEST_SHOWN = 100_000  # characters of a refused text that stand in the form again
Text = Annotated[str, Query(max_length=2_000)]


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
    return pages.render_page(request, "article_new.html", faults=[], url="", text="")


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
            faults=[_show_refusal(form, str(refused))],
            url=form.url,
            text=form.text if len(form.text) < LONGEST_SHOWN else "",
        )
    id = new_drafts.save_draft(desk.config, made, person)
    session.record_action(request, "drafted an article", id)
    return pages.redirect_to(
        request,
        f"/editor/articles/drafts/{id}",
        "The draft is made. What you must see to stands below.",
    )


@router.post("/articles/drafts/{draft}")
def save_draft(page: PageToEdit, form: SentArticle) -> Response:
    """Save a draft's particulars, sources, sides and phrases, and names of its term, together."""
    try:
        beside = _edit_beside(page, form)
    except (articles.ContentError, content_files.Conflict) as refusal:
        return article_pages.render_again(page, form, refusal)
    return article_pages.save_fields(page, form, beside)


@router.post("/articles/drafts/{draft}/make-article")
def finish_draft(page: PageToEdit, form: SentArticle) -> Response:
    """Save what was sent of a draft, and make an article of it, with its phrases and evidence,
    where it has no fault."""
    if form.base and (saved := save_draft(page, form)).status_code != 303:
        return saved
    opened, config, id = page.open_article(), page.desk.config, page.id
    path = content_files.article_path(config, id)
    faults = question_preview.draft_faults(page.desk, opened)
    if path.is_file():
        faults = [Fault.from_sentence(f"There is an article {id} already.")]
    if faults:
        return article_pages.render_article(page, 422, faults, saved=bool(form.base))
    own = "" if phrases.is_empty(opened.phrases_text) else opened.phrases_text
    files = {
        path: opened.text,
        content_files.phrases_path(config, id): own,
        content_files.ledger_path(config, id): opened.ledger_text,
    }
    edits = [content_files.Edit(path, text) for path, text in files.items() if text]
    content_files.save_files(config, edits, page.person, f"Add the article {id}")
    _remove_files(page, f"The draft {id} is an article now")
    session.record_action(page.request, "added an article", id)
    return pages.redirect_to(
        page.request,
        f"/editor/articles/{id}",
        "It is an article now. Visitors get it once it is published.",
    )


@router.get("/articles/drafts/{draft}/tried-message")
def try_message(page: PageToRead, text: Text = "") -> Response:
    """A part of the draft's page: which of its questions is nearest to a message, and its lead."""
    opened, asked, nearest, fault = page.open_article(), " ".join(text.split()), None, ""
    proposals = draft_proposals.propose_questions(page.desk, opened)
    try:
        vector = vectors.encode_text(page.desk, articles.normalise_phrase(asked))
        nearest = draft_proposals.find_nearest(page.desk, proposals, [vector])
    except encoder.EncoderMissing as missing:
        fault = str(missing)
    return pages.render_page(
        page.request,
        "draft_tried.html",
        at=page.at,
        text=asked,
        nearest=nearest,
        leads={each.name.partition(".")[2]: each.lead for each in opened.article.questions},
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


def _show_refusal(form: ImportForm, said: str) -> ShownFault:
    """What forbids a draft, at the field of what was sent."""
    if form.url and say_address_fault(form.url):
        return fault_places.show_here("url", "Where it comes from", said)
    if form.file and form.file.filename:
        return fault_places.show_here("file", "A saved web page, a Word or Markdown file", said)
    return fault_places.show_here("text", "Or paste the page’s text here", said)


def _import_draft(desk: State, person: Member, form: ImportForm) -> Draft:
    """The draft of what an editor sent; raises Refused."""
    if form.url and (wrong := say_address_fault(form.url)):
        raise Refused(f"{wrong[:1].upper()}{wrong[1:]}; or leave it empty.")
    file = form.file if form.file and form.file.filename else None
    original = imports.Original(
        file.file.read() if file else b"", (file and file.filename) or "", form.text, form.url
    )
    today = datetime.datetime.now(datetime.UTC).date()
    return imports.make_draft(desk.config.path("data"), person.name, today, original)


def _edit_beside(page: ArticlePage, form: ArticleForm) -> list[content_files.Edit]:
    """The edits of the files beside a draft that were sent with it: of its phrases and of the terms
    list. Raises articles.ContentError, content_files.Conflict."""
    opened = page.open_article()
    fields = form.change_fields(opened.fields)
    taught = form.teach(opened.phrases)
    edits = []
    if taught:
        before = content_files.read_opened(page.desk.config, page.phrases_path, form.phrases_base)
        if before is None:
            raise content_files.Conflict(None, opened.phrases_text)
        text = before
        lists = phrases_document.read_phrases(before, page.phrases_path.name)
        for id in filter(fields["questions"].get, taught):
            own = {**lists.get(id, {}), "train": taught[id]}
            text = phrases_document.write_phrases(text, page.id, id, own)
        edits.append(content_files.Edit(page.phrases_path, text, before))
    if form.term_group and fields["about"]:
        names = draft_terms.NewNames(form.term_group, fields["about"], form.other_names)
        edits.append(draft_terms.edit_terms(page.desk, names))
    return [edit for edit in edits if edit.text != edit.base]


def _remove_files(page: ArticlePage, why: str) -> None:
    """Take a draft away, with its phrases, its evidence and what was to be seen to in it."""
    config = page.desk.config
    paths = [
        content_files.draft_path(config, page.id),
        content_files.phrases_path(config, page.id, draft=True),
        content_files.ledger_path(config, page.id, draft=True),
        content_files.notes_path(config, page.id),
    ]
    content_files.remove_files(config, paths, page.person, why)
