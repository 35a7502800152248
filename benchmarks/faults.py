"""The faults of `make soak`: each is made on a site while visitors go on asking, and gives a
loads.Result."""

import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from benchmarks.loads import ms, result
from tests.support import journal, sites, slow_rasa
from tests.support.load import ask, come, crowd, offer, send, visiting

RATE = 20
DATABASE = (
    "unavailable with the emergency numbers within 2 s; nothing lost in silence; back within 10 s"
)
RASA = "unavailable within 5 s, restarted, the message answered once or refused"
ONE_TURN = "one turn each, no crossed conversation"
BACK_SECONDS = 60  # that are waited for an answer after a fault
TIMES = 5


async def during(load, happen, rate=RATE):
    """(the figures of the messages offered beside `happen()`, seconds from its end to the first
    answer to a later message)."""
    until, begun = asyncio.Event(), len(load.journal)
    asking = asyncio.create_task(offer(load, rate, until=until))
    try:
        await asyncio.sleep(3)
        await happen()
        over = time.monotonic()
        back = await _back(load, over)
        await asyncio.sleep(2)
    finally:
        until.set()
    await asking
    return journal.figures(load.journal[begun:]), back


async def _back(load, over):
    while time.monotonic() < over + BACK_SECONDS:
        ends = [
            message.at + message.seconds()
            for message in load.journal
            if message.at >= over and message.end() == "answered"
        ]
        if ends:
            return min(ends) - over
        await asyncio.sleep(0.05)
    return float("inf")


async def measure(
    load, site, row, to_hold, happen, seconds, back_seconds=10.0, rate=RATE, in_order=True
):
    """The Result of a fault: what ends without an answer does so within `seconds`, and it's back
    `back_seconds` later."""
    got, back = await during(load, happen, rate)
    faults = await asyncio.to_thread(site.faults, load.journal, in_order=in_order)
    slowest = max(got["longest_unavailable"], got["longest_refusal"])
    return result(
        row,
        to_hold,
        f"{got['answered']:,} of {got['offered']:,} answered, {got['unavailable']:,} unavailable "
        f"and {got['refused']:,} refused, "
        f"the slowest after {ms(slowest)}; {got['lost']} lost; back after {back:.1f} s",
        slowest <= seconds and back <= back_seconds and not got["lost"],
        {**got, "back": back},
        faults,
    )


async def database(load, site, scale):
    """Each fault of a PostgreSQL; the site is sites.on_postgresql's."""
    proxy = site.databases[0]

    async def down():
        proxy.cut = True
        await asyncio.sleep(max(6, 60 * scale))
        proxy.cut = False

    async def silent():
        proxy.held = True
        await asyncio.sleep(max(6, 20 * scale))
        proxy.held = False

    async def slow():
        proxy.delay = 2.0
        await asyncio.sleep(max(6, 20 * scale))
        proxy.delay = 0.0

    async def restarted():
        await asyncio.to_thread(site.postgresql.stop)
        await asyncio.to_thread(site.postgresql.start)

    def breaking(word, after=False):
        async def broken():
            for _ in range(TIMES):
                count = proxy.broken
                proxy.break_at(word, after)
                async with asyncio.timeout(BACK_SECONDS):
                    while proxy.broken == count:
                        await asyncio.sleep(0.05)

        return broken

    return [
        await measure(load, site, f"database {what}", DATABASE, happen, 2.0)
        for what, happen in (
            (f"down for {max(6, 60 * scale):.0f} s", down),
            ("silent, its connections open", silent),
            ("slow by 2 s", slow),
            (
                f"failing at a statement, {TIMES} times",
                breaking(rb"\AB\x00|FROM (turns|conversations)"),
            ),
            (f"failing at a commit, {TIMES} times", breaking(rb"COMMIT")),
            (f"failing after a commit, unheard, {TIMES} times", breaking(rb"COMMIT", after=True)),
            ("restarted", restarted),
        )
    ]


