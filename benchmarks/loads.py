"""The loads of `make soak`: each is put on a site, and gives a Result."""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial

from tests.support import adversary, journal, sites
from tests.support.load import ask, come, crowd, offer, visiting

DANGER = "i want to kill myself"
CROWD = 16
FEW, MANY, OTHERS = 4, 64, 12  # visitors at once; processes that take the machine from us
BACK_SECONDS = 0.05  # at most, that an answer is on its way back: its message waits no more


@dataclass
class Result:
    """What a row of the table measured: `holds` where that is what was to be held, and the
    invariant has no `faults`."""

    row: str
    to_hold: str
    measured: str
    holds: bool
    figures: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)


def result(row, to_hold, measured, holds, figures, faults):
    return Result(row, to_hold, measured, bool(holds and not faults), figures, faults)


async def steady(load, site, seconds=600, rate=20):
    begun = len(load.journal)
    await offer(load, rate, seconds)
    got = journal.figures(load.journal[begun:])
    faults = site.faults(load.journal)
    return result(
        f"{rate} messages/s for {seconds / 60:g} minutes",
        "p95 150 ms, p99 400 ms, none lost, none twice",
        f"{got['offered']:,} messages: p50 {ms(got['p50'])}, p95 {ms(got['p95'])}, p99 "
        f"{ms(got['p99'])}, longest {ms(got['longest'])}; "
        f"{got['answered']:,} answered, {got['lost']} lost, {count_twice(faults)} twice",
        got["p95"] <= 0.15 and got["p99"] <= 0.4 and got["answered"] == got["offered"],
        got,
        faults,
    )


async def overload(load, site, seconds=60, rate=200):
    """Two results: of the overload, and of the emergencies during it."""
    begun = len(load.journal)
    flood = asyncio.create_task(offer(load, rate, seconds))
    dangers = []
    while not flood.done():
        await asyncio.sleep(0.5)
        dangers.append(asyncio.create_task(_danger(load)))
    await flood
    endangered = [await task for task in dangers]
    alarmed = {message.id for message in endangered}
    got = journal.figures(
        [message for message in load.journal[begun:] if message.id not in alarmed]
    )
    await asyncio.sleep(10)
    after = len(load.journal)
    await offer(load, 20, 10)
    later = journal.figures(load.journal[after:])
    faults = site.faults(load.journal)
    danger = journal.figures(endangered)
    taken = sorted(message.seconds() for message in endangered)
    return [
        result(
            f"{rate} messages/s offered for {seconds / 60:g} minutes",
            "the excess gets 429 with a sentence within 1 s; the accepted p95 2 s; recovered 10 "
            "s after",
            f"{got['answered']:,} of {got['offered']:,} answered "
            f"({got['answered'] / seconds:.0f}/s), p95 {ms(got['p95'])}, {got['refused']:,} "
            f"refused, the slowest "
            f"after {ms(got['longest_refusal'])}; 10 s after p95 {ms(later['p95'])}, "
            f"{later['refused'] + later['unavailable']} refused",
            got["longest_refusal"] <= 1
            and got["p95"] <= 2
            and not got["unavailable"]
            and later["p95"] <= 0.15
            and later["answered"] == later["offered"],
            {**got, "after": later},
            faults,
        ),
        result(
            "emergencies during the overload",
            "all answered within 500 ms",
            f"{danger['danger']} of {len(taken)} answered, p95 {ms(journal.share(taken, 0.95))}, "
            f"longest {ms(taken[-1])}",
            danger["danger"] == len(taken) and taken[-1] <= 0.5,
            {**danger, "p95": journal.share(taken, 0.95)},
            [],
        ),
    ]


async def _danger(load):
    return await ask(load, await come(load), DANGER)


async def long_conversation(load, site, messages=1000):
    visitor = await come(load)
    taken = [(await ask(load, visitor)).seconds() for _ in range(messages)]
    early, late = statistics.median(taken[40:60]), statistics.median(taken[-20:])
    faults = site.faults(load.journal)
    return result(
        f"one conversation of {messages:,} messages",
        "the last costs at most 1.5 times the 50th",
        f"medians of 20: {ms(early)} about the 50th, {ms(late)} at the last: {late / early:.2f} "
        f"times",
        late <= 1.5 * early,
        {"early": early, "late": late},
        faults,
    )


