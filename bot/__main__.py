"""The command line: `bot VERB`, one verb a function. `bot` alone lists them."""

import argparse
import asyncio
import dataclasses
import datetime
import os
import socket
import subprocess
import sys
import time

from bot import articles, content, encoder, evidence, history, release, settings, store, wording
from bot.store import accounts


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["rasa"]:  # its options are Rasa's own
        os.execv(release.RASA[0], [*release.RASA, *arguments])
    parser = argparse.ArgumentParser(
        prog="bot", description="Pamphlet: answers only with what a reviewed article says."
    )
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
        print(
            "\n".join(fault.removeprefix(f"{settings.ROOT}/") for fault in error.faults),
            file=sys.stderr,
        )
        faults = wording.counted(len(error.faults), "fault")
        print(f"{faults}; nothing was changed", file=sys.stderr)
    except (
        settings.SettingsError,
        release.ReleaseError,
        release.NoAnswer,
        history.Stuck,
        store.StoreDown,
        encoder.EncoderMissing,
        encoder.EncoderFault,
    ) as error:
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


def show_evidence(options, config):
    """say how far each article's statements are held against its sources (or ARTICLE's alone), and
    what deserves a second look"""
    from bot import evidence_report

    listed = articles.load(config.path("data"))
    if options.article and options.article not in [article.id for article in listed]:
        print(f"bot: there is no article {options.article}", file=sys.stderr)
        return 1
    ledgers, faults = evidence.read_all(config.path("data"), listed)
    today = datetime.datetime.now(datetime.UTC).date()
    for article in listed:
        if options.article in (None, article.id):
            lines = evidence_report.write(
                article, ledgers.get(article.id), today, options.older_than
            )
            print("\n".join(line.replace(f"{settings.ROOT}/", "") for line in lines))
    if faults:
        said = wording.counted(len(faults), "fault")
        print(f"{said}; `bot check` names {'it' if len(faults) == 1 else 'them'}", file=sys.stderr)
    return 1 if faults else 0


def check_links(options, config):
    """ask the address of every source, and name what moved, is gone, or leads to a front page

    Ends with 0 where all is fine, 1 where something was found, 3 where nothing was found but
    something could not be asked."""
    from bot import links

    draw = bar("asking")

    def progress(url, done):
        if sys.stderr.isatty():
            draw(url.split("/")[2][:34], done)

    found = links.ask(links.listed(config.path("data")), progress, config.public_url)
    links.keep(config, found)
    if options.json:
        print(links.as_json(found), end="")
    else:
        show_links(found)
    states = {link.state for link in found}
    return 1 if states & set(links.FOUND) else 3 if links.State.NOT_ASKED in states else 0


def show_links(found):
    """Print what was found at the sources' addresses, and what could not be asked."""
    from bot import links

    for states, title in ((links.FOUND, ""), ((links.State.NOT_ASKED,), "not asked: ")):
        for link in found:
            for place in link.places if link.state in states else ():
                n = "further reading" if place.n is None else f"[{place.n}]"
                path = place.path.removeprefix(f"{settings.ROOT}/")
                print(f"{title}{path}:{place.line}: {n} {link.url} {link.said}")
    counts = {state: sum(link.state == state for link in found) for state in links.State}
    print(", ".join(f"{count} {state}" for state, count in counts.items() if count))


def build_encoder(options, config):
    """make models/encoder from its wheel, checked against stored vectors"""
    encoder.build(config.path("models") / "encoder", progress=print)


def train(options, config):
    """check and train the content into a candidate, and print its id"""
    print(release.train(config, bar("training")))


def test(options, config):
    """ask a candidate its test phrases and tell it its stories (the newest candidate, or --release
    ID)"""
    report = _test(config, options.release or _newest(config))
    return 1 if report.failures else 0


def publish(options, config):
    """test a candidate and make it the live release (the newest candidate, or --release ID)"""
    if options.job:  # begun at the desk, which is told of everything
        from bot import publishing
        from bot.gateway import rehearsal

        engine = store.connect(config.database())
        publishing.make(config, engine, options.job, rehearsal.check_stories)
        return engine.dispose()
    id = options.release or _newest(config)
    report = _test(config, id)
    if report.failures:
        return 1
    with history.alone(config):
        outside = history.settle(config)
    if outside:
        print(f"committed what was {history.OUTSIDE.name}: {', '.join(outside)}")
    release.publish(config, id)
    print(f"{id} is live")


def compare(options, config):
    """ask a candidate what visitors asked before, and say what would change (the newest candidate,
    or --release ID)"""
    from bot import compare

    store.migrate(config.database())
    engine = store.connect(config.database())
    show_comparison(
        compare.compare(config, engine, options.release or _newest(config), bar("comparing"))
    )
    engine.dispose()


def rollback(options, config):
    """make an earlier release live again (the one before the live one, or --release ID)"""
    ids = [id for id, state, *_ in release.listed(config) if state != "candidate"]
    now = release.live(config)
    earlier = options.release or next((id for id in ids if now and id < now), None)
    if earlier is None:
        raise release.ReleaseError("there is no earlier release; `bot releases` lists them")
    release.publish(config, earlier)
    print(f"{earlier} is live")


