"""The command line: `bot VERB`, one verb a function. `bot` alone lists them."""

import argparse
import asyncio
import datetime
import socket
import sys

from bot import articles, content, encoder, release, settings, store


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="bot", description="Pamphlet: answers only with what a reviewed article says.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, (verb, add) in VERBS.items():
        child = verbs.add_parser(name, help=verb.__doc__.split("\n")[0], description=verb.__doc__)
        child.set_defaults(verb=verb)
        add(child)
    options = parser.parse_args(arguments)
    if not options.verb:
        parser.print_help()
        return 0
    try:
        return options.verb(options, settings.read()) or 0
    except articles.ContentError as error:
        print("\n".join(fault.removeprefix(f"{settings.ROOT}/") for fault in error.faults), file=sys.stderr)
        print(f"{len(error.faults)} faults; nothing was changed", file=sys.stderr)
    except (settings.SettingsError, release.ReleaseError, release.NoAnswer, store.StoreDown, encoder.EncoderMissing, encoder.EncoderFault) as error:
        print(f"bot: {error}", file=sys.stderr)
    except OSError as error:
        print(f"bot: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return 1


def check(options, config):
    """name every fault in the content, as path:line: what is wrong"""
    faults = content.check(config.path("data"))
    if faults:
        raise articles.ContentError(faults)
    for article in articles.load(config.path("data")):
        state = article.review_state(datetime.datetime.now(datetime.UTC).date())
        if state != "current":
            print(f"notice: {article.path.removeprefix(f'{settings.ROOT}/')}: its review was due on {article.review_due()}; "
                  + ("it is withdrawn, review it and set reviewed_on" if state == "withdrawn" else "review it and set reviewed_on"))
    print("the content has no fault")


def build_encoder(options, config):
    """make models/encoder from its wheel, checked against stored vectors"""
    encoder.build(config.path("models") / "encoder", progress=print)


def train(options, config):
    """check and train the content into a candidate, and print its id"""
    print(release.train(config, bar("training")))


def test(options, config):
    """ask a candidate its test phrases (the newest candidate, or --release ID)"""
    report = release.test(config, options.release or _newest(config), bar("testing"))
    show(report)
    return 1 if report.failures else 0


def publish(options, config):
    """test a candidate and make it the live release (the newest candidate, or --release ID)"""
    id = options.release or _newest(config)
    report = release.test(config, id, bar("testing"))
    show(report)
    if report.failures:
        return 1
    release.publish(config, id)
    print(f"{id} is live")


def rollback(options, config):
    """make an earlier release live again (the one before the live one, or --release ID)"""
    ids = [id for id, state, *_ in release.listed(config) if state != "candidate"]
    now = release.live(config)
    earlier = options.release or next((id for id in ids if now and id < now), None)
    if earlier is None:
        raise release.ReleaseError("there is no earlier release; `bot releases` lists them")
    release.publish(config, earlier)
    print(f"{earlier} is live")


def releases(options, config):
    """list releases and candidates, newest first"""
    for id, state in release.listed(config):
        print(f"{id}  {state}")


def prepare(options, config):
    """bring everything up to date: encoder, database, and a release of the content as it stands"""
    faults = content.check(config.path("data"))
    if faults:
        raise articles.ContentError(faults)
    try:
        encoder.check(encoder.load(config.path("models") / "encoder"))
    except (encoder.EncoderMissing, encoder.EncoderFault):
        encoder.build(config.path("models") / "encoder", progress=print)
    store.migrate(config.database())
    live = release.live(config)
    if live and release.read_manifest(config, live)["digest"] == release.digest(config):
        return
    id = release.train(config, bar("training"))
    report = release.test(config, id, bar("testing"))
    show(report)
    if report.failures:
        raise release.ReleaseError("the new content failed its tests and was not published; the last release stays")
    release.publish(config, id)


def run(options, config):
    """bring everything up to date, then serve"""
    _want_port(config)
    prepare(options, config)
    serve(options, config)


def serve(options, config):
    """serve the live release until Ctrl-C"""
    from bot.gateway import app

    _want_port(config)
    asyncio.run(app.serve(config))


def ask(options, config):
    """ask a question and print the reply; --json reads one message a line and prints one JSON object a line

    A line is plain text, or {"conversation": "...", "text": "..."}. Uses the running service (--url), and starts one for
    itself if there is none.
    """
    from bot import console

    return console.ask(options, config)


def retention(options, config):
    """delete the texts of conversations older than RETENTION_DAYS; the running service does it daily"""
    store.migrate(config.database())
    engine = store.connect(config.database())
    cleared = store.clear(engine, config.kept_since())
    store.scrub(engine)
    engine.dispose()
    print(f"the texts of {cleared} messages were deleted; {config.retention_days} days are kept")


def show_settings(options, config):
    """list every setting, its value and what it does"""
    for name, default, help in settings.table():
        value = getattr(config, name.lower())
        shown = "(set)" if name == "SECRET" and value else value
        print(f"{name}={shown}\n    {help}; default: {default or '(empty)'}")


def show(report):
    """Print what a test found."""
    print(f"of {report.total} test phrases {report.right} are answered rightly, {report.offered} asked back with the right question "
          f"offered, {report.wrong} answered wrongly")
    for phrase, expected, got, confidence in report.missed:
        print(f"  {expected}: \"{phrase}\" -> {got} ({confidence})")
    for failure in report.failures:
        print(f"failed: {failure}", file=sys.stderr)


def bar(title):
    """A progress function for release: one line that is drawn over on a terminal, one line a step elsewhere."""
    last = [None]

    def progress(step, done):
        if sys.stderr.isatty():
            filled = round(30 * done)
            print(f"\r{title} [{'#' * filled}{'.' * (30 - filled)}] {step:<34}", end="\n" if done >= 1 else "", file=sys.stderr, flush=True)
        elif step != last[0]:
            print(f"{title}: {step}", file=sys.stderr, flush=True)
        last[0] = step

    return progress


def _newest(config):
    id = next((id for id, state in release.listed(config) if state == "candidate"), None)
    if id is None:
        raise release.ReleaseError("there is no candidate; run `bot train`")
    return id


def _want_port(config):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise release.ReleaseError(f"port {config.port} of {config.host} can't be had ({error.strerror}); "
                                       f"stop what uses it, or choose another: PORT={config.port + 1} make run") from None


def _no_options(parser):
    pass


def _release_option(parser):
    parser.add_argument("--release", metavar="ID")


def _ask_options(parser):
    parser.add_argument("text", nargs="*", help="the question")
    parser.add_argument("--json", action="store_true", help="read messages from standard input, print JSON lines")
    parser.add_argument("--url", help="the running service (default: HOST and PORT of the settings)")
    parser.add_argument("--article", help="the article that the page shows")


VERBS = {
    "run": (run, _no_options), "serve": (serve, _no_options), "prepare": (prepare, _no_options), "ask": (ask, _ask_options),
    "check": (check, _no_options), "train": (train, _no_options), "test": (test, _release_option),
    "publish": (publish, _release_option), "rollback": (rollback, _release_option), "releases": (releases, _no_options),
    "encoder": (build_encoder, lambda parser: parser.add_argument("action", choices=["build"])),
    "retention": (retention, _no_options), "settings": (show_settings, _no_options),
}

if __name__ == "__main__":
    sys.exit(main())
