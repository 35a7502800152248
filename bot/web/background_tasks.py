"""The loops of a gateway: each a round that `loops` goes through again and again. Here is the list
of all of them; nothing else in the gateway runs for ever."""

import asyncio
import datetime
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from bot.channels import outbox_worker
from bot.content import articles
from bot.conversation import rasa_processes, turns, unstored_replies
from bot.operations import reminders, source_links
from bot.releases import publishing, registry
from bot.runtime import settings
from bot.runtime.loops import Loop
from bot.store import engine, stored_turns

logger = logging.getLogger(__name__)
FOLLOW_SECONDS = 0.5
SCRUB_SECONDS = 10
ADVANCE_SECONDS = 3
FETCH_SECONDS, LONGEST_FETCH = 3, 60  # between looks into the depot
SETTLE_SECONDS, SETTLE_PAUSE = 16, 10  # past ANSWER_SECONDS, no message is on its way any more
KEEP_SECONDS = 5
RETAIN_SECONDS, RETAIN_AGAIN = 24 * 3600, 600
LINK_DAYS = 7  # between two rounds of the sources' addresses
LOOK_SECONDS = 3600  # between two looks whether those days, or somebody's reminder's, have passed


def list_loops(
    site: turns.Site, check: Callable[[str], None], post: outbox_worker.Delivery | None = None
) -> list[Loop]:
    """Every Loop of a gateway, `desk.processes` started; `check(id)` raises registry.ReleaseError
    for a release that may not be served, `post` is the delivery of the messaging channels, if
    any."""
    every = [
        Loop("looking after Rasa", lambda: rasa_processes.look_after(site.processes), 1),
        Loop(
            "following the live release",
            lambda: rasa_processes.follow_release(site.processes, check),
            1,
        ),
        Loop("reading the release's content", functools.partial(read_content, site, _reader())),
        Loop("deleting old texts", functools.partial(delete_old_texts, site)),
        Loop("clearing the database's files", functools.partial(scrub_database, site)),
        Loop("settling messages without an end", functools.partial(settle_unanswered, site)),
        Loop("storing what was told without the database", functools.partial(store_unstored, site)),
        Loop("bringing publications live", functools.partial(publish_in_time, site)),
        Loop("reminding who may sign", functools.partial(remind_signers, site), LOOK_SECONDS),
    ]
    if site.config.releases_url:
        every.append(Loop("fetching releases", functools.partial(fetch_release, site, Patience())))
    if site.config.check_links:
        asking = functools.partial(check_links, site)
        every.append(Loop("asking the sources' addresses", asking, LOOK_SECONDS))
    return every + (outbox_worker.list_loops(post) if post else [])


class Patience:
    """Seconds until the depot is asked again: more after each time that it failed."""

    def __init__(self) -> None:
        self.seconds = FETCH_SECONDS


def _reader() -> ThreadPoolExecutor:
    """Always the same thread, for each keeps room for what it once held."""
    return ThreadPoolExecutor(1, thread_name_prefix="content")


async def read_content(site: turns.Site, reader: ThreadPoolExecutor) -> float:
    """Take the content of whatever release Rasa serves."""
    wanted = site.processes.release
    if wanted != site.release:
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(reader, turns.read_release, site, wanted)
        except (articles.ContentError, registry.ReleaseError, OSError) as error:
            logger.error(
                "the content of release %s can't be read (%s); that of %s is served on",
                wanted,
                error,
                site.release,
            )
            return 10
    return FOLLOW_SECONDS


async def fetch_release(site: turns.Site, patience: Patience) -> float:
    """Take the release that is live in the depot, where hosts share one."""
    try:
        await asyncio.to_thread(registry.fetch_live, site.config)
        patience.seconds = FETCH_SECONDS
    except registry.ReleaseError as error:
        patience.seconds = min(2 * patience.seconds, LONGEST_FETCH)
        logger.error(
            "%s; release %s is served on; trying again in %s s",
            error,
            site.release,
            patience.seconds,
        )
    return patience.seconds


async def settle_unanswered(site: turns.Site) -> float:
    """Give an end to the messages that have none in the database, to be read on resuming."""
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
        seconds=site.config.answer_seconds + SETTLE_SECONDS
    )
    try:
        if count := await turns.settle_unanswered(site, before):
            logger.error("%s messages were left without an answer; they were refused", count)
    except engine.StoreDown as error:
        logger.error(
            "%s; messages without an answer are looked for again in %s s", error, SETTLE_PAUSE
        )
    return SETTLE_PAUSE


async def store_unstored(site: turns.Site) -> float:
    """Store what visitors were told while the database failed."""
    try:
        if count := await unstored_replies.store_all(site.config, site.engine):
            logger.warning("%s messages that were answered without the database are stored", count)
    except engine.StoreDown as error:
        logger.error("%s; what was told without it waits in the journal", error)
    return KEEP_SECONDS


async def delete_old_texts(site: turns.Site) -> float:
    """Delete texts past their days: daily, and sooner after a failure."""
    try:
        if await asyncio.to_thread(
            stored_turns.clear_old_texts, site.engine, site.config.kept_since()
        ):
            site.forgotten.set()
    except engine.StoreDown as error:
        logger.error("old texts could not be deleted (%s); trying again in 10 minutes", error)
        return RETAIN_AGAIN
    return RETAIN_SECONDS


async def check_links(site: turns.Site) -> float:
    """Ask every source's address once a week, in a thread of its own."""
    last = source_links.read_kept_links(site.config)[0]
    today = datetime.datetime.now(datetime.UTC).date()
    if not last or last + datetime.timedelta(days=LINK_DAYS) <= today:
        try:
            await asyncio.to_thread(_ask_links, site.config)
        except OSError as error:
            logger.error("the sources' addresses could not be asked: %s", error)
    return LOOK_SECONDS


def _ask_links(config: settings.Settings) -> None:
    source_links.keep_links(
        config,
        source_links.ask_links(
            source_links.list_links(config.path("data")), about=config.public_url
        ),
    )


async def remind_signers(site: turns.Site) -> float:
    """Remind whose turn it is of what awaits a signature."""
    remind = functools.partial(reminders.remind_signers, site.config, site.engine)
    try:
        await _run_aside(remind)
    except engine.StoreDown as error:
        logger.error("who may sign could not be reminded: %s; trying again in an hour", error)
    return LOOK_SECONDS


async def _run_aside[T](work: Callable[[], T]) -> T:
    """What `work` gives, in a thread of its own: a server that answers slowly takes none from
    visitors, and the gateway's end does not wait for it."""
    done = Future[T]()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(done)


async def scrub_database(site: turns.Site) -> float:
    """Clear the database's files of what was deleted, at most every SCRUB_SECONDS."""
    await site.forgotten.wait()
    site.forgotten.clear()
    try:
        await asyncio.to_thread(engine.scrub_files, site.engine)
    except engine.StoreDown as error:
        site.forgotten.set()
        logger.error(
            "deleted texts may still stand in the database's files (%s); trying again", error
        )
    except BaseException:
        site.forgotten.set()  # it is still to be done
        raise
    return SCRUB_SECONDS


async def publish_in_time(site: turns.Site) -> float:
    """Bring scheduled publications live when their time has come."""
    try:
        await asyncio.to_thread(publishing.advance_publications, site.config, site.engine)
    except (engine.StoreDown, registry.ReleaseError, OSError) as error:
        logger.error("scheduled publications could not be looked after: %s", error)
    return ADVANCE_SECONDS
