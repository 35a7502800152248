"""Publishing: what would change, its making with live progress, what its tests and the comparison
found, releases and the way back."""

import asyncio
import contextlib
import datetime
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from bot.content import articles, replies
from bot.content.site_content import SiteContent
from bot.domain.faults import Fault
from bot.domain.reply_kinds import ReplyKind
from bot.editor.publishing import (
    beforehand,
    confusion_picture,
    hand_edit_pages,
    shared_copy_pages,
)
from bot.editor.shared import (
    content_files,
    fault_places,
    first_steps,
    pages,
    session,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_form
from bot.editor.versions import file_parts
from bot.releases import comparison, publishing, registry, time_left
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import accounts, past_questions, publications

router = APIRouter()
Field = Annotated[str, Form(max_length=500)]
LOOK_SECONDS = 0.4
OUTCOMES = {
    **{kind.value: kind.about.column for kind in ReplyKind},
    replies.ARTICLE_INFO: "who wrote it",
}


@router.get("/publish")
def show_publish(request: Request, desk: DeskState, fault: str = "") -> Response:
    return _page(request, desk)


@router.post("/publish")
def begin_publication(
    request: Request,
    desk: DeskState,
    goal: Field = "publish",
    live_at: Field = "",
    reason: Field = "",
) -> Response:
    """Begin a publication (goal `publish`, by a publisher) or a candidate to try (goal `try`)."""
    person = session.require_role(request, _least_role(goal))
    moment = None
    if live_at:
        try:
            moment = datetime.datetime.fromisoformat(live_at).replace(tzinfo=ZoneInfo("UTC"))
        except ValueError:
            return _page(request, desk, 422, "The date could not be read. Choose it anew.")
        if moment < datetime.datetime.now(datetime.UTC):
            return _page(
                request, desk, 422, "That moment has passed. Choose a later one, or leave it empty."
            )
    goal = "try" if goal == "try" else "publish"
    reason = " ".join(pages.blank_nul(reason).split())
    try:
        id = publishing.begin_publication(
            desk.config, desk.engine, goal, person.name, moment, reason
        )
    except publications.Busy:
        return _page(
            request,
            desk,
            409,
            "Another publication is being made. Wait until it has ended; you can watch it below.",
        )
    session.record_action(
        request,
        "began to publish" if goal != "try" else "prepared a draft to try",
        f"publication {id}",
        reason,
    )
    return pages.redirect_to(request, f"/editor/publish/{id}", "It has begun.")


@router.post("/publish/{id}/stop")
def stop_publication(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """Stop a publication that is being made: its process looks whether it goes on, and ends."""
    made = _read(desk, id)
    session.require_role(request, _least_role(made.goal))
    try:
        publications.move_publication(desk.engine, id, "running", "stopped")
    except publications.NoPublication:
        notice = "It had ended already, so that nothing was stopped."
    else:
        session.record_action(request, "stopped", f"publication {id}")
        notice = "Stopped: nothing has changed for visitors."
    return pages.redirect_to(request, f"/editor/publish/{id}", notice)


@router.get("/publish/changes")
def show_changes(request: Request, desk: DeskState) -> Response:
    """What differs between the content and the live release, as people read it."""
    return _render_changes(request, desk)


@router.get("/publish/{id}/changes")
def show_prepared_changes(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """What differs between a release that waits and the live one: what its approval brings to
    visitors, whatever editors have changed since."""
    made = _read(desk, id)
    if made.state != "tested" or not made.release:
        raise HTTPException(404)
    return _render_changes(request, desk, made.release)


def _render_changes(request: Request, desk: State, release: str | None = None) -> Response:
    config, titles = desk.config, story_form.list_wordings(desk)[0]
    if release:  # as its questions are worded, whatever editors have changed since
        questions = registry.read_content(config, release).questions
        titles = titles | {name: question.ask for name, question in questions.items()}
    before, after = publishing.compared_folders(config, release)
    listed = [
        (
            name,
            kind,
            outside,
            file_parts.compare_versions(
                name,
                content_files.read_file(before / name) if before else "",
                content_files.read_file(after / name),
                titles,
            ),
        )
        for name, kind, outside in publishing.content_changes(config, release)
    ]
    return pages.render_page(request, "changes.html", listed=listed)


@router.get("/publish/{id}")
def show_one(request: Request, desk: DeskState, id: pages.Number) -> Response:
    made = _read(desk, id)
    values: dict[str, Any] = {
        "made": made,
        "faults": _show_faults(made.faults),
        "library": None,
        "lists": {},
        "picture": None,
        "outcomes": OUTCOMES,
        "left": _time_left(desk, made),
        # a moment that has passed is refused, and so would be each "Try again"
        "still_ahead": bool(made.live_at and made.live_at > datetime.datetime.now(datetime.UTC)),
        "missed": split_missed(made.report or {}),
        "least_role": _least_role(made.goal),
        "wants_approval": publishing.wants_approval(desk.config),
    }
    if made.release and made.report:
        library = _library(desk.config, made.release)
        if library:
            values["library"] = library
            values["picture"] = confusion_picture.draw_confusion(
                *comparison.article_confusion(library, made.report["missed"]), OUTCOMES
            )
    if made.comparison:
        first_steps.note_step(request, first_steps.COMPARED)
        turns = [
            moved["turn"]
            for kind in ("gained", "lost", "changed")
            for moved in made.comparison[kind]
        ]
        said = past_questions.read_past_texts(desk.engine, turns)
        values["lists"] = {
            kind: [{**moved, "text": said.get(moved["turn"])} for moved in made.comparison[kind]]
            for kind in ("gained", "lost", "changed")
        }
    return pages.render_page(request, "publication.html", **values)


def _show_faults(faults: Iterable[publications.Stopped]) -> list[ShownFault]:
    """What stopped a publication: sentences, and faults of the content with where each is
    mended."""
    return fault_places.place_faults(
        Fault.from_sentence(fault) if isinstance(fault, str) else Fault.from_dict(fault)
        for fault in faults
    )


def _library(config: Settings, id: str) -> SiteContent | None:
    """The content of a candidate or release; None where it is gone, for candidates are kept for a
    while only."""
    # going live, it moves from the candidates to the releases, and its files are missing for who
    # reads it then
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, articles.ContentError, registry.ReleaseError):
            return registry.read_content(config, id)
    return None


@router.get("/publish/{id}/events")
async def stream_progress(request: Request, desk: DeskState, id: pages.Number) -> StreamingResponse:
    """Server-sent events: `progress` with {step, done, left, log}, and `end` when there is no more
    to come."""
    made = await asyncio.to_thread(_read, desk, id)
    # for the time that is left
    earlier = (
        await asyncio.to_thread(publications.list_publications, desk.engine)
        if made.state == "running"
        else []
    )

    async def events() -> AsyncIterator[str]:
        last = None
        while not await request.is_disconnected():
            made = await asyncio.to_thread(publications.read_publication, desk.engine, id)
            left = time_left.estimate_time_left(made, earlier)
            news = json.dumps({"step": made.step, "done": made.done, "left": left, "log": made.log})
            yield f"event: progress\ndata: {news}\n\n" if news != last else ": still there\n\n"
            last = news
            # what is due goes live in a moment
            if made.state != "running" and not publishing.is_due(desk.config, made):
                yield f"event: end\ndata: {made.state}\n\n"
                return
            await asyncio.sleep(LOOK_SECONDS)

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.post("/publish/{id}/approval")
def approve_publication(
    request: Request, desk: DeskState, person: session.Publisher, id: pages.Number
) -> Response:
    made = _read(desk, id)
    if made.person == person.name:
        raise session.Refused(
            "You asked for this publication yourself: another publisher must approve it."
        )
    try:
        publishing.approve_publication(desk.config, desk.engine, id, person.name)
    except publications.NoPublication:
        raise HTTPException(404) from None
    return pages.redirect_to(request, f"/editor/publish/{id}", "Approved.")


@router.post("/publish/{id}/withdrawal")
def withdraw_publication(
    request: Request, desk: DeskState, _person: session.Publisher, id: pages.Number
) -> Response:
    """Keep a tested publication from going live."""
    try:
        publishing.withdraw_publication(desk.config, desk.engine, id)
    except publications.NoPublication:
        raise HTTPException(404) from None
    session.record_action(request, "withdrew", f"publication {id}")
    return pages.redirect_to(request, f"/editor/publish/{id}", "Withdrawn: it does not go live.")


@router.post("/publish/rollback")
def roll_back(
    request: Request, desk: DeskState, person: session.Publisher, release_id: Field
) -> Response:
    """Make an earlier release live again, at once."""
    try:
        publishing.roll_back(desk.config, desk.engine, release_id, person.name)
    except publications.Busy:
        return _page(request, desk, 409, "A publication is being made. Wait until it has ended.")
    except registry.ReleaseError as error:
        return _page(request, desk, 409, str(error).replace(f"{settings.ROOT}/", ""))
    session.record_action(request, "rolled back", release_id)
    return pages.redirect_to(
        request,
        "/editor/publish",
        f"Release {release_id} is live again. Visitors get it within seconds.",
    )


def split_missed(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report counts and lists, so that it adds up: the phrases of articles that were not
    answered rightly ("articles"), how many of them got no answer and were not asked back with the
    right question either ("rest"), and the phrases of talk ("talk"), which no count holds."""
    missed = report.get("missed", [])
    return {
        "articles": [row for row in missed if "." in row[1]],
        "talk": [row for row in missed if "." not in row[1]],
        "rest": report.get("total", 0)
        - sum(report.get(key, 0) for key in ("right", "offered", "wrong")),
    }


def _page(
    request: Request, desk: State, status: int = 200, fault: str | None = None
) -> HTMLResponse:
    listed = publications.list_publications(desk.engine)
    running = next((made for made in listed if made.state == "running"), None)
    changes, live = publishing.content_changes(desk.config), registry.live_release(desk.config)
    changed, said = [name for name, _, _ in changes], ""
    if live and changed:
        said = beforehand.describe_change(desk, live, changed, listed)
    return pages.render_page(
        request,
        "publish.html",
        status,
        fault=fault,
        listed=listed,
        running=running,
        left=time_left.estimate_time_left(running, listed) if running else "",
        least_role=_least_role(running.goal) if running else "",
        publishers=[
            member.name
            for member in accounts.list_people(desk.engine)
            if member.may("publisher") and member.has_password and not member.left
        ],
        changes=changes,
        beforehand=said,
        live=live,
        by_hand=hand_edit_pages.recount_hand_edits(desk),
        standing=shared_copy_pages.find_standing(desk)[0],
        releases=[id for id, state in registry.list_releases(desk.config) if state != "candidate"],
        wants_approval=publishing.wants_approval(desk.config),
    )


def _least_role(goal: str) -> str:
    """Who may ask for a publication of this goal, and stop it."""
    return "editor" if goal == "try" else "publisher"


def _time_left(desk: State, made: publications.Entry) -> str:
    if made.state != "running":
        return ""
    return time_left.estimate_time_left(made, publications.list_publications(desk.engine))


def _read(desk: State, id: int) -> publications.Entry:
    try:
        return publications.read_publication(desk.engine, id)
    except publications.NoPublication:
        raise HTTPException(404) from None
