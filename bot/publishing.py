"""Publishing from the desk: the pipeline as a process of its own, which the database tells of.

`bot publish --job N` makes publication N: check, train, test and compare, at the lowest priority,
so that visitors come first; then it goes live, or waits for its time or for another person's
approval. It ends with the process that started it."""

import contextlib
import datetime
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

from bot import articles, compare, history, release, settings
from bot.store import StoreDown, accounts, publications

TELL_SECONDS, BEAT_SECONDS = 0.3, 5
OVERTAKEN = (
    "Another release went live after this one was compared with what was live then. Publish again."
)
NO_ANSWER = (
    "The new release did not answer: this machine may be very busy, or short of memory. Try again; "
    "if it comes to the same, ask who runs this site."
)


def begin(config, engine, goal, person, live_at=None):
    """Start the making of a publication and return its number; raises publications.Busy.

    `goal`: publish, or try (not to go live). `live_at`: the moment at which it goes live; None: as
    soon as it may."""
    id = publications.begin(engine, goal, person, live_at)
    process = subprocess.Popen(
        ["nice", "-n", "19", sys.executable, "-m", "bot", "publish", "--job", str(id)],
        cwd=settings.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **settings.environment(config), "SECRET": settings.secret(config)},
    )
    threading.Thread(target=_see_off, args=(process,), daemon=True).start()
    return id


def _see_off(process):
    with process:  # its standard input stays open until it has ended
        process.wait()


def make(config, engine, id, check_stories):
    """Make publication `id`, which `begin` began; how it ended stands in the database.
    `check_stories`: rehearsal.check_stories."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    wanted, found = publications.read(engine, id), {}
    with _told(engine, id) as tell:
        try:
            found["release"] = candidate = release.train(
                config,
                lambda step, done: tell(step, 0.5 * done),
                _settle(engine, wanted) if wanted.goal != "try" else None,
            )
            report, comparison = _ask(config, engine, candidate, check_stories, tell)
            found |= {"report": asdict(report), "comparison": comparison.as_dict()}
            faults = report.failures
        except articles.ContentError as error:
            faults = [fault.removeprefix(f"{settings.ROOT}/") for fault in error.faults]
        except release.NoAnswer as error:
            faults = [f"{NO_ANSWER} What they need: {error}."]
        except (release.ReleaseError, history.Stuck, StoreDown) as error:
            faults = [str(error)]
        except Exception as error:  # whatever it is, the page must not wait for ever
            faults = [
                f"It could not be made: {type(error).__name__}. Ask who runs this site to look "
                f"into its log."
            ]
            raise
        finally:
            if sys.exc_info()[0] not in (KeyboardInterrupt, SystemExit):
                state = "failed" if faults else "tried" if wanted.goal == "try" else "tested"
                publications.end(engine, id, state, faults=faults, **found)
    advance(config, engine)


def _settle(engine, wanted):
    """A function that commits what is in no commit before it can go live, and names it."""

    def settle(config):
        names = history.settle(config)
        if names:
            who, listed, made = history.OUTSIDE.name, ", ".join(names), f"publication {wanted.id}"
            publications.tell(engine, wanted.id, f"commits what was {who}: {listed}", 0.0)
            accounts.record(engine, who, "was committed", made, listed)

    return settle


def approve(config, engine, id, person):
    """Note that `person` approves publication `id`, which waits for it; raises
    publications.NoPublication for one's own."""
    waiting = publications.read(engine, id)
    if waiting.person == person or waiting.state != "tested":
        raise publications.NoPublication(id)
    publications.move(engine, id, "tested", "tested", approved_by=person)
    advance(config, engine)


def advance(config, engine):
    """Bring live what was tested, is approved where that is wanted, and whose time has come."""
    for waiting in publications.waiting(engine):
        if is_due(config, waiting):
            with contextlib.suppress(publications.NoPublication):  # another process was faster
                if (waiting.comparison or {}).get("live") != release.live(config):
                    publications.move(engine, waiting.id, "tested", "failed", faults=[OVERTAKEN])
                else:
                    publications.move(engine, waiting.id, "tested", "live")
                    _bring_live(config, engine, waiting)


