"""The gateway's private channel into Rasa: one message in, all its replies out; who has no secret
gets a 403."""

import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from sanic import Blueprint, HTTPResponse, Request, response

from bot.language import word_caches
from bot.rasa import tracker_store
from bot.runtime import logs

logger = logging.getLogger(__name__)
EXPLAINED = ("text", "intent", "intent_ranking", "entities", "context", "scores")


class GatewayInput(InputChannel):
    """Takes {sender, text, intent?, metadata} and gives {replies: [what the actions sent as
    json_message], seconds: {parse, act}}.

    With `intent` the message is a choice, and understood already. `DELETE
    /webhooks/gateway/<sender>` forgets. `POST /webhooks/gateway/explain` takes {text, metadata} and
    gives how the text is understood; nothing is kept of it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    @classmethod
    def name(cls) -> str:
        return "gateway"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any]) -> "GatewayInput":
        return cls(credentials["secret"])

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        # Long: Rasa wants one function that holds all routes of a channel.
        blueprint = Blueprint("gateway")

        def trusted(request: Request) -> bool:
            return hmac.compare_digest(
                request.headers.get("authorization", "").encode(), f"Bearer {self.secret}".encode()
            )

        @blueprint.route("/message", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            if not trusted(request):
                return response.json({"error": "forbidden"}, 403)
            begun, body, output = time.perf_counter(), request.json, CollectingOutputChannel()
            logs.begin_turn(body["metadata"])
            message = UserMessage(
                as_words(body["text"]),
                output,
                body["sender"],
                input_channel=self.name(),
                metadata=body["metadata"],
            )
            try:
                message.parse_data = (
                    parse_choice(body["text"], body["intent"])
                    if body.get("intent")
                    else await request.app.ctx.agent.processor.parse_message(message)
                )
                parsed = time.perf_counter()
                await on_new_message(message)
            except Exception as error:
                # a turn that broke off midway would bend the next one
                await tracker_store.unwrap_store(request.app.ctx.agent.tracker_store).delete(
                    body["sender"]
                )
                logger.error(
                    "turn %s failed: %s", body["metadata"].get("turn"), type(error).__name__
                )
                return response.json({"error": type(error).__name__}, 500)
            sent = [message["custom"] for message in output.messages if "custom" in message]
            seconds = {"parse": parsed - begun, "act": time.perf_counter() - parsed}
            logger.info("answered with %s parts", len(sent))
            # an offer was for the action
            return response.json(
                {"replies": [part for part in sent if "offer" not in part], "seconds": seconds}
            )

        @blueprint.route("/explain", methods=["POST"])
        async def explain(request: Request) -> HTTPResponse:
            if not trusted(request):
                return response.json({"error": "forbidden"}, 403)
            logs.begin_turn(None)
            metadata = {**request.json["metadata"], "explain": True}
            parsed = await request.app.ctx.agent.processor.parse_message(
                UserMessage(as_words(request.json["text"]), metadata=metadata)
            )
            return response.json({key: parsed.get(key) for key in EXPLAINED})

        @blueprint.route("/<sender>", methods=["DELETE"])
        async def forget(request: Request, sender: str) -> HTTPResponse:
            if not trusted(request):
                return response.json({"error": "forbidden"}, 403)
            logs.begin_turn(None)  # the connection may have served one before
            await tracker_store.unwrap_store(request.app.ctx.agent.tracker_store).forget(sender)
            word_caches.clear_caches()
            return response.json({})

        return blueprint


def as_words(text: str) -> str:
    """`text` without the slash at its start that Rasa would take for an intent."""
    return text.lstrip("/ ") or "slash"


def parse_choice(text: str, intent: str) -> dict[str, Any]:
    """Parse data of a choice: nothing is left to be understood."""
    understood = {"name": intent, "confidence": 1.0}
    return {"text": text, "intent": understood, "intent_ranking": [understood], "entities": []}
