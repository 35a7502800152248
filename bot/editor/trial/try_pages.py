"""Try: a message, what visitors get now beside what the draft answers, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool

from bot.editor.shared import (
    content_cache,
    differences,
    first_steps,
    pages,
    previews,
    working_copy,
)
from bot.editor.shared.state import DeskState, State
from bot.editor.trial import explanation
from bot.releases import registry
from bot.store import publications

LONGEST = 2_000  # signs, as a visitor's message may have
MOST_BEFORE = 5  # messages that were said before
router = APIRouter()
Text = Annotated[str, Query(max_length=LONGEST)]
Name = Annotated[str, Query(max_length=100)]
Said = Annotated[str, StringConstraints(max_length=LONGEST)]


class TryQuery(BaseModel):
    """A message to be tried, the article beside which it is asked, and what was said before it, a
    message a line."""

    model_config = ConfigDict(frozen=True)
    text: Said = ""
    article: Annotated[str, StringConstraints(max_length=100)] = ""
    before: Said = ""


@dataclass(frozen=True)
class Tried:
    """What a message got: the turn of the live release, and that of the `candidate` (of the live
    one again, where there is none). `fault`: why the candidate could not be asked."""

    live: Mapping[str, Any]
    draft: Mapping[str, Any]
    candidate: str | None
    fault: str | None = None


@router.get("/try")
async def show_try(
    request: Request, desk: DeskState, query: Annotated[TryQuery, Query()]
) -> Response:
    """The page; with a text, what it gets. Nothing is stored of it."""
    text, article = " ".join(query.text.split()), query.article
    lines = [" ".join(line.split()) for line in query.before.splitlines() if line.strip()]
    earlier = lines[-MOST_BEFORE:]
    known = content_cache.read_articles(desk)
    if article and article not in known:
        raise HTTPException(404)
    sides = await _ask(desk, [*earlier, text], article or None) if text else []
    if text:
        await run_in_threadpool(first_steps.note_step, request, first_steps.TRIED)
    return await run_in_threadpool(
        pages.render_page,
        request,
        "try.html",
        text=text,
        article=article,
        articles=known,
        sides=sides,
        before="\n".join(earlier),
        most=MOST_BEFORE,
    )


@router.get("/try/nearest")
def show_nearest(request: Request, desk: DeskState, text: Text, release_id: Name = "") -> Response:
    """The nearest phrases of a release, or of the draft where none is named."""
    try:
        known = (
            previews.release_content(desk.config, release_id).questions
            if release_id
            else content_cache.read_questions(desk)
        )
    except registry.ReleaseError:
        raise HTTPException(404) from None
    old = previews.release_content(desk.config, registry.live_release(desk.config)).questions
    found = explanation.nearest_phrases(desk, text, known)
    shown = (
        None
        if found is None
        else [
            (phrase, known[name].ask, cosine, name not in old or phrase not in old[name].taught)
            for phrase, name, cosine in found
        ]
    )
    return pages.render_page(
        request, "try_nearest.html", text=text, release_id=release_id, nearest=shown
    )


async def _ask(desk: State, texts: list[str], article: str | None) -> list[dict[str, Any]]:
    """The two sides of the page, of the last of these messages: live, then the draft."""
    said = [{"text": text} for text in texts]
    live = (await desk.rehearse(said, article))[-1]
    candidate = await run_in_threadpool(working_copy.newest_candidate, desk.config)
    tried = Tried(live, live, None)
    if candidate:
        try:
            draft = (await desk.rehearse(said, article, candidate))[-1]
            tried = Tried(live, draft, candidate)
        except (registry.ReleaseError, registry.NoAnswer):
            fault = f"The prepared release {candidate} can’t be started; prepare another."
            tried = Tried(live, live, None, fault)
    return await run_in_threadpool(_sides, desk, texts[-1], tried)


def _sides(desk: State, text: str, tried: Tried) -> list[dict[str, Any]]:
    config, drafts = desk.config, working_copy.read_working_copy(desk)
    live, draft = tried.live, tried.draft
    known = previews.release_content(config, live["release"])
    sides = [
        {
            "turn": live,
            "reply": live["replies"][0],
            "review": previews.say_review(live["replies"][0], known.texts),
            "why": explanation.explain_turn(config, known, live),
        }
    ]
    reply = working_copy.draft_answer(drafts, draft["replies"][0])
    before, after = (
        f"{each['text']}\n\n{each.get('more') or ''}".strip()
        for each in (live["replies"][0], reply)
    )
    own = previews.release_content(config, tried.candidate) if tried.candidate else known
    sides.append(
        {
            "turn": draft,
            "reply": reply,
            "review": previews.say_review(reply, drafts.texts),
            "why": explanation.explain_turn(config, own, draft),
            "prepared": bool(tried.candidate),
            "making": publications.find_running(desk.engine),
            "fault": tried.fault,
            "changed": differences.compare_texts(before, after) if before != after else [],
            "unlearned": working_copy.unlearned_changes(desk, draft["release"], text),
        }
    )
    return sides
