"""Telegram, as https://core.telegram.org/bots/api describes it."""

import html
import json
import re

from tests.channels.apps import Call, button_of, ids
from tests.channels.platforms import Refused, Sent

NAME = "telegram"
BOT = 4242
TOKEN = f"{BOT}:AAtesttoken"
TAGS = re.compile(r"</?(?:b|i|u|s|code|pre)>|<a href=\"[^\"<>]*\">|</a>")
SIGNED_BY = ("X-Telegram-Bot-Api-Secret-Token",)
learned = {}  # the secret token that `register` told us


def settings(url):
    return {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_URL": f"{url}/telegram"}


def secret(site_secret):
    """What the service makes of its own secret; a real Telegram is told it by setWebhook."""
    from bot.channels import base

    return base.keyed_hash(site_secret, "telegram", TOKEN)


def user(person):
    return {"id": person, "is_bot": False, "first_name": "Ada", "language_code": "en"}


def message(person, **content):
    return {
        "message_id": next(ids),
        "from": user(person),
        "date": 1_790_000_000,
        **content,
        "chat": content.get("chat") or {"id": person, "type": "private", "first_name": "Ada"},
    }


def update(id=None, **content):
    headers = {
        "Content-Type": "application/json",
        "X-Telegram-Bot-Api-Secret-Token": learned["token"],
    }
    return Call(headers, json.dumps({"update_id": id or next(ids), **content}).encode())


def write(person, text, id=None):
    return update(id, message=message(person, text=text))


def press(person, sent, title):
    return update(
        callback_query={
            "id": str(next(ids)),
            "from": user(person),
            "chat_instance": "1",
            "data": button_of(sent, title),
            "message": message(BOT, chat={"id": person, "type": "private"}, text=sent.text),
        }
    )


def take(platform, request):
    prefix, method = request.path.split("/")
    if prefix != f"bot{TOKEN}":
        raise Refused(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    if method == "getMe":
        return 200, {
            "ok": True,
            "result": {
                "id": BOT,
                "is_bot": True,
                "first_name": "Pamphlet",
                "username": "pamphlet_bot",
            },
        }
    if method == "setWebhook":
        body = request.json()
        need(
            body["url"].startswith("https://")
            and re.fullmatch("[A-Za-z0-9_-]{1,256}", body["secret_token"]),
            "bad webhook",
        )
        learned["registered"] = body
        return 200, {"ok": True, "result": True, "description": "Webhook was set"}
    if method != "sendMessage":
        raise Refused(404, {"ok": False, "error_code": 404, "description": "Not Found"})
    body = request.json()
    need(isinstance(body.get("chat_id"), int), "chat_id is empty")
    need(body.get("text"), "message text is empty")
    shown = body["text"]
    if body.get("parse_mode") == "HTML":
        rest = TAGS.sub("", shown)
        need(not re.search("[<>]|&(?!lt;|gt;|amp;|quot;)", rest), "can't parse entities")
        shown = html.unescape(rest)
    need(len(shown.encode("utf-16-le")) // 2 <= 4096, "message is too long")
    buttons = [
        button for row in body.get("reply_markup", {}).get("inline_keyboard", []) for button in row
    ]
    for button in buttons:
        need(
            button.get("text") and len(button["callback_data"].encode()) <= 64,
            "BUTTON_DATA_INVALID",
        )
    platform.sent.append(
        Sent(
            NAME,
            str(body["chat_id"]),
            shown,
            [(b["text"], b["callback_data"]) for b in buttons],
            body,
        )
    )
    return 200, {"ok": True, "result": {"message_id": next(ids)}}


def need(holds, what):
    if not holds:
        raise Refused(400, {"ok": False, "error_code": 400, "description": f"Bad Request: {what}"})


def odd(person):
    group = {"id": -100_200_300, "type": "supergroup", "title": "Family"}
    file = {"file_id": "AgAD", "file_unique_id": "x", "width": 90, "height": 51, "file_size": 1101}
    only_text = "I can only read text"
    return {
        "a sticker": (
            update(
                message=message(person, sticker={**file, "type": "regular", "is_animated": False})
            ),
            only_text,
        ),
        "a photo": (
            update(message=message(person, photo=[file])),
            only_text,
        ),
        "a voice message": (
            update(message=message(person, voice={**file, "duration": 3})),
            only_text,
        ),
        "a place": (
            update(message=message(person, location={"latitude": 51.5, "longitude": 0.1})),
            only_text,
        ),
        "a photo above a danger": (
            update(message=message(person, photo=[file], caption="i want to kill myself")),
            "116 123",
        ),
        "an edit": (
            update(
                edited_message=message(
                    person, text="what causes myoclonus", edit_date=1_790_000_100
                )
            ),
            None,
        ),
        "a reaction": (
            update(
                message_reaction={
                    "chat": {"id": person, "type": "private"},
                    "message_id": 1,
                    "user": user(person),
                    "date": 1,
                    "old_reaction": [],
                    "new_reaction": [{"type": "emoji", "emoji": "👍"}],
                }
            ),
            None,
        ),
        "another bot": (
            update(
                message=message(person, text="hello") | {"from": {**user(person), "is_bot": True}}
            ),
            None,
        ),
        "a group's own talk": (
            update(message=message(person, text="can myoclonus be prevented", chat=group)),
            None,
        ),
        "a new member": (
            update(message=message(person, new_chat_members=[user(7)], chat=group)),
            None,
        ),
        "a channel's post": (update(channel_post=message(person, text="hello")), None),
        "a block": (
            update(
                my_chat_member={
                    "chat": {"id": person, "type": "private"},
                    "from": user(person),
                    "date": 1,
                    "old_chat_member": {"status": "member"},
                    "new_chat_member": {"status": "kicked"},
                }
            ),
            None,
        ),
        "an unknown update": (update(something_new={"from": user(person)}), None),
        "nothing": (Call(update().headers, b"{}"), None),
        "no object": (Call(update().headers, b"[1, null]"), None),
        "no JSON": (Call(update().headers, b"\xff{"), None),
    }


def forged(person):
    from bot.channels import base

    other = base.keyed_hash("another site's secret", "telegram", TOKEN)
    return {
        "another site's token": Call(
            {"X-Telegram-Bot-Api-Secret-Token": other}, write(person, "hello").body
        )
    }
