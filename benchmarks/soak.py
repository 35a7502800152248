"""`make soak`: loads and faults on real sites, each held against the invariant; about half an hour
on a machine of its own.

Prints each row as it is measured, keeps them in var/bench/reliability.json with machine and commit,
and writes docs/reliability.md from that. `python -m benchmarks.soak NAME ...` measures the named
ones alone, MINUTES=1 a tenth of each length; the page says which part was measured at how much of
its length."""

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks import faults, loads, swaps
from bot.runtime import settings
from tests.support import budgets, sites, slow_rasa
from tests.support.load import addresses, visiting

DOC = settings.ROOT / "docs" / "reliability.md"
MINUTES = 10  # of the longest load
INTRODUCTION = """
Written by `make soak`: real sites under load and faults, on one machine with the clients, each
message held against the database: it ends in exactly one of "answered and stored", "refused with a
sentence" or, for a danger while the database fails, "answered and not stored".
`tests/benchmarks/test_reliability.py` runs the same in short with every `make test`. Parts that are
not listed below were tried for correctness only.
"""
UNLIMITED = {"MESSAGES_PER_MINUTE": "1000000"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PARTS)}; all where none is given")
    names = parser.parse_args().names or list(PARTS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the sites end with us
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    path = settings.read_settings().path("var") / "bench" / "reliability.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    fine = True
    for name in names:
        say(name)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(
            prefix="pamphlet-soak-", ignore_cleanup_errors=True
        ) as folder:
            rows = asyncio.run(PARTS[name](Path(folder), minutes / MINUTES))
        for row in rows:
            say(f"  {'ok   ' if row.holds else 'SHORT'} {row.row}\n           {row.measured}")
            for fault in row.faults[:20]:
                say(f"           fault: {fault}")
            fine = fine and row.holds
        kept[name] = {
            **where(),
            "minutes": minutes,
            "seconds": round(time.monotonic() - begun),
            "rows": [asdict(row) for row in rows],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=1))
    DOC.write_text(page(kept))
    print(f"\nwritten to {path} and {DOC}")
    return 0 if fine else 1


def on(kind, *measures, **environment):
    """A part that measures on one site, one after the other."""

    async def part(folder, scale):
        rows = []
        with kind(folder, **environment) as site:
            async with visiting(site.url) as load:
                for measure in measures:
                    rows += await measure(load, site, scale)
        return rows

    return part


def each(measure, length):
    """A measure of loads.py as a part wants it: its length scaled, its results as a list."""

    async def measured(load, site, scale):
        found = await measure(load, site, max(10, round(length * scale)))
        return found if isinstance(found, list) else [found]

    return measured


async def beside(folder, scale):
    """With the limits as they are by default, and visitors who call from many addresses."""
    limits = {"CONVERSATIONS_PER_MINUTE": str(settings.read_settings({}).conversations_per_minute)}
    with sites.single(folder, **limits) as site:
        async with visiting(site.url, addresses(200)) as load:
            return await loads.beside(load, site, max(60, 1800 * scale))


async def slow(folder, scale):
    """With visitors who call from many addresses."""
    with sites.single(folder, **UNLIMITED) as site:
        async with visiting(site.url, addresses(60)) as load:
            return await loads.slow_machine(load, site, max(10, 60 * scale))


async def together(folder, scale):
    return [await loads.together(folder, max(10, 30 * scale))]


async def cores(folder, scale):
    return [await loads.a_core_each(folder, max(10, 30 * scale))]


async def full_disk(folder, scale):
    """On a small disk of its own, where we may mount one; and where no file may grow."""
    (folder / "small").mkdir()
    return [
        *await faults.full_tmpfs(folder / "small", scale),
        *await on(sites.single, faults.full_disk, **UNLIMITED)(folder, scale),
    ]


async def rasa(folder, scale):
    return await on(
        sites.single, faults.rasa, command=slow_rasa.command(folder / "mode"), **UNLIMITED
    )(folder, scale)


async def clock(folder, scale):
    wrong = faults.clock_of(folder)
    if wrong is None:
        say("  left out: a C compiler is missing: apt-get install gcc libc6-dev")
        return []
    return await on(sites.single, faults.clock, **wrong, **UNLIMITED)(folder, scale)


def released(measure, **how):
    """A part that changes the releases of its site."""

    async def part(folder, scale):
        models, ids = swaps.twins(folder)

        def changed(load, site, scale):
            return measure(load, site, models, ids, scale)

        return await on(sites.single, changed, MODELS=str(models), **how, **UNLIMITED)(
            folder, scale
        )

    return part


LOADS = {
    "steady": on(sites.single, each(loads.steady, 600), **UNLIMITED),
    "overload": on(sites.single, each(loads.overload, 60), **UNLIMITED),
    "long": on(sites.single, each(loads.long_conversation, 1000), **UNLIMITED),
    "burst": on(sites.single, each(loads.burst, 30), **UNLIMITED),
    "idle": on(sites.single, each(loads.idle, 2000), **UNLIMITED),
    "hostile": beside,
    "slow": slow,
    "together": together,
    "cores": cores,
}
FAULTS = {
    "database": on(sites.on_postgresql, faults.database, **UNLIMITED),
    "disk": full_disk,
    "rasa": rasa,
    "killing": on(sites.several, faults.killing, **UNLIMITED),
    "swaps": released(swaps.swaps),
    "archives": released(swaps.refusals, working="/"),
    "delivery": on(sites.several, faults.delivery, **UNLIMITED),
    "partition": on(sites.several, faults.partition, **UNLIMITED),
    "clock": clock,
}
PARTS = {**LOADS, **FAULTS}


def where():
    """The machine, and what was measured on it."""

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=settings.ROOT, capture_output=True, text=True
        ).stdout.strip()

    changed = ", with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return {
        "machine": processor(),
        "cores": os.cpu_count(),
        "commit": git("rev-parse", "--short", "HEAD") + changed,
        "at": time.strftime("%Y-%m-%d %H:%M"),
    }


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def page(kept):
    """docs/reliability.md."""
    lines = [
        "# Reliability",
        "",
        *textwrap.wrap(INTRODUCTION.strip(), 100),
        "",
    ]
    for title, parts in (("load", LOADS), ("fault, under load", FAULTS)):
        rows = [row for name in parts if name in kept for row in kept[name]["rows"]]
        if rows:
            lines += [f"| {title} | to hold | measured | |", "| --- | --- | --- | --- |"]
            lines += [
                f"| {row['row']} | {row['to_hold']} | {row['measured']} | "
                f"{'held' if row['holds'] else '**short**'} |"
                for row in rows
            ]
            lines.append("")
    lines += [f"## {budgets.TITLE}", "", *budgets.table(), "", "## Where it was measured", ""]
    lines += ["| part | machine | commit | at | of its length |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {part['cores']} cores of {part['machine']} | {part['commit']} | "
        f"{part['at']} | {part['minutes'] / MINUTES:.0%} |"
        for name, part in kept.items()
    ]
    return "\n".join(lines) + "\n"


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
