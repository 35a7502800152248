"""What a site of so many visitors a day needs, from figures that were measured and simulated
(size.json, which `python -m benchmarks.sizes` writes)."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

type Figures = dict[str, Any]  # {machine, date, processor_ms, memory_mb, bytes_a_message, knee ...}
FIGURES = Path(__file__).with_name("size.json")
MESSAGES = 4  # of a visitor's conversation
BUSIEST_HOUR = 0.1  # of a day's visitors: 2.4 times the mean
KEPT_DAYS = 30  # RETENTION_DAYS as it is by default
SYSTEM_GB = 0.5  # of a machine's memory, for all but the site
CORES_EACH = 2  # of a gateway with its Rasa: each is busy with one


@dataclass(frozen=True)
class Size:
    """What a site needs. `spare`: the gateways beyond those that the busiest hour takes, so that
    one may end; `database_cores`: busy ones of PostgreSQL, 0 for SQLite."""

    visitors: int
    messages_a_second: float
    gateways: int
    spare: int
    database: str
    database_cores: float
    cores: int
    memory_gb: float
    disk_gb: float


def read_figures() -> Figures:
    """The figures that were measured last."""
    figures: Figures = json.loads(FIGURES.read_text())
    return figures


def size_site(visitors: int, figures: Figures) -> Size:
    """The Size of a site of so many visitors a day."""
    peak = visitors * MESSAGES * BUSIEST_HOUR / 3600
    needed = max(1, math.ceil(peak / figures["knee"]["messages_a_second"]))
    spare = 1 if needed > 1 else 0
    several = needed > 1
    database = peak * figures["processor_ms"]["postgresql"] / 1000 if several else 0
    gateways = needed + spare
    each = (
        figures["memory_mb"]["gateway"] + 2 * figures["memory_mb"]["rasa"]
    )  # while one takes over
    memory = gateways * each / 1000 + SYSTEM_GB
    kind = "postgresql" if several else "sqlite"
    disk = visitors * MESSAGES * KEPT_DAYS * figures["bytes_a_message"][kind] / 1e9
    return Size(
        visitors=visitors,
        messages_a_second=peak,
        gateways=gateways,
        spare=spare,
        database="PostgreSQL and Redis" if several else "SQLite",
        database_cores=database,
        cores=gateways * CORES_EACH + (math.ceil(database) + 1 if several else 0),
        memory_gb=memory + (2 if several else 0),
        disk_gb=10 + 2 * disk,  # a rewrite, or a dump, wants as much again
    )


def describe_size(made: Size, figures: Figures) -> list[str]:
    """A Size as lines to read."""
    several = made.gateways > 1
    pairs = (
        f"{made.gateways} gateways, each with one Rasa" if several else "one gateway with one Rasa"
    )
    spare = "; one of them may end in the busiest hour" if made.spare else ""
    more = f" ({made.database_cores:.1f} cores busy)" if made.database_cores else ""
    return [
        f"{made.visitors:,} visitors a day: {made.messages_a_second:.1f} messages a second in the "
        f"busiest hour",
        f"  {pairs}{spare}",
        f"  {made.database}{more}",
        f"  {made.cores} cores, {made.memory_gb:.0f} GB of memory, {made.disk_gb:.0f} GB of disk",
        f"  reckoned with {MESSAGES} messages each, a tenth of a day's visitors in its busiest "
        f"hour, texts kept {KEPT_DAYS} days;",
        f"  measured on {figures['cores']} cores of {figures['machine']}, {figures['date']}",
    ]


def size_row(made: Size) -> list[str]:
    """A Size as the cells of a table."""
    busy = f", {made.database_cores:.1f} cores busy" if made.database_cores else ""
    return [
        f"{made.messages_a_second:.1f}",
        f"{made.gateways}, one of them to spare" if made.spare else f"{made.gateways}",
        f"{made.database}{busy}",
        f"{made.cores}",
        f"{made.memory_gb:.0f} GB",
        f"{made.disk_gb:,.0f} GB",
    ]
