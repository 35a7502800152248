"""Drafts of whole articles: made of what stands elsewhere, and made an article or removed."""

import datetime
import itertools
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import phrases
from bot.domain.faults import Fault
from bot.editor.articles import article_pages, question_preview
from bot.editor.articles.page_subject import ArticlePage, PageToEdit
from bot.editor.importing import imports
from bot.editor.importing.blocks import Refused
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import content_files, pages, phrases_document, session
from bot.editor.shared.state import DeskState, State
from bot.store.accounts import Member

router = APIRouter()
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
    session.record_action(request, "drafted an article", id)
    return pages.redirect_to(
        request,
        f"/editor/articles/drafts/{id}",
        "The draft is made. What you must see to stands below.",
    )


@router.post("/articles/drafts/{draft}/make-article")
def finish_draft(page: PageToEdit) -> Response:
    """Make an article of a draft that has no fault, with its evidence."""
    opened, config, id = page.open_article(), page.desk.config, page.id
    path = content_files.article_path(config, id)
    faults = question_preview.draft_faults(page.desk, opened)
    if path.is_file():
        faults = [Fault.from_sentence(f"There is an article {id} already.")]
    if faults:
        return article_pages.render_article(page, 422, faults)
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


@router.post("/articles/drafts/{draft}/remove-draft")
def remove_draft(page: PageToEdit) -> Response:
    """Remove a draft; its history stays."""
    page.read_text()  # raises NoFile where there is none
    _remove_files(page, f"Drop the draft {page.id}")
    session.record_action(page.request, "removed a draft", page.id)
    return pages.redirect_to(
        page.request, "/editor/articles", "The draft is gone; its history stays."
    )


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
        if content_files.create_files(
            desk.config, _list_new(desk, id, made), person, f"Draft the article {id}"
        )
    )


def _list_new(desk: State, id: str, made: Draft) -> dict[Path, str]:
    """The files of a new draft: its text, what its editor must see to, and perhaps its phrases."""
    notes, own = "\n".join(" ".join(note.split()) for note in made.notes), ""
    for question, asked in made.phrases.items():
        own = phrases_document.write_phrases(own, id, question, {"train": asked})
    files = {
        content_files.draft_path(desk.config, id): made.text,
        content_files.notes_path(desk.config, id): notes,
        content_files.phrases_path(desk.config, id, draft=True): own,
    }
    return {path: text for path, text in files.items() if text}


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
