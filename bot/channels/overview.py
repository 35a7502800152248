"""The channels and their boxes for the command line: what is on, what is missing, whether the
platforms know us."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx
from sqlalchemy import Engine

from bot.channels import base, catalogue
from bot.channels.platforms import telegram
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store import queues as stored


def show_channels(config: settings.Settings) -> bool:
    """Print each channel with what is missing, or what its platform says; whether all that were
    begun are well."""
    return asyncio.run(_show(config))


def register_telegram(config: settings.Settings) -> bool:
    """Tell Telegram where to call, and print it; whether that went well."""
    lacking = catalogue.missing_settings(config, "telegram")
    if lacking:
        print(f"telegram: set {_listed(lacking)} first")
        return False
    try:
        print(f"telegram calls {asyncio.run(_with_site(config, telegram.register))} from now on")
    except base.Undelivered as error:
        print(f"telegram: its platform didn't take it ({error})")
        return False
    return True


def show_outbox(config: settings.Settings) -> None:
    """Print what waits to be sent, and the dead letters."""
    engine = _connect(config)
    rows = stored.read_queued(engine)
    engine.dispose()
    for row in rows:
        state = (
            f"dead: {row['reason']}"
            if row["dead"]
            else f"waits: {row['reason']}"
            if row["reason"]
            else "waits"
        )
        print(
            f"{row['id']:>8}  {row['channel']:<10}  since {row['queued_at']:%Y-%m-%d %H:%M}  "
            f"tried {row['attempts']} times  {state}"
        )
    if not rows:
        print("nothing waits, and there is no dead letter")
    if any(row["dead"] for row in rows):
        print(
            "`bot outbox resend` sends the dead letters again, `bot outbox resend NUMBER` one of "
            "them"
        )


def resend_dead_letters(config: settings.Settings, id: int | None) -> None:
    """Queue dead letters anew, all of them where `id` is None, and print how many; the running
    service sends them."""
    engine = _connect(config)
    count = stored.resend_letters(engine, id)
    engine.dispose()
    print(f"{count} message{'' if count == 1 else 's'} will be sent again by the running service")


def _connect(config: settings.Settings) -> Engine:
    store_engine.migrate_database(config.database())
    return store_engine.connect_database(config.database())


async def _show(config: settings.Settings) -> bool:
    well = True
    for name, channel in catalogue.ALL.items():
        lacking = catalogue.missing_settings(config, name)
        if lacking and not catalogue.is_begun(config, name):
            said = f"off; it needs {_listed(lacking)}"
        elif lacking:
            said, well = f"off: {_listed(lacking)} is missing", False
        else:
            try:
                said = f"on: {await _with_site(config, channel.check)}"
            except base.Undelivered as error:
                said, well = f"on, but its platform doesn't take the credentials ({error})", False
        print(f"{name:<10}  {said}")
    return well


async def _with_site(
    config: settings.Settings, ask: Callable[[base.ChannelContext], Awaitable[str]]
) -> str:
    async with httpx.AsyncClient(timeout=10) as client:
        return await ask(base.ChannelContext(config, client))


def _listed(names: Iterable[str]) -> str:
    return " and ".join(name.upper() for name in names)
