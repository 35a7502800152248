"""Publishing from the desk: the pipeline as a process of its own, which the database tells of.

`bot publish --job N` makes publication N: check, train, test and compare, at the lowest priority,
so that visitors come first; then it goes live, or waits for its time or for another person's
approval. It ends with the process that started it."""

import contextlib
import datetime
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bot.content import articles, history, wording
from bot.releases import comparison, registry, steps
from bot.runtime import job_process, settings
from bot.runtime.settings import Settings
from bot.store import accounts, publications
from bot.store.engine import StoreDown

NICENESS = 19  # of the process that makes a publication: visitors come first
TELL_SECONDS, BEAT_SECONDS = 0.3, 2
ELSEWHERE_SECONDS = 600  # in which a host that is started anew is there again
type CheckStories = Callable[[Settings, str, registry.Progress], list[str]]
MOST_DETAIL = 200  # signs of a fault that stand in the log
OVERTAKEN = (
    "Another release went live after this one was compared with what was live then. Publish again."
)
NO_ANSWER = (
    "The new release did not answer: this machine may be very busy, or short of memory. Try again; "
    "if it comes to the same, ask who runs this site."
)


def begin_publication(
    config: Settings,
    engine: Engine,
    goal: str,
    person: str,
    live_at: datetime.datetime | None = None,
    reason: str = "",
) -> int:
    """Start the making of a publication and return its number; raises publications.Busy.

    `goal`: publish, or try (not to go live). `live_at`: the moment at which it goes live; None: as
    soon as it may. `reason`: why, for whoever reads of it later."""
    id = publications.begin_publication(engine, goal, person, live_at, reason)
    process = subprocess.Popen(
        ["nice", "-n", str(NICENESS), sys.executable, "-m", "bot", "publish", "--job", str(id)],
        cwd=settings.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a group of its own, which ends as a whole
        env={
            **os.environ,
            **settings.settings_environment(config),
            "SECRET": settings.site_secret(config),
        },
    )
    threading.Thread(target=_see_off, args=(process,), daemon=True).start()
    return id


def _see_off(process: subprocess.Popen[bytes]) -> None:
    with process:  # its standard input stays open until it has ended
        process.wait()


def make_publication(
    config: Settings,
    engine: Engine,
    id: int,
    check_stories: CheckStories,
    find_end: comparison.FindEnd,
) -> None:
    """Make publication `id`, which `begin` began; how it ended stands in the database.
    `check_stories`: rehearsal.check_stories; `find_end`: reply_actions.find_end."""
    job_process.prepare_to_end()
    wanted = publications.read_publication(engine, id)
    found: dict[str, Any] = {}
    faults: list[publications.Stopped]
    with _noted_progress(engine, id) as tell:
        try:
            found["release"] = candidate = registry.train_candidate(
                config,
                lambda step, done: tell(step, 0.5 * done),
                _settle(engine, wanted) if wanted.goal != "try" else None,
            )
            report, compared = _ask(config, engine, candidate, check_stories, find_end, tell)
            found |= {"report": asdict(report), "comparison": compared.as_dict()}
            faults = [*report.failures]
        except articles.ContentError as error:
            faults = [fault.as_dict() for fault in error.faults]
        except registry.NoAnswer as error:
            faults = [f"{NO_ANSWER} What they need: {error}."]
        except (registry.ReleaseError, history.Stuck, StoreDown) as error:
            faults = [str(error)]
        except Exception as error:  # whatever it is, the page must not wait for ever
            faults = [
                f"It could not be made: {type(error).__name__}. Ask who runs this site to look "
                f"into its log."
            ]
            raise
        finally:
            if sys.exc_info()[0] not in (KeyboardInterrupt, SystemExit):
                _end_publication(engine, wanted, faults, found)
    advance_publications(config, engine)


def _end_publication(
    engine: Engine,
    wanted: publications.Entry,
    faults: list[publications.Stopped],
    found: dict[str, Any],
) -> None:
    """Note how the making of a publication ended, unless somebody stopped it before."""
    state = "failed" if faults else "tried" if wanted.goal == "try" else "tested"
    last_step = None if faults else steps.DONE
    ended = publications.end_publication(
        engine, wanted.id, state, faults=faults, last_step=last_step, **found
    )
    if ended and faults:
        # how many alone: a fault may hold a visitor's words, which nobody could delete from the log
        _record_failure(engine, wanted, wording.counted(len(faults), "fault"))


