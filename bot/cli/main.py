"""The command line: `bot VERB`, one verb a function. `bot` alone lists them."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.cli.article_verbs import article, article_options
from bot.cli.content_verbs import (
    _evidence_options,
    _exchange_options,
    _links_options,
    _reviews_options,
    build_encoder,
    check,
    check_links,
    exchange_content,
    import_reviews,
    show_evidence,
)
from bot.cli.desk_verbs import _people_options, people, review
from bot.cli.release_verbs import (
    _publish_options,
    _release_option,
    compare,
    publish,
    rasa,
    releases,
    rollback,
    test,
    train,
)
from bot.cli.service_verbs import _ask_options, ask, prepare, run, serve
from bot.cli.site_verbs import (
    _channel_options,
    _outbox_options,
    _size_options,
    backup,
    doctor,
    outbox,
    retention,
    show_channels,
    show_settings,
    tell_size,
)
from bot.content import articles, history, wording
from bot.language import encoder
from bot.releases import registry
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import engine

if TYPE_CHECKING:  # what only some verbs need is imported there
    pass

type Verb = Callable[[Namespace, Settings], int | None]


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["rasa"]:  # its options are Rasa's own
        os.execv(registry.RASA[0], [*registry.RASA, *arguments])
    parser = argparse.ArgumentParser(
        prog="bot", description="Pamphlet: answers only with what a reviewed article says."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, (verb, add) in VERBS.items():
        child = verbs.add_parser(
            name, help=(verb.__doc__ or "").split("\n")[0], description=verb.__doc__
        )
        child.set_defaults(verb=verb)
        add(child)
    options = parser.parse_args(arguments)
    if not options.verb:
        parser.print_help()
        return 0
    try:
        return int(options.verb(options, settings.read_settings()) or 0)
    except articles.ContentError as error:
        print(
            "\n".join(str(fault).removeprefix(f"{settings.ROOT}/") for fault in error.faults),
            file=sys.stderr,
        )
        faults = wording.counted(len(error.faults), "fault")
        print(f"{faults}; nothing was changed", file=sys.stderr)
    except (
        settings.SettingsError,
        registry.ReleaseError,
        registry.NoAnswer,
        history.Stuck,
        engine.StoreDown,
        encoder.EncoderMissing,
        encoder.EncoderFault,
    ) as error:
        print(f"bot: {error}", file=sys.stderr)
    except OSError as error:
        print(f"bot: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return 1


def _no_options(parser: ArgumentParser) -> None:
    pass


VERBS: dict[str, tuple[Verb, Callable[[ArgumentParser], object]]] = {
    "run": (run, _no_options),
    "serve": (serve, _no_options),
    "prepare": (prepare, _no_options),
    "ask": (ask, _ask_options),
    "check": (check, _no_options),
    "evidence": (show_evidence, _evidence_options),
    "links": (check_links, _links_options),
    "content": (exchange_content, _exchange_options),
    "reviews": (import_reviews, _reviews_options),
    "article": (article, article_options),
    "train": (train, _no_options),
    "test": (test, _release_option),
    "compare": (compare, _release_option),
    "publish": (publish, _publish_options),
    "rollback": (rollback, _release_option),
    "releases": (releases, _no_options),
    "review": (review, _no_options),
    "encoder": (build_encoder, lambda parser: parser.add_argument("action", choices=["build"])),
    "people": (people, _people_options),
    "channels": (show_channels, _channel_options),
    "outbox": (outbox, _outbox_options),
    "rasa": (rasa, _no_options),
    "retention": (retention, _no_options),
    "doctor": (doctor, _no_options),
    "backup": (backup, lambda parser: parser.add_argument("folder", metavar="FOLDER")),
    "settings": (show_settings, _no_options),
    "size": (tell_size, _size_options),
}
