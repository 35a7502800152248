"""The channels and their boxes for the command line: what is on, what is missing, whether the
platforms know us."""

import asyncio

import httpx

from bot import store
from bot.gateway import channels
from bot.gateway.channels import shape, telegram
from bot.store import delivery as stored


def show(config):
    """Print each channel with what is missing, or what its platform says; whether all that were
    begun are well."""
    return asyncio.run(_show(config))


def register(config):
    """Tell Telegram where to call, and print it; whether that went well."""
    lacking = channels.missing(config, "telegram")
    if lacking:
        print(f"telegram: set {_listed(lacking)} first")
        return False
    try:
        print(f"telegram calls {asyncio.run(_with_site(config, telegram.register))} from now on")
    except shape.Undelivered as error:
        print(f"telegram: its platform didn't take it ({error})")
        return False
    return True


def show_outbox(config):
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


def resend(config, id):
    """Queue dead letters anew, all of them where `id` is None, and print how many; the running
    service sends them."""
    engine = _connect(config)
    count = stored.resend(engine, id)
    engine.dispose()
    print(f"{count} message{'' if count == 1 else 's'} will be sent again by the running service")


def _connect(config):
    store.migrate(config.database())
    return store.connect(config.database())


async def _show(config):
    well = True
    for name, channel in channels.ALL.items():
        lacking = channels.missing(config, name)
        if lacking and not channels.begun(config, name):
            said = f"off; it needs {_listed(lacking)}"
        elif lacking:
            said, well = f"off: {_listed(lacking)} is missing", False
        else:
            try:
                said = f"on: {await _with_site(config, channel.check)}"
            except shape.Undelivered as error:
                said, well = f"on, but its platform doesn't take the credentials ({error})", False
        print(f"{name:<10}  {said}")
    return well


async def _with_site(config, ask):
    async with httpx.AsyncClient(timeout=10) as client:
        return await ask(shape.Site(config, client))


def _listed(names):
    return " and ".join(name.upper() for name in names)
