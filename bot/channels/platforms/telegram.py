"""Telegram: the Bot API (https://core.telegram.org/bots/api)."""

import contextlib
import html
import re
import time

import httpx

from bot.channels import base, commands, rendering
from bot.runtime import settings

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
STYLE = rendering.Style(
    limit=4096,
    measure=lambda written: len(written.encode("utf-16-le")) // 2,
    escape=lambda plain: html.escape(plain, quote=False),
    bold=lambda written: f"<b>{written}</b>",
    italic=lambda written: f"<i>{written}</i>",
    link=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
    source=lambda label, url: f'<a href="{html.escape(url)}">{label}</a>',
)


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    if not base.is_same_secret(
        call.headers.get("x-telegram-bot-api-secret-token"), secret_token(context.config)
    ):
        raise base.Forged("token")
    if b"@" in call.body and base.dig(call.json(), "message", "chat", "type") != "private":
        await _learn_name(context)


async def _learn_name(context: base.ChannelContext) -> None:
    """Keep our name, by which groups speak to us; where it can't be had, it isn't known."""
    name, asked = context.kept.get("telegram name", (None, float("-inf")))
    if name or time.monotonic() - asked < NAME_SECONDS:
        return
    context.kept["telegram name"] = None, time.monotonic()
    with contextlib.suppress(base.Undelivered):
        me = base.answer_of(
            await base.ask_platform(context, "GET", _method(context, "getMe"), timeout=NAME_WAIT)
        )
        context.kept["telegram name"] = base.dig(me, "result", "username"), time.monotonic()


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    update = call.json()
    id = str(base.dig(update, "update_id", kind=int))
    pressed = base.dig(update, "callback_query", kind=dict)
    if pressed is not None:
        return _read_press(id, pressed)
    edited = base.dig(update, "edited_message", kind=dict)
    message = edited or base.dig(update, "message", kind=dict)
    if message is None or any(key in message for key in SERVICE) or not _is_person(message):
        return [], {}
    place = _place(message, _person_of(message))
    said = base.dig(message, "text") or base.dig(message, "caption")
    private = base.dig(message, "chat", "type") == "private"
    ours, left = _read_words(context, message, said or "")
    if place is None or not (private or ours):
        return [], {}  # the group's own talk
    files = "text" not in message
    album = base.dig(message, "media_group_id")
    album = f"group {album}" if album else None
    if said is None and album:
        id = album  # of ten photos one is answered
    words = left or ("hello" if ours and not (files and said is None) else None)
    edits = edited is not None
    made = base.Message(id=id, text=words, files=files, edited=edits, album=album, **place)
    return [made], {}


def _is_person(message: base.JsonObject) -> bool:
    return base.dig(message, "from", "is_bot", kind=bool) is False or (
        base.dig(message, "from", "id", kind=int) == GROUP_ADMIN
        and base.dig(message, "sender_chat", kind=dict) is not None
    )


def _person_of(message: base.JsonObject) -> int | None:
    """Who wrote a message: an administrator who stays unnamed writes as the group."""
    sender = base.dig(message, "from", "id", kind=int)
    return base.dig(message, "sender_chat", "id", kind=int) if sender == GROUP_ADMIN else sender


def _read_words(
    context: base.ChannelContext, message: base.JsonObject, said: str
) -> tuple[bool, str]:
    """(whether a message of a group speaks to us, its words without what calls us): a command, a
    mention, or an answer to what we wrote."""
    name, _ = context.kept.get("telegram name", (None, None))
    if command := COMMAND.fullmatch(said):
        word, other, rest = command[1].lower(), command[2], command[3].strip()
        ours = not other or not name or other.lower() == name.lower()
        if word == ASK:
            return ours, rest
        known = word in COMMANDS
        return ours and bool(known or other), COMMANDS.get(word, said)
    us = context.config.telegram_token.partition(":")[0]
    replied = str(base.dig(message, "reply_to_message", "from", "id", kind=int)) == us
    if name:
        words = re.sub(rf"@{re.escape(name)}\b[\s,:]*", "", said, flags=re.IGNORECASE)
        return replied or words != said, words.strip()
    return replied, said.strip()


