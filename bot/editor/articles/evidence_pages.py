"""Evidence at the desk: each statement of a question beside what its sources say, to be written and
changed."""

import datetime
from collections.abc import Iterable, Sequence

from fastapi import APIRouter, Response

from bot.content import articles, evidence
from bot.content.articles import Article, Question
from bot.domain.faults import Fault, Field
from bot.editor.articles import evidence_document, evidence_form
from bot.editor.articles.evidence_document import Side
from bot.editor.articles.evidence_form import EvidenceForm, SentEvidence
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.shared import content_files, fault_places, pages, session

router = APIRouter()


@router.get("/articles/drafts/{draft}/{question}/its-evidence")
@router.get("/articles/{article}/{question}/its-evidence")
def show_evidence(page: PageToRead) -> Response:
    """The statements of a question, each with what its sources say, as a form."""
    return _render(page)


@router.post("/articles/drafts/{draft}/{question}/its-evidence")
@router.post("/articles/{article}/{question}/its-evidence")
def save_evidence(page: PageToEdit, form: SentEvidence) -> Response:
    """Save what the sources of a question's statements say, and how they were read."""
    opened, config, name = page.open_article(), page.desk.config, f"{page.id}.{page.question}"
    path, asked = opened.ledger_path, _find_question(opened.article, page.question)
    before = content_files.read_opened(config, path, form.base) if form.base else opened.ledger_text
    if before is None:
        conflict = content_files.Conflict(None, content_files.read_file(path))
        return _render(page, form, conflict=conflict)
    try:
        saved = content_files.save_file(
            config,
            path,
            form.write_ledger(opened, asked, before),
            page.person,
            f"{name}: evidence",
            before,
            lambda new: evidence.read_ledger(new, path)[1],
        )
    except articles.ContentError as error:
        return _render(page, form, error.faults)
    except content_files.Conflict as conflict:
        return _render(page, form, conflict=conflict)
    session.record_action(page.request, "wrote evidence", name)
    notice = "Saved." if saved.text != before else "Nothing was changed."
    if saved.merged:
        notice += " Another editor's changes are in it, too."
    return pages.redirect_to(
        page.request, f"{opened.at}/{page.question}/its-evidence", notice + saved.outside
    )


def _render(
    page: ArticlePage,
    form: EvidenceForm | None = None,
    faults: Sequence[Fault] = (),
    conflict: content_files.Conflict | None = None,
) -> Response:
    """The page of a question's evidence: as the ledger has it, or as a form that was not saved."""
    opened = page.open_article()
    article, ledger = opened.article, opened.ledger
    asked = _find_question(article, page.question)
    parts = evidence_document.statement_rows(article, asked, ledger, opened.ledger_path)
    at = f"{opened.at}/{page.question}"
    cited = {n for _, sides in parts for side in sides for n in side.numbers}
    readings = {n: evidence_form.show_reading(n, ledger) for n in cited}
    if form:
        parts = [(block, [form.change_side(side) for side in sides]) for block, sides in parts]
        readings = {n: form.change_reading(n, reading) for n, reading in readings.items()}
    return pages.render_page(
        page.request,
        "evidence.html",
        (409 if conflict else 422) if form else 200,
        opened=opened,
        asked=asked,
        parts=parts,
        sources=[
            (source, readings[source.n]) for source in article.sources if source.n in readings
        ],
        stale=evidence_document.stale_entries(article, ledger),
        base=content_files.keep_opened(page.desk.config, opened.ledger_text),
        faults=fault_places.place_faults(
            [*faults, *opened.faults], f"{at}/its-evidence", _name_fields(parts, readings)
        ),
        conflict=conflict,
        reads=list(evidence.Read),
        verdicts=list(evidence.Verdict),
        not_held=article.evidence == articles.NOT_HELD,
        today=datetime.datetime.now(datetime.UTC).date(),
        doubtful=evidence.doubtful_sources(article, ledger),
        at=at,
    )


def _name_fields(
    parts: Sequence[tuple[str, Sequence[Side]]], readings: Iterable[int]
) -> dict[Field, tuple[str, str]]:
    """{field of a Fault of the ledger: (name, label)} of the form's fields; of the evidence of a
    statement only the lines count that say something."""
    found: dict[Field, tuple[str, str]] = {}
    for n in readings:
        found[("sources",)] = f"reading.{n}.read", f"[{n}] {fault_places.READING['read']}"
        for key, label in fault_places.READING.items():
            found["sources", n, key] = f"reading.{n}.{key}", f"[{n}] {label}"
    for n, side in enumerate(side for _, sides in parts for side in sides):
        written = [(i, row) for i, row in enumerate(side.rows) if not row.is_empty()]
        found.setdefault(("statements",), (f"{n}.0.states", fault_places.EVIDENCE["states"]))
        for place, (i, row) in enumerate(written):
            for key, label in fault_places.EVIDENCE.items():
                own = f"{n}.{i}.{key}", f"[{row.source}] {label}"
                found["statements", side.says, "evidence", place, key] = own
            reading = f"reading.{row.source}.read", f"[{row.source}] {fault_places.READING['read']}"
            found["statements", side.says, "evidence", place, "source"] = reading
    return found


def _find_question(article: Article, id: str) -> Question:
    """The question of an article by its id; raises content_files.NoFile."""
    for question in article.questions:
        if question.name == f"{article.id}.{id}":
            return question
    raise content_files.NoFile(id)
