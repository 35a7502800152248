"""The shared copy of the content: what is not there yet, what is not here yet, and what both sides
changed; sending and fetching, behind the page."""

import re
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from bot.content import shared_copy
from bot.content.shared_copy import BothChanged, Standing
from bot.editor.publishing import hand_edit_pages
from bot.editor.publishing.file_labels import label_file
from bot.editor.shared import differences, fault_places, pages, session
from bot.editor.shared.state import DeskState, State
from bot.operations import copy_acts
from bot.operations.copy_acts import Act, Kind

router = APIRouter()
ADDRESS = "/editor/publish/shared-copy"
SEEN = re.compile(r"[0-9a-f]{40,64}")
BUSY = "It is under way already, or somebody else’s is. Wait until it has ended, and try again."


@dataclass(frozen=True)
class Choices:
    """What was chosen: {file: the side whose passages are taken}, of what stood at the commits
    `seen`."""

    seen: tuple[str, str] | None = None
    sides: dict[str, str] = field(default_factory=dict)


async def _read_choices(request: Request) -> Choices:
    form = await request.form(**session.FORM_LIMITS)
    sides = {}
    for key, name in form.items():
        side = form.get(key.replace("file.", "side.", 1))
        if key.startswith("file.") and side in (shared_copy.HERE, shared_copy.THERE):
            sides[str(name)] = str(side)
    here, there = str(form.get("here", "")), str(form.get("there", ""))
    return Choices((here, there) if SEEN.fullmatch(here) and SEEN.fullmatch(there) else None, sides)


SentChoices = Annotated[Choices, Depends(_read_choices)]


@router.get("/publish/shared-copy")
def show_shared_copy(request: Request, desk: DeskState, person: session.Reader) -> Response:
    """What is not sent and not fetched, as it was last seen; it is looked at again behind the
    page."""
    if "hx-request" not in request.headers and find_standing(desk)[0]:
        copy_acts.look_again(desk.config, person.name)
    return _render(request, desk)


@router.post("/publish/shared-copy/send")
def send(request: Request, desk: DeskState, person: session.Publisher) -> Response:
    return _begin(request, desk, Act(Kind.SEND, person.name, person.email))


@router.post("/publish/shared-copy/fetch")
def fetch(
    request: Request, desk: DeskState, person: session.Publisher, chosen: SentChoices
) -> Response:
    act = Act(Kind.FETCH, person.name, person.email, chosen.seen, chosen.sides)
    return _begin(request, desk, act)


def _begin(request: Request, desk: State, act: Act) -> Response:
    try:
        copy_acts.begin_act(desk.config, act)
    except copy_acts.Busy:
        return _render(request, desk, 409, BUSY)
    words = {Kind.SEND: "began to send to", Kind.FETCH: "began to fetch from"}
    session.record_action(request, words[act.kind], "the shared copy")
    return pages.redirect_to(request, ADDRESS)


def _render(request: Request, desk: State, status: int = 200, fault: str = "") -> Response:
    busy = copy_acts.is_busy(desk.config)
    last = copy_acts.read_act(desk.config, Kind.SEND, Kind.FETCH)
    looked = copy_acts.read_act(desk.config, Kind.LOOK)
    standing, missing = find_standing(desk)
    both_changed, tangled = _find_both_changed(desk, standing)
    return pages.render_page(
        request,
        "shared_copy.html",
        status,
        fault=fault,
        busy=busy,
        last=last,
        looked=looked,
        faults=fault_places.place_faults(last.faults) if last else [],
        standing=standing,
        missing=missing,
        tangled=tangled,
        both_changed=[(each, label_file(each.name), _compare(each)) for each in both_changed],
        by_hand=hand_edit_pages.recount_hand_edits(desk),
    )


def find_standing(desk: State) -> tuple[Standing | None, str]:
    """(the Standing, "", or None and why there is none)."""
    try:
        return shared_copy.read_standing(desk.config), ""
    except shared_copy.Refused as refused:
        return None, str(refused)


def _find_both_changed(desk: State, standing: Standing | None) -> tuple[list[BothChanged], str]:
    """(what is to be chosen before it can be fetched, why it can't be chosen here)."""
    if not standing or not standing.unfetched_count:
        return [], ""
    try:
        return list(shared_copy.merge(desk.config, standing).both_changed), ""
    except shared_copy.Refused as refused:
        return [], str(refused)


def _compare(each: BothChanged) -> list[list[list[differences.Pair]]]:
    return [differences.compare_texts(here, there) for here, there in each.passages]
