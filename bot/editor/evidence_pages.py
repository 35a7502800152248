"""Evidence at the desk: each statement of a question beside what its sources say, to be written and
changed; a whole article's statements and sources side by side, for who signs it; and what rests on
a source that changed or was withdrawn."""

import datetime
import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool

from bot import articles, evidence, links
from bot.editor import files, ledgers, library, looks, manuscripts, pages, people

router = APIRouter()
LONGEST = 2_000  # characters of a field
MOST = 400  # fields of one kind in a form
READING = ("read", "on", "date", "how")
SIGNED = ("reviewed_by", "reviewed_on")
CHANGED = (
    "Its text or evidence was changed while you read, and nothing was saved. Below stands what it "
    "says now."
)
Field = Annotated[str, Form(max_length=500)]


@router.get("/articles/drafts/{id}/side-by-side")
def show_draft_side_by_side(request: Request, id: str):
    return _show_side_by_side(request, id, True)


@router.get("/articles/{id}/side-by-side")
def show_side_by_side(request: Request, id: str):
    """Every sentence of an article beside what its sources say, and where it is signed."""
    return _show_side_by_side(request, id, False)


@router.post("/articles/drafts/{id}/side-by-side")
def sign_draft(
    request: Request, id: str, seen: Field = "", reviewed_by: Field = "", reviewed_on: Field = ""
):
    return _sign(request, id, True, seen, reviewed_by, reviewed_on)


@router.post("/articles/{id}/side-by-side")
def sign(
    request: Request, id: str, seen: Field = "", reviewed_by: Field = "", reviewed_on: Field = ""
):
    """Write down who reviewed an article, and when; `seen` names what stood on the page."""
    return _sign(request, id, False, seen, reviewed_by, reviewed_on)


@router.get("/articles/drafts/{id}/{question}/its-evidence")
def show_draft_evidence(request: Request, id: str, question: str):
    return _show(request, id, question, True)


@router.get("/articles/{id}/{question}/its-evidence")
def show_evidence(request: Request, id: str, question: str):
    return _show(request, id, question, False)


@router.post("/articles/drafts/{id}/{question}/its-evidence")
async def save_draft_evidence(request: Request, id: str, question: str):
    return await _save_form(request, id, question, True)


@router.post("/articles/{id}/{question}/its-evidence")
async def save_evidence(request: Request, id: str, question: str):
    """Save what the sources of a question's statements say, and how they were read."""
    return await _save_form(request, id, question, False)


def in_doubt(desk):
    """[{question, ask, says, source}] of every statement that rests on a source that was
    withdrawn, or changed since it was read."""
    known, found = library.read_ledgers(desk), []
    for article in library.read_articles(desk).values():
        ledger = known.get(article.id, evidence.Ledger())
        doubtful = evidence.doubtful(article, ledger)
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


def moved_links(desk):
    """(the day on which every source's address was last asked, [(article's id, source's number,
    Link)] of those that moved, are gone or lead to a front page, and that articles still have)."""
    on, found = links.kept(desk.config)
    still = {
        (article.id, source.url)
        for article in library.read_articles(desk).values()
        for source in (*article.sources, *article.further_reading)
    }
    return on, [
        (place.article, place.n, link)
        for link in found
        for place in link.places
        if (place.article, link.url) in still
    ]


def _show_side_by_side(request, id, draft, status=200, faults=(), given=None):
    desk = request.app.state.desk
    opened = library.open_article(desk, id, draft)
    article, ledger = opened.article, opened.ledger
    return pages.render(
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
                    looks.evidence_of(
                        desk, ledger, evidence.of_paragraph(block, ledger), article.sources
                    )
                    for block in evidence.paragraphs(question)
                ],
            )
            for question in article.questions
        ],
        figures=evidence.summary(article, ledger),
        doubtful=evidence.doubtful(article, ledger),
        signed={key: opened.fields[key] for key in SIGNED} | (given or {}),
        seen=_seen(opened),
        faults=[*faults, *opened.faults],
    )


def _seen(opened):
    """What names the words of an article and of its ledger, as one."""
    return files.revision(opened.text + opened.ledger_text)


def _sign(request, id, draft, seen, reviewed_by, reviewed_on):
    desk, person = request.app.state.desk, people.require(request, "editor")
    opened = library.open_article(desk, id, draft)
    given = {"reviewed_by": reviewed_by.strip(), "reviewed_on": reviewed_on.strip()}

    def again(status, faults):
        return _show_side_by_side(request, id, draft, status, faults, given)

    def check(new):
        now = files.read(opened.path), files.read(opened.ledger_path)
        if now != (opened.text, opened.ledger_text):
            return [CHANGED]
        return [] if draft else looks.faults(desk, opened.path, new)

    if seen != _seen(opened):
        return again(409, [CHANGED])
    try:
        files.save(
            desk.config,
            opened.path,
            manuscripts.write(opened.text, opened.fields | given),
            person,
            f"{id}: review",
            check=check,
        )
    except articles.ContentError as error:
        return again(422, error.faults)
    people.record(request, "wrote down a review", id, given["reviewed_by"])
    return pages.redirect(request, f"{opened.at}/side-by-side", "Saved.")


