"""What Prometheus reads at /metrics: how messages end and how long they take, what waits, what was
refused. No visitor's word.

The counters of the messaging apps' calls and letters stand beside what they count, in
channels/inbound.py and channels/outbox_worker.py."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from bot.content.reply_model import ReplyBody

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
    "pamphlet_unstored",
    "Messages that were answered or refused without the database: it failed, or the message was "
    "refused but for its danger.",
    ["reason", "ending"],
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


def count_turn(
    channel: str,
    first: ReplyBody,
    understood: Mapping[str, Any] | None,
    seconds: Mapping[str, float],
) -> None:
    """Count a message that was answered: its first reply, what was understood of it, the seconds of
    its stages."""
    TURNS.labels(channel, first["kind"]).inc()
    for stage, passed in seconds.items():
        SECONDS.labels(stage).observe(passed)
    if understood and understood.get("confidence") is not None:
        CONFIDENCE.observe(understood["confidence"])
