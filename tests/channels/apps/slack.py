"""Slack, as https://docs.slack.dev describes it."""

import hashlib
import hmac
import html
import json
import re
import time
import urllib.parse

from tests.channels.apps import Call, button_of, ids
from tests.channels.platforms import Refused, Sent

NAME = "slack"
SIGNED_BY = ("X-Slack-Signature", "X-Slack-Request-Timestamp")
TOKEN, SECRET, TEAM, BOT = "xoxb-test", "slack-signing-secret", "T0001", "U0BOT"
base = {}


def settings(url):
    base["hooks"] = f"{url}/slack/hooks"
    return {
        "SLACK_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_URL": f"{url}/slack/api",
        "SLACK_HOOKS_URL": base["hooks"],
    }


def call(data, at=None, secret=SECRET, kind="application/json"):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    at = str(int(at or time.time()))
    signature = (
        "v0=" + hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    )
    return Call(
        {"Content-Type": kind, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature},
        body,
    )


def event(id=None, at=None, secret=SECRET, **content):
    return call(
        {
            "token": "x",
            "team_id": TEAM,
            "api_app_id": "A1",
            "type": "event_callback",
            "event_id": f"Ev{id or next(ids)}",
            "event_time": 1,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "event": content,
        },
        at,
        secret,
    )


def direct(person, **content):
    return {
        "type": "message",
        "channel": f"D{person}",
        "channel_type": "im",
        "user": f"U{person}",
        "team": TEAM,
        "ts": f"{next(ids)}.1",
        "event_ts": "1.1",
        "client_msg_id": "x",
        **content,
    }


def write(person, text, id=None):
    return event(id, **direct(person, text=html.escape(text, quote=False)))


def form(**fields):
    return call(urllib.parse.urlencode(fields).encode(), kind="application/x-www-form-urlencoded")


def command(person, text, id=None):
    return form(
        token="x",
        team_id=TEAM,
        channel_id="C1",
        user_id=f"U{person}",
        command="/pamphlet",
        text=text,
        trigger_id=f"{next(ids)}.x",
        response_url=f"{base['hooks']}/{person}",
    )


def press(person, sent, title, **changes):
    value = button_of(sent, title)
    return form(
        payload=json.dumps(
            {
                "type": "block_actions",
                "team": {"id": TEAM},
                "user": {"id": f"U{person}", "team_id": TEAM},
                "api_app_id": "A1",
                "container": {
                    "type": "message",
                    "message_ts": "1.1",
                    "channel_id": f"D{person}",
                    "is_ephemeral": False,
                },
                "trigger_id": f"{next(ids)}.y",
                "channel": {"id": f"D{person}", "name": "directmessage"},
                "message": {"ts": "1.1"},
                "response_url": f"{base['hooks']}/{person}",
                "actions": [{"type": "button", "action_id": value, "value": value}],
                **changes,
            }
        )
    )


def take(platform, request):
    if request.path.startswith("hooks/"):
        body = request.json()
        if body.get("response_type") != "ephemeral" or body.get("replace_original") is not False:
            raise Refused(400, {"error": "fields"})
        platform.sent.append(Sent(NAME, request.path, *read(body), body))
        return 200, {"ok": True}
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return no(platform, "invalid_auth")
    if request.path == "api/auth.test":
        return 200, {"ok": True, "user": "pamphlet", "team": "Clinic"}
    if request.path != "api/chat.postMessage":
        return no(platform, "unknown_method")
    body = request.json()
    fault = fault_of(body)
    if fault:
        return no(platform, fault)
    person = (
        body["channel"].removeprefix("D")
        if "thread_ts" not in body
        else f"{body['channel']} {body['thread_ts']}"
    )
    platform.sent.append(Sent(NAME, person, *read(body), body))
    return 200, {"ok": True, "channel": body["channel"], "ts": f"{next(ids)}.2"}


def no(platform, error):
    platform.refused.append((NAME, error))
    return 200, {"ok": False, "error": error}