def review(options, config):
    """list what visitors asked in vain, grouped by meaning, the most frequent first, each with its
    nearest question"""
    from bot.editor import app, groups

    store.migrate(config.database())
    engine = store.connect(config.database())
    desk = app.State(config, engine)
    while (found := groups.read(desk)) is None:  # the texts are still being encoded
        time.sleep(0.2)
    for group in found[0]:
        nearest = f"  nearest: {group.nearest[0][0]}" if group.nearest else ""
        print(f"{group.count:>5}  {group.wordings[0].text}  ({', '.join(group.why)}){nearest}")
    if not found[0]:
        print("nothing is to be reviewed")
    engine.dispose()


def rasa(options, config):
    """Rasa's own command line, as `bot rasa data validate`, `bot rasa train`, `bot rasa shell` or
    `bot rasa test nlu`"""
    os.execv(release.RASA[0], [*release.RASA, "rasa"])


def releases(options, config):
    """list releases and candidates, newest first"""
    for id, state in release.listed(config):
        print(f"{id}  {state}")


def prepare(options, config):
    """bring everything up to date: encoder, database, and a release of the content as it stands"""
    if _is_prepared(config):
        return
    faults = content.check(config.path("data"))
    if faults:
        raise articles.ContentError(faults)
    try:
        encoder.check(encoder.load(config.path("models") / "encoder"))
    except (encoder.EncoderMissing, encoder.EncoderFault):
        encoder.build(config.path("models") / "encoder", progress=print)
    store.migrate(config.database())
    release.fetch(config)
    if _is_prepared(config):
        return
    id = release.train(config, bar("training"))
    report = _test(config, id)
    if report.failures:
        raise release.ReleaseError(
            "the new content failed its tests and was not published; the last release stays"
        )
    release.publish(config, id)
    if outside := history.list_outside(config):
        print(f"notice: what is live now is in no commit: {', '.join(outside)}; commit it")


def _is_prepared(config):
    """Whether the live release is of the content and the code as they stand; what was trained from
    has been checked."""
    try:
        encoder.find(config.path("models") / "encoder")
        live = release.live(config)
        return live is not None and release.read_manifest(config, live)["digest"] == release.digest(
            config
        )
    except (encoder.EncoderMissing, release.ReleaseError):
        return False


def run(options, config):
    """bring everything up to date, then serve"""
    _want_port(config)
    # in a process of its own, whose 200 MB are free again when it has trained and tested
    if not _is_prepared(config):
        ended = subprocess.run(
            [sys.executable, "-m", "bot", "prepare"], cwd=settings.ROOT
        ).returncode
        if ended:
            return ended
    return serve(options, config)


def serve(options, config):
    """serve the live release until Ctrl-C"""
    from bot.gateway import processes

    _want_port(config)
    if release.live(config):
        encoder.find(config.path("models") / "encoder")
    loading = processes.begin(config)

    import uvloop  # these take a second and a half, in which Rasa loads

    from bot.editor.app import create_app
    from bot.gateway import app

    asyncio.run(app.serve(config, create_app, loading), loop_factory=uvloop.new_event_loop)


def ask(options, config):
    """ask a question and print the reply; --json reads one message a line and prints one JSON
    object a line

    A line is plain text, or {"conversation": "...", "text": "..."}. Uses the running service
    (--url), and starts one for itself if there is none."""
    from bot import console

    return console.ask(options, config)


def people(options, config):
    """look after the people of the editors' desk: list, add NAME, invite NAME (again), role NAME,
    remove NAME

    A new person gets a link by which they set their password; `invite` makes a new one, for a lost
    password too."""
    store.migrate(config.database())
    engine = store.connect(config.database())
    try:
        return _people(options, config, engine)
    except (accounts.NameTaken, accounts.NoPerson) as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _people(options, config, engine):
    if options.action == "list":
        for member in accounts.listed(engine):
            state = "left" if member.left else "password" if member.has_password else "invited"
            print(
                f"{member.role:<10} {state:<9} "
                f"{member.name}{f' <{member.email}>' if member.email else ''}"
            )
        return
    name = " ".join(options.name)
    if options.action == "add":
        fault = accounts.name_fault(name, options.email)
        if fault:
            print(f"bot: {fault}", file=sys.stderr)
            return 1
        accounts.add(engine, name, options.role, options.email)
    member = accounts.find(engine, name)
    if options.action in ("add", "invite"):
        base = config.public_url.rstrip("/") or config.address()
        print(
            f"{base}/editor/invitations/{accounts.invite(engine, member.id)}\n"
            f"    for {name}, {member.role}: works once, for {accounts.INVITATION_HOURS} hours"
        )
    elif options.action == "role":
        accounts.change_role(engine, member.id, options.role)
    else:
        accounts.dismiss(engine, member.id)
    accounts.record(
        engine,
        "the command line",
        f"people {options.action}",
        name,
        options.role if options.action in ("add", "role") else "",
    )


