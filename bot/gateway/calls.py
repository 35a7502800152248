"""The calls of messaging platforms: verified, read, stored in the inbox, and answered at once."""

import asyncio
import logging

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import Counter

from bot import store
from bot.gateway import delivery, exchange, limits, turns, visitors
from bot.gateway.channels import shape
from bot.safety import verdicts
from bot.store import delivery as stored

logger = logging.getLogger(__name__)
# signs of a message that are searched for a danger; more than any platform sends
MOST_HEARD = 10_000
MOST_TOLD = 10_000
REFUSED = Counter(
    "pamphlet_channel_calls_refused",
    "Calls of messaging platforms that are not theirs.",
    ["channel", "reason"],
)


def router(channels):
    """The routes of the channels that are on: /channels/<name>."""
    made = APIRouter(include_in_schema=False)
    for name, channel in channels.items():
        made.add_api_route(
            f"/channels/{name}", _taker(name, channel), methods=list(channel.METHODS)
        )
    return made


def _taker(name, channel):
    async def take(request: Request):
        at = request.app.state.delivery
        query = request.scope["query_string"].decode("latin-1")
        call = shape.Call(
            method=request.method,
            target=request.url.path + (f"?{query}" if query else ""),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=await request.body(),
        )
        try:
            await channel.verify(at.site, call)
        except shape.Forged as error:
            REFUSED.labels(name, str(error)).inc()
            logger.info("a call to /channels/%s was refused: %s", name, error)
            return JSONResponse(
                {"error": {"code": "forged", "message": "This call is not signed as it must be."}},
                401,
            )
        messages, answer = channel.read(at.site, call)
        for message in messages:
            await receive(at, name, message)
        if isinstance(answer, dict):
            return JSONResponse(answer)
        return PlainTextResponse(
            answer or "", media_type="text/xml" if answer == shape.NO_XML else "text/plain"
        )

    return take


async def receive(at, name, message):
    """Store a message for the workers, or say at once that it can't be; raises nothing."""
    token, desk = at.token(name, message.visitor), at.desk
    words, verdict = None, verdicts.NOTHING
    if message.text:
        words, verdict = await turns.hear(desk, message.text[:MOST_HEARD])
    danger = verdict.danger
    if message.edited and not danger:
        return
    note = None if danger or message.code else message.note or _fault(message)
    if not danger:
        try:
            await at.rates.take(token)
            at.told.discard(token)
        except limits.Refused as error:
            if token in at.told or len(at.told) >= MOST_TOLD:
                return
            at.told.add(token)
            note, words = error.text, None
    body = {
        "visitor": message.visitor,
        "address": message.address,
        "text": words and words[: visitors.LONGEST_TEXT],
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
    event = shape.sign(at.secret, "event", name, message.id)
    album = shape.sign(at.secret, "event", name, message.album) if message.album else None
    try:
        if await asyncio.to_thread(stored.receive, desk.engine, name, event, token, body, album):
            at.received.set()
    except store.StoreDown:
        logger.error("the database is down; a message from %s is answered without it", name)
        task = asyncio.create_task(
            delivery.say(at, name, message.address, exchange.direct(desk, verdict, message.country))
        )
        at.direct.add(task)
        task.add_done_callback(at.direct.discard)


def _fault(message):
    """The key of the fixed text that says why a message can't be answered, or None."""
    if message.text is None:
        return "cant_read"
    try:
        visitors.check_text(message.text)
    except visitors.BadText as error:
        return str(error)
    return None