async def burst(load, site, seconds=30, rate=10, burst=100):
    """One visitor's burst every 5 s beside a steady rate of others."""
    begun = len(load.journal)
    await offer(load, rate, seconds)
    alone, begun = journal.figures(load.journal[begun:]), len(load.journal)
    others, bursts = asyncio.create_task(offer(load, rate, seconds)), []
    while not others.done():
        bursts.append(asyncio.create_task(_burst(load, burst)))
        await asyncio.wait([others], timeout=5)
    await others
    own = [await task for task in bursts]
    mine = {message.id for messages in own for message in messages}
    beside = journal.figures(
        [message for message in load.journal[begun:] if message.id not in mine]
    )
    refused = journal.figures([message for messages in own for message in messages])
    most = max(at_once(messages) for messages in own)
    faults = site.faults(load.journal)
    ratio = beside["p95"] / alone["p95"]
    return result(
        f"one visitor sends {burst} in a second",
        "at most 5 wait, the rest refused politely; others' p95 within 20 %",
        f"{most - 1} waited at most; {refused['refused']} of {refused['offered']} refused, the "
        f"slowest after {ms(refused['longest_refusal'])}; "
        f"others' p95 {ms(alone['p95'])} without, {ms(beside['p95'])} with: {ratio:.2f} times",
        most <= 6 and ratio <= 1.2 and refused["unavailable"] == 0,
        {"alone": alone, "beside": beside, "burst": refused},
        faults,
    )


async def _burst(load, count):
    visitor, asking = await come(load), []
    for _ in range(count):
        asking.append(asyncio.create_task(ask(load, visitor)))
        await asyncio.sleep(1 / count)
    return await asyncio.gather(*asking)


def at_once(messages):
    """How many of the messages that were answered were at the gateway at the same moment. The next
    one is worked on for longer than BACK_SECONDS, so one that is taken too many shows all the
    same."""
    moments = [(message.at, 1) for message in messages if message.end() == "answered"]
    moments += [
        (message.at + message.seconds() - BACK_SECONDS, -1)
        for message in messages
        if message.end() == "answered"
    ]
    most = now = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


async def idle(load, site, widgets=2000):
    """Widgets that were opened, asked once, and stay open, with a connection each."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    await offer(load, 20, 10)
    gateway = site.gateways[0]
    before = gateway.memory()
    for _ in range(0, widgets, 10):
        await asyncio.gather(*(_open(load) for _ in range(10)))
    held = [(await asyncio.open_connection("127.0.0.1", gateway.port))[1] for _ in range(widgets)]
    await asyncio.sleep(2)
    more = gateway.memory() - before
    for connection in held:
        connection.close()
    faults = site.faults(load.journal)
    return result(
        f"{widgets:,} open widgets idle, each after one answer",
        "under 150 MB more",
        f"{more:.0f} MB more than {before:.0f}",
        more < 150,
        {"before": before, "more": more},
        faults,
    )


async def _open(load):
    await ask(load, await come(load))


async def beside(load, site, seconds=1800, rate=5, part=120):
    """Two results: of ordinary visitors, alone and beside a hostile one in turn, and of emergencies
    meanwhile. The sites' limits are what they are by default."""
    phases, dangers = {False: [], True: []}, []
    async with adversary.attacking(load, site) as hostile:
        for number in range(max(2, round(seconds / part))):
            attacked, over, begun = number % 2 == 1, asyncio.Event(), len(load.journal)
            attack = asyncio.create_task(adversary.attack(hostile, over)) if attacked else None
            asking = asyncio.create_task(offer(load, rate, min(part, seconds / 2)))
            alarmed = []
            while not asking.done():
                if attacked:
                    alarmed.append(asyncio.create_task(adversary.endangered(load)))
                await asyncio.wait([asking], timeout=2)
            await asking
            over.set()
            if attack:
                await attack
            dangers += [await task for task in alarmed]
            own = {id(message) for message in dangers}
            phases[attacked] += [each for each in load.journal[begun:] if id(each) not in own]
        faults = await asyncio.to_thread(adversary.faults_of, site, load, hostile)
    alone, with_it = journal.figures(phases[False]), journal.figures(phases[True])
    taken = sorted(message.seconds() for message in dangers)
    shown = sum(message.end() == "danger" for message in dangers)
    ratio, answered = with_it["p95"] / alone["p95"], with_it["answered"] / with_it["offered"]
    acts = sum(hostile.done.values())
    return [
        result(
            f"a hostile visitor beside {rate} messages/s of others, {seconds / 60:g} minutes",
            "the invariant; 99 % of the others answered, their p95 within 1.3 times",
            f"{acts} attacks of {len(hostile.done)} kinds; of the others {with_it['answered']:,} "
            f"of {with_it['offered']:,} answered ({answered:.1%}), p95 {ms(alone['p95'])} without, "
            f"{ms(with_it['p95'])} with: {ratio:.2f} times",
            answered >= 0.99 and ratio <= 1.3,
            {"alone": alone, "beside": with_it, "attacks": hostile.done},
            faults,
        ),
        result(
            "emergencies meanwhile",
            "all answered within 500 ms",
            f"{shown} of {len(dangers)} answered, p95 {ms(journal.share(taken, 0.95))}, longest "
            f"{ms(taken[-1])}",
            shown == len(dangers) and taken[-1] <= 0.5,
            {"longest": taken[-1]},
            [],
        ),
    ]


