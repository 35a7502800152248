"""`python -m benchmarks.sizes`: what a message costs each process, and from that, simulated, how
many visitors a day a number of gateways takes: bot/operations/size.json, docs/images/size.svg.

Measured is the processor time that each message takes in each process, so that a machine that does
other things beside hardly matters. Simulated are the queues: visitors come by chance, as many as in
the busiest hour, each asks size.MESSAGES times; every message goes to the gateway with the fewest
under way, waits there and at its Rasa, and nothing is refused."""

import argparse
import asyncio
import bisect
import heapq
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.soak import where
from bot.operations import size
from bot.runtime import settings
from tests.support import sites
from tests.support.journal import share
from tests.support.load import ask, come, visiting
from tests.support.memory import memory

IMAGE = settings.ROOT / "docs" / "images" / "size.svg"
MEASURED = 300
THINKING = 20.0  # seconds from an answer to a visitor's next message
GATEWAYS = (1, 2, 4, 8)
DAYS = (10_000, 20_000, 50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 700_000)
DAYS += (1_000_000, 1_200_000, 1_500_000, 2_000_000)
KNEE = 2.0  # times the p95 of a site where nobody waits: there the curve bends
POINTS = 20  # of the recorded times: every 5 %


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulate", action="store_true", help="from the figures that there are")
    figures = size.read_figures() if parser.parse_args().simulate else measure()
    figures["knee"] = find_knee(figures)
    size.FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    draw(figures)
    print("\n".join(size.describe_size(size.size_site(1_000_000, figures), figures)))


def measure():
    """The figures of one message, on a site with SQLite and one with PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="pamphlet-size-") as folder:
        (Path(folder) / "sqlite").mkdir()
        (Path(folder) / "postgresql").mkdir()
        with sites.single(Path(folder) / "sqlite", MESSAGES_PER_MINUTE="1000000") as site:
            light = asyncio.run(_measure(site, {}))
        with sites.on_postgresql(
            Path(folder) / "postgresql", MESSAGES_PER_MINUTE="1000000"
        ) as site:
            full = asyncio.run(_measure(site, {"postgresql": site.postgresql.process.pid}))
    place = where()
    return {
        "machine": place["machine"],
        "cores": place["cores"],
        "commit": place["commit"],
        "date": time.strftime("%Y-%m-%d"),
        "messages": MEASURED,
        "processor_ms": {
            "gateway": quantiles(full["gateway"]),
            "rasa": quantiles(full["rasa"]),
            "gateway_on_sqlite": quantiles(light["gateway"]),
            "postgresql": round(sum(full["postgresql"]) / MEASURED, 2),
        },
        "memory_mb": full["memory"],
        "bytes_a_message": {"sqlite": light["bytes"], "postgresql": full["bytes"]},
    }


async def _measure(site, others):
    """{process: [ms of its processor time of each message]}, and memory and bytes a message."""
    [gateway] = site.gateways
    watched = {"gateway": gateway.process.pid, "rasa": gateway.children()["rasa"][0], **others}
    found = {name: [] for name in watched}
    async with visiting(site.url) as load:
        for _ in range(30):  # warm
            await ask(load, await come(load))
        before = _bytes(site)
        for number in range(MEASURED):
            if number % size.MESSAGES == 0:
                visitor = await come(load)
            begun = {name: _processor_ms(pid) for name, pid in watched.items()}
            message = await ask(load, visitor)
            assert message.end() == "answered", message
            await asyncio.sleep(0.02)  # what is done behind its back counts, too
            for name, pid in watched.items():
                found[name].append(_processor_ms(pid) - begun[name])
        found["bytes"] = round((_bytes(site) - before) / MEASURED)
    both, rasa = memory(watched["gateway"]), memory(watched["rasa"])
    found["memory"] = {"gateway": round(both - rasa), "rasa": round(rasa)}
    return found


def _processor_ms(pid):
    """Milliseconds of processor time of a process with its threads and, for a server of many
    processes, its children."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout.split()
    own = "postgres" in Path(f"/proc/{pid}/comm").read_text()
    return sum(_own_ms(each) for each in [pid, *(children if own else [])])


