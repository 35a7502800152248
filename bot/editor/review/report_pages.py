"""Reports: what visitors called inaccurate or out of date, as tickets with an owner and an end."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from bot.content import articles
from bot.domain.faults import Fault
from bot.editor.shared import content_cache, pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import votes

REASONS = {"inaccurate": "inaccurate", "out_of_date": "out of date"}
router = APIRouter()


@router.get("/reports")
def show_reports(request: Request, desk: DeskState, ended: bool = False) -> Response:
    found = [_seen(desk, ticket) for ticket in votes.list_tickets(desk.engine, ended)]
    found.sort(key=lambda ticket: not ticket["changed"])
    return pages.render_page(request, "reports.html", tickets=found, ended=ended, reasons=REASONS)


@router.get("/reports/{id}")
def show_report(request: Request, desk: DeskState, id: pages.Number) -> Response:
    return pages.render_page(
        request,
        "report.html",
        ticket=_seen(desk, votes.read_ticket(desk.engine, id)),
        reasons=REASONS,
    )


@router.post("/reports/{id}/take")
def take_report(
    request: Request, desk: DeskState, person: session.Editor, id: pages.Number
) -> Response:
    votes.take_ticket(desk.engine, id, person.id)
    session.record_action(request, "took a report", str(id))
    return pages.redirect_to(request, f"/editor/reports/{id}", "You look after this report now.")


@router.post("/reports/{id}/keep")
def keep_report(
    request: Request, desk: DeskState, _person: session.Editor, id: pages.Number
) -> Response:
    """The article has changed, but the fault is still there."""
    revision = _seen(desk, votes.read_ticket(desk.engine, id))["now"]
    if revision:
        votes.keep_ticket(desk.engine, id, revision)
        session.record_action(request, "kept a report open", str(id), f"revision {revision}")
    return pages.redirect_to(
        request,
        f"/editor/reports/{id}",
        "It stays open. The next change of the article asks again.",
    )


@router.post("/reports/{id}/end")
def end_report(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: pages.Number,
    how: Annotated[str, Form(max_length=500)],
) -> Response:
    how = " ".join(how.split())
    if not how:
        said = "say in a sentence what was done, or why nothing is: the next editor will ask"
        raise articles.ContentError([Fault.from_sentence(said)])
    votes.end_ticket(desk.engine, id, person.name, how)
    session.record_action(request, "ended a report", str(id))
    return pages.redirect_to(request, "/editor/reports", "The report is ended.")


def _seen(desk: State, ticket: votes.Summary) -> dict[str, Any]:
    """A ticket with its question's title (`ask`), its answer's pages at the `desk` and for visitors
    (`page`; the article's where it has no such question, None without that), the article's revision
    now, and whether that `changed` since it was looked at."""
    found = content_cache.read_questions(desk).get(ticket["question"])
    id, _, section = ticket["question"].partition(".")
    article = content_cache.read_articles(desk).get(id)
    now = article.revision if article else None
    changed = (
        bool(now) and now not in (ticket["revision"], ticket["kept"]) and not ticket["ended_at"]
    )
    return {
        **ticket,
        "ask": found.ask if found else ticket["question"],
        "desk": (f"/editor/articles/{id}" + (f"/{section}" if found else "")) if article else None,
        "page": (f"/articles/{id}" + (f"#{section}" if found else "")) if article else None,
        "now": now,
        "changed": changed,
    }
