"""What was done in the review lately, and the way back: phrases are taken out of their question
again, and wordings stand in the review again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.content import wording
from bot.editor.review import expected_answers, teaching, waiting
from bot.editor.shared import content_cache, pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import review_acts
from bot.store.review import Wording
from bot.store.review_acts import Act, Did

MOST = 50  # acts of the list
router = APIRouter()


@dataclass(frozen=True)
class Done:
    """What was just done, and how it is said; `expected`: [(phrases, what they may expect)]."""

    act: int
    said: str
    expected: Sequence[tuple[list[str], list[str]]] = ()

    def as_notice(self) -> str:
        """All of it as one text, where that is short."""
        told = [self.said]
        for phrases, said in self.expected:
            named = f"“{'”, “'.join(phrases)}”: " if len(self.expected) > 1 else ""
            told.append(named + " ".join(said))
        text = " ".join(told)
        if len(text) <= pages.LONGEST_NOTICE:
            return text
        return f"{self.said} “Done lately” tells whether each will be answered."


def say_done(request: Request, desk: State, done: Done, back: str) -> Response:
    """After a keystroke: the group goes from the page, what was done is said, with the way back,
    and the menu's number is new; without scripts, the page `back`, or the review."""
    if "hx-request" not in request.headers:
        page = session.next_path(back or "/editor/review")
        return pages.redirect_to(request, page, done.as_notice(), undo=done.act)
    return pages.render_page(request, "said.html", done=done, waiting=desk.waiting.count)


@router.get("/review/done")
def show_acts(request: Request, desk: DeskState) -> Response:
    """What was done lately, the newest first."""
    kept = waiting.read_by_key(desk)
    listed = [_show(desk, act, kept) for act in review_acts.list_acts(desk.engine, MOST)]
    return pages.render_page(request, "review_acts.html", acts=listed, most=MOST)


@router.get("/review/done/{id}")
def show_act(request: Request, desk: DeskState, id: pages.Number) -> Response:
    """One act; of taught phrases whether they will be answered."""
    act, kept = review_acts.read_act(desk.engine, id), waiting.read_by_key(desk)
    shown, asked = _show(desk, act, kept), [kept[key] for key in act.hides if key in kept]
    beside = [page for wording in asked for page in wording.beside]
    expected = (
        expected_answers.describe(desk, act.question, shown["phrases"], beside)
        if act.question and shown["phrases"]
        else []
    )
    return pages.render_page(request, "review_act.html", act=shown, expected=expected)


@router.post("/review/done/{id}/undo")
def undo_act(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: pages.Number,
) -> Response:
    page = session.form_page(request) or "/editor/review/done"
    act = review_acts.read_act(desk.engine, id)
    if act.undone_by:
        return pages.redirect_to(request, page, f"{act.undone_by} has undone this already.")
    # first the file, which may refuse it: then nothing is undone
    taken = teaching.take_phrases(desk, person, act.question, act.phrases) if act.question else []
    review_acts.undo_act(desk.engine, id, person.name)
    waiting.take_away(desk, 0)
    session.record_action(request, _name_undone(act), act.question or "", _count(act, taken))
    return pages.redirect_to(request, page, _say_undone(act, taken))


def _name_undone(act: Act) -> str:
    """What the log says that was done."""
    return "undid teaching" if act.did == Did.TAUGHT else "brought back"


def _count(act: Act, taken: Sequence[str]) -> str:
    wordings = wording.counted(len(act.hides), "wording")
    if act.did != Did.TAUGHT:
        return wordings
    return f"{wording.counted(len(taken), 'phrase')}, {wordings}"


def _say_undone(act: Act, taken: Sequence[str]) -> str:
    said = ["Undone."]
    if taken:
        were = "was" if len(taken) == 1 else "were"
        phrases = wording.counted(len(taken), "phrase")
        said.append(f"{phrases} {were} taken out of the question again.")
    if len(taken) < len(act.phrases):
        said.append("What was changed meanwhile stays: see the question’s page.")
    if act.did == Did.BEGAN:
        said.append("The draft stays: it can be thrown away on its page.")
    if act.hides:
        said.append("It stands in the review again, unless visitors are answered by now.")
    else:
        said.append("Its wordings were brought back, or done with otherwise, before.")
    return " ".join(said)


def _show(desk: State, act: Act, kept: dict[str, Wording]) -> dict[str, Any]:
    """An act as its page shows it: with the texts that are still kept, the phrases that are still
    there, and the question's wording."""
    question = content_cache.read_questions(desk).get(act.question or "")
    return {
        "id": act.id,
        "at": act.at,
        "person": act.person,
        "did": act.did.value,
        "undone_by": act.undone_by,
        "hides": len(act.hides),
        "texts": sorted(kept[key].text for key in act.hides if key in kept),
        "phrases": (
            teaching.list_taught(desk, act.question, act.phrases)
            if act.question and not act.undone_by
            else []
        ),
        "question": act.question,
        "ask": question.ask if question else act.question,
    }
