"""Whatever speaks Standard Webhooks."""

import base64
import hashlib
import hmac
import json
import time

from tests.channels.apps import Call, button_of, ids
from tests.channels.platforms import Refused, Sent

NAME = "webhook"
SIGNED_BY = ("webhook-signature",)
KEY = b"k" * 32


def settings(url):
    return {
        "WEBHOOK_SECRET": f"whsec_{base64.b64encode(KEY).decode()}",
        "WEBHOOK_URL": f"{url}/webhook/in",
    }


def sign(id, sent, body, key=KEY):
    return (
        "v1,"
        + base64.b64encode(
            hmac.new(key, f"{id}.{sent}.".encode() + body, hashlib.sha256).digest()
        ).decode()
    )


def call(data, id=None, sent=None, key=KEY):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    id, sent = f"msg_{id or next(ids)}", str(int(sent or time.time()))
    return Call(
        {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": sent,
            "webhook-signature": sign(id, sent, body, key),
        },
        body,
    )


def write(person, text, id=None):
    return call({"visitor": str(person), "text": text}, id)


def press(person, sent, title):
    return call({"visitor": str(person), "code": button_of(sent, title)})


def take(platform, request):
    id, sent, given = (
        request.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
    )
    if (
        not hmac.compare_digest(given, sign(id, sent, request.body))
        or abs(time.time() - int(sent)) > 300
    ):
        raise Refused(401, {"error": "signature"})
    body = request.json()
    if set(body) != {"visitor", "text", "buttons"} or not body["text"]:
        raise Refused(400, {"error": "fields"})
    platform.sent.append(
        Sent(
            NAME,
            body["visitor"],
            body["text"],
            [(b["title"], b["code"]) for b in body["buttons"]],
            body,
        )
    )
    return 200, {}


def odd(person):
    return {
        "a picture": (call({"visitor": str(person), "picture": "x"}), "I can only read text"),
        "no visitor": (call({"text": "hello"}), None),
        "a number for a text": (call({"visitor": str(person), "text": 7}), "I can only read text"),
        "nothing": (call({}), None),
        "no object": (call(b"[1, null]"), None),
        "no JSON": (call(b"\xff{"), None),
    }


def forged(person):
    said = {"visitor": str(person), "text": "hello"}
    late, early = call(said, sent=time.time() - 301), call(said, sent=time.time() + 310)
    other, moved = call(said, key=b"x" * 32), call(said)
    moved.headers["webhook-timestamp"] = str(int(moved.headers["webhook-timestamp"]) - 1)
    renamed = call(said)
    renamed.headers["webhook-id"] = "msg_other"
    return {
        "five minutes old": late,
        "of the future": early,
        "another key": other,
        "another time": moved,
        "another id": renamed,
    }
