"""Reports: what visitors called inaccurate or out of date, as tickets with an owner and an end."""

from typing import Annotated

from fastapi import APIRouter, Form, Request

from bot import articles
from bot.editor import library, pages, people
from bot.store import votes

REASONS = {"inaccurate": "inaccurate", "out_of_date": "out of date"}
router = APIRouter()


@router.get("/reports")
def show_reports(request: Request, ended: bool = False):
    desk = request.app.state.desk
    found = [_seen(desk, ticket) for ticket in votes.tickets(desk.engine, ended)]
    found.sort(key=lambda ticket: not ticket["changed"])
    return pages.render(request, "reports.html", tickets=found, ended=ended, reasons=REASONS)


@router.get("/reports/{id}")
def show_report(request: Request, id: int):
    desk = request.app.state.desk
    return pages.render(
        request,
        "report.html",
        ticket=_seen(desk, votes.read_ticket(desk.engine, id)),
        reasons=REASONS,
    )


@router.post("/reports/{id}/take")
def take(request: Request, id: int):
    person = people.require(request, "editor")
    votes.take_ticket(request.app.state.desk.engine, id, person.id)
    people.record(request, "took a report", str(id))
    return pages.redirect(request, f"/editor/reports/{id}", "You look after this report now.")


@router.post("/reports/{id}/keep")
def keep(request: Request, id: int):
    """The article has changed, but the fault is still there."""
    desk = request.app.state.desk
    people.require(request, "editor")
    revision = _seen(desk, votes.read_ticket(desk.engine, id))["now"]
    if revision:
        votes.keep_ticket(desk.engine, id, revision)
        people.record(request, "kept a report open", str(id), f"revision {revision}")
    return pages.redirect(
        request,
        f"/editor/reports/{id}",
        "It stays open. The next change of the article asks again.",
    )


@router.post("/reports/{id}/end")
def end(request: Request, id: int, how: Annotated[str, Form(max_length=500)]):
    desk, person = request.app.state.desk, people.require(request, "editor")
    how = " ".join(how.split())
    if not how:
        raise articles.ContentError(
            ["say in a sentence what was done, or why nothing is: the next editor will ask"]
        )
    votes.end_ticket(desk.engine, id, person.name, how)
    people.record(request, "ended a report", str(id))
    return pages.redirect(request, "/editor/reports", "The report is ended.")


def _seen(desk, ticket):
    """A ticket with its question's title (`ask`), the article's revision now, and whether that
    `changed` since it was looked at."""
    found = library.questions(desk).get(ticket["question"])
    article = library.read_articles(desk).get(ticket["question"].partition(".")[0])
    now = article.revision if article else None
    changed = (
        bool(now) and now not in (ticket["revision"], ticket["kept"]) and not ticket["ended_at"]
    )
    return {
        **ticket,
        "ask": found.ask if found else ticket["question"],
        "now": now,
        "changed": changed,
    }