def _record_failure(engine: Engine, made: publications.Entry, detail: str) -> None:
    """A line of the log: that it failed."""
    accounts.record_action(engine, made.person, "failed", f"publication {made.id}", detail)


def _settle(engine: Engine, wanted: publications.Entry) -> Callable[[Settings], None]:
    """A function that commits what is in no commit before it can go live, and names it."""

    def settle(config: Settings) -> None:
        names = history.commit_waiting(config)
        if names:
            who, listed, made = history.OUTSIDE.name, ", ".join(names), f"publication {wanted.id}"
            said = steps.KEEPING.format(who=who, listed=listed)
            publications.note_progress(engine, wanted.id, said, 0.0)
            accounts.record_action(engine, who, "was committed", made, listed)

    return settle


def approve_publication(config: Settings, engine: Engine, id: int, person: str) -> None:
    """Note that `person` approves publication `id`, which waits for it; raises
    publications.NoPublication for one's own."""
    waiting = publications.read_publication(engine, id)
    if waiting.person == person or waiting.state != "tested":
        raise publications.NoPublication(id)
    publications.move_publication(engine, id, "tested", "tested", approved_by=person)
    # before it goes live: the log tells both in their order
    accounts.record_action(engine, person, "approved", f"publication {id}", waiting.release or "")
    advance_publications(config, engine)


def withdraw_publication(config: Settings, engine: Engine, id: int) -> None:
    """Keep a tested publication from going live; raises publications.NoPublication where it does
    already."""
    with _one_at_a_time(config):
        publications.move_publication(engine, id, "tested", "withdrawn")


def advance_publications(config: Settings, engine: Engine) -> None:
    """Bring live what was tested, is approved where that is wanted, and whose time has come."""
    for waiting in publications.waiting_publications(engine):
        if is_due(config, waiting) and not _is_elsewhere(config, waiting):
            with (
                contextlib.suppress(publications.NoPublication),  # another host was faster
                _one_at_a_time(config),
            ):
                _bring_live(config, engine, waiting.id)


def _is_elsewhere(config: Settings, waiting: publications.Entry) -> bool:
    """Whether the host that made a due release may still bring it live: this one has no folder of
    it. Where none did in ELSEWHERE_SECONDS, it is this one's to say that it is gone."""
    due = max(at for at in (waiting.began_at, waiting.ended_at, waiting.live_at) if at)
    if (datetime.datetime.now(datetime.UTC) - due).total_seconds() > ELSEWHERE_SECONDS:
        return False
    try:
        registry.folder_of(config, waiting.release or "")
    except registry.ReleaseError:
        return True
    return False


@contextlib.contextmanager
def _one_at_a_time(config: Settings) -> Iterator[None]:
    """One publication goes live or is withdrawn at a time, whichever process of this host does
    it."""
    folder = config.path("var")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "live.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_due(config: Settings, made: publications.Entry) -> bool:
    """Whether a publication is tested, approved where that is wanted, and its time has come."""
    in_time = made.live_at is None or made.live_at <= datetime.datetime.now(datetime.UTC)
    return (
        made.state == "tested" and in_time and bool(made.approved_by or not wants_approval(config))
    )


def _bring_live(config: Settings, engine: Engine, id: int) -> None:
    """Make the release of a due publication the live one, and then note it: where this process ends
    between the two, the next look only notes it. Called within `_one_at_a_time`."""
    waiting = publications.read_publication(engine, id)
    if not is_due(config, waiting):  # another process was faster
        return
    release, live = waiting.release or "", registry.live_release(config)
    if live != release:
        if (waiting.comparison or {}).get("live") != live:
            _fail(engine, waiting, OVERTAKEN)
            return
        try:
            registry.publish_release(config, release)
        except (registry.ReleaseError, OSError) as error:
            _fail(engine, waiting, f"It could not be brought live: {error}")
            return
    try:
        publications.move_publication(engine, id, "tested", "live")
    except publications.NoPublication:
        if live and publications.read_publication(engine, id).state == "withdrawn":
            registry.publish_release(config, live)  # another host does not wait for our lock
        raise
    accounts.record_action(engine, waiting.person, "went live", f"publication {id}", release)


def _fail(engine: Engine, waiting: publications.Entry, fault: str) -> None:
    publications.move_publication(engine, waiting.id, "tested", "failed", faults=[fault])
    _record_failure(engine, waiting, fault.strip().partition("\n")[0][:MOST_DETAIL])


