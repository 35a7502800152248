"""The invariant: what clients wrote down of each message, held against the database.

Every accepted message ends in exactly one of "answered and stored", "refused with a sentence the
visitor can read" or, for a danger while the database fails, "answered and not stored"."""

import datetime
import hashlib
import itertools
import math
from collections import Counter
from dataclasses import dataclass, field

from bot.domain.reply_kinds import DANGERS, ReplyKind

REFUSED = (429, 503)
PROXY_ONLY = (502, 504)  # said by what stands before the gateways: the message is sent again


@dataclass
class Delivery:
    """One time that a message was sent: the status it got, 0 for none, after how many seconds, and
    the body."""

    status: int
    seconds: float
    body: dict | None = None


@dataclass
class Message:
    """A message as its client knows it. `question`: what its answer must be to; `at`: when it was
    first sent (monotonic)."""

    token: str
    id: str
    text: str
    question: str | None
    at: float
    deliveries: list = field(default_factory=list)

    def end(self):
        """answered, danger, unavailable (refused, with numbers), refused; or lost."""
        ends = [end_of(delivery) for delivery in self.deliveries]
        return next(
            (end for end in ("answered", "danger", "unavailable", "refused") if end in ends), "lost"
        )

    def seconds(self):
        """From its first sending to its end, what was sent again included."""
        return sum(delivery.seconds for delivery in self.deliveries)


@dataclass(frozen=True)
class Stored:
    """A turn as the database has it."""

    token_hash: str
    message: str
    text: str
    outcome: str | None
    question: str | None
    replies: tuple  # ids
    received_at: datetime.datetime
    answered_at: datetime.datetime | None


def end_of(delivery):
    """How a delivery ended: answered, danger, unavailable, refused, silent (to be sent again), or
    wrong."""
    body = delivery.body or {}
    if delivery.status == 0 or delivery.status in PROXY_ONLY:
        return "silent"
    if delivery.status == 200:
        replies = body.get("replies") or []
        if not replies or not all(reply.get("id") and reply.get("text") for reply in replies):
            return "wrong"
        if replies[0]["kind"] == ReplyKind.UNAVAILABLE:
            return "unavailable" if replies[0].get("numbers") else "wrong"
        return "danger" if replies[0]["kind"] in DANGERS else "answered"
    error = body.get("error") or {}
    if (
        delivery.status not in REFUSED
        or not error.get("message")
        or delivery.status == 503
        and not error.get("numbers")
    ):
        return "wrong"
    return "unavailable" if delivery.status == 503 else "refused"


def check(messages, stored, in_order=True):
    """The faults, a sentence each: empty where the invariant holds. `stored`: every turn of the
    messages' conversations; `in_order`: hold the moments against each other too, which a clock that
    jumps can't."""
    faults = []
    turns = {(turn.token_hash, turn.message): turn for turn in stored}
    if len(turns) < len(stored):
        faults.append(f"{len(stored) - len(turns)} messages are stored twice")
    known = {(hashed(message.token), message.id) for message in messages}
    faults += [
        f"{turn.message}: stored in a conversation that never sent it"
        for key, turn in turns.items()
        if key not in known
    ]
    for message in messages:
        faults += [
            f"{message.id}: {fault}"
            for fault in _faults(message, turns.get((hashed(message.token), message.id)))
        ]
    return faults + (_crossings(messages, stored) if in_order else [])


def _faults(message, turn):
    """What is wrong with one message; `turn`: the Stored of it, or None."""
    yield from _delivery_faults(message)
    if message.end() == "answered":
        if turn is None:
            yield "was answered and is not stored"
        elif turn.replies not in _given_replies(message):
            yield "was answered with other replies than are stored"
    if turn is not None:
        yield from _stored_faults(message, turn)


def _delivery_faults(message):
    """What is wrong with what the client got, whatever is stored."""
    ends = Counter(end_of(delivery) for delivery in message.deliveries)
    if ends["wrong"]:
        wrong = next(delivery for delivery in message.deliveries if end_of(delivery) == "wrong")
        yield f"got {wrong.status} without a sentence: {str(wrong.body)[:120]}"
    if len(_given_replies(message)) > 1 and message.end() != "danger":
        yield "was answered more than once"
    if message.end() == "lost":
        yield f"got neither an answer nor a refusal: {[delivery.status for delivery in message.deliveries]}"  # noqa: E501


def _given_replies(message):
    """The ids of the replies of each answer that the client got, each answer once."""
    return {
        tuple(reply["id"] for reply in delivery.body["replies"])
        for delivery in message.deliveries
        if end_of(delivery) in ("answered", "danger")
    }


def _stored_faults(message, turn):
    """What is wrong with a message that is stored."""
    if turn.outcome is None:
        yield "is stored and has no end"
    elif not turn.replies:
        yield "is stored without a reply"
    end = message.end()
    # a gateway that was killed may have accepted it: then it's refused there too
    if end == "refused" and turn.outcome not in (None, ReplyKind.UNAVAILABLE):
        yield "was refused, and is stored all the same"
    if end == "unavailable" and turn.outcome not in (None, ReplyKind.UNAVAILABLE):
        yield f"was called unavailable, and an answer ({turn.outcome}) is stored"
    if end == "danger" and turn.outcome == ReplyKind.UNAVAILABLE:
        yield "was answered as a danger, and is stored as refused"
    if turn.text != message.text:
        yield "is stored with another text"
    if message.question and turn.outcome == ReplyKind.ANSWER and turn.question != message.question:
        yield f"asked {message.question} and got {turn.question}"


def _crossings(messages, stored):
    """Turns of a conversation that were worked on at the same moment, where each was sent once and
    is no danger."""
    once = {
        (hashed(message.token), message.id)
        for message in messages
        if len(message.deliveries) == 1 and message.end() == "answered"
    }
    spans = {}
    for turn in stored:
        if (turn.token_hash, turn.message) in once and turn.answered_at:
            spans.setdefault(turn.token_hash, []).append(
                (turn.received_at, turn.answered_at, turn.message)
            )
    return [
        f"{after[2]}: was begun before {before[2]} of its conversation had ended"
        for conversation in spans.values()
        for before, after in itertools.pairwise(sorted(conversation))
        if after[0] < before[1]
    ]


def figures(messages):
    """{offered, answered, refused, unavailable, danger, lost}, and the seconds: p50, p95, p99,
    longest of the answered, longest_refusal, longest_unavailable, longest_danger."""
    ends = Counter(message.end() for message in messages)
    taken = sorted(message.seconds() for message in messages if message.end() == "answered")
    longest = {
        end: max((message.seconds() for message in messages if message.end() == end), default=0.0)
        for end in ("refused", "unavailable", "danger")
    }
    return {
        "offered": len(messages),
        **{end: ends[end] for end in ("answered", "refused", "unavailable", "danger", "lost")},
        "repeated": sum(len(message.deliveries) > 1 for message in messages),
        "p50": share(taken, 0.5),
        "p95": share(taken, 0.95),
        "p99": share(taken, 0.99),
        "longest": taken[-1] if taken else 0.0,
        "longest_refusal": longest["refused"],
        "longest_unavailable": longest["unavailable"],
        "longest_danger": longest["danger"],
    }


def share(taken, part):
    """The value below which `part` of the sorted values lie (nearest rank)."""
    return taken[min(len(taken) - 1, math.ceil(part * len(taken)) - 1)] if taken else 0.0


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()
