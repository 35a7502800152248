"""Publishing: what would change, its making with live progress, what its tests and the comparison
found, releases and the way back."""

import asyncio
import contextlib
import datetime
import json
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import StreamingResponse

from bot import articles, compare, publishing, release, settings
from bot.editor import files, pages, people
from bot.store import past, publications

router = APIRouter()
Field = Annotated[str, Form(max_length=500)]
LOOK_SECONDS = 0.4
OUTCOMES = {
    "clarify": "asked back",
    "talk": "small talk",
    "not_covered": "“not covered”",
    "personal_advice": "“ask your doctor”",
    "out_of_scope": "“not about health”",
    "article_info": "who wrote it",
}


@router.get("/publish")
def show(request: Request, fault: str = ""):
    return _page(request)


@router.post("/publish")
def begin(request: Request, goal: Field = "publish", live_at: Field = ""):
    """Begin a publication (goal `publish`, by a publisher) or a candidate to try (goal `try`)."""
    desk = request.app.state.desk
    person = people.require(request, "publisher" if goal != "try" else "editor")
    moment = None
    if live_at:
        try:
            moment = datetime.datetime.fromisoformat(live_at).replace(tzinfo=ZoneInfo("UTC"))
        except ValueError:
            return _page(request, 422, "The date could not be read. Choose it anew.")
        if moment < datetime.datetime.now(datetime.UTC):
            return _page(
                request, 422, "That moment has passed. Choose a later one, or leave it empty."
            )
    try:
        id = publishing.begin(
            desk.config, desk.engine, "try" if goal == "try" else "publish", person.name, moment
        )
    except publications.Busy:
        return _page(
            request,
            409,
            "Another publication is being made. Wait until it has ended; you can watch it below.",
        )
    people.record(
        request,
        "began to publish" if goal != "try" else "prepared a draft to try",
        f"publication {id}",
    )
    return pages.redirect(request, f"/editor/publish/{id}")


@router.get("/publish/changes")
def show_changes(request: Request):
    """What differs between the content and the live release, as people read it."""
    config = request.app.state.desk.config
    now = release.live(config)
    listed = []
    for name, kind, outside in publishing.changes(config):
        before, after = (
            files.read(path)
            for path in (
                (release.folder_of(config, now) / "data" / name)
                if now
                else config.path("models") / "none",
                config.path("data") / name,
            )
        )
        listed.append((name, kind, outside, files.difference(before, after)))
    return pages.render(request, "changes.html", listed=listed)


@router.get("/publish/{id}")
def show_one(request: Request, id: int):
    desk = request.app.state.desk
    made = _read(request, id)
    values = {
        "made": made,
        "library": None,
        "lists": {},
        "picture": None,
        "outcomes": OUTCOMES,
        "wants_approval": publishing.wants_approval(desk.config),
    }
    if made.release and made.report:
        library = _library(desk.config, made.release)
        if library:
            values["library"] = library
            values["picture"] = picture(*compare.confusion(library, made.report["missed"]))
    if made.comparison:
        turns = [
            moved["turn"]
            for kind in ("gained", "lost", "changed")
            for moved in made.comparison[kind]
        ]
        said = past.texts(desk.engine, turns)
        values["lists"] = {
            kind: [{**moved, "text": said.get(moved["turn"])} for moved in made.comparison[kind]]
            for kind in ("gained", "lost", "changed")
        }
    return pages.render(request, "publication.html", **values)


def _library(config, id):
    """The content of a candidate or release; None where it is gone, for candidates are kept for a
    while only."""
    # going live, it moves from the candidates to the releases, and its files are missing for who
    # reads it then
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, articles.ContentError, release.ReleaseError):
            return release.read_content(config, id)
    return None


@router.get("/publish/{id}/events")
async def stream(request: Request, id: int):
    """Server-sent events: `progress` with {step, done, log}, and `end` when there is no more to
    come."""
    desk = request.app.state.desk
    await asyncio.to_thread(_read, request, id)

    async def events():
        last = None
        while not await request.is_disconnected():
            made = await asyncio.to_thread(publications.read, desk.engine, id)
            news = json.dumps({"step": made.step, "done": made.done, "log": made.log})
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
def approve(request: Request, id: int):
    desk, person = request.app.state.desk, people.require(request, "publisher")
    made = _read(request, id)
    if made.person == person.name:
        raise people.Refused(
            "You asked for this publication yourself: another publisher must approve it."
        )
    try:
        publishing.approve(desk.config, desk.engine, id, person.name)
    except publications.NoPublication:
        raise HTTPException(404) from None
    people.record(request, "approved", f"publication {id}", made.release or "")
    return pages.redirect(request, f"/editor/publish/{id}", "Approved.")


@router.post("/publish/{id}/withdrawal")
def withdraw(request: Request, id: int):
    """Keep a tested publication from going live."""
    desk = request.app.state.desk
    people.require(request, "publisher")
    try:
        publications.move(desk.engine, id, "tested", "withdrawn")
    except publications.NoPublication:
        raise HTTPException(404) from None
    people.record(request, "withdrew", f"publication {id}")
    return pages.redirect(request, f"/editor/publish/{id}", "Withdrawn: it does not go live.")


@router.post("/publish/rollback")
def roll_back(request: Request, release_id: Field):
    """Make an earlier release live again, at once."""
    desk, person = request.app.state.desk, people.require(request, "publisher")
    try:
        publishing.roll_back(desk.config, desk.engine, release_id, person.name)
    except publications.Busy:
        return _page(request, 409, "A publication is being made. Wait until it has ended.")
    except release.ReleaseError as error:
        return _page(request, 409, str(error).replace(f"{settings.ROOT}/", ""))
    people.record(request, "rolled back", release_id)
    return pages.redirect(
        request,
        "/editor/publish",
        f"Release {release_id} is live again. Visitors get it within seconds.",
    )


def picture(rows, columns, counts):
    """The confusion as a picture's cells: {rows, columns, cells [(x, y, count, share, right)]};
    `share` of its row."""
    totals = [sum(row) or 1 for row in counts]
    return {
        "rows": rows,
        "columns": columns,
        "cells": [
            (x, y, count, count / totals[y], columns[x] == rows[y])
            for y, row in enumerate(counts)
            for x, count in enumerate(row)
            if count
        ],
    }


def _page(request, status=200, fault=None):
    desk = request.app.state.desk
    listed = publications.listed(desk.engine)
    running = next((made for made in listed if made.state == "running"), None)
    return pages.render(
        request,
        "publish.html",
        status,
        fault=fault,
        listed=listed,
        running=running,
        changes=publishing.changes(desk.config),
        live=release.live(desk.config),
        releases=[id for id, state in release.listed(desk.config) if state != "candidate"],
        wants_approval=publishing.wants_approval(desk.config),
    )


def _read(request, id):
    try:
        return publications.read(request.app.state.desk.engine, id)
    except publications.NoPublication:
        raise HTTPException(404) from None