def _read_press(id: str, pressed: base.JsonObject) -> tuple[list[base.Message], base.JsonObject]:
    """A button's press, and what ends the turning wheel on it."""
    message = base.dig(pressed, "message", kind=dict) or {}
    place, code = (
        _place(message, base.dig(pressed, "from", "id", kind=int)),
        base.dig(pressed, "data"),
    )
    found = []
    if place and code:
        title = _title_of(message, code)
        found = [base.Message(id=id, **commands.read_button(code, title), **place)]
    return found, {
        "method": "answerCallbackQuery",
        "callback_query_id": base.dig(pressed, "id") or "",
    }


def _title_of(message: base.JsonObject, code: str) -> str | None:
    """What the button of a code says, in the message below which it stands; None where it
    doesn't."""
    rows = base.dig(message, "reply_markup", "inline_keyboard", kind=list) or []
    buttons = [button for row in rows if isinstance(row, list) for button in row]
    return next(
        (base.dig(one, "text") for one in buttons if base.dig(one, "callback_data") == code),
        None,
    )


def _place(message: base.JsonObject, person: int | None) -> base.Place | None:
    """{visitor, address} of a message's chat; in a group each person has a conversation of their
    own."""
    chat, thread = (
        base.dig(message, "chat", "id", kind=int),
        base.dig(message, "message_thread_id", kind=int),
    )
    if chat is None or person is None:
        return None
    address = {"chat_id": chat}
    if thread and base.dig(message, "is_topic_message", kind=bool):
        address["message_thread_id"] = thread
    return {"visitor": f"{chat} {person}", "address": address}


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    payload: base.JsonObject = {
        "text": rendering.write_unit(unit, STYLE),
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


def _button(button: rendering.Button) -> dict[str, str]:
    return {"text": button.title, "callback_data": button.code}


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    response = await _post(context, address, payload)
    moved = _move(address, response)
    if moved:
        response = await _post(context, moved, payload)
    if response.status_code >= 400:
        said = _said_of(response)
        if any(gone in said for gone in GONE):
            raise base.Blocked
        raise base.refused_for_good(response)


async def _post(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> httpx.Response:
    return await base.ask_platform(
        context, "POST", _method(context, "sendMessage"), json={**address, **payload}
    )


def _move(address: base.JsonObject, response: httpx.Response) -> base.JsonObject | None:
    """Where a message goes instead: to the supergroup that a group became, or to the group whose
    topic is gone. None where its address is right."""
    if response.status_code < 400:
        return None
    chat = base.dig(base.answer_of(response), "parameters", "migrate_to_chat_id", kind=int)
    if chat:
        return {"chat_id": chat}
    if "message_thread_id" in address and any(gone in _said_of(response) for gone in THREAD_GONE):
        return {"chat_id": address["chat_id"]}
    return None


def _said_of(response: httpx.Response) -> str:
    return (base.dig(base.answer_of(response), "description") or "").lower()


async def check(context: base.ChannelContext) -> str:
    response = await base.ask_platform(context, "GET", _method(context, "getMe"))
    if response.status_code >= 400:
        raise base.refused_for_good(response)
    return f"@{base.dig(base.answer_of(response), 'result', 'username')}"


async def register(context: base.ChannelContext) -> str:
    """Tell Telegram where to call; the address that it was told."""
    url = f"{context.config.public_url.rstrip('/')}/channels/telegram"
    body = {
        "url": url,
        "secret_token": secret_token(context.config),
        "allowed_updates": list(UPDATES),
    }
    response = await base.ask_platform(context, "POST", _method(context, "setWebhook"), json=body)
    if response.status_code >= 400:
        raise base.refused_for_good(response)
    return url


def secret_token(config: settings.Settings) -> str:
    """What Telegram puts into each of its calls: made from our secret, told to it by `register`."""
    return base.keyed_hash(settings.site_secret(config), "telegram", config.telegram_token)


def _method(context: base.ChannelContext, name: str) -> str:
    return f"{context.config.telegram_url}/bot{context.config.telegram_token}/{name}"