def _show(request, id, question, draft, status=200, faults=(), given=None, conflict=None):
    desk = request.app.state.desk
    opened = library.open_article(desk, id, draft)
    article, ledger, asked = opened.article, opened.ledger, _question(opened.article, question)
    parts = ledgers.sides(article, asked, ledger, opened.ledger_path)
    if given:
        parts = [(block, [_given(side, given) for side in sides]) for block, sides in parts]
    cited = {n for _, sides in parts for side in sides for n in side.numbers}
    return pages.render(
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
        stale=ledgers.stale(article, ledger),
        base=files.keep(desk.config, opened.ledger_text),
        faults=[*faults, *opened.faults],
        conflict=conflict,
        reads=list(evidence.Read),
        verdicts=list(evidence.Verdict),
        not_held=article.evidence == articles.NOT_HELD,
        today=datetime.datetime.now(datetime.UTC).date(),
        doubtful=evidence.doubtful(article, ledger),
        at=f"{opened.at}/{question}",
    )


async def _save_form(request, id, question, draft):
    form = await request.form(**people.FORM_LIMITS)
    given = {key: str(value)[:LONGEST].strip() for key, value in form.items()}
    dropped = [int(line) for line in form.getlist("drop") if re.fullmatch(r"\d{1,9}", str(line))]
    return await run_in_threadpool(_save, request, id, question, draft, given, dropped)


def _save(request, id, question, draft, given, dropped):
    desk, person = request.app.state.desk, people.require(request, "editor")
    opened = library.open_article(desk, id, draft)
    article, path, asked = opened.article, opened.ledger_path, _question(opened.article, question)
    base = given.get("base", "")
    before = files.opened(desk.config, path, base) if base else opened.ledger_text

    def again(faults, conflict=None):
        status = 409 if conflict else 422
        return _show(request, id, question, draft, status, faults, given, conflict)

    if before is None:
        return again([], files.Conflict(None, files.read(path)))
    ledger = evidence.read(before, path)[0] if before else evidence.Ledger()
    sides = [side for _, sides in ledgers.sides(article, asked, ledger, path) for side in sides]
    moved = _moved(given, sides)
    if moved:
        return again(moved)
    try:
        text = ledgers.write(
            before,
            _changed_readings(article, ledger, given, person),
            [new for side in sides if (new := _given(side, given)) != side and not new.was],
            dropped,
        )
        saved = files.save(
            desk.config,
            path,
            text,
            person,
            f"{id}.{question}: evidence",
            before,
            lambda new: evidence.read(new, path)[1],
        )
    except articles.ContentError as error:
        return again(error.faults)
    except files.Conflict as conflict:
        return again([], conflict)
    people.record(request, "wrote evidence", f"{id}.{question}")
    return pages.redirect(
        request,
        f"{opened.at}/{question}/its-evidence",
        ("Saved." if saved.text != before else "Nothing was changed.")
        + (" Another editor's changes are in it, too." if saved.merged else ""),
    )


def _given(side, given):
    """A Side as the form has it; one of other words stays as it was until its editor says that
    they are borne out, too."""
    n = _place(side, given)
    if n is None:
        return side
    rows = [
        ledgers.Row(
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
    return ledgers.with_rows(side, rows)


def _place(side, given):
    """Under which number the form has the statement; None where it hasn't."""
    return next(
        (
            n
            for n in range(MOST)
            if given.get(f"says.{n}") == side.says and given.get(f"numbers.{n}") == _marks(side)
        ),
        None,
    )


def _marks(side):
    return " ".join(map(str, side.numbers))


def _moved(given, sides):
    """What is wrong where the form has statements that the article no longer makes."""
    now = {(side.says, _marks(side)) for side in sides}
    return [
        f"“{given[key][:90]}” no longer stands in the article with these numbers: somebody changed "
        f"its text meanwhile. Copy what you wrote, and open this page again."
        for key in given
        if key.startswith("says.")
        and (given[key], given.get(f"numbers.{key.partition('.')[2]}")) not in now
    ]


def _changed_readings(article, ledger, given, person):
    """{n: how the source was read} of what the form says otherwise than the ledger."""
    changed = {}
    for source in article.sources:
        now = _reading(source.n, ledger)
        new = _reading(source.n, ledger, given)
        if new["read"] and any(new[key] != now[key] for key in READING):
            changed[source.n] = {**new, "by": person.name}
    return changed


def _reading(n, ledger, given=None):
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


def _question(article, id):
    for question in article.questions:
        if question.name == f"{article.id}.{id}":
            return question
    raise files.NoFile(id)
