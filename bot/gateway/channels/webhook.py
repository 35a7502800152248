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

from bot import countries
from bot.gateway.channels import commands, shape, text

NEEDS = ("webhook_secret", "webhook_url", "public_url")
METHODS = ("POST",)
OLDEST = 5 * 60
LONGEST_NAME = 200
STYLE = text.Style(limit=8000)


async def verify(site, call):
    id, sent, given = (
        call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not id or not re.fullmatch("[0-9]{1,12}", sent):
        raise shape.Forged("signature")
    signature = _sign(site.config, id, sent, call.body)
    # a list: each is compared
    if not any([shape.same(part, signature) for part in given.split(" ")[:10]]):
        raise shape.Forged("signature")
    if abs(time.time() - int(sent)) > OLDEST:
        raise shape.Forged("age")


def read(site, call):
    data = call.json()
    visitor, said, code, country = (
        shape.dig(data, name) for name in ("visitor", "text", "code", "country")
    )
    if not visitor or len(visitor) > LONGEST_NAME:
        return [], {"error": "visitor is missing, or longer than 200 signs"}
    return [
        shape.Message(
            id=call.headers["webhook-id"],
            visitor=visitor,
            address={"visitor": visitor},
            country=countries.normalise(country),
            **(commands.read_button(code, said) if code else {"text": said}),
        )
    ], {}


def render(unit):
    return [
        {
            "text": text.write(unit, STYLE),
            "buttons": [{"title": button.title, "code": button.code} for button in unit.buttons()],
        }
    ]


async def send(site, address, payload):
    body = json.dumps({**address, **payload}).encode()
    id, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": now,
        "webhook-signature": _sign(site.config, id, now, body),
    }
    response = await shape.ask(site, "POST", site.config.webhook_url, content=body, headers=headers)
    if response.status_code == 410:
        raise shape.Blocked
    if response.status_code >= 300:
        raise shape.refused(response)


async def check(site):
    _key(site.config)
    return f"replies go to {site.config.webhook_url}"


def _sign(config, id, sent, body):
    made = hmac.new(
        _key(config), f"{id}.{sent}.".encode("utf-8", "surrogateescape") + body, hashlib.sha256
    ).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def _key(config):
    try:
        return base64.b64decode(config.webhook_secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise shape.Undelivered("WEBHOOK_SECRET is not whsec_ and base64", lasting=True) from None
