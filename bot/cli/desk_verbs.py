"""The verbs for the editors' desk: its people, and what waits for review."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from bot.runtime.settings import Settings
from bot.store import accounts
from bot.store import engine as store_engine

if TYPE_CHECKING:  # what only some verbs need is imported there
    pass


def review(options: Namespace, config: Settings) -> None:
    """list what visitors asked in vain, grouped by meaning, the most frequent first, each with its
    nearest question"""
    from bot.editor.review import clustering
    from bot.editor.shared import state

    store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    desk = state.State(config, engine)
    while (found := clustering.read_groups(desk)) is None:  # the texts are still being encoded
        time.sleep(0.2)
    while (suggested := clustering.suggest_for(desk, found.groups)) is None:
        time.sleep(0.2)
    for group, near in zip(found.groups, suggested, strict=True):
        nearest = f"  nearest: {near[0].question}" if near else ""
        print(f"{group.count:>5}  {group.wordings[0].text}  ({', '.join(group.why)}){nearest}")
    if not found.groups:
        print("nothing is to be reviewed")
    engine.dispose()


def people(options: Namespace, config: Settings) -> int:
    """look after the people of the editors' desk: list, add NAME, invite NAME (again), role NAME,
    email NAME, remove NAME

    A new person gets a link by which they set their password; `invite` makes a new one, for a lost
    password too."""
    store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    try:
        return _people(options, config, engine)
    except (accounts.NameTaken, accounts.NoPerson) as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _people(options: Namespace, config: Settings, engine: Engine) -> int:
    if options.action == "list":
        for member in accounts.list_people(engine):
            state = "left" if member.left else "password" if member.has_password else "invited"
            print(
                f"{member.role:<10} {state:<9} "
                f"{member.name}{f' <{member.email}>' if member.email else ''}"
            )
        return 0
    name = " ".join(options.name)
    fault = accounts.name_fault(name, options.email)
    if options.action in ("add", "email") and fault:
        print(f"bot: {fault}", file=sys.stderr)
        return 1
    if options.action == "add":
        accounts.add_person(engine, name, options.role, options.email)
    member = accounts.find_person(engine, name)
    if options.action in ("add", "invite"):
        base = config.public_url.rstrip("/") or config.address()
        print(
            f"{base}/editor/invitations/{accounts.invite_person(engine, member.id)}\n"
            f"    for {name}, {member.role}: works once, for {accounts.INVITATION_HOURS} hours"
        )
    elif options.action == "role":
        accounts.change_role(engine, member.id, options.role)
    elif options.action == "email":
        accounts.change_email(engine, member.id, options.email or None)
    else:
        accounts.dismiss_person(engine, member.id)
    accounts.record_action(
        engine,
        "the command line",
        f"people {options.action}",
        name,
        options.role if options.action in ("add", "role") else "",
    )
    return 0


def _people_options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["list", "add", "invite", "role", "email", "remove"])
    parser.add_argument("name", nargs="*", help="the person's name")
    parser.add_argument("--role", choices=accounts.ROLES, default="editor")
    parser.add_argument("--email", help="for single sign-on, reminders and changes of files")
