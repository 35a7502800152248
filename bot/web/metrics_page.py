"""What Prometheus reads at /metrics, for who has METRICS_TOKEN."""

import asyncio
import shutil
from typing import cast

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.exceptions import HTTPException

from bot.channels import base
from bot.conversation import unstored_replies
from bot.store import engine
from bot.store import queues as stored
from bot.web import dependencies

WAITING = Gauge(
    "pamphlet_waiting",
    "What waits: messages at Rasa, in the inbox, in the journal of what was told without the "
    "database, letters in the outbox, dead letters.",
    ["queue"],
)
RELEASE = Gauge("pamphlet_release", "1 for the release that is served.", ["release"])
DISK = Gauge("pamphlet_disk_free_bytes", "Room on the disk of VAR.")


async def show_metrics(request: Request, site: dependencies.ServedSite) -> Response:
    """All figures, for who has METRICS_TOKEN; for others there is no such page."""
    token = site.config.metrics_token
    if not token or not base.is_same_secret(
        request.headers.get("authorization"), f"Bearer {token}"
    ):
        raise HTTPException(404)
    WAITING.clear()
    try:
        for queue, count in (await asyncio.to_thread(stored.count_waiting, site.engine)).items():
            WAITING.labels(queue).set(cast(int, count))  # all values of a Waiting are
    except engine.StoreDown:
        pass  # their absence says it; the rest is told
    WAITING.labels("journal").set(
        await asyncio.to_thread(unstored_replies.count_waiting, site.config)
    )
    WAITING.labels("rasa").set(sum(site.under_way.values()))
    DISK.set(shutil.disk_usage(site.config.path("var")).free)
    RELEASE.clear()
    RELEASE.labels(site.release).set(1)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
