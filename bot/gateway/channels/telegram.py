"""Telegram: the Bot API (https://core.telegram.org/bots/api)."""

import contextlib
import html
import re
import time

from bot import settings
from bot.gateway.channels import commands, shape, text

NEEDS = ("public_url", "telegram_token")
METHODS = ("POST",)
UPDATES = ("message", "edited_message", "callback_query")
COMMAND = re.compile(r"\s*/(\w+)(?:@(\w+))?(?!\S)\s*(.*)", re.DOTALL)
COMMANDS = {"start": "start", "help": "help", "stop": "stop"}
ASK = "ask"
GROUP_ADMIN = 1087968824  # who writes where an administrator of a group stays unnamed
NAME_WAIT = 2  # seconds for our name: Telegram waits for the answer to its call meanwhile
NAME_SECONDS = 60  # until our name is asked for again, where Telegram didn't tell it
SERVICE = (
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "successful_payment",
    "refunded_payment",
    "users_shared",
    "chat_shared",
    "connected_website",
    "write_access_allowed",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_created",
    "giveaway_completed",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "web_app_data",
    "gift",
    "checklist_tasks_done",
)
GONE = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked",
    "chat not found",
    "bot can't initiate conversation",
    "bot is not a member",
    "group chat was deactivated",
    "user not found",
)
THREAD_GONE = ("thread not found", "topic_deleted", "topic_closed")
STYLE = text.Style(
    limit=4096,
    measure=lambda written: len(written.encode("utf-16-le")) // 2,
    escape=lambda plain: html.escape(plain, quote=False),
    bold=lambda written: f"<b>{written}</b>",
    italic=lambda written: f"<i>{written}</i>",
    link=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
    source=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
)


async def verify(site, call):
    if not shape.same(
        call.headers.get("x-telegram-bot-api-secret-token"), secret_token(site.config)
    ):
        raise shape.Forged("token")
    if b"@" in call.body and shape.dig(call.json(), "message", "chat", "type") != "private":
        await _learn_name(site)


async def _learn_name(site):
    """Keep our name, by which groups speak to us; where it can't be had, it isn't known."""
    name, asked = site.kept.get("telegram name", (None, float("-inf")))
    if name or time.monotonic() - asked < NAME_SECONDS:
        return
    site.kept["telegram name"] = None, time.monotonic()
    with contextlib.suppress(shape.Undelivered):
        me = shape.answer_of(
            await shape.ask(site, "GET", _method(site, "getMe"), timeout=NAME_WAIT)
        )
        site.kept["telegram name"] = shape.dig(me, "result", "username"), time.monotonic()


def read(site, call):
    update = call.json()
    id = str(shape.dig(update, "update_id", kind=int))
    pressed = shape.dig(update, "callback_query", kind=dict)
    if pressed is not None:
        return _read_press(id, pressed)
    edited = shape.dig(update, "edited_message", kind=dict)
    message = edited or shape.dig(update, "message", kind=dict)
    if message is None or any(key in message for key in SERVICE) or not _is_person(message):
        return [], {}
    place = _place(message, _person_of(message))
    said = shape.dig(message, "text") or shape.dig(message, "caption")
    private = shape.dig(message, "chat", "type") == "private"
    ours, words = _read_words(site, message, said or "")
    if place is None or not (private or ours):
        return [], {}  # the group's own talk
    files = "text" not in message
    album = shape.dig(message, "media_group_id")
    album = f"group {album}" if album else None
    if said is None and album:
        id = album  # of ten photos one is answered
    if not words:
        words = "hello" if ours and not (files and said is None) else None
    edits = edited is not None
    made = shape.Message(id=id, text=words, files=files, edited=edits, album=album, **place)
    return [made], {}


def _is_person(message):
    return shape.dig(message, "from", "is_bot", kind=bool) is False or (
        shape.dig(message, "from", "id", kind=int) == GROUP_ADMIN
        and shape.dig(message, "sender_chat", kind=dict) is not None
    )


def _person_of(message):
    """Who wrote a message: an administrator who stays unnamed writes as the group."""
    sender = shape.dig(message, "from", "id", kind=int)
    return shape.dig(message, "sender_chat", "id", kind=int) if sender == GROUP_ADMIN else sender


