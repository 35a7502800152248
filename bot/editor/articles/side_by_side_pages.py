"""A whole article's statements beside what their sources say, for who signs it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import articles, evidence, phrases
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.shared import article_document, content_cache, content_files, pages, session
from bot.editor.shared.article_document import ArticleFields

router = APIRouter()
SIGNED: tuple[Literal["reviewed_by", "reviewed_on"], ...] = ("reviewed_by", "reviewed_on")
CHANGED = Fault.from_sentence(
    "Its text or evidence was changed while you read, and nothing was saved. Below stands what it "
    "says now."
)
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class ReviewForm(BaseModel):
    """Who reviewed an article, and when; `seen` names what stood on the page."""

    model_config = ConfigDict(frozen=True)
    seen: Line = ""
    reviewed_by: Line = ""
    reviewed_on: Line = ""


@router.get("/articles/drafts/{draft}/side-by-side")
@router.get("/articles/{article}/side-by-side")
def show_side_by_side(page: PageToRead) -> Response:
    """Every sentence of an article beside what its sources say, and where it is signed."""
    return _render(page)


@router.post("/articles/drafts/{draft}/side-by-side")
@router.post("/articles/{article}/side-by-side")
def sign_article(page: PageToEdit, form: Annotated[ReviewForm, Form()]) -> Response:
    """Write down who reviewed an article, and when."""
    opened = page.open_article()
    if form.seen != _name_seen(opened):
        return _render(page, 409, [CHANGED], form)
    fields: ArticleFields = {
        **opened.fields,
        "reviewed_by": form.reviewed_by,
        "reviewed_on": form.reviewed_on,
    }
    try:
        content_files.save_file(
            page.desk.config,
            opened.path,
            article_document.write_document(opened.text, fields),
            page.person,
            f"{page.id}: review",
            check=lambda new: _signing_faults(page, opened, new),
        )
    except articles.ContentError as error:
        return _render(page, 422, error.faults, form)
    session.record_action(page.request, "wrote down a review", page.id, form.reviewed_by)
    return pages.redirect_to(page.request, f"{opened.at}/side-by-side", "Saved.")


def _signing_faults(page: ArticlePage, opened: content_cache.Opened, new: str) -> list[Fault]:
    """What forbids to sign an article as it was opened, which makes it `new`."""
    now = content_files.read_file(opened.path), content_files.read_file(opened.ledger_path)
    if now != (opened.text, opened.ledger_text):
        return [CHANGED]
    if page.is_draft:
        return []
    read = phrases.read_file(opened.phrases_path)
    return question_preview.article_faults(page.desk, opened.path, new, read)


def _render(
    page: ArticlePage,
    status: int = 200,
    faults: Sequence[Fault] = (),
    form: ReviewForm | None = None,
) -> Response:
    opened = page.open_article()
    article, ledger = opened.article, opened.ledger
    return pages.render_page(
        page.request,
        "side_by_side.html",
        status,
        opened=opened,
        article=article,
        draft=page.is_draft,
        parts=[
            (
                question,
                [
                    question_preview.evidence_of(
                        page.desk, ledger, evidence.of_paragraph(block, ledger), article.sources
                    )
                    for block in evidence.answer_paragraphs(question)
                ],
            )
            for question in article.questions
        ],
        figures=evidence.summarise_evidence(article, ledger),
        doubtful=evidence.doubtful_sources(article, ledger),
        signed=form or {key: opened.fields[key] for key in SIGNED},
        seen=_name_seen(opened),
        faults=[*faults, *opened.faults],
    )


def _name_seen(opened: content_cache.Opened) -> str:
    """What names the words of an article and of its ledger, as one."""
    return content_files.text_revision(opened.text + opened.ledger_text)
