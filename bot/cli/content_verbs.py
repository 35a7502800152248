"""The verbs that check what editors write: its faults, evidence and links; and the encoder."""

from __future__ import annotations

import argparse
import datetime
import getpass
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.release_verbs import (
    progress_bar,
)
from bot.content import articles, evidence, history, sign_offs, site_content, wording
from bot.content.git_commands import Author
from bot.language import encoder
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import engine as store_engine

if TYPE_CHECKING:  # what only some verbs need is imported there
    from bot.content import shared_copy
    from bot.operations.source_links import Link


def check(options: Namespace, config: Settings) -> None:
    """name every fault in the content, as path:line: what is wrong"""
    secret = settings.kept_secret(config)
    faults = site_content.check_content(config.path("data"), secret)
    if faults:
        raise articles.ContentError(faults)
    content = site_content.load_content(config.path("data"))
    if secret is None and any(content.signed.values()):
        print("notice: reviews were not held against their seals: the site's SECRET is not here")
    for article in content.articles.values():
        _notice_late(content, article)
    print("the content has no fault")


def _notice_late(content: site_content.SiteContent, article: articles.Article) -> None:
    """Print which answers of an article want a new review."""
    today = datetime.datetime.now(datetime.UTC).date()
    reviews = [(question.name, content.review_of(question.name)) for question in article.questions]
    late = [(name, each) for name, each in reviews if each.timeliness(today) != "current"]
    if late:
        gone = sum(each.timeliness(today) == "withdrawn" for _, each in late)
        print(
            f"notice: {article.path.removeprefix(f'{settings.ROOT}/')}: "
            f"{wording.counted(len(late), 'answer wants', 'answers want')} a new review, "
            f"{late[0][0]} since {late[0][1].due}; {gone} of them "
            f"{'is' if gone == 1 else 'are'} withdrawn; sign at the desk"
        )


def exchange_content(options: Namespace, config: Settings) -> int:
    """send the content's commits to the shared copy that its branch follows, or fetch those that
    are not here yet, checked and whole or not at all; `look` says what differs"""
    from bot.content import shared_copy
    from bot.operations import copy_acts
    from bot.runtime import job_process

    kind = copy_acts.Kind(options.action)
    if not options.job:
        store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    try:
        if options.job:  # begun at the desk, which reads how it ended
            job_process.prepare_to_end()
            copy_acts.finish_act(config, engine, kind)
            return 0
        act = copy_acts.do_act(config, engine, copy_acts.Act(kind, getpass.getuser()))
        if act.faults:
            raise articles.ContentError(act.faults)
        if act.state != copy_acts.State.DONE:
            print(f"bot: {act.said}", file=sys.stderr)
            return 1
        print(act.said or _say_standing(shared_copy.read_standing(config)))
        return 0
    except copy_acts.Busy:
        print("bot: another process is at it; try again in a moment", file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _say_standing(standing: shared_copy.Standing) -> str:
    """What is not sent and not fetched, a line each."""
    lists = {"not sent": standing.unsent, "not fetched": standing.unfetched}
    lines = [
        f"{where}: {change.commit[:7]} {change.editor}: {change.why}"
        for where, listed in lists.items()
        for change in listed
    ]
    return "\n".join(lines) or f"nothing differs from {standing.followed.name}"


def import_reviews(options: Namespace, config: Settings) -> None:
    """take over reviews that clinicians made before this site kept signatures, marked as such

    FILE: `reviews:`, a list of `{article: tremor, question: causes, name: ..., profession: ..., on:
    2026-11-22, note: ...}`; without `question`, all of the article's. They hold for the words as
    they stand now."""
    path = Path(options.file)
    data, _, faults = articles.read_yaml(path.read_text(encoding="utf-8"), path)
    if data is None:
        raise articles.ContentError(faults)
    listed = {article.id: article for article in articles.load_articles(config.path("data"))}
    made, faults = sign_offs.make_imported(data, listed, path)
    if faults:
        raise articles.ContentError(faults)
    secret, author = settings.site_secret(config), Author("earlier reviews, imported")
    with history.one_at_a_time(config):
        for id, new in made.items():
            file = sign_offs.path_of(config.path("data"), id)
            before = file.read_text(encoding="utf-8") if file.is_file() else ""
            earlier, faults = sign_offs.read_sign_offs(before, file) if before else ((), [])
            if faults:
                raise articles.ContentError(faults)
            sealed = [sign_offs.seal_sign_off(each, id, secret) for each in new]
            text = sign_offs.write_sign_offs(id, sign_offs.add_sign_offs(earlier, sealed))
            file.parent.mkdir(exist_ok=True)
            articles.save_text(file, text)
            history.record_change(config, {file: text}, author, f"{id}: {len(sealed)} reviews")
            print(f"{id}: {wording.counted(len(sealed), 'review')} taken over")


def _exchange_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["look", "send", "fetch"])
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)


