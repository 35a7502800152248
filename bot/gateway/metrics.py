"""What Prometheus reads at /metrics: how messages end and how long they take, what waits, what was
refused. No visitor's word.

The counters of the messaging apps' calls and letters stand beside what they count, in calls.py and
delivery.py."""

import asyncio
import shutil

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException

from bot import store
from bot.gateway.channels import shape
from bot.store import delivery as stored

TURNS = Counter(
    "pamphlet_turns",
    "Messages that were answered, by channel and by the kind of the first reply.",
    ["channel", "outcome"],
)
REFUSED = Counter(
    "pamphlet_refused", "Messages refused with a sentence, by the reason.", ["reason"]
)
SECONDS = Histogram(
    "pamphlet_turn_seconds",
    "Seconds of a message: stored, understood by Rasa (which parses, and acts), its end stored, "
    "and in all.",
    ["stage"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.4, 1, 2, 5, 10),
)
CONFIDENCE = Histogram(
    "pamphlet_confidence",
    "How sure the understanding was of a message.",
    buckets=[tenth / 10 for tenth in range(1, 11)],
)
VOTES = Counter("pamphlet_votes", "Votes on answers.", ["helpful"])
REPEATED = Counter(
    "pamphlet_repeated",
    "Messages that came again and got the replies that were stored.",
    ["channel"],
)
UNSTORED = Counter(
    "pamphlet_unstored", "Messages that were answered without the database, which failed."
)
RESTARTS = Counter(
    "pamphlet_restarts", "Processes that ended or hung and were started again.", ["process"]
)
NET = Gauge("pamphlet_net", "1 where the learned net hears dangers beside the rules, else 0.")
NET_JUDGED = Counter(
    "pamphlet_net_judged",
    "Messages in which the net heard a danger, by how sure it was.",
    ["tier"],
)
NET_UNHEARD = Counter(
    "pamphlet_net_unheard",
    "Messages that the rules alone heard because the net was busy, slow or failed.",
    ["reason"],
)
WAITING = Gauge(
    "pamphlet_waiting",
    "What waits: messages at Rasa, in the inbox, letters in the outbox, dead letters.",
    ["queue"],
)
RELEASE = Gauge("pamphlet_release", "1 for the release that is served.", ["release"])
DISK = Gauge("pamphlet_disk_free_bytes", "Room on the disk of VAR.")


def count_turn(channel, first, understood, seconds):
    """Count a message that was answered: its first reply, what was understood of it, the seconds of
    its stages."""
    TURNS.labels(channel, first["kind"]).inc()
    for stage, passed in seconds.items():
        SECONDS.labels(stage).observe(passed)
    if understood and understood.get("confidence") is not None:
        CONFIDENCE.observe(understood["confidence"])


async def show(request: Request):
    """All figures, for who has METRICS_TOKEN; for others there is no such page."""
    desk = request.app.state.desk
    token = desk.config.metrics_token
    if not token or not shape.same(request.headers.get("authorization"), f"Bearer {token}"):
        raise HTTPException(404)
    WAITING.clear()
    try:
        for queue, count in (await asyncio.to_thread(stored.count_waiting, desk.engine)).items():
            WAITING.labels(queue).set(count)
    except store.StoreDown:
        pass  # their absence says it; the rest is told
    WAITING.labels("rasa").set(sum(desk.under_way.values()))
    DISK.set(shutil.disk_usage(desk.config.path("var")).free)
    RELEASE.clear()
    RELEASE.labels(desk.release).set(1)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
