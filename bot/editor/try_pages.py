"""Try: a message, what visitors get now beside what the draft answers, and why."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool

from bot import release
from bot.editor import drafted, files, library, pages, previews, reasons

LONGEST = 2_000  # signs, as a visitor's message may have
MOST_BEFORE = 5  # messages that were said before
router = APIRouter()
Text = Annotated[str, Query(max_length=LONGEST)]
Name = Annotated[str, Query(max_length=100)]


@router.get("/try")
async def show(request: Request, text: Text = "", article: Name = "", before: Text = ""):
    """The page; with `text`, what it gets, as if it were asked beside `article`, and after the
    messages that are the lines of `before`. Nothing is stored of it."""
    desk, text = request.app.state.desk, " ".join(text.split())
    earlier = [" ".join(line.split()) for line in before.splitlines() if line.strip()][
        -MOST_BEFORE:
    ]
    known = library.read_articles(desk)
    if article and article not in known:
        raise HTTPException(404)
    sides = await _ask(desk, [*earlier, text], article or None) if text else []
    return await run_in_threadpool(
        pages.render,
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
def show_nearest(request: Request, text: Text, release_id: Name = ""):
    """The nearest phrases of a release, or of the draft where none is named."""
    desk = request.app.state.desk
    try:
        known = (
            previews.library(desk.config, release_id).questions
            if release_id
            else library.questions(desk)
        )
    except release.ReleaseError:
        raise HTTPException(404) from None
    old = previews.library(desk.config, release.live(desk.config)).questions
    found = reasons.nearest(desk, text, known)
    shown = found and [
        (phrase, known[name].ask, cosine, name not in old or phrase not in old[name].train)
        for phrase, name, cosine in found
    ]
    return pages.render(
        request, "try_nearest.html", text=text, release_id=release_id, nearest=shown
    )


async def _ask(desk, texts, article):
    """The two sides of the page, of the last of these messages: live, then the draft."""
    said = [{"text": text} for text in texts]
    live = (await desk.rehearse(said, article))[-1]
    candidate, fault = await run_in_threadpool(drafted.candidate, desk.config), None
    try:
        draft = (await desk.rehearse(said, article, candidate))[-1] if candidate else live
    except (release.ReleaseError, release.NoAnswer):
        candidate, draft, fault = (
            None,
            live,
            f"The prepared release {candidate} can’t be started; prepare another.",
        )
    return await run_in_threadpool(_sides, desk, texts[-1], live, draft, candidate, fault)


def _sides(desk, text, live, draft, candidate, fault):
    config, drafts = desk.config, drafted.read(desk)
    known = previews.library(config, live["release"])
    sides = [{"turn": live, "reply": live["replies"][0], "why": reasons.read(config, known, live)}]
    reply = drafted.answer(drafts, draft["replies"][0])
    before, after = (
        f"{each['text']}\n\n{each.get('more') or ''}".strip()
        for each in (live["replies"][0], reply)
    )
    own = previews.library(config, candidate) if candidate else known
    sides.append(
        {
            "turn": draft,
            "reply": reply,
            "why": reasons.read(config, own, draft),
            "prepared": bool(candidate),
            "fault": fault,
            "changed": files.difference(before, after) if before != after else [],
            "unlearned": drafted.unlearned(desk, draft["release"], text),
        }
    )
    return sides
