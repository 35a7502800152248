"""The articles: their list, and each one's particulars and questions."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fastapi import APIRouter, Request, Response

from bot.content import articles, evidence, facets, phrases, sign_offs
from bot.content.sign_offs import Review
from bot.domain.faults import Fault
from bot.editor.articles import (
    article_changes,
    draft_proposals,
    draft_terms,
    question_preview,
)
from bot.editor.articles.article_changes import Change, FilledForm
from bot.editor.articles.article_form import ArticleForm, SentArticle
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.shared import (
    article_document,
    content_cache,
    content_files,
    fault_places,
    pages,
)
from bot.editor.shared.article_document import ArticleFields
from bot.editor.shared.state import DeskState
from bot.store import past_questions

router = APIRouter()
DAYS = 30  # of which the list counts how often an article was asked


@router.get("/articles")
def show_all(request: Request, desk: DeskState) -> Response:
    """The articles, each with its review and how often it was asked, and the drafts."""
    today = datetime.datetime.now(datetime.UTC).date()
    asked = past_questions.read_question_counts(
        desk.engine, datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS)
    )
    known, listed = content_cache.read_articles(desk), list[dict[str, object]]()
    reviews = content_cache.read_reviews(desk)
    for path in articles.list_files(desk.config.path("data"), "articles/*.md"):
        mine = [counts for name, counts in asked.items() if name.partition(".")[0] == path.stem]
        article = known.get(path.stem)
        listed.append(
            {
                "id": path.stem,
                "article": article,
                "review": article and _describe_reviews(reviews[path.stem].values(), today),
                "asked": sum(times for times, _, _ in mine),
                "votes": sum(votes for _, votes, _ in mine),
                "helpful": sum(helpful for _, _, helpful in mine),
            }
        )
    drafts = [
        (path.stem, _title(path))
        for path in articles.list_files(desk.config.path("data"), ".drafts/*.md")
    ]
    return pages.render_page(
        request,
        "articles.html",
        listed=listed,
        drafts=drafts,
        days=DAYS,
    )


@router.get("/articles/drafts/{draft}")
@router.get("/articles/{article}")
def show_article(page: PageToRead) -> Response:
    """Particulars, sources and questions of an article or draft, with what is wrong with it."""
    return render_article(page)


@router.post("/articles/{article}")
def save_article(page: PageToEdit, form: SentArticle) -> Response:
    """Save title, people, dates and sources, and go on to the question that is begun, where one is;
    the questions stay."""
    return save_fields(page, form)


def save_fields(
    page: ArticlePage, form: ArticleForm, beside: Sequence[content_files.Edit] = ()
) -> Response:
    """Save what was sent of an article or draft, together with edits of files `beside` it; the page
    that comes next, or that says what forbids it."""
    now, path = page.read_text(), page.path
    before = content_files.read_opened(page.desk.config, path, form.base)
    opened = article_document.read_document(now if before is None else before, path.name)
    fields = form.change_fields(opened)
    if before is None:
        return render_again(page, form, content_files.Conflict(None, now))
    if faults := form.find_faults():
        return render_again(page, form, articles.ContentError(faults))
    edit = content_files.Edit(path, article_document.write_document(before, fields), before)
    to = f"{page.at}/{form.new_question}" if form.new_question else page.at
    try:
        return article_changes.save_change(
            page, Change([edit, *beside], f"{page.id}: particulars", to)
        )
    except (articles.ContentError, content_files.Conflict) as refusal:
        return render_again(page, form, refusal)


def render_article(
    page: ArticlePage,
    status: int = 200,
    faults: Sequence[Fault] | None = None,
    saved: bool = False,
) -> Response:
    """The page of an article or draft as its files are, with what is wrong with it, or with
    `faults` in place of that; `saved`: whether these keep it from being an article alone, and what
    was sent is saved."""
    opened, desk = page.open_article(), page.desk
    if faults is None:
        faults = (
            question_preview.draft_faults(desk, opened)
            if page.is_draft
            else question_preview.article_faults(
                desk, opened.path, opened.text, phrases.read_file(opened.phrases_path)
            )
        )
    base = content_files.keep_opened(desk.config, opened.text)
    return _render(page, opened, FilledForm(opened.fields, base, status, faults, saved=saved))


def render_again(
    page: ArticlePage, form: ArticleForm, refusal: articles.ContentError | content_files.Conflict
) -> Response:
    """The page with what was sent in its form, after it was not saved."""
    opened = page.open_article()
    now = content_files.keep_opened(page.desk.config, opened.text)
    fields = form.change_fields(opened.fields)
    filled = article_changes.refill_form(fields, form.base, now, refusal)
    return _render(page, opened, filled, form)


def _render(
    page: ArticlePage,
    opened: content_cache.Opened,
    form: FilledForm[ArticleFields],
    sent: ArticleForm | None = None,
) -> Response:
    """The page, with what was `sent` and is not saved."""
    bare = {
        question.name.partition(".")[2]: sum(
            not statement.is_held()
            for statement in evidence.of_text(f"{question.lead}\n\n{question.more}", opened.ledger)
        )
        for question in opened.article.questions
    }
    own = sent.teach(opened.phrases) if sent else {}
    return pages.render_page(
        page.request,
        "article.html",
        form.status,
        id=page.id,
        draft=page.is_draft,
        fields=form.fields,
        base=form.base,
        faults=fault_places.place_faults(form.faults, page.at, draft_terms.FIELDS),
        conflict=form.conflict,
        saved=form.saved,
        new=sent.new_words if sent else "",
        phrases=opened.phrases,
        at=page.at,
        bare=bare,
        figures=evidence.summarise_evidence(opened.article, opened.ledger),
        **(_proposals(page, opened, own) if page.is_draft else {"notes": []}),
    )


def _proposals(
    page: ArticlePage, opened: content_cache.Opened, own: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """What the page of a draft has besides: what is proposed for it, and what is to be seen to;
    `own`: {question: phrases} that were sent and not saved."""
    return {
        "own": own,
        "phrases_base": content_files.keep_opened(page.desk.config, opened.phrases_text),
        "notes": _read_notes(page),
        "proposals": draft_proposals.propose_questions(page.desk, opened),
        "sides": sorted(facets.read_facets(page.desk.config.path("data")) or {}),
        "advised": phrases.ADVISED["train"],
        "term": draft_terms.propose_term(page.desk, opened),
    }


def _read_notes(page: ArticlePage) -> list[str]:
    """What the editor of a draft must see to, as its import found it."""
    path = content_files.notes_path(page.desk.config, page.id)
    return content_files.read_file(path).splitlines()


def _describe_reviews(reviews: Iterable[Review], today: datetime.date) -> tuple[str, str]:
    """(a colour, a sentence) of what clinicians signed of an article."""
    listed = list(reviews)
    counts = sign_offs.count_reviews(listed, today)
    said = f"{counts['signed']} of {len(listed)} signed"
    for kind, words in (("changed", "changed since"), ("due", "due within 30 days")):
        said += f", {counts[kind]} {words}" if counts[kind] else ""
    fine = not counts["changed"] + counts["unsigned"] + counts["due"]
    return "good" if fine else "warn", said


def _title(path: Path) -> str:
    try:
        return article_document.read_document(content_files.read_file(path), path.name)["title"]
    except article_document.Unreadable:
        return path.stem