async def full_disk(load, site, scale):
    """No process of the gateway may write a byte more to a file, for some seconds: what a full disk
    is to a program."""
    pid = site.gateways[0].process.pid

    async def full():
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        await asyncio.sleep(max(6, 20 * scale))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    return [await measure(load, site, "full disk (no file may grow)", DATABASE, full, 2.0)]


async def full_tmpfs(folder, scale):
    """A site whose database is on a small disk of its own, which is filled; nothing where we may
    mount none."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], capture_output=True
    ).returncode:
        return []
    try:
        with sites.single(
            folder, DATABASE_URL=f"sqlite:///{disk}/site.db", MESSAGES_PER_MINUTE="1000000"
        ) as site:

            async def full():
                with (disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(4096))
                        ballast.flush()
                await asyncio.sleep(max(6, 20 * scale))
                (disk / "ballast").unlink()

            async with visiting(site.url) as load:
                return [await measure(load, site, "full disk (a small one)", DATABASE, full, 2.0)]
    finally:
        subprocess.run(["umount", "-l", disk], capture_output=True)


async def rasa(load, site, scale):
    """Rasa killed, hung, out of memory, and answering what is no answer; the site's command is the
    stand-in's."""
    gateway = site.gateways[0]
    mode = gateway.folder / "mode"

    def ended(end):
        async def happen():
            victims = _family(gateway.children()["rasa"][0])
            end(victims)
            while await asyncio.to_thread(lambda: gateway.children()["rasa"]) in ([], victims[:1]):
                await asyncio.sleep(0.2)

        return happen

    def answering(what):
        async def happen():
            mode.write_text(what)
            await asyncio.sleep(max(3, 8 * scale))
            mode.unlink()

        return happen

    def kill(victims):
        return [os.kill(pid, signal.SIGKILL) for pid in victims]

    def stop(victims):
        return [os.kill(pid, signal.SIGSTOP) for pid in victims]

    def starve(victims):
        return [resource.prlimit(pid, resource.RLIMIT_AS, (2**20, 2**20)) for pid in victims]

    rows = [
        await measure(load, site, f"Rasa {what}", RASA, ended(end), 5.0, 30.0)
        for what, end in (("killed", kill), ("hung", stop), ("out of memory", starve))
    ]
    for what in slow_rasa.MODES:
        rows.append(
            await measure(load, site, f"Rasa answering {what}", RASA, answering(what), 5.0, 30.0)
        )
    return rows


