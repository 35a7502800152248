"""What was edited outside the desk: seen, shown, and committed in the name of whom it was, or put
back."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from bot.content import hand_edits, history, wording
from bot.content.git_commands import Author, Named
from bot.content.hand_edits import HandEdit
from bot.editor.publishing.file_labels import label_file
from bot.editor.shared import fault_places, form_texts, pages, session
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_form
from bot.editor.versions import file_parts
from bot.runtime import settings

router = APIRouter()
PUBLISH, BY_HAND = "/editor/publish", "/editor/publish/by-hand"
COUNT_SECONDS = 30  # so that an edit is seen on each page within a minute
LONGEST = 500  # characters of a field
MOST_KEPT = 10  # edits in the history in nobody's name that are listed
ME, OTHER = "me", "other"
CHANGED = (
    "A file was edited again, or got into the history, since you looked. It stands below as it is "
    "now; nothing was changed."
)


@dataclass(frozen=True)
class HandEditForm:
    """What was sent. `seen`: {file: the version of it that was shown}, of those that were
    ticked."""

    seen: Mapping[str, str]
    whose: str = OTHER
    name: str = ""
    email: str = ""
    why: str = ""

    def find_faults(self) -> list[ShownFault]:
        """What forbids to keep the files."""
        faults = []
        if not self.seen:
            faults.append(ShownFault("Tick a file first."))
        if self.whose == OTHER and not self.name:
            said = "Write whose edit it was, or choose that it was you."
            faults.append(fault_places.show_here("name", "Name", said))
        if not self.why:
            said = "Write why it was edited: who reads of it later will ask."
            faults.append(fault_places.show_here("why", "Why", said))
        return faults

    def find_author(self, person: Named) -> Named:
        """In whose name the files are committed."""
        return person if self.whose == ME else Author(self.name, self.email or None)


async def _read_form(request: Request) -> HandEditForm:
    form = await request.form(**session.FORM_LIMITS)
    sent = {
        key: form_texts.check_length(
            " ".join(pages.blank_nul(str(form.get(key, ""))).split()), LONGEST, key
        )
        for key in ("whose", "name", "email", "why")
    }
    ticked = [str(value).partition(" ") for value in form.getlist("seen")]
    return HandEditForm({name: version for version, _, name in ticked}, **sent)


SentForm = Annotated[HandEditForm, Depends(_read_form)]


def read_counts(desk: State) -> dict[str, int]:
    """{the page Publish: how many files were edited outside the desk}, for the menu; {} without
    any."""
    count, at = desk.by_hand
    if time.monotonic() - at > COUNT_SECONDS:
        count = recount_hand_edits(desk)
    return {PUBLISH: count} if count else {}


def recount_hand_edits(desk: State) -> int:
    """How many files are edited outside the desk just now."""
    count = len(history.list_outside(desk.config))
    desk.by_hand = (count, time.monotonic())
    return count


@router.get("/publish/by-hand")
def show_hand_edits(request: Request, desk: DeskState) -> Response:
    return _render(request, desk)


@router.post("/publish/by-hand")
def keep_hand_edits(
    request: Request, desk: DeskState, person: session.Publisher, form: SentForm
) -> Response:
    """Commit what was ticked, in the name of whom it was."""
    if faults := form.find_faults():
        return _render(request, desk, 422, form, faults)
    author = form.find_author(person)
    try:
        hand_edits.keep_hand_edits(desk.config, form.seen, author, form.why, person)
    except hand_edits.Changed:
        return _render(request, desk, 409, form, [ShownFault(CHANGED)])
    except history.Stuck as error:
        return _render(request, desk, 409, form, [ShownFault(str(error))])
    detail = f"as {author.name}: {form.why}"
    return _end(request, desk, "kept a hand edit", form, detail, "Kept in the history.")


@router.post("/publish/by-hand/put-back")
def put_back(
    request: Request, desk: DeskState, person: session.Publisher, form: SentForm
) -> Response:
    """Make what was ticked as it is in the last commit."""
    if not form.seen:
        return _render(request, desk, 422, form, [ShownFault("Tick a file first.")])
    try:
        kept = hand_edits.put_back(desk.config, form.seen)
    except hand_edits.Changed:
        return _render(request, desk, 409, form, [ShownFault(CHANGED)])
    except history.Stuck as error:
        return _render(request, desk, 409, form, [ShownFault(str(error))])
    where = str(kept).removeprefix(f"{settings.ROOT}/")
    said = f"Put back. What stood there is kept on the server, in {where}."
    return _end(request, desk, "put a hand edit back", form, form.why, said)


def _end(
    request: Request, desk: State, action: str, form: HandEditForm, detail: str, notice: str
) -> Response:
    recount_hand_edits(desk)
    session.record_action(request, action, ", ".join(form.seen)[:LONGEST], detail)
    return pages.redirect_to(request, BY_HAND, notice)


def _render(
    request: Request,
    desk: State,
    status: int = 200,
    form: HandEditForm | None = None,
    faults: Sequence[ShownFault] = (),
) -> Response:
    listed = hand_edits.list_hand_edits(desk.config)
    owner = next((edit.owner for edit in listed if edit.owner), "")
    shown = form or HandEditForm({edit.name: edit.version for edit in listed}, OTHER, owner)
    titles = story_form.list_wordings(desk)[0]
    nobodys = ("--fixed-strings", f"--author=<{history.OUTSIDE.email}>")
    return pages.render_page(
        request,
        "by_hand.html",
        status,
        listed=[
            (edit, label_file(edit.name), edit.name in shown.seen, _compare(edit, titles))
            for edit in listed
        ],
        kept=history.read_log(desk.config, f"-{MOST_KEPT}", *nobodys, "--", "."),
        form=shown,
        faults=faults,
        counted=wording.counted(len(listed), "file was", "files were"),
    )


def _compare(edit: HandEdit, titles: file_parts.Titles) -> list[file_parts.Changed]:
    return file_parts.compare_versions(edit.name, edit.before, edit.after, titles)
