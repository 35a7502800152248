"""A question of an article or draft: its text and phrases beside what the chat makes of them."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from bot.content import articles
from bot.editor.articles import article_changes, question_preview
from bot.editor.articles.article_changes import Change, FilledForm
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.articles.question_form import QuestionForm
from bot.editor.shared import article_document, content_cache, content_files, pages
from bot.editor.shared.article_document import QuestionFields

router = APIRouter()
EMPTY: QuestionFields = {
    "ask": "",
    "about": "",
    "facet": "",
    "train": [],
    "test": [],
    "heading": "",
    "text": "",
}


@router.get("/articles/drafts/{draft}/{question}")
@router.get("/articles/{article}/{question}")
def show_question(page: PageToRead) -> Response:
    """A question's form; an empty one where the article has no question of this id yet."""
    _check_id(page.question)
    opened = page.open_article()
    fields = opened.fields["questions"].get(page.question, EMPTY)
    base = content_files.keep_opened(page.desk.config, opened.text)
    return _render_question(page, FilledForm(fields, base), is_new=fields is EMPTY)


@router.post("/articles/drafts/{draft}/{question}/look-at")
@router.post("/articles/{article}/{question}/look-at")
def look_at(page: PageToRead, form: Annotated[QuestionForm, Form()]) -> Response:
    """What the chat would make of a question as it is being written, and its faults; nothing is
    saved."""
    look = question_preview.preview_question(
        page.desk, page.open_article(), page.question, form.to_fields()
    )
    return pages.render_page(
        page.request,
        "question_look.html",
        look=look,
        question=page.question,
        id=page.id,
        at=page.at,
    )


@router.post("/articles/drafts/{draft}/{question}")
@router.post("/articles/{article}/{question}")
def save_question(page: PageToEdit, form: Annotated[QuestionForm, Form()]) -> Response:
    """Save a question, or take it out, as the pressed button says."""
    _check_id(page.question)
    now, fields = page.read_text(), form.to_fields()
    before = content_files.read_opened(page.desk.config, page.path, form.base)
    if before is None:
        refusal = content_files.Conflict(None, now)
        return _render_question(page, article_changes.refill_form(page, fields, form.base, refusal))
    is_removed = form.then == "remove"
    change = Change(
        _write_question(page, before, None if is_removed else fields),
        before,
        f"{page.id}.{page.question}: {'taken out' if is_removed else 'changed'}",
        page.at if is_removed else f"{page.at}/{page.question}",
    )
    try:
        return article_changes.save_change(page, change)
    except (articles.ContentError, content_files.Conflict) as refused:
        return _render_question(page, article_changes.refill_form(page, fields, form.base, refused))


def _check_id(question: str) -> None:
    """Raises HTTPException for what can't name a question that editors write."""
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)


def _render_question(
    page: ArticlePage, form: FilledForm[QuestionFields], is_new: bool = False
) -> Response:
    known = content_cache.read_questions(page.desk).values()
    return pages.render_page(
        page.request,
        "question.html",
        form.status,
        id=page.id,
        question=page.question,
        draft=page.is_draft,
        fields=form.fields,
        base=form.base,
        faults=form.faults,
        conflict=_compare_theirs(page, form.conflict, form.fields) if form.conflict else None,
        new=is_new,
        facets=sorted({facet for other in known for facet in other.facets}),
        at=page.at,
        look=question_preview.preview_question(
            page.desk, page.open_article(), page.question, form.fields
        ),
        least=(articles.MIN_TRAIN, articles.MIN_TEST),
    )


def _write_question(page: ArticlePage, before: str, fields: QuestionFields | None) -> str:
    """An article's text with these fields of the question; without the question, where None."""
    manuscript = article_document.read_document(before, page.path.name)
    if fields is None:
        manuscript["questions"].pop(page.question, None)
    else:
        manuscript["questions"][page.question] = fields
    return article_document.write_document(before, manuscript)


def _compare_theirs(
    page: ArticlePage, conflict: content_files.Conflict, fields: QuestionFields
) -> list[list[content_files.Row]]:
    """The groups of a difference from what another editor made of the question to one's own."""
    article = article_document.read_document(conflict.theirs, page.path.name)
    theirs = article["questions"].get(page.question, EMPTY)
    before, after = (
        "\n".join([each["ask"], each["heading"], each["text"], *each["train"], *each["test"]])
        for each in (theirs, fields)
    )
    return content_files.text_difference(before, after)
