"""Telegram: the Bot API (https://core.telegram.org/bots/api)."""

import html

from bot import settings
from bot.gateway.channels import shape, text

NEEDS = ("public_url", "telegram_token")
METHODS = ("POST",)
UPDATES = ("message", "callback_query")
COMMANDS = {"/start": "hello", "/help": "help", "/stop": "stop"}
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
)
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


def read(site, call):
    update = call.json()
    id = str(shape.dig(update, "update_id", kind=int))
    pressed = shape.dig(update, "callback_query", kind=dict)
    if pressed is not None:
        return _read_press(id, pressed)
    message = shape.dig(update, "message", kind=dict)
    if (
        message is None
        or any(key in message for key in SERVICE)
        or shape.dig(message, "from", "is_bot", kind=bool) is not False
    ):
        return [], {}
    place = _place(message, shape.dig(message, "from", "id", kind=int))
    if place is None:
        return [], {}
    said, caption = shape.dig(message, "text"), shape.dig(message, "caption")
    private = shape.dig(message, "chat", "type") == "private"
    command, _, rest = (said or "").partition(" ")
    command = command.partition("@")[0]
    us = site.config.telegram_token.partition(":")[0]
    if command == "/ask":
        said = rest
    elif not private and (
        said is None or str(shape.dig(message, "reply_to_message", "from", "id", kind=int)) != us
    ):
        return [], {}  # the group's own talk
    if shape.dig(message, "media_group_id"):
        id = f"group {message['media_group_id']}"  # of ten photos one is answered
    return [
        shape.Message(
            id=id, text=COMMANDS.get(command, said) or caption, unreadable=said is None, **place
        )
    ], {}


def _read_press(id, pressed):
    """A button's press, and what ends the turning wheel on it."""
    message = shape.dig(pressed, "message", kind=dict) or {}
    place, code = (
        _place(message, shape.dig(pressed, "from", "id", kind=int)),
        shape.dig(pressed, "data"),
    )
    found = [shape.Message(id=id, code=code, **place)] if place and code else []
    return found, {
        "method": "answerCallbackQuery",
        "callback_query_id": shape.dig(pressed, "id") or "",
    }


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
    response = await shape.ask(
        site, "POST", _method(site, "sendMessage"), json={**address, **payload}
    )
    if response.status_code >= 400:
        said = (shape.dig(shape.answer_of(response), "description") or "").lower()
        if any(gone in said for gone in GONE):
            raise shape.Blocked
        raise shape.refused(response)


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
