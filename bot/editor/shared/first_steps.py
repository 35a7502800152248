"""The first steps of a person who is new at the desk, each ticked once it was really done: by what
the log says of the person. They can be put away and brought back."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from bot.editor.shared import session
from bot.editor.shared.state import get_state
from bot.store import accounts
from bot.store.engine import StoreDown

TRIED, COMPARED = "tried the bot", "read a comparison"  # what the log says once, the first time
AWAY, BACK = "put the first steps away", "brought the first steps back"
SIGNER = "signer"  # in place of a role: who may sign


@dataclass(frozen=True)
class Step:
    """A first step: its page, what to do there, what the log says of who has done it, and the least
    role that may."""

    title: str
    at: str
    about: str
    actions: tuple[str, ...]
    role: str = "reader"


STEPS = (
    Step(
        "Ask the bot something",
        "/editor/try",
        "Write a message as a visitor would, and read what comes and why.",
        (TRIED,),
    ),
    Step(
        "Teach a phrase",
        "/editor/review",
        "Find the question that a visitor meant: the words become one more way to ask it.",
        ("taught phrases",),
        "editor",
    ),
    Step(
        "Change an answer",
        "/editor/articles",
        "Open an article and one of its questions, mend the words, and save.",
        ("changed an answer", "added a question"),
        "editor",
    ),
    Step(
        "Sign an answer",
        "/editor/reviews",
        "Open an article, read an answer beside its sources, and sign it.",
        ("signed",),
        SIGNER,
    ),
    Step(
        "Read what a change does",
        "/editor/publish",
        "Once a release is prepared, open it in the list: it was asked what visitors asked before.",
        (COMPARED,),
    ),
    Step(
        "Bring it to visitors",
        "/editor/publish",
        "Publish, and see it go live.",
        ("began to publish",),
        "publisher",
    ),
)


def find_first_page(request: Request) -> str:
    """The page that the desk begins with for the person who asks."""
    return "/editor/reviews" if session.may_sign(request) else "/editor/review"


def read_steps(request: Request) -> Sequence[tuple[Step, bool]]:
    """(a step, whether it was done) of the person who asks, for the first page of the desk; none
    elsewhere, once all are done, and while they are put away."""
    person: accounts.Member | None = getattr(request.state, "person", None)
    if person is None or request.url.path != find_first_page(request):
        return ()
    mine = [step for step in STEPS if _is_for(request, person, step)]
    wanted = {action for step in mine for action in step.actions}
    try:
        newest = accounts.find_newest_actions(
            get_state(request).engine, person.name, {*wanted, AWAY, BACK}
        )
    except StoreDown:  # the page says it, where it needs the database
        return ()
    steps = [(step, any(action in newest for action in step.actions)) for step in mine]
    is_back = newest.get(BACK, 0) > newest.get(AWAY, 0)
    if is_back or (AWAY not in newest and not all(done for _, done in steps)):
        return steps
    return ()


def note_step(request: Request, action: str) -> None:
    """Write into the log that this person has done TRIED or COMPARED, the first time."""
    person: accounts.Member = request.state.person
    if not accounts.find_newest_actions(get_state(request).engine, person.name, {action}):
        session.record_action(request, action)


def _is_for(request: Request, person: accounts.Member, step: Step) -> bool:
    return session.may_sign(request) if step.role == SIGNER else person.may(step.role)
