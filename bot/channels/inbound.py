"""The calls of messaging platforms: verified, read, stored in the inbox, and answered at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import Counter

from bot.channels import answering, base, outbox_worker
from bot.conversation import limits, turns
from bot.conversation import messages as conversation_messages
from bot.safety import verdicts
from bot.store import engine
from bot.store import queues as stored

logger = logging.getLogger(__name__)
# signs of a message that are searched for a danger; more than any platform sends
MOST_HEARD = 10_000
MOST_WARNED = 10_000
REFUSED = Counter(
    "pamphlet_channel_calls_refused",
    "Calls of messaging platforms that are not theirs.",
    ["channel", "reason"],
)


def channel_router(channels: dict[str, base.Channel]) -> APIRouter:
    """The routes of the channels that are on: /channels/<name>."""
    made = APIRouter(include_in_schema=False)
    for name, channel in channels.items():
        made.add_api_route(
            f"/channels/{name}", _taker(name, channel), methods=list(channel.METHODS)
        )
    return made


def _taker(name: str, channel: base.Channel) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        at: outbox_worker.Delivery = request.app.state.delivery
        query = request.scope["query_string"].decode("latin-1")
        call = base.PlatformCall(
            method=request.method,
            target=request.url.path + (f"?{query}" if query else ""),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=await request.body(),
        )
        try:
            await channel.verify(at.context, call)
        except base.Forged as error:
            REFUSED.labels(name, str(error)).inc()
            logger.info("a call to /channels/%s was refused: %s", name, error)
            return JSONResponse(
                {"error": {"code": "forged", "message": "This call is not signed as it must be."}},
                401,
            )
        messages, answer = channel.read_call(at.context, call)
        for message in messages:
            await receive_message(at, name, message)
        if isinstance(answer, dict):
            return JSONResponse(answer)
        return PlainTextResponse(
            answer or "", media_type="text/xml" if answer == base.NO_XML else "text/plain"
        )

    return take


async def receive_message(at: outbox_worker.Delivery, name: str, message: base.Message) -> None:
    """Store a message for the workers, or say at once that it can't be; raises nothing."""
    token, site = at.token(name, message.visitor), at.site
    words, verdict = None, verdicts.NOTHING
    if message.text:
        words, verdict = await turns.mask_and_screen(site, message.text[:MOST_HEARD])
    danger = verdict.danger
    if message.edited and not danger:
        return
    note = None if danger or message.code else message.note or _fault(message)
    if not danger:
        try:
            await at.rates.take(token)
            at.warned_tokens.discard(token)
        except limits.Refused as error:
            if token in at.warned_tokens or len(at.warned_tokens) >= MOST_WARNED:
                return
            at.warned_tokens.add(token)
            note, words = error.text, None
    body = {
        "visitor": message.visitor,
        "address": message.address,
        "text": words and words[: conversation_messages.LONGEST_TEXT],
        "note": note,
        "code": message.code,
        "country": message.country,
        "answered": message.answered,
        "earlier": message.earlier,
        "files": message.files,
        "danger": danger and {"kind": danger.kind, "flag": danger.flag},
        "warning": verdict.warning,
        "language": verdict.language,
    }
    event = base.keyed_hash(at.secret, "event", name, message.id)
    album = base.keyed_hash(at.secret, "event", name, message.album) if message.album else None
    try:
        if await asyncio.to_thread(
            stored.receive_event, site.engine, name, event, token, body, album
        ):
            at.received.set()
    except engine.StoreDown:
        logger.error("the database is down; a message from %s is answered without it", name)
        task = asyncio.create_task(
            outbox_worker.send_directly(
                at, name, message.address, answering.direct_unit(site, verdict, message.country)
            )
        )
        at.direct.add(task)
        task.add_done_callback(at.direct.discard)


def _fault(message: base.Message) -> str | None:
    """The key of the fixed text that says why a message can't be answered, or None."""
    if message.text is None:
        return "cant_read"
    try:
        conversation_messages.check_text(message.text)
    except conversation_messages.BadText as error:
        return str(error)
    return None