def _read_words(site, message, said):
    """(whether a message of a group speaks to us, its words without what calls us): a command, a
    mention, or an answer to what we wrote."""
    name, _ = site.kept.get("telegram name", (None, None))
    if command := COMMAND.fullmatch(said):
        word, other, rest = command[1].lower(), command[2], command[3].strip()
        ours = not other or not name or other.lower() == name.lower()
        if word == ASK:
            return ours, rest
        known = word in COMMANDS
        return ours and bool(known or other), COMMANDS.get(word, said)
    us = site.config.telegram_token.partition(":")[0]
    replied = str(shape.dig(message, "reply_to_message", "from", "id", kind=int)) == us
    if name:
        words = re.sub(rf"@{re.escape(name)}\b[\s,:]*", "", said, flags=re.IGNORECASE)
        return replied or words != said, words.strip()
    return replied, said.strip()


def _read_press(id, pressed):
    """A button's press, and what ends the turning wheel on it."""
    message = shape.dig(pressed, "message", kind=dict) or {}
    place, code = (
        _place(message, shape.dig(pressed, "from", "id", kind=int)),
        shape.dig(pressed, "data"),
    )
    found = []
    if place and code:
        title = _title_of(message, code)
        found = [shape.Message(id=id, **commands.read_button(code, title), **place)]
    return found, {
        "method": "answerCallbackQuery",
        "callback_query_id": shape.dig(pressed, "id") or "",
    }


def _title_of(message, code):
    """What the button of a code says, in the message below which it stands; None where it
    doesn't."""
    rows = shape.dig(message, "reply_markup", "inline_keyboard", kind=list) or []
    buttons = [button for row in rows if isinstance(row, list) for button in row]
    return next(
        (shape.dig(one, "text") for one in buttons if shape.dig(one, "callback_data") == code), None
    )


def _place(message, person):
    """{visitor, address} of a message's chat; in a group each person has a conversation of their
    own."""
    chat, thread = (
        shape.dig(message, "chat", "id", kind=int),
        shape.dig(message, "message_thread_id", kind=int),
    )
    if chat is None or person is None:
        return None
    address = {"chat_id": chat}
    if thread and shape.dig(message, "is_topic_message", kind=bool):
        address["message_thread_id"] = thread
    return {"visitor": f"{chat} {person}", "address": address}


def render(unit):
    payload = {
        "text": text.write(unit, STYLE),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    rows = [
        [_button(button) for button in unit.votes],
        *([_button(button)] for button in unit.choices),
    ]
    if any(rows):
        payload["reply_markup"] = {"inline_keyboard": [row for row in rows if row]}
    return [payload]


def _button(button):
    return {"text": button.title, "callback_data": button.code}


async def send(site, address, payload):
    response = await _post(site, address, payload)
    moved = _move(address, response)
    if moved:
        response = await _post(site, moved, payload)
    if response.status_code >= 400:
        said = _said_of(response)
        if any(gone in said for gone in GONE):
            raise shape.Blocked
        raise shape.refused(response)


async def _post(site, address, payload):
    return await shape.ask(site, "POST", _method(site, "sendMessage"), json={**address, **payload})


def _move(address, response):
    """Where a message goes instead: to the supergroup that a group became, or to the group whose
    topic is gone. None where its address is right."""
    if response.status_code < 400:
        return None
    chat = shape.dig(shape.answer_of(response), "parameters", "migrate_to_chat_id", kind=int)
    if chat:
        return {"chat_id": chat}
    if "message_thread_id" in address and any(gone in _said_of(response) for gone in THREAD_GONE):
        return {"chat_id": address["chat_id"]}
    return None


def _said_of(response):
    return (shape.dig(shape.answer_of(response), "description") or "").lower()


async def check(site):
    response = await shape.ask(site, "GET", _method(site, "getMe"))
    if response.status_code >= 400:
        raise shape.refused(response)
    return f"@{shape.dig(shape.answer_of(response), 'result', 'username')}"


async def register(site):
    """Tell Telegram where to call; the address that it was told."""
    url = f"{site.config.public_url.rstrip('/')}/channels/telegram"
    body = {"url": url, "secret_token": secret_token(site.config), "allowed_updates": list(UPDATES)}
    response = await shape.ask(site, "POST", _method(site, "setWebhook"), json=body)
    if response.status_code >= 400:
        raise shape.refused(response)
    return url


def secret_token(config):
    """What Telegram puts into each of its calls: made from our secret, told to it by `register`."""
    return shape.sign(settings.secret(config), "telegram", config.telegram_token)


def _method(site, name):
    return f"{site.config.telegram_url}/bot{site.config.telegram_token}/{name}"
