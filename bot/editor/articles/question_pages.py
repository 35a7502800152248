"""A question of an article or draft: its text and phrases beside what the chat makes of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Response

from bot.content import articles
from bot.editor.articles import article_changes, question_preview, question_view
from bot.editor.articles.article_changes import Change, FilledForm
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.articles.question_form import QuestionForm, QuestionWithPhrases
from bot.editor.articles.question_view import QuestionView
from bot.editor.shared import (
    article_document,
    content_files,
    differences,
    fault_places,
    phrases_document,
)

router = APIRouter()
EMPTY: QuestionWithPhrases = {
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
    fields = _find_fields(page.question, opened.fields, opened.phrases)
    return _render_question(page, FilledForm(fields or EMPTY, _keep_opened(page)))


@router.post("/articles/drafts/{draft}/{question}/look-at")
@router.post("/articles/{article}/{question}/look-at")
def look_at(page: PageToRead, form: Annotated[QuestionForm, Form()]) -> Response:
    """What the chat would make of a question as it is being written, and its faults; nothing is
    saved."""
    opened = page.open_article()
    look = question_preview.preview_question(page.desk, opened, page.question, form.to_fields())
    evidence = _evidence_address(page) if page.question in opened.fields["questions"] else ""
    return question_view.render_look(page.request, f"{page.at}/{page.question}", look, evidence)


@router.post("/articles/drafts/{draft}/{question}")
@router.post("/articles/{article}/{question}")
def save_question(page: PageToEdit, form: Annotated[QuestionForm, Form()]) -> Response:
    """Save a question, or take it out, as the pressed button says."""
    _check_id(page.question)
    fields, now = form.to_fields(), _keep_opened(page)
    before = _read_opened(page, form.base)
    if before is None:
        refusal = content_files.Conflict(None, "")
        return _render_question(page, article_changes.refill_form(fields, form.base, now, refusal))
    is_removed = form.then == "remove"
    try:
        edits = _write_question(page, before, None if is_removed else fields)
        change = Change(
            edits,
            f"{page.id}.{page.question}: {'taken out' if is_removed else 'changed'}",
            page.at if is_removed else f"{page.at}/{page.question}",
            _name_action(edits, is_removed),
        )
        return article_changes.save_change(page, change)
    except (articles.ContentError, content_files.Conflict) as refused:
        return _render_question(page, article_changes.refill_form(fields, form.base, now, refused))


def _keep_opened(page: ArticlePage) -> str:
    """What names the texts of an article and of its phrases, which are kept."""
    texts = (page.read_text(), content_files.read_file(page.phrases_path))
    return " ".join(content_files.keep_opened(page.desk.config, text) for text in texts)


def _read_opened(page: ArticlePage, base: str) -> tuple[str, str] | None:
    """The texts that `base` names; None where one is nowhere any more."""
    article, _, own = base.partition(" ")
    config = page.desk.config
    found = content_files.read_opened(config, page.path, article)
    phrases = content_files.read_opened(config, page.phrases_path, own)
    return None if found is None or phrases is None else (found, phrases)


def _find_fields(
    question: str,
    article: article_document.ArticleFields,
    phrases: Mapping[str, phrases_document.Lists],
) -> QuestionWithPhrases | None:
    """A question of an article as fields of a form; None where there is none."""
    fields, own = article["questions"].get(question), phrases.get(question, {})
    if fields is None:
        return None
    return {**fields, "train": own.get("train", []), "test": own.get("test", [])}


def _check_id(question: str) -> None:
    """Raises HTTPException for what can't name a question that editors write."""
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)


def _render_question(page: ArticlePage, form: FilledForm[QuestionWithPhrases]) -> Response:
    at, name, opened = f"{page.at}/{page.question}", page.id.replace("_", " "), page.open_article()
    is_new = page.question not in opened.fields["questions"]
    look = question_preview.preview_question(page.desk, opened, page.question, form.fields)
    shown = QuestionView(
        at=at,
        above=[("/editor/articles", "Articles"), (page.at, name)],
        title=form.fields["ask"] or page.question.replace("_", " "),
        tag="new" if is_new else "",
        fields=form.fields,
        look=look,
        evidence="" if is_new else _evidence_address(page),
        base=form.base,
        status=form.status,
        faults=fault_places.place_faults(form.faults, at),
        conflict=_compare_theirs(page, form.fields) if form.conflict else None,
    )
    return question_view.render_question(page.request, page.desk, shown)


def _evidence_address(page: ArticlePage) -> str:
    return f"{page.at}/{page.question}/its-evidence"


def _write_question(
    page: ArticlePage, before: tuple[str, str], fields: QuestionWithPhrases | None
) -> list[content_files.Edit]:
    """The edits that give an article and its phrases these fields of the question; that take it
    out, where None. Raises articles.ContentError for a text that is more than one section."""
    article, own = before
    manuscript = article_document.read_document(article, page.path.name)
    lists: phrases_document.Lists = {}
    if fields is None:
        manuscript["questions"].pop(page.question, None)
    else:
        if wrong := question_preview.heading_faults(page.path, page.question, fields["text"]):
            raise articles.ContentError(wrong)
        manuscript["questions"][page.question] = fields
        lists = {"train": fields["train"], "test": fields["test"]}
    text = article_document.write_document(article, manuscript)
    phrases = phrases_document.write_phrases(own, page.id, page.question, lists)
    edits = [content_files.Edit(page.path, text, article)]
    return edits + ([content_files.Edit(page.phrases_path, phrases, own)] if phrases != own else [])


def _name_action(edits: Sequence[content_files.Edit], is_removed: bool) -> str:
    """What the log says of the edits of an article and of its phrases."""
    if is_removed:
        return "took a question out"
    return "changed an answer" if edits[0].text != edits[0].base else "changed phrases"


def _compare_theirs(page: ArticlePage, fields: QuestionWithPhrases) -> list[list[differences.Pair]]:
    """The groups of a difference from what another editor made of the question to one's own."""
    opened = page.open_article()
    theirs = _find_fields(page.question, opened.fields, opened.phrases) or EMPTY
    before, after = (
        "\n".join([each["ask"], each["heading"], each["text"], *each["train"], *each["test"]])
        for each in (theirs, fields)
    )
    return differences.compare_texts(before, after)
