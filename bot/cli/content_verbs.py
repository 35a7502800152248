"""The verbs that check what editors write: its faults, evidence and links; and the encoder."""

from __future__ import annotations

import datetime
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cli.release_verbs import (
    progress_bar,
)
from bot.content import articles, evidence, site_content, wording
from bot.language import encoder
from bot.runtime import settings
from bot.runtime.settings import Settings

if TYPE_CHECKING:  # what only some verbs need is imported there
    from bot.operations.source_links import Link


def check(options: Namespace, config: Settings) -> None:
    """name every fault in the content, as path:line: what is wrong"""
    faults = site_content.check_content(config.path("data"))
    if faults:
        raise articles.ContentError(faults)
    for article in articles.load_articles(config.path("data")):
        state = article.review_state(datetime.datetime.now(datetime.UTC).date())
        if state != "current":
            print(
                f"notice: {article.path.removeprefix(f'{settings.ROOT}/')}: its review was due "
                f"on {article.review_due()}; "
                + (
                    "it is withdrawn, review it and set reviewed_on"
                    if state == "withdrawn"
                    else "review it and set reviewed_on"
                )
            )
    print("the content has no fault")


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
