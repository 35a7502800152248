"""The verbs that prepare and run the service, and ask it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.release_verbs import (
    progress_bar,
    test_release,
)
from bot.content import articles, history, site_content
from bot.language import encoder
from bot.releases import registry
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import engine

if TYPE_CHECKING:  # what only some verbs need is imported there
    pass


def prepare(options: Namespace, config: Settings) -> None:
    """bring everything up to date: encoder, database, and a release of the content as it stands"""
    if _is_prepared(config):
        return
    faults = site_content.check_content(config.path("data"), settings.kept_secret(config))
    if faults:
        raise articles.ContentError(faults)
    try:
        encoder.check_encoder(encoder.load_encoder(config.path("models") / "encoder"))
    except (encoder.EncoderMissing, encoder.EncoderFault):
        encoder.build_encoder(config.path("models") / "encoder", progress=print)
    engine.migrate_database(config.database())
    registry.fetch_live(config)
    if _is_prepared(config):
        return
    id = registry.train_candidate(config, progress_bar("training"))
    report = test_release(config, id)
    if report.failures:
        raise registry.ReleaseError(
            "the new content failed its tests and was not published; the last release stays"
        )
    registry.publish_release(config, id)
    if outside := history.list_outside(config):
        print(f"notice: what is live now is in no commit: {', '.join(outside)}; commit it")


def _is_prepared(config: Settings) -> bool:
    """Whether the live release is of the content and the code as they stand; what was trained from
    has been checked."""
    try:
        encoder.find_encoder(config.path("models") / "encoder")
        live = registry.live_release(config)
        return live is not None and registry.read_manifest(config, live)[
            "digest"
        ] == registry.training_digest(config)
    except (encoder.EncoderMissing, registry.ReleaseError):
        return False


def run(options: Namespace, config: Settings) -> int:
    """bring everything up to date, then serve"""
    want_port(config)
    # in a process of its own, whose 200 MB are free again when it has trained and tested
    if not _is_prepared(config):
        ended = subprocess.run(
            [sys.executable, "-m", "bot", "prepare"], cwd=settings.ROOT
        ).returncode
        if ended:
            return ended
    return serve(options, config)


def serve(options: Namespace, config: Settings) -> int:
    """serve the live release until Ctrl-C"""
    from bot.conversation import rasa_processes

    want_port(config)
    if registry.live_release(config):
        encoder.find_encoder(config.path("models") / "encoder")
    loading = rasa_processes.begin_loading(config)

    import uvloop  # these take a second and a half, in which Rasa loads

    from bot.editor.app import create_app
    from bot.web import app

    served = app.serve_gateway(config, create_app, loading)
    return 0 if asyncio.run(served, loop_factory=uvloop.new_event_loop) else 1


def ask(options: Namespace, config: Settings) -> int:
    """ask a question and print the reply; --json reads one message a line and prints one JSON
    object a line

    A line is plain text, or {"conversation": "...", "text": "..."}. Uses the running service
    (--url), and starts one for itself if there is none."""
    from bot.operations import ask

    return ask.ask_service(options, config)


def want_port(config: Settings) -> None:
    with socket.socket(settings.socket_family(config.host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise registry.ReleaseError(
                f"port {config.port} of {config.host} can't be had ({error.strerror}); "
                f"stop what uses it, or choose another: PORT={config.port + 1} make run"
            ) from None


def _ask_options(parser: ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="the question")
    parser.add_argument(
        "--json", action="store_true", help="read messages from standard input, print JSON lines"
    )
    parser.add_argument(
        "--url", help="the running service (default: HOST and PORT of the settings)"
    )
    parser.add_argument("--article", help="the article that the page shows")
