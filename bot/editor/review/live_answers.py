"""What the live release answers by now of what visitors once asked in vain."""

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared.state import State
from bot.releases import registry
from bot.store import review
from bot.store.engine import StoreDown
from bot.store.review import UNSURE, Wording

logger = logging.getLogger(__name__)
BEFORE = 5  # earlier messages of the conversation, without which a follow-up isn't understood
PAUSE_SECONDS = 0.1  # at least, between two messages: visitors' own go first
ANSWER_SECONDS = 60

type Answered = dict[int, str | None]  # {turn: the question that answers it now, or None}


def read_answered(desk: State) -> Answered:
    """What the live release has said so far."""
    live = registry.live_release_or_none(desk.config)
    # a copy: the thread that asks goes on
    kept = list(desk.live_answers.found.items())
    return {turn: question for (release, turn), question in kept if release == live}


def is_answered(wording: Wording, answered: Answered) -> bool:
    """Whether a wording is answered now on every page where it was asked, and otherwise than with
    an answer that was voted down."""
    found = [answered.get(turn) for turn, _ in wording.beside.values()]
    return all(question and question not in wording.voted_down for question in found)


def ask_behind(desk: State, wordings: Iterable[Wording]) -> int:
    """How many of these messages are still to be asked of the live release; they are asked in a
    thread behind the pages, one at a time.

    What it left unanswered itself isn't asked again."""
    live, kept = registry.live_release_or_none(desk.config), desk.live_answers
    if live is None or desk.loop is None:
        return 0
    turns = [
        turn
        for wording in wordings
        if all(release != live for _, release in wording.beside.values())
        for turn, _ in wording.beside.values()
        if (live, turn) not in kept.found
    ]
    with kept.lock:
        begins = bool(turns) and not kept.busy
        kept.busy |= begins
    if begins:
        asked = (desk, desk.loop, live, turns)
        threading.Thread(target=_ask_all, args=asked, daemon=True).start()
    return len(turns)


def _ask_all(desk: State, loop: asyncio.AbstractEventLoop, live: str, turns: Sequence[int]) -> None:
    kept = desk.live_answers
    kept.found = {key: question for key, question in kept.found.items() if key[0] == live}
    try:
        for turn in turns:
            began = time.monotonic()
            told = _ask_one(desk, loop, turn)
            if told and told["release"] != live:
                return  # another was brought live meanwhile
            kept.found[live, turn] = _sure_question(told) if told else None
            time.sleep(max(PAUSE_SECONDS, time.monotonic() - began))
    except (registry.NoAnswer, registry.ReleaseError, StoreDown, TimeoutError) as error:
        logger.info("what waits in the review was not all asked anew: %s", type(error).__name__)
    finally:
        kept.busy = False


def _ask_one(desk: State, loop: asyncio.AbstractEventLoop, turn: int) -> Mapping[str, Any] | None:
    """What the live release says to a message, in the gateway's loop; None where nothing can be
    said to it. Raises registry.NoAnswer, registry.ReleaseError, StoreDown, TimeoutError."""
    try:
        asked = review.read_asked(desk.engine, turn, BEFORE)
        return ask_live(desk, loop, asked["messages"], asked["article"], ANSWER_SECONDS)
    except (registry.NoAnswer, registry.ReleaseError, StoreDown, TimeoutError):
        raise
    except review.NoText:
        return None
    except Exception as error:  # of one message, and the next one is another
        logger.error("turn %s could not be asked anew: %s", turn, type(error).__name__)
        return None


def ask_live(
    desk: State,
    loop: asyncio.AbstractEventLoop,
    messages: Sequence[Mapping[str, str]],
    article: str | None,
    seconds: float,
) -> Mapping[str, Any]:
    """The last of these messages, rehearsed with the live release in the gateway's loop. Raises
    registry.NoAnswer, registry.ReleaseError, TimeoutError."""
    return _wait(_ask(desk, messages, article), loop, seconds)


def _wait(
    asking: Coroutine[Any, Any, Mapping[str, Any]],
    loop: asyncio.AbstractEventLoop,
    seconds: float,
) -> Mapping[str, Any]:
    """What a coroutine gives in the gateway's loop; raises registry.NoAnswer where that ended."""
    try:
        future = asyncio.run_coroutine_threadsafe(asking, loop)
    except RuntimeError:
        asking.close()
        raise registry.NoAnswer("the gateway has ended") from None
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise


async def _ask(
    desk: State, messages: Sequence[Mapping[str, str]], article: str | None
) -> Mapping[str, Any]:
    return (await desk.rehearse(messages, article))[-1]


def _sure_question(told: Mapping[str, Any]) -> str | None:
    """The question whose answer a rehearsed turn got, as surely as the review wants it."""
    reply, understood = told["replies"][0], told["understood"] or {}
    confidence = understood.get("confidence")
    if reply["kind"] != ReplyKind.ANSWER or confidence is not None and confidence < UNSURE:
        return None
    question: str | None = reply.get("question")
    return question