def fault_of(body):
    blocks = body.get("blocks", [])
    elements = [
        element for block in blocks if block["type"] == "actions" for element in block["elements"]
    ]
    if not body.get("channel") or not body.get("text") or len(body["text"]) > 40_000:
        return "no_text"
    sections = [block["text"] for block in blocks if block["type"] == "section"]
    if not all(part["type"] == "mrkdwn" and 0 < len(part["text"]) <= 3000 for part in sections):
        return "invalid_blocks"
    if re.search(
        "[<>]|&(?!lt;|gt;|amp;)", re.sub(r"<https?://[^<>|]+\|[^<>|]+>", "", body["text"])
    ):
        return "invalid_text"
    names = [element["action_id"] for element in elements]
    if len(set(names)) != len(names) or any(
        len(b["elements"]) > 25 for b in blocks if b["type"] == "actions"
    ):
        return "invalid_blocks"
    if any(
        not 0 < len(e["text"]["text"]) <= 75 or len(e["value"]) > 2000 or len(e["action_id"]) > 255
        for e in elements
    ):
        return "invalid_blocks"
    return None


def read(body):
    """(text, buttons) as a person sees them."""
    shown = "\n\n".join(
        block["text"]["text"] for block in body["blocks"] if block["type"] == "section"
    )
    shown = html.unescape(re.sub(r"<([^<>|]+)\|([^<>|]+)>", r"\2", shown))
    return shown, [
        (element["text"]["text"], element["value"])
        for block in body["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def odd(person):
    only_text, edited = "I can only read text", direct(person, text="what causes myoclonus")
    file = {"id": "F1", "mimetype": "image/png"}
    item = {"type": "message", "channel": f"D{person}"}
    group = {"channel": "C9", "channel_type": "channel"}
    return {
        "a file": (event(**direct(person, subtype="file_share", text="", files=[file])), only_text),
        "a file beside a danger": (
            event(
                **direct(person, subtype="file_share", text="i want to kill myself", files=[file])
            ),
            "116 123",
        ),
        "an edit": (
            event(
                type="message",
                subtype="message_changed",
                channel=f"D{person}",
                channel_type="im",
                message=edited,
            ),
            None,
        ),
        "a deletion": (
            event(
                type="message", subtype="message_deleted", channel=f"D{person}", channel_type="im"
            ),
            None,
        ),
        "a reaction": (
            event(type="reaction_added", user=f"U{person}", reaction="+1", item=item),
            None,
        ),
        "another bot": (event(**direct(person, text="hello", bot_id="B1")), None),
        "our own message": (
            event(**direct(person, text="hello", bot_id="B0", subtype="bot_message")),
            None,
        ),
        "a channel's own talk": (
            event(**direct(person, text="can myoclonus be prevented", **group)),
            None,
        ),
        "somebody joins": (
            event(**direct(person, subtype="channel_join", text="x", **group)),
            None,
        ),
        "the app is opened": (
            event(type="app_home_opened", user=f"U{person}", channel=f"D{person}"),
            None,
        ),
        "a command with another address": (
            form(
                team_id=TEAM,
                user_id=f"U{person}",
                command="/pamphlet",
                text="hello",
                trigger_id="1",
                response_url="https://evil.example/",
            ),
            None,
        ),
        "a press without a payload": (form(payload="{"), None),
        "nothing": (call({}), None),
        "no object": (call(b"[1, null]"), None),
        "no JSON": (call(b"{"), None),
    }


def forged(person):
    said = direct(person, text="hello")
    moved = event(**said)
    moved.headers["X-Slack-Request-Timestamp"] = str(
        int(moved.headers["X-Slack-Request-Timestamp"]) - 1
    )
    return {
        "six minutes old": event(at=time.time() - 360, **said),
        "of the future": event(at=time.time() + 360, **said),
        "another app's": event(secret="another", **said),
        "another time": moved,
    }