def retention(options, config):
    """delete the texts of conversations older than RETENTION_DAYS; the running service does it
    daily"""
    store.migrate(config.database())
    engine = store.connect(config.database())
    cleared = store.clear(engine, config.kept_since())
    store.scrub(engine)
    engine.dispose()
    print(f"the texts of {cleared} messages were deleted; {config.retention_days} days are kept")


def show_channels(options, config):
    """list the messaging channels, what each lacks, and whether its platform takes the credentials

    `bot channels register telegram` tells Telegram where to call.
    """
    from bot.gateway.channels import overview

    return 0 if (overview.register if options.action else overview.show)(config) else 1


def outbox(options, config):
    """show what waits to be sent to messaging apps, and dead letters; `bot outbox resend [NUMBER]`
    sends those again"""
    from bot.gateway.channels import overview

    return (
        overview.resend(config, options.number) if options.action else overview.show_outbox(config)
    )


def backup(options, config):
    """copy database, live release, content and secret into FOLDER while the site serves; those past
    RETENTION_DAYS go"""
    from bot import backup

    try:
        print(backup.make(config, options.folder))
    except backup.BackupError as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1


def doctor(options, config):
    """look whether this machine has all that it takes to serve, and say what to mend; it changes
    nothing"""
    from bot import doctor

    found = doctor.examine(config)
    for state, what, said in found:
        print(f"{state:<7} {what}: {said}")
    faults = sum(state == doctor.MEND for state, *_ in found)
    print(f"{faults} to mend" if faults else "nothing is to be mended")
    return 1 if faults else 0


def show_settings(options, config):
    """list every setting, its value and what it does"""
    for name, default, help in settings.table():
        value = getattr(config, name.lower())
        shown = (
            "(set)" if value and settings.is_secret(name) else settings.hide_password(str(value))
        )
        print(f"{name}={shown}\n    {help}; default: {default or '(empty)'}")


def show(report):
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


def show_comparison(found):
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


def bar(title):
    """A progress function for release: one line that is drawn over on a terminal, one line a step
    elsewhere."""
    last = [None]

    def progress(step, done):
        if sys.stderr.isatty():
            filled = round(30 * done)
            print(
                f"\r{title} [{'#' * filled}{'.' * (30 - filled)}] {step:<34}",
                end="\n" if done >= 1 else "",
                file=sys.stderr,
                flush=True,
            )
        elif step != last[0]:
            print(f"{title}: {step}", file=sys.stderr, flush=True)
        last[0] = step

    return progress


def _test(config, id):
    """The release.Report of a candidate, its stories among the failures; printed."""
    from bot.gateway import rehearsal

    report = release.test(config, id, bar("testing"))
    report = dataclasses.replace(
        report, failures=report.failures + rehearsal.check_stories(config, id, bar("its stories"))
    )
    show(report)
    return report


def _newest(config):
    id = next((id for id, state in release.listed(config) if state == "candidate"), None)
    if id is None:
        raise release.ReleaseError("there is no candidate; run `bot train`")
    return id


def _want_port(config):
    with socket.socket(settings.family(config.host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise release.ReleaseError(
                f"port {config.port} of {config.host} can't be had ({error.strerror}); "
                f"stop what uses it, or choose another: PORT={config.port + 1} make run"
            ) from None


def _no_options(parser):
    pass


def _release_option(parser):
    parser.add_argument("--release", metavar="ID")


def _publish_options(parser):
    _release_option(parser)
    parser.add_argument("--job", type=int, help=argparse.SUPPRESS)


def _evidence_options(parser):
    parser.add_argument("article", nargs="?", metavar="ARTICLE")
    parser.add_argument(
        "--older-than",
        type=int,
        default=3 * 365,
        metavar="DAYS",
        help="list sources whose version is older (default: three years)",
    )


def _links_options(parser):
    parser.add_argument("--json", action="store_true", help="what was found, for programs")


def _ask_options(parser):
    parser.add_argument("text", nargs="*", help="the question")
    parser.add_argument(
        "--json", action="store_true", help="read messages from standard input, print JSON lines"
    )
    parser.add_argument(
        "--url", help="the running service (default: HOST and PORT of the settings)"
    )
    parser.add_argument("--article", help="the article that the page shows")


def _people_options(parser):
    parser.add_argument("action", choices=["list", "add", "invite", "role", "remove"])
    parser.add_argument("name", nargs="*", help="the person's name")
    parser.add_argument("--role", choices=accounts.ROLES, default="editor")
    parser.add_argument("--email", help="for single sign-on, and beside changes of files")


def _channel_options(parser):
    parser.add_argument("action", nargs="?", choices=["register"])
    parser.add_argument("channel", nargs="?", choices=["telegram"])


def _outbox_options(parser):
    parser.add_argument("action", nargs="?", choices=["resend"])
    parser.add_argument("number", nargs="?", type=int)


VERBS = {
    "run": (run, _no_options),
    "serve": (serve, _no_options),
    "prepare": (prepare, _no_options),
    "ask": (ask, _ask_options),
    "check": (check, _no_options),
    "evidence": (show_evidence, _evidence_options),
    "links": (check_links, _links_options),
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
}

if __name__ == "__main__":
    sys.exit(main())