def _family(pid):
    """A process and its children."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout.split()
    return [pid, *map(int, listed)]


async def killing(load, site, scale, visitors=50):
    """kill -9 of any process of the site, at random moments, with so many messages in flight."""
    times = max(4, round(20 * scale))
    victims = [
        *[
            (f"gateway {i}", which)
            for i in range(len(site.gateways))
            for which in ("gateway", "rasa")
        ],
        *[(name, name) for name in (*site.others, *(["postgresql"] if site.postgresql else []))],
    ]
    chosen = [
        *random.sample(victims, min(times, len(victims))),
        *random.choices(victims, k=max(0, times - len(victims))),
    ]
    until, begun = asyncio.Event(), len(load.journal)
    asking = asyncio.create_task(crowd(load, visitors, until))
    await asyncio.sleep(3)
    for name, which in chosen:
        await asyncio.to_thread(_kill, site, name, which)
        await asyncio.sleep(random.uniform(1, 4))
        await asyncio.to_thread(site.wait_ready)
    await asyncio.sleep(3)
    until.set()
    await asking
    got = journal.figures(load.journal[begun:])
    faults = await asyncio.to_thread(site.faults, load.journal)
    twice = sum("more than once" in fault for fault in faults)
    names = ", ".join(sorted({which for _, which in chosen}))
    return [
        result(
            f"kill -9 of any process ({names}), {len(chosen)} random times with {visitors} in "
            f"flight",
            "no accepted message lost, at most one reply repeated",
            f"{got['answered']:,} of {got['offered']:,} answered, {got['unavailable']:,} "
            f"unavailable, {got['refused']:,} refused; {got['repeated']} sent again; "
            f"{got['lost']} lost, {twice} answered twice",
            not got["lost"],
            {**got, "killed": chosen},
            faults,
        )
    ]


def _kill(site, name, which):
    if which in ("gateway", "rasa"):
        gateway = site.gateways[int(name.split()[1])]
        pids = [gateway.process.pid] if which == "gateway" else gateway.children()[which]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if which == "gateway":
            gateway.process.wait()
            gateway.start()
    elif which == "postgresql":
        site.postgresql.stop(signal.SIGKILL)
        for _ in range(20):  # until what it left has ended too
            with contextlib.suppress(psycopg.Error):
                site.postgresql.start()
                break
            time.sleep(0.5)
    elif which == "nginx":  # its worker: it is the one that works
        for pid in _family(site.others["nginx"].pid)[1:]:
            os.kill(pid, signal.SIGKILL)
    else:
        process = site.others[which]
        process.kill()
        process.wait()
        site.others[which] = subprocess.Popen(process.args, stdout=subprocess.DEVNULL)


async def delivery(load, site, scale):
    """Messages delivered five times at both gateways, late, and out of order."""
    urls = [site.gateways[i % 2].url for i in range(5)]
    begun = len(load.journal)

    async def talk():
        visitor = await come(load)
        for _ in range(max(2, round(10 * scale))):
            first = await ask(load, visitor, urls=urls)
            await ask(load, visitor)
            first.deliveries.append(await send(load, first, random.choice(urls)))  # late
            # out of order
            await asyncio.gather(
                *(ask(load, visitor, id=f"{first.id}-{place}") for place in (2, 1, 3))
            )

    await asyncio.gather(*(talk() for _ in range(5)))
    got = journal.figures(load.journal[begun:])
    faults = await asyncio.to_thread(site.faults, load.journal)
    return [
        result(
            "a message delivered five times at both gateways, late, out of order",
            ONE_TURN,
            f"{got['offered']} messages, {got['answered']} answered, {got['refused']} refused; "
            f"{len(faults)} doubled or crossed",
            got["answered"] + got["refused"] == got["offered"],
            got,
            faults,
        )
    ]


async def partition(load, site, scale):
    """Redis gone, and one of two gateways cut off from the database."""

    async def without_redis():
        site.redis.cut = True
        await asyncio.sleep(max(6, 20 * scale))
        site.redis.cut = False

    async def cut_off():
        site.databases[1].cut = True
        await asyncio.sleep(max(6, 20 * scale))
        site.databases[1].cut = False

    return [
        await measure(load, site, "Redis gone", ONE_TURN, without_redis, 2.0),
        await measure(
            load, site, "two gateways, one cut off from the database", ONE_TURN, cut_off, 2.0
        ),
    ]


def clock_of(folder):
    """The environment in which processes read a clock that is as wrong as the file `folder`/clock
    says; None without a C compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        return None
    subprocess.run(
        [
            compiler,
            "-shared",
            "-fPIC",
            "-o",
            folder / "clock.so",
            Path(__file__).with_name("clock.c"),
            "-ldl",
        ],
        check=True,
    )
    (folder / "clock").write_text("0")
    return {"LD_PRELOAD": str(folder / "clock.so"), "CLOCK_FILE": str(folder / "clock")}


async def clock(load, site, scale):
    """The wall clock of gateway, Rasa and actions jumps 10 minutes on and back; the site runs in
    clock_of's environment."""
    path = site.gateways[0].folder / "clock"

    async def jump():
        for seconds in (600, 0, -600, 0):
            (path.with_suffix(".new")).write_text(str(seconds))
            path.with_suffix(".new").rename(path)
            await asyncio.sleep(max(3, 10 * scale))

    return [
        await measure(
            load,
            site,
            "the clock jumping 10 minutes, on and back",
            ONE_TURN,
            jump,
            5.0,
            in_order=False,
        )
    ]