def is_due(config, made):
    """Whether a publication is tested, approved where that is wanted, and its time has come."""
    in_time = made.live_at is None or made.live_at <= datetime.datetime.now(datetime.UTC)
    return (
        made.state == "tested" and in_time and bool(made.approved_by or not wants_approval(config))
    )


def _bring_live(config, engine, waiting):
    try:
        release.publish(config, waiting.release)
    except (release.ReleaseError, OSError) as error:
        publications.move(
            engine, waiting.id, "live", "failed", faults=[f"It could not be brought live: {error}"]
        )


def changes(config):
    """[(file, kind, outside)] of what differs between the content and the live release's: new,
    changed or gone; `outside`: edited outside the desk, and in no commit yet."""
    now, outside = release.live(config), set(history.list_outside(config))
    old, new = (
        _files(folder)
        for folder in (
            release.folder_of(config, now) / "data" if now else None,
            config.path("data"),
        )
    )
    return [
        (
            name,
            "new" if name not in old else "gone" if name not in new else "changed",
            name in outside,
        )
        for name in sorted({*old, *new})
        if name not in old or name not in new or old[name].read_bytes() != new[name].read_bytes()
    ]


def _files(folder):
    found = folder.rglob("*") if folder else ()
    return {
        str(path.relative_to(folder)): path
        for path in found
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def roll_back(config, engine, id, person):
    """Make release `id` live again at once; raises release.ReleaseError, publications.Busy."""
    if dict(release.listed(config)).get(id) != "release":
        raise release.ReleaseError(f"{id} is no earlier release")
    release.read_manifest(config, id)
    made = publications.begin(engine, "rollback", person)
    publications.end(engine, made, "live", release=id)
    release.publish(config, id)
    return made


def wants_approval(config):
    """Whether a publication must be approved by another person than who asked for it."""
    return config.approval == "second"


def _ask(config, engine, candidate, check_stories, tell):
    """(Report, Comparison) of a candidate: all at once, since each is mostly one process that waits
    for another's core."""
    shares = dict.fromkeys(
        ("asking the test phrases", "telling the stories", "asking what visitors asked before"), 0.0
    )

    def heard(name):
        def progress(step, done):
            shares[name] = done
            tell(min(shares, key=shares.get), 0.5 + 0.5 * sum(shares.values()) / len(shares))

        return progress

    testing, telling, comparing = shares
    with ThreadPoolExecutor(len(shares)) as pool:
        tested = pool.submit(release.test, config, candidate, heard(testing))
        told = pool.submit(check_stories, config, candidate, heard(telling))
        compared = pool.submit(compare.compare, config, engine, candidate, heard(comparing))
        report = tested.result()
        return replace(report, failures=report.failures + told.result()), compared.result()


@contextlib.contextmanager
def _told(engine, id):
    """A progress function whose news reach the database, not too often, and a sign of life now and
    then."""
    news, lock, over = (
        {"step": "checks the content", "done": 0.0},
        threading.Lock(),
        threading.Event(),
    )

    def write():
        last, told = None, 0.0
        while not over.wait(TELL_SECONDS):
            with lock:
                now = dict(news)
            if now != last or time.monotonic() - told > BEAT_SECONDS:
                with contextlib.suppress(StoreDown):
                    publications.tell(engine, id, now["step"], now["done"])
                    last, told = now, time.monotonic()

    writer = threading.Thread(target=write)
    writer.start()

    def tell(step, done):
        with lock:
            news.update(step=step, done=max(done, news["done"]))

    try:
        yield tell
    finally:
        over.set()
        writer.join()


def _end_with_parent():
    """Wait for the end of standard input, a pipe from who started this: it comes even when that was
    killed."""
    while os.read(0, 1):
        pass
    os._exit(1)
