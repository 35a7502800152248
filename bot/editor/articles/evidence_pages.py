"""Evidence at the desk: each statement of a question beside what its sources say, to be written and
changed; a whole article's statements and sources side by side, for who signs it; and what rests on
a source that changed or was withdrawn."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypedDict

from fastapi import APIRouter, Form, Request, Response
from starlette.concurrency import run_in_threadpool

from bot.content import articles, evidence
from bot.content.articles import Article, Question, Source
from bot.content.evidence import Ledger
from bot.domain.faults import Fault
from bot.editor.articles import evidence_document, question_preview
from bot.editor.articles.evidence_document import Side
from bot.editor.shared import article_document, content_cache, content_files, pages, session
from bot.editor.shared.article_document import ArticleFields
from bot.editor.shared.state import DeskState, State
from bot.operations import source_links
from bot.store.accounts import Member

router = APIRouter()
LONGEST = 2_000  # characters of a field
MOST = 400  # fields of one kind in a form
READING = ("read", "on", "date", "how")
SIGNED: tuple[Literal["reviewed_by", "reviewed_on"], ...] = ("reviewed_by", "reviewed_on")
CHANGED = Fault.from_sentence(
    "Its text or evidence was changed while you read, and nothing was saved. Below stands what it "
    "says now."
)
Field = Annotated[str, Form(max_length=500)]
Given = dict[str, str]  # the fields of a form


@dataclass(frozen=True)
class EvidenceForm:
    """What an editor sent of a question's evidence: the fields, and the lines of those entries of
    the ledger that go."""

    given: Given
    dropped: list[int]


class Doubt(TypedDict):
    """A statement that rests on a source that was withdrawn, or changed since it was read."""

    question: str
    ask: str
    says: str
    source: Source


@router.get("/articles/drafts/{id}/side-by-side")
def show_draft_side_by_side(request: Request, desk: DeskState, id: str) -> Response:
    return _show_side_by_side(request, desk, id, True)


@router.get("/articles/{id}/side-by-side")
def show_side_by_side(request: Request, desk: DeskState, id: str) -> Response:
    """Every sentence of an article beside what its sources say, and where it is signed."""
    return _show_side_by_side(request, desk, id, False)


@router.post("/articles/drafts/{id}/side-by-side")
def sign_draft(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: str,
    seen: Field = "",
    reviewed_by: Field = "",
    reviewed_on: Field = "",
) -> Response:
    return _sign(request, desk, person, id, True, seen, reviewed_by, reviewed_on)


@router.post("/articles/{id}/side-by-side")
def sign_article(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: str,
    seen: Field = "",
    reviewed_by: Field = "",
    reviewed_on: Field = "",
) -> Response:
    """Write down who reviewed an article, and when; `seen` names what stood on the page."""
    return _sign(request, desk, person, id, False, seen, reviewed_by, reviewed_on)


@router.get("/articles/drafts/{id}/{question}/its-evidence")
def show_draft_evidence(request: Request, desk: DeskState, id: str, question: str) -> Response:
    return _show(request, desk, id, question, True)


@router.get("/articles/{id}/{question}/its-evidence")
def show_evidence(request: Request, desk: DeskState, id: str, question: str) -> Response:
    return _show(request, desk, id, question, False)


@router.post("/articles/drafts/{id}/{question}/its-evidence")
async def save_draft_evidence(
    request: Request, desk: DeskState, person: session.Editor, id: str, question: str
) -> Response:
    return await _save_form(request, desk, person, id, question, True)


@router.post("/articles/{id}/{question}/its-evidence")
async def save_evidence(
    request: Request, desk: DeskState, person: session.Editor, id: str, question: str
) -> Response:
    """Save what the sources of a question's statements say, and how they were read."""
    return await _save_form(request, desk, person, id, question, False)


def in_doubt(desk: State) -> list[Doubt]:
    """The Doubts of all articles."""
    known, found = content_cache.read_ledgers(desk), list[Doubt]()
    for article in content_cache.read_articles(desk).values():
        ledger = known.get(article.id, Ledger())
        doubtful = evidence.doubtful_sources(article, ledger)
        found += [
            {
                "question": question.name,
                "ask": question.ask,
                "says": statement.says,
                "source": doubtful[n],
            }
            for question in (article.questions if doubtful else ())
            for statement in evidence.of_text(f"{question.lead}\n\n{question.more}", ledger)
            for n in statement.numbers
            if n in doubtful
        ]
    return found


def moved_links(
    desk: State,
) -> tuple[datetime.date | None, list[tuple[str, int | None, source_links.Link]]]:
    """(the day on which every source's address was last asked, [(article's id, source's number,
    Link)] of those that moved, are gone or lead to a front page, and that articles still have)."""
    on, found = source_links.read_kept_links(desk.config)
    still = {
        (article.id, source.url)
        for article in content_cache.read_articles(desk).values()
        for source in (*article.sources, *article.further_reading)
    }
    return on, [
        (place.article, place.n, link)
        for link in found
        for place in link.places
        if (place.article, link.url) in still
    ]