def _reviews_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["import"])
    parser.add_argument("file", metavar="FILE")


def show_evidence(options: Namespace, config: Settings) -> int:
    """say how far each article's statements are held against its sources (or ARTICLE's alone), and
    what deserves a second look"""
    from bot.content import evidence_report

    listed = articles.load_articles(config.path("data"))
    if options.article and options.article not in [article.id for article in listed]:
        print(f"bot: there is no article {options.article}", file=sys.stderr)
        return 1
    ledgers, faults = evidence.read_all(config.path("data"), listed)
    today = datetime.datetime.now(datetime.UTC).date()
    for article in listed:
        if options.article in (None, article.id):
            lines = evidence_report.write_report(
                article, ledgers.get(article.id), today, options.older_than
            )
            print("\n".join(line.replace(f"{settings.ROOT}/", "") for line in lines))
    if faults:
        said = wording.counted(len(faults), "fault")
        print(f"{said}; `bot check` names {'it' if len(faults) == 1 else 'them'}", file=sys.stderr)
    return 1 if faults else 0


def check_links(options: Namespace, config: Settings) -> int:
    """ask the address of every source, and name what moved, is gone, or leads to a front page

    Ends with 0 where all is fine, 1 where something was found, 3 where nothing was found but
    something could not be asked."""
    from bot.operations import source_links

    draw = progress_bar("asking")

    def progress(url: str, done: float) -> None:
        if sys.stderr.isatty():
            draw(url.split("/")[2][:34], done)

    found = source_links.ask_links(
        source_links.list_links(config.path("data")), progress, config.public_url
    )
    source_links.keep_links(config, found)
    if options.json:
        print(source_links.as_json(found), end="")
    else:
        show_links(found)
    states = {link.state for link in found}
    return (
        1
        if states & set(source_links.FOUND)
        else 3
        if source_links.State.NOT_ASKED in states
        else 0
    )


def show_links(found: Sequence[Link]) -> None:
    """Print what was found at the sources' addresses, and what could not be asked."""
    from bot.operations import source_links

    for states, title in (
        (source_links.FOUND, ""),
        ((source_links.State.NOT_ASKED,), "not asked: "),
    ):
        for link in found:
            for place in link.places if link.state in states else ():
                n = "further reading" if place.n is None else f"[{place.n}]"
                path = place.path.removeprefix(f"{settings.ROOT}/")
                print(f"{title}{path}:{place.line}: {n} {link.url} {link.said}")
    counts = {state: sum(link.state == state for link in found) for state in source_links.State}
    print(", ".join(f"{count} {state}" for state, count in counts.items() if count))


def build_encoder(options: Namespace, config: Settings) -> None:
    """make models/encoder from its wheel, checked against stored vectors"""
    encoder.build_encoder(config.path("models") / "encoder", progress=print)


def _evidence_options(parser: ArgumentParser) -> None:
    parser.add_argument("article", nargs="?", metavar="ARTICLE")
    parser.add_argument(
        "--older-than",
        type=int,
        default=3 * 365,
        metavar="DAYS",
        help="list sources whose version is older (default: three years)",
    )


def _links_options(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="what was found, for programs")
