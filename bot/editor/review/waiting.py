"""What waits in the review, and how much of it: the number in the menu."""

import hashlib
import hmac
import logging
import math
import threading
import time

from bot.content import articles
from bot.editor.review import live_answers
from bot.editor.shared import vectors
from bot.editor.shared.state import State
from bot.runtime import settings
from bot.store import review, review_acts, votes
from bot.store.engine import StoreDown
from bot.store.review import EVERYTHING, Filter, Wording

logger = logging.getLogger(__name__)
TURNS, WORDINGS = 5000, 1000  # how far back is looked, and how many different texts are read
RECOUNT_SECONDS = 60
REVIEW, REPORTS = "/editor/review", "/editor/reports"

type Wordings = dict[str, Wording]  # by the normalised text, or by its key


def read_waiting(desk: State, wanted: Filter = EVERYTHING) -> tuple[Wordings, Wordings]:
    """(what is to be reviewed, what was set aside).

    Neither holds what was taught and not asked of a newer release since, nor what the live release
    answers now."""
    merged = review.read_wordings(desk.engine, WORDINGS, TURNS, articles.normalise_phrase, wanted)
    hidden, answered = review_acts.read_set_aside(desk.engine), live_answers.read_answered(desk)
    shown: Wordings = {}
    aside: Wordings = {}
    for text, wording in merged.items():
        until = hidden.get(key_of(desk, text), "")  # "": never set aside
        if until is None:
            aside[text] = wording
        elif not (until and (wording.release or "") <= until) and not live_answers.is_answered(
            wording, answered
        ):
            shown[text] = wording
    return shown, aside


def read_by_key(desk: State) -> Wordings:
    """What waits, was taught or was set aside, by its key instead of its text."""
    merged = review.read_wordings(desk.engine, WORDINGS, TURNS, articles.normalise_phrase)
    return {key_of(desk, text): wording for text, wording in merged.items()}


def key_of(desk: State, text: str) -> str:
    """What a wording or a phrase is known by: a keyed hash of its normalised text."""
    return hmac.new(
        settings.site_secret(desk.config).encode(),
        f"aside {articles.normalise_phrase(text)}".encode(),
        hashlib.sha256,
    ).hexdigest()


def read_counts(desk: State) -> dict[str, int]:
    """{path of a page: how much waits there}, for the menu.

    Reports are counted at once. Wordings are not there until they were first counted, in a thread
    behind the page, and are counted anew once a minute."""
    counts: dict[str, int] = {}
    try:
        counts[REPORTS] = votes.count_open_tickets(desk.engine)
    except StoreDown:
        return {}  # the page says it, where it needs the database
    kept = desk.waiting
    with kept.lock:
        due = not kept.busy and time.monotonic() - kept.counted_at > RECOUNT_SECONDS
        kept.busy |= due
    if due:
        threading.Thread(target=_recount, args=(desk,), daemon=True).start()
    if kept.count is not None:
        counts[REVIEW] = kept.count
    return counts


def note_count(desk: State, count: int) -> None:
    """Keep what a page has just counted."""
    with desk.waiting.lock:
        desk.waiting.count, desk.waiting.counted_at = count, time.monotonic()


def take_away(desk: State, count: int) -> None:
    """Lower the number at once by what was taught or set aside; it is counted anew soon."""
    kept = desk.waiting
    with kept.lock:
        kept.changes += 1
        kept.counted_at = -math.inf
        if kept.count is not None:
            kept.count = max(0, kept.count - count)


def _recount(desk: State) -> None:
    kept = desk.waiting
    try:
        began, changes = time.monotonic(), kept.changes
        shown, _ = read_waiting(desk)
        live_answers.ask_behind(desk, shown.values())
        # a filtered view adds to them, of texts that may be deleted by now
        vectors.drop_others(desk.asked, shown)
        with kept.lock:
            if changes == kept.changes:
                kept.count, kept.counted_at = len(shown), began
    except Exception as error:  # the page goes on with the number that it had
        logger.error("what waits in the review could not be counted: %s", type(error).__name__)
    finally:
        kept.busy = False