def _show_side_by_side(
    request: Request,
    desk: State,
    id: str,
    draft: bool,
    status: int = 200,
    faults: Sequence[Fault] = (),
    given: Given | None = None,
) -> Response:
    opened = content_cache.open_article(desk, id, draft)
    article, ledger = opened.article, opened.ledger
    return pages.render_page(
        request,
        "side_by_side.html",
        status,
        opened=opened,
        article=article,
        draft=draft,
        parts=[
            (
                question,
                [
                    question_preview.evidence_of(
                        desk, ledger, evidence.of_paragraph(block, ledger), article.sources
                    )
                    for block in evidence.answer_paragraphs(question)
                ],
            )
            for question in article.questions
        ],
        figures=evidence.summarise_evidence(article, ledger),
        doubtful=evidence.doubtful_sources(article, ledger),
        signed=given or {key: opened.fields[key] for key in SIGNED},
        seen=_seen(opened),
        faults=[*faults, *opened.faults],
    )


def _seen(opened: content_cache.Opened) -> str:
    """What names the words of an article and of its ledger, as one."""
    return content_files.text_revision(opened.text + opened.ledger_text)


def _sign(
    request: Request,
    desk: State,
    person: Member,
    id: str,
    draft: bool,
    seen: str,
    reviewed_by: str,
    reviewed_on: str,
) -> Response:
    opened = content_cache.open_article(desk, id, draft)
    signed: ArticleFields = {
        **opened.fields,
        "reviewed_by": reviewed_by.strip(),
        "reviewed_on": reviewed_on.strip(),
    }
    given: Given = {key: signed[key] for key in SIGNED}

    def again(status: int, faults: Sequence[Fault]) -> Response:
        return _show_side_by_side(request, desk, id, draft, status, faults, given)

    def check(new: str) -> list[Fault]:
        now = content_files.read_file(opened.path), content_files.read_file(opened.ledger_path)
        if now != (opened.text, opened.ledger_text):
            return [CHANGED]
        return [] if draft else question_preview.article_faults(desk, opened.path, new)

    if seen != _seen(opened):
        return again(409, [CHANGED])
    try:
        content_files.save_file(
            desk.config,
            opened.path,
            article_document.write_document(opened.text, signed),
            person,
            f"{id}: review",
            check=check,
        )
    except articles.ContentError as error:
        return again(422, error.faults)
    session.record_action(request, "wrote down a review", id, given["reviewed_by"])
    return pages.redirect_to(request, f"{opened.at}/side-by-side", "Saved.")


def _show(
    request: Request,
    desk: State,
    id: str,
    question: str,
    draft: bool,
    status: int = 200,
    faults: Sequence[Fault] = (),
    given: Given | None = None,
    conflict: content_files.Conflict | None = None,
) -> Response:
    opened = content_cache.open_article(desk, id, draft)
    article, ledger, asked = opened.article, opened.ledger, _question(opened.article, question)
    parts = evidence_document.statement_rows(article, asked, ledger, opened.ledger_path)
    if given:
        parts = [(block, [_given(side, given) for side in sides]) for block, sides in parts]
    cited = {n for _, sides in parts for side in sides for n in side.numbers}
    return pages.render_page(
        request,
        "evidence.html",
        status,
        opened=opened,
        asked=asked,
        parts=parts,
        sources=[
            (source, _reading(source.n, ledger, given))
            for source in article.sources
            if source.n in cited
        ],
        stale=evidence_document.stale_entries(article, ledger),
        base=content_files.keep_opened(desk.config, opened.ledger_text),
        faults=[*faults, *opened.faults],
        conflict=conflict,
        reads=list(evidence.Read),
        verdicts=list(evidence.Verdict),
        not_held=article.evidence == articles.NOT_HELD,
        today=datetime.datetime.now(datetime.UTC).date(),
        doubtful=evidence.doubtful_sources(article, ledger),
        at=f"{opened.at}/{question}",
    )


async def _save_form(
    request: Request, desk: State, person: Member, id: str, question: str, draft: bool
) -> Response:
    form = await request.form(**session.FORM_LIMITS)
    given = {key: str(value)[:LONGEST].strip() for key, value in form.items()}
    lines = map(str, form.getlist("drop"))
    sent = EvidenceForm(given, [int(line) for line in lines if re.fullmatch(r"\d{1,9}", line)])
    return await run_in_threadpool(_save, request, desk, person, id, question, draft, sent)


