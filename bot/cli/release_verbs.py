"""The verbs that train, test, publish and compare releases."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.content import history, wording
from bot.releases import registry
from bot.runtime.settings import Settings
from bot.store import engine as store_engine

if TYPE_CHECKING:  # what only some verbs need is imported there
    from bot.releases.comparison import Comparison


def train(options: Namespace, config: Settings) -> None:
    """check and train the content into a candidate, and print its id"""
    print(registry.train_candidate(config, progress_bar("training")))


def test(options: Namespace, config: Settings) -> int:
    """ask a candidate its test phrases and tell it its stories (the newest candidate, or --release
    ID)"""
    report = test_release(config, options.release or newest_candidate(config))
    return 1 if report.failures else 0


def publish(options: Namespace, config: Settings) -> int:
    """test a candidate and make it the live release (the newest candidate, or --release ID)"""
    if options.job:  # begun at the desk, which is told of everything
        from actions import reply_actions
        from bot.conversation import rehearsal
        from bot.releases import publishing

        engine = store_engine.connect_database(config.database())
        publishing.make_publication(
            config, engine, options.job, rehearsal.check_stories, reply_actions.find_end
        )
        engine.dispose()
        return 0
    id = options.release or newest_candidate(config)
    report = test_release(config, id)
    if report.failures:
        return 1
    with history.one_at_a_time(config):
        outside = history.commit_waiting(config)
    if outside:
        print(f"committed what was {history.OUTSIDE.name}: {', '.join(outside)}")
    registry.publish_release(config, id)
    print(f"{id} is live")
    return 0


def compare(options: Namespace, config: Settings) -> None:
    """ask a candidate what visitors asked before, and say what would change (the newest candidate,
    or --release ID)"""
    from actions import reply_actions
    from bot.releases import comparison

    store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    id = options.release or newest_candidate(config)
    bar = progress_bar("comparing")
    show_comparison(comparison.compare_candidate(config, engine, id, reply_actions.find_end, bar))
    engine.dispose()


def rollback(options: Namespace, config: Settings) -> None:
    """make an earlier release live again (the one before the live one, or --release ID)"""
    listed = registry.list_releases(config)
    ids = [id for id, state in listed if state != "candidate"]
    now = next((id for id, state in listed if state == "live"), None)
    earlier = options.release or next((id for id in ids if now and id < now), None)
    if earlier is None:
        raise registry.ReleaseError("there is no earlier release; `bot releases` lists them")
    registry.publish_release(config, earlier)
    print(f"{earlier} is live")


def rasa(options: Namespace, config: Settings) -> None:
    """Rasa's own command line, as `bot rasa data validate`, `bot rasa train`, `bot rasa shell` or
    `bot rasa test nlu`"""
    os.execv(registry.RASA[0], [*registry.RASA, "rasa"])


def releases(options: Namespace, config: Settings) -> None:
    """list releases and candidates, newest first"""
    for id, state in registry.list_releases(config):
        print(f"{id}  {state}")


def show_report(report: registry.Report) -> None:
    """Print what a test found."""
    print(
        f"of {report.total} test phrases {report.right} are answered rightly, {report.offered} "
        f"asked back with the right question "
        f"offered, {report.wrong} answered wrongly"
    )
    for phrase, expected, got, confidence in report.missed:
        print(f'  {expected}: "{phrase}" -> {got} ({confidence})')
    for failure in report.failures:
        print(f"failed: {failure}", file=sys.stderr)


def show_comparison(found: Comparison) -> None:
    """Print what a comparison found."""
    print(
        f"of {wording.counted(found.asked, 'past question')}: answers gained "
        f"{len(found.gained)}, lost {len(found.lost)}, ended otherwise {len(found.changed)}"
    )
    for kind in ("gained", "lost", "changed"):
        for moved in getattr(found, kind):
            print(
                f'  {kind}: "{moved.text}" {moved.before} -> {moved.after}'
                + (f" ({moved.times} times)" if moved.times > 1 else "")
            )
    for name, times in found.rewritten.items():
        print(f"  rewritten: {name}, the answer to {times} of them")


def progress_bar(title: str) -> registry.Progress:
    """A progress function for release: one line that is drawn over on a terminal, one line a step
    elsewhere."""
    last: str | None = None

    def progress(step: str, done: float) -> None:
        nonlocal last
        if sys.stderr.isatty():
            filled = round(30 * done)
            print(
                f"\r{title} [{'#' * filled}{'.' * (30 - filled)}] {step:<34}",
                end="\n" if done >= 1 else "",
                file=sys.stderr,
                flush=True,
            )
        elif step != last:
            print(f"{title}: {step}", file=sys.stderr, flush=True)
        last = step

    return progress


def test_release(config: Settings, id: str) -> registry.Report:
    """The registry.Report of a candidate, its stories among the failures; printed."""
    from bot.conversation import rehearsal

    report = registry.test_candidate(config, id, progress_bar("testing"))
    report = dataclasses.replace(
        report,
        failures=report.failures + rehearsal.check_stories(config, id, progress_bar("its stories")),
    )
    show_report(report)
    return report


def newest_candidate(config: Settings) -> str:
    id = next((id for id, state in registry.list_releases(config) if state == "candidate"), None)
    if id is None:
        raise registry.ReleaseError("there is no candidate; run `bot train`")
    return id


def _release_option(parser: ArgumentParser) -> None:
    parser.add_argument("--release", metavar="ID")


def _publish_options(parser: ArgumentParser) -> None:
    _release_option(parser)
    parser.add_argument("--job", type=int, help=argparse.SUPPRESS)
