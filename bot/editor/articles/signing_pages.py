"""Answers beside what their sources say, for the clinician who signs them; and what waits for
one."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from bot.content import articles, evidence, sign_offs
from bot.content.articles import Article, Question
from bot.content.sign_offs import Review, SignOff
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.articles.page_subject import ArticlePage, PageToRead
from bot.editor.shared import content_cache, content_files, fault_places, pages, session
from bot.editor.shared.state import DeskState
from bot.runtime import settings

router = APIRouter()
CHANGED = Fault.from_sentence(
    "Its words, evidence or reviews were changed while you read, and nothing was signed. Below "
    "stands what it says now."
)
HAS_FAULTS = Fault.from_sentence(
    "The article has faults, which its own page names: nothing in it can be signed before they "
    "are mended."
)
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class SignForm(BaseModel):
    """What a clinician signs: one answer by the id of its `question`, or all where that is empty.
    `seen` names the words that stood on the page."""

    model_config = ConfigDict(frozen=True)
    seen: Line = ""
    question: Line = ""
    profession: Line = ""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""


@router.get("/reviews")
def show_reviews(request: Request, desk: DeskState, _person: session.Reader) -> Response:
    """What waits for a clinician: of each article, how many answers were never signed, were changed
    since, or fall due."""
    today = datetime.datetime.now(datetime.UTC).date()
    known, reviews = content_cache.read_articles(desk), content_cache.read_reviews(desk)
    every = [review for mine in reviews.values() for review in mine.values()]
    return pages.render_page(
        request,
        "reviews.html",
        rows=[
            {"article": known[id], "counts": sign_offs.count_reviews(mine.values(), today)}
            for id, mine in reviews.items()
        ],
        totals=sign_offs.count_reviews(every, today),
        signs=session.may_sign(request),
        signers=", ".join(desk.config.signer_roles()),
    )


@router.get("/articles/drafts/{draft}/side-by-side")
@router.get("/articles/{article}/side-by-side")
def show_side_by_side(page: PageToRead) -> Response:
    """Every sentence of an article beside what its sources say, and where its answers are
    signed."""
    return _render(page)


@router.post("/articles/{article}/sign")
def sign_answers(
    page: PageToRead, person: session.Signer, form: Annotated[SignForm, Form()]
) -> Response:
    """Sign one answer, or all of an article, in the name of who asks: exactly the words that were
    shown."""
    opened = page.open_article()
    article = content_cache.read_articles(page.desk).get(page.id)
    if article is None:
        return _render(page, 409, [HAS_FAULTS], form)
    path = content_files.reviews_path(page.desk.config, page.id)
    before = content_files.read_file(path)
    earlier, faults = sign_offs.read_sign_offs(before, path) if before else ((), [])
    mine = [
        question
        for question in article.questions
        if form.question in ("", question.name.partition(".")[2])
    ]
    if faults or not mine or form.seen != _name_seen(opened, before):
        return _render(page, 409, faults or [CHANGED], form)
    made = _make_sign_offs(page, article, mine, form)
    try:
        content_files.save_file(
            page.desk.config,
            path,
            sign_offs.write_sign_offs(article.id, sign_offs.add_sign_offs(earlier, made)),
            person,
            f"{page.id}: signed {form.question or 'all answers'}",
            base=before,
            check=lambda _: _find_changes(opened),
        )
    except (articles.ContentError, content_files.Conflict):
        return _render(page, 409, [CHANGED], form)
    session.record_action(page.request, "signed", f"{page.id}.{form.question}".strip("."))
    said = "Signed. Visitors read it once it is published."
    return pages.redirect_to(page.request, f"{opened.at}/side-by-side", said)


def _make_sign_offs(
    page: ArticlePage, article: Article, questions: Sequence[Question], form: SignForm
) -> list[SignOff]:
    """A sealed SignOff of each question, in the name and account of who asks."""
    signature = SignOff(
        question="",
        text="",
        name=page.person.name,
        profession=form.profession,
        on=datetime.datetime.now(datetime.UTC).date(),
        note=" ".join(form.note.split()),
        account=page.person.email or page.person.name,
    )
    secret = settings.site_secret(page.desk.config)
    return [
        sign_offs.seal_sign_off(
            replace(
                signature,
                question=question.name.partition(".")[2],
                text=sign_offs.text_mark(article, question),
            ),
            article.id,
            secret,
        )
        for question in questions
    ]


def _find_changes(opened: content_cache.Opened) -> list[Fault]:
    """The fault that an article says something else than when it was opened; else []."""
    now = content_files.read_file(opened.path), content_files.read_file(opened.ledger_path)
    return [] if now == (opened.text, opened.ledger_text) else [CHANGED]


def _render(
    page: ArticlePage,
    status: int = 200,
    faults: Sequence[Fault] = (),
    form: SignForm | None = None,
) -> Response:
    opened, config = page.open_article(), page.desk.config
    article, ledger = opened.article, opened.ledger
    reviews: Mapping[str, Review] = {}
    signed = ""
    if not page.is_draft:
        reviews = content_cache.read_reviews(page.desk).get(page.id, {})
        signed = content_files.read_file(content_files.reviews_path(config, page.id))
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
                reviews.get(question.name),
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
        signs=session.may_sign(page.request) and bool(reviews),
        signers=", ".join(config.signer_roles()),
        form=form or SignForm(profession=_last_profession(page, reviews.values())),
        version=content_files.text_revision(opened.text + opened.ledger_text),
        seen=_name_seen(opened, signed),
        faults=fault_places.place_faults([*faults, *opened.faults], f"{page.at}/side-by-side"),
    )


def _last_profession(page: ArticlePage, reviews: Iterable[Review]) -> str:
    """The profession with which this person signed an answer of the article before."""
    account = page.person.email or page.person.name
    signed = [each.sign_off for each in reviews if each.sign_off]
    return next((each.profession for each in signed if each.account == account), "")


def _name_seen(opened: content_cache.Opened, signed: str) -> str:
    """What names the words of an article, of its ledger and of its sign-offs, as one."""
    return content_files.text_revision(f"{opened.text}\0{opened.ledger_text}\0{signed}")