def content_changes(config: Settings, release: str | None = None) -> list[tuple[str, str, bool]]:
    """[(file, kind, outside)] of what differs between the content, or that of a `release`, and the
    live release's: new, changed or gone; `outside`: edited outside the desk, and in no commit
    yet."""
    outside = set() if release else set(history.list_outside(config))
    old, new = (_files(folder) for folder in compared_folders(config, release))
    return [
        (
            name,
            "new" if name not in old else "gone" if name not in new else "changed",
            name in outside,
        )
        for name in sorted({*old, *new})
        if name not in old or name not in new or old[name].read_bytes() != new[name].read_bytes()
    ]


def compared_folders(config: Settings, release: str | None = None) -> tuple[Path | None, Path]:
    """(the folder of the live release's content, None where there is none; that of the content, or
    of a `release`). Raises registry.ReleaseError."""
    now = registry.live_release(config)
    after = registry.folder_of(config, release) / "data" if release else config.path("data")
    return registry.folder_of(config, now) / "data" if now else None, after


def _files(folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    return {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def roll_back(config: Settings, engine: Engine, id: str, person: str) -> int:
    """Make release `id` live again at once; raises registry.ReleaseError, publications.Busy."""
    if dict(registry.list_releases(config)).get(id) != "release":
        raise registry.ReleaseError(f"{id} is no earlier release")
    registry.read_manifest(config, id)
    with _one_at_a_time(config):
        made = publications.begin_publication(engine, "rollback", person)
        try:
            registry.publish_release(config, id)
        except (registry.ReleaseError, OSError) as error:
            said = f"It could not be brought live: {error}"
            publications.end_publication(engine, made, "failed", release=id, faults=[said])
            raise registry.ReleaseError(said) from error
        publications.end_publication(engine, made, "live", release=id)
    return made


def wants_approval(config: Settings) -> bool:
    """Whether a publication must be approved by another person than who asked for it."""
    return config.approval == "second"


def _ask(
    config: Settings,
    engine: Engine,
    candidate: str,
    check_stories: CheckStories,
    find_end: comparison.FindEnd,
    tell: registry.Progress,
) -> tuple[registry.Report, comparison.Comparison]:
    """(Report, Comparison) of a candidate: all at once, since each is mostly one process that waits
    for another's core."""
    shares = dict.fromkeys((steps.PHRASES, steps.STORIES, steps.PAST), 0.0)

    def heard(name: str) -> registry.Progress:
        def progress(step: str, done: float) -> None:
            shares[name] = done
            first = next((each for each, share in shares.items() if share < 1), name)
            tell(first, 0.5 + 0.5 * sum(shares.values()) / len(shares))

        return progress

    testing, telling, comparing = shares
    with ThreadPoolExecutor(len(shares)) as pool:
        tested = pool.submit(registry.test_candidate, config, candidate, heard(testing))
        stories = pool.submit(check_stories, config, candidate, heard(telling))
        compared = pool.submit(
            comparison.compare_candidate, config, engine, candidate, find_end, heard(comparing)
        )
        try:
            report = tested.result()
            return replace(report, failures=report.failures + stories.result()), compared.result()
        except SystemExit:
            # stopped: what nobody tested must not answer at Try. At once, for what runs in the
            # threads may take longer to end than this process has
            registry.remove_candidate(config, candidate)
            raise


@contextlib.contextmanager
def _noted_progress(engine: Engine, id: int) -> Iterator[registry.Progress]:
    """A progress function whose news reach the database, not too often, and a sign of life now and
    then. Where somebody has stopped the publication meanwhile, this process ends."""
    news = (steps.CHECKING, 0.0)
    lock, over = threading.Lock(), threading.Event()

    def write() -> None:
        last: tuple[str, float] | None = None
        noted_at = 0.0
        while not over.wait(TELL_SECONDS):
            with lock:
                now = news
            if now != last or time.monotonic() - noted_at > BEAT_SECONDS:
                with contextlib.suppress(Exception):  # the next sign of life may come through
                    if not publications.note_progress(engine, id, *now):
                        job_process.end_soon()
                        return
                    last, noted_at = now, time.monotonic()

    writer = threading.Thread(target=write)
    writer.start()

    def tell(step: str, done: float) -> None:
        nonlocal news
        with lock:
            news = (step, max(done, news[1]))

    try:
        yield tell
    finally:
        over.set()
        writer.join()
