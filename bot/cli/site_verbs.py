"""The verbs for whoever looks after a site: texts, channels, backup, doctor, settings, size."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import engine as store_engine
from bot.store import stored_turns

if TYPE_CHECKING:  # what only some verbs need is imported there
    pass


def retention(options: Namespace, config: Settings) -> None:
    """delete the texts of conversations older than RETENTION_DAYS; the running service does it
    daily"""
    store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    cleared = stored_turns.clear_old_texts(engine, config.kept_since())
    store_engine.scrub_files(engine)
    engine.dispose()
    said = f"the texts of {cleared} messages and notes were deleted"
    print(f"{said}; {config.retention_days} days are kept")


def show_channels(options: Namespace, config: Settings) -> int:
    """list the messaging channels, what each lacks, and whether its platform takes the credentials

    `bot channels register telegram` tells Telegram where to call.
    """
    from bot.channels import overview

    return (
        0
        if (overview.register_telegram if options.action else overview.show_channels)(config)
        else 1
    )


def outbox(options: Namespace, config: Settings) -> None:
    """show what waits to be sent to messaging apps, and dead letters; `bot outbox resend [NUMBER]`
    sends those again"""
    from bot.channels import overview

    if options.action:
        overview.resend_dead_letters(config, options.number)
    else:
        overview.show_outbox(config)


def backup(options: Namespace, config: Settings) -> int:
    """copy database, live release, content and secret into FOLDER while the site serves; those past
    RETENTION_DAYS go"""
    from bot.operations import backup

    try:
        print(backup.make_backup(config, options.folder))
    except backup.BackupError as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1
    return 0


def doctor(options: Namespace, config: Settings) -> int:
    """look whether this machine has all that it takes to serve, and say what to mend; it changes
    nothing"""
    from bot.operations import doctor

    found = doctor.examine_machine(config)
    for state, what, said in found:
        print(f"{state:<7} {what}: {said}")
    faults = sum(state == doctor.MEND for state, *_ in found)
    print(f"{faults} to mend" if faults else "nothing is to be mended")
    return 1 if faults else 0


def show_settings(options: Namespace, config: Settings) -> None:
    """list every setting, its value and what it does"""
    for name, default, help in settings.settings_table():
        value = getattr(config, name.lower())
        shown = (
            "(set)" if value and settings.is_secret(name) else settings.hide_password(str(value))
        )
        print(f"{name}={shown}\n    {help}; default: {default or '(empty)'}")


def _channel_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["register"])
    parser.add_argument("channel", nargs="?", choices=["telegram"])


def _outbox_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["resend"])
    parser.add_argument("number", nargs="?", type=int)


def tell_size(options: Namespace, config: Settings) -> None:
    """say what a site of so many visitors a day needs: gateways, database, cores, memory, disk"""
    from bot.operations import size

    figures = size.read_figures()
    print("\n".join(size.describe_size(size.size_site(options.visitors_a_day, figures), figures)))


def _size_options(parser: ArgumentParser) -> None:
    parser.add_argument("--visitors-a-day", type=_a_count, required=True, metavar="N")


def _a_count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1,000,000,000")
    return int(text)