def _own_ms(pid):
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6
    except FileNotFoundError:
        return 0.0


def _bytes(site):
    if site.postgresql:
        return site.postgresql.run("select pg_database_size('soak')")[0][0]
    [[pages]], [[size_of_one]] = site.rows("pragma page_count"), site.rows("pragma page_size")
    return pages * size_of_one


def quantiles(values):
    """The smallest, every 20th part, and the largest."""
    values = sorted(values)
    return [
        round(values[round(point / POINTS * (len(values) - 1))], 2) for point in range(POINTS + 1)
    ]


def draw_from(points, chance):
    """One of the recorded times, in seconds: `chance` says which, from 0 to 1."""
    at, rest = divmod(chance * POINTS, 1)
    low = points[int(at)]
    return (low + rest * (points[min(POINTS, int(at) + 1)] - low)) / 1000


def simulate(figures, gateways, rate, seconds=600, seed=1):
    """The seconds of each message where so many come a second, sorted; the first tenth, in which
    the queues fill, is left out."""
    chance, times = random.Random(seed), figures["processor_ms"]
    arriving, at = [], 0.0
    while at < seconds:
        at += chance.expovariate(rate / size.MESSAGES)
        arriving.append((at, size.MESSAGES))
    heapq.heapify(arriving)
    free, rasa_free = [0.0] * gateways, [0.0] * gateways
    under_way = [[] for _ in range(gateways)]  # when each message there will be answered, sorted
    taken = []
    while arriving:
        at, left = heapq.heappop(arriving)
        if at > seconds:
            continue
        for ends in under_way:
            del ends[: bisect.bisect_right(ends, at)]
        here = min(range(gateways), key=lambda number: (len(under_way[number]), chance.random()))
        free[here] = max(at, free[here]) + draw_from(times["gateway"], chance.random())
        begun = max(free[here], rasa_free[here])
        ended = rasa_free[here] = begun + draw_from(times["rasa"], chance.random())
        bisect.insort(under_way[here], ended)
        if at > seconds / 10:
            taken.append(ended - at)
        if left > 1:
            again = ended + chance.expovariate(1 / THINKING)
            heapq.heappush(arriving, (again, left - 1))
    return sorted(taken)


def find_knee(figures):
    """{messages_a_second, p95_ms, idle_ms} of one gateway: the rate at which p95 is KNEE times that
    where nobody waits."""
    idle = share(simulate(figures, 1, 0.5, 4_000), 0.95)
    rate, step, bent = 1.0, 1.0, KNEE * idle
    while share(simulate(figures, 1, rate + step), 0.95) <= bent:
        rate += step
    return {
        "messages_a_second": rate,
        "p95_ms": round(1000 * share(simulate(figures, 1, rate), 0.95)),
        "idle_ms": round(1000 * idle),
    }


def rate_of(visitors):
    """Messages a second in the busiest hour of a day of so many visitors."""
    return visitors * size.MESSAGES * size.BUSIEST_HOUR / 3600


def draw(figures):
    """docs/images/size.svg: p95 over visitors a day, for each number of gateways, with the knee."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "size", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for gateways in GATEWAYS:
        points = []
        for visitors in DAYS:
            p95 = 1000 * share(simulate(figures, gateways, rate_of(visitors), 300), 0.95)
            points.append((visitors, p95))
            if p95 > 5_000:
                break
        label = f"{gateways} gateway{'s' * (gateways > 1)}"
        [line] = axes.plot(*zip(*points, strict=True), marker=".", label=label)
        knee = gateways * figures["knee"]["messages_a_second"] / rate_of(1)
        axes.axvline(knee, color=line.get_color(), linestyle=":", linewidth=1)
    axes.axvline(1_000_000, color="grey", linewidth=0.5)
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(10, 5_000),
        xlabel="visitors a day (dotted: the knee)",
        ylabel="95 of 100 messages answered within, ms",
    )
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(IMAGE, metadata={"Date": None})


if __name__ == "__main__":
    main()