def _save(
    request: Request,
    desk: State,
    person: Member,
    id: str,
    question: str,
    draft: bool,
    sent: EvidenceForm,
) -> Response:
    opened = content_cache.open_article(desk, id, draft)
    path, asked, given = opened.ledger_path, _question(opened.article, question), sent.given
    base = given.get("base", "")
    before = content_files.read_opened(desk.config, path, base) if base else opened.ledger_text

    def again(faults: Sequence[Fault], conflict: content_files.Conflict | None = None) -> Response:
        status = 409 if conflict else 422
        return _show(request, desk, id, question, draft, status, faults, given, conflict)

    if before is None:
        return again([], content_files.Conflict(None, content_files.read_file(path)))
    try:
        text = _write_form(opened, asked, before, sent, person)
        saved = content_files.save_file(
            desk.config,
            path,
            text,
            person,
            f"{id}.{question}: evidence",
            before,
            lambda new: evidence.read_ledger(new, path)[1],
        )
    except articles.ContentError as error:
        return again(error.faults)
    except content_files.Conflict as conflict:
        return again([], conflict)
    session.record_action(request, "wrote evidence", f"{id}.{question}")
    return pages.redirect_to(
        request,
        f"{opened.at}/{question}/its-evidence",
        ("Saved." if saved.text != before else "Nothing was changed.")
        + (" Another editor's changes are in it, too." if saved.merged else ""),
    )


def _write_form(
    opened: content_cache.Opened, asked: Question, before: str, sent: EvidenceForm, person: Member
) -> str:
    """A ledger's text `before`, with what a form says of a question's statements and of how their
    sources were read; raises articles.ContentError where the article no longer makes them."""
    article, path, given = opened.article, opened.ledger_path, sent.given
    ledger = evidence.read_ledger(before, path)[0] if before else Ledger()
    sides = [
        side
        for _, sides in evidence_document.statement_rows(article, asked, ledger, path)
        for side in sides
    ]
    if moved := _moved(given, sides):
        raise articles.ContentError(moved)
    return evidence_document.write_ledger(
        before,
        _changed_readings(article, ledger, given, person),
        [new for side in sides if (new := _given(side, given)) != side and not new.was],
        sent.dropped,
    )


def _given(side: Side, given: Given) -> Side:
    """A Side as the form has it; one of other words stays as it was until its editor says that
    they are borne out, too."""
    n = _place(side, given)
    if n is None:
        return side
    rows = [
        evidence_document.Row(
            int(given[f"{n}.{i}.source"]),
            " ".join(given.get(f"{n}.{i}.where", "").split()),
            " ".join(given.get(f"{n}.{i}.states", "").split()),
            given.get(f"{n}.{i}.verdict", ""),
        )
        for i in range(MOST)
        if re.fullmatch(r"\d{1,9}", given.get(f"{n}.{i}.source", ""))
    ]
    if side.was and not given.get(f"confirmed.{n}"):
        return replace(side, rows=tuple(rows))
    return evidence_document.with_rows(side, rows)


def _place(side: Side, given: Given) -> int | None:
    """Under which number the form has the statement; None where it hasn't."""
    return next(
        (
            n
            for n in range(MOST)
            if given.get(f"says.{n}") == side.says and given.get(f"numbers.{n}") == _marks(side)
        ),
        None,
    )


def _marks(side: Side) -> str:
    return " ".join(map(str, side.numbers))


def _moved(given: Given, sides: list[Side]) -> list[Fault]:
    """What is wrong where the form has statements that the article no longer makes."""
    now = {(side.says, _marks(side)) for side in sides}
    return [
        Fault.from_sentence(
            f"“{given[key][:90]}” no longer stands in the article with these numbers: somebody "
            f"changed its text meanwhile. Copy what you wrote, and open this page again."
        )
        for key in given
        if key.startswith("says.")
        and (given[key], given.get(f"numbers.{key.partition('.')[2]}")) not in now
    ]


def _changed_readings(
    article: Article, ledger: Ledger, given: Given, person: Member
) -> dict[int, Given]:
    """{n: how the source was read} of what the form says otherwise than the ledger."""
    changed: dict[int, Given] = {}
    for source in article.sources:
        now = _reading(source.n, ledger)
        new = _reading(source.n, ledger, given)
        if new["read"] and any(new[key] != now[key] for key in READING):
            changed[source.n] = {**new, "by": person.name}
    return changed


def _reading(n: int, ledger: Ledger, given: Given | None = None) -> Given:
    """How source `n` was read, as fields of a form."""
    reading = ledger.readings.get(n)
    fields = {
        "read": str(reading.read) if reading else "",
        "on": str(reading.on) if reading else "",
        "date": str(reading.version or "") if reading else "",
        "how": reading.how if reading else "",
        "by": reading.by if reading else "",
    }
    return fields | {
        key: given[f"reading.{n}.{key}"]
        for key in READING
        if given and f"reading.{n}.{key}" in given
    }


def _question(article: Article, id: str) -> Question:
    for question in article.questions:
        if question.name == f"{article.id}.{id}":
            return question
    raise content_files.NoFile(id)