async def together(folder, seconds=30):
    """Two gateways, two Rasas, PostgreSQL, Redis and nginx, against one gateway with SQLite."""
    one, faults = await _throughput(sites.single, folder / "one", seconds)
    both, more = await _throughput(sites.several, folder / "both", seconds)
    ratio = both["rate"] / one["rate"]
    return result(
        "two gateways, two Rasa processes, PostgreSQL, Redis, nginx",
        "the same invariants; throughput at least 1.6 times one's (or the measured reason)",
        f"{CROWD} visitors at once: {one['rate']:.0f}/s of one, {both['rate']:.0f}/s of two, "
        f"{ratio:.2f} times; one takes {one['busy']:.0%} of all "
        f"{os.cpu_count()} cores already (the visitors {one['client']:.0%} of them), two "
        f"{both['busy']:.0%}",
        ratio >= 1.6 or one["busy"] > 0.8,
        {"one": one, "two": both},
        faults + more,
    )


async def a_core_each(folder, seconds=30):
    """Two gateways with a Rasa, on a core each, against one of them; the same machine holds
    PostgreSQL, Redis, nginx and the visitors, on whatever core is free."""
    cores = [frozenset({core}) for core in sorted(os.sched_getaffinity(0))[:2]]
    one, faults = await _throughput(partial(sites.several, cores=cores[:1]), folder / "1", seconds)
    both, more = await _throughput(partial(sites.several, cores=cores), folder / "2", seconds)
    ratio = both["rate"] / one["rate"]
    return result(
        "two gateways with a Rasa, on a core each, against one on a core",
        "1.7 times one's throughput",
        f"{CROWD} visitors at once: {one['rate']:.0f}/s of one, {both['rate']:.0f}/s of two, "
        f"{ratio:.2f} times; PostgreSQL, nginx and the visitors share the cores: one leaves "
        f"{1 - one['busy']:.0%} of both idle, two {1 - both['busy']:.0%}",
        ratio >= 1.7,
        {"one": one, "two": both},
        faults + more,
    )


async def _throughput(kind, folder, seconds):
    folder.mkdir()
    with kind(folder, MESSAGES_PER_MINUTE="1000000") as site:
        async with visiting(site.url) as load:
            return await _crowd_figures(load, CROWD, seconds), site.faults(load.journal)


async def _crowd_figures(load, visitors, seconds):
    """journal.figures of so many visitors, with the rate of answers, and the shares of all cores
    that were busy and that the visitors took."""
    until, begun = asyncio.Event(), len(load.journal)
    busy, client, start = _cpu(), time.process_time(), time.monotonic()
    asking = asyncio.create_task(crowd(load, visitors, until))
    await asyncio.sleep(seconds)
    until.set()
    await asking
    took = time.monotonic() - start
    spent = [after - before for before, after in zip(busy, _cpu(), strict=False)]
    got = journal.figures(load.journal[begun:])
    return got | {
        "rate": got["answered"] / took,
        "busy": 1 - spent[1] / spent[0],
        "client": (time.process_time() - client) / took / os.cpu_count(),
    }


async def slow_machine(load, site, seconds=60):
    """Two results, each of FEW and of MANY visitors at once: on the machine as it is, and with
    OTHERS processes beside that never rest."""
    results = []
    for others in (0, OTHERS):
        running = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(others)
        ]
        try:
            if others:  # the places follow what they have measured
                await _crowd_figures(load, FEW, seconds / 2)
            few = await _crowd_figures(load, FEW, seconds)
            many = await _crowd_figures(load, MANY, seconds)
        finally:
            for process in running:
                process.kill()
                process.wait()
        share = many["rate"] / few["rate"]
        beside = f", {others} busy processes beside" if others else ""
        results.append(
            result(
                f"{MANY} conversations at once{beside}",
                f"80 % of what {FEW} at once get",
                f"{FEW}: {few['rate']:.1f} answers/s, p95 {ms(few['p95'])}; {MANY}: "
                f"{many['rate']:.1f}/s ({share:.0%}), p95 {ms(many['p95'])}, "
                f"{many['refused']:,} refused, {many['unavailable']} unavailable",
                share >= 0.8,
                {"few": few, "many": many},
                site.faults(load.journal),
            )
        )
    return results


def _cpu():
    """(all, idle) ticks of the machine's cores."""
    with open("/proc/stat") as stat:
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def count_twice(faults):
    return sum("twice" in fault or "more than once" in fault for fault in faults)


def ms(seconds):
    return f"{seconds * 1000:.0f} ms"
