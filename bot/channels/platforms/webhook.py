"""The signed webhook, for everything else: Standard Webhooks (https://www.standardwebhooks.com) in
both directions.

In: `{"visitor": "...", "text": "..."}`, or `{"visitor": "...", "code": "..."}` for a button;
`country` may be given. Out: `{"visitor": "...", "text": "...", "buttons": [{"title", "code"}]}`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
import uuid

from bot.channels import base, commands, rendering
from bot.domain import countries
from bot.runtime import settings

NEEDS = ("webhook_secret", "webhook_url", "public_url")
METHODS = ("POST",)
OLDEST = 5 * 60
LONGEST_NAME = 200
STYLE = rendering.Style(limit=8000)


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    id, sent, given = (
        call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not id or not re.fullmatch("[0-9]{1,12}", sent):
        raise base.Forged("signature")
    signature = _sign(context.config, id, sent, call.body)
    # a list: each is compared
    if not any([base.is_same_secret(part, signature) for part in given.split(" ")[:10]]):
        raise base.Forged("signature")
    if abs(time.time() - int(sent)) > OLDEST:
        raise base.Forged("age")


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    data = call.json()
    visitor, said, code, country = (
        base.dig(data, name) for name in ("visitor", "text", "code", "country")
    )
    if not visitor or len(visitor) > LONGEST_NAME:
        return [], {"error": "visitor is missing, or longer than 200 signs"}
    words: commands.Words = commands.read_button(code, said) if code else {"text": said}
    return [
        base.Message(
            id=call.headers["webhook-id"],
            visitor=visitor,
            address={"visitor": visitor},
            country=countries.country_code(country),
            **words,
        )
    ], {}


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    return [
        {
            "text": rendering.write_unit(unit, STYLE),
            "buttons": [{"title": button.title, "code": button.code} for button in unit.buttons()],
        }
    ]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    body = json.dumps({**address, **payload}).encode()
    id, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": now,
        "webhook-signature": _sign(context.config, id, now, body),
    }
    response = await base.ask_platform(
        context, "POST", context.config.webhook_url, content=body, headers=headers
    )
    if response.status_code == 410:
        raise base.Blocked
    if response.status_code >= 300:
        raise base.refused_for_good(response)


async def check(context: base.ChannelContext) -> str:
    _key(context.config)
    return f"replies go to {context.config.webhook_url}"


def _sign(config: settings.Settings, id: str, sent: str, body: bytes) -> str:
    made = hmac.new(
        _key(config), f"{id}.{sent}.".encode("utf-8", "surrogateescape") + body, hashlib.sha256
    ).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def _key(config: settings.Settings) -> bytes:
    try:
        return base64.b64decode(config.webhook_secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise base.Undelivered("WEBHOOK_SECRET is not whsec_ and base64", lasting=True) from None
