"""Mattermost: an outgoing webhook, a slash command, buttons, and its REST API
(https://developers.mattermost.com).

Who asks in a channel is answered in a thread of their message; who gives the slash command, in a
direct message."""

import re

from bot.channels import base, commands, rendering
from bot.runtime import settings

NEEDS = ("public_url", "mattermost_url", "mattermost_token", "mattermost_call_tokens")
METHODS = ("POST",)
SIGNS = re.compile(r"[\\`*_\[\]~#|]")
CALLS_ALL = re.compile(r"@(?=all\b|channel\b|here\b)")
STYLE = rendering.Style(
    limit=16383,
    escape=lambda plain: CALLS_ALL.sub("@\u200b", SIGNS.sub(r"\\\g<0>", plain)),
    bold=lambda written: f"**{written}**",
    italic=lambda written: f"_{written}_",
    link=lambda label, url: _link(label, url),
    source=lambda label, url: _link(label, url),
)
BUTTONS = 5  # in a row
GONE = (
    "api.post.create_post.root_id.app_error",
    "api.post.create_post.can_not_post_to_deleted.error",
)


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    data = _data(call)
    code, direct = (
        base.dig(data, "context", "code"),
        base.dig(data, "context", "direct", kind=bool),
    )
    if base.dig(data, "context", kind=dict) is not None:
        given = base.dig(data, "context", "signature")
        well = (
            code is not None
            and direct is not None
            and base.is_same_secret(given, _sign(context, code, direct))
        )
    else:
        given = base.dig(data, "token")
        well = any(
            [
                base.is_same_secret(given, token)
                for token in context.config.mattermost_call_tokens.split()
            ]
        )
    if not well:
        raise base.Forged("token")


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    data = _data(call)
    user, channel, post, trigger = (
        base.dig(data, name) for name in ("user_id", "channel_id", "post_id", "trigger_id")
    )
    said, code = base.dig(data, "text") or "", base.dig(data, "context", "code")
    if not user or not channel:
        return [], {}
    aside: base.Place = {"visitor": user, "address": {"user": user}}
    if code is not None:
        place: base.Place = (
            aside
            if base.dig(data, "context", "direct", kind=bool)
            else {
                "visitor": f"{channel} {user}",
                "address": {"channel_id": channel, "pressed": post},
            }
        )
        return [
            base.Message(id=f"{trigger} {post}", code=code, **place)
        ] if trigger and post else [], {}
    if base.dig(data, "command"):
        return [
            base.Message(id=trigger, text=said.strip() or "hello", **aside)
        ] if trigger else [], {}
    said, files = _read_words(data, said), bool(data.get("file_ids"))
    message = (
        base.Message(
            id=post,
            visitor=f"{channel} {user}",
            address={"channel_id": channel, "post": post},
            text=said or ("hello" if not files else None),
            files=files,
        )
        if post
        else None
    )
    return [message] if message else [], {}


def _read_words(data: base.JsonObject, said: str) -> str:
    """A post without the word that calls us, however it is written, and without what it quotes."""
    word = re.escape(base.dig(data, "trigger_word") or "")
    said = re.sub(rf"^\s*{word}[\s:,]*", "", said, flags=re.IGNORECASE) if word else said
    return commands.drop_quotes(said)


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    rows = [
        group[start : start + BUTTONS]
        for group in (unit.votes, unit.choices)
        for start in range(0, len(group), BUTTONS)
    ]
    return [
        {
            "message": rendering.write_unit(unit, STYLE),
            "rows": [
                [{"title": button.title, "code": button.code} for button in row] for row in rows
            ],
        }
    ]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    direct = "user" in address
    place = (
        {"channel_id": await _open_direct(context, address["user"])}
        if direct
        else await _find_thread(context, address)
    )
    attachments = [
        {
            "fallback": " ",
            "actions": [
                _action(context, number, button, direct) for number, button in enumerate(row)
            ],
        }
        for row in payload["rows"]
    ]
    await _call(
        context,
        "POST",
        "posts",
        {
            **place,
            "message": payload["message"],
            "props": {"attachments": attachments} if attachments else {},
        },
    )


def _action(
    context: base.ChannelContext, number: int, button: dict[str, str], direct: bool
) -> base.JsonObject:
    held = {
        "code": button["code"],
        "direct": direct,
        "signature": _sign(context, button["code"], direct),
    }
    return {
        "id": f"b{number}",
        "name": button["title"],
        "type": "button",
        "integration": {
            "url": f"{context.config.public_url.rstrip('/')}/channels/mattermost",
            "context": held,
        },
    }


async def _find_thread(context: base.ChannelContext, address: base.JsonObject) -> base.JsonObject:
    """Where the answer to a post goes; raises Blocked where a bot wrote it, or it is gone."""
    post = await _call(context, "GET", f"posts/{address.get('post') or address['pressed']}")
    props = base.dig(post, "props", kind=dict) or {}
    if "post" in address and "true" in (
        str(props.get(name)).lower() for name in ("from_bot", "from_webhook")
    ):
        raise base.Blocked
    return {
        "channel_id": address["channel_id"],
        "root_id": base.dig(post, "root_id") or base.dig(post, "id"),
    }


async def _open_direct(context: base.ChannelContext, user: str) -> str | None:
    if "mattermost" not in context.kept:
        context.kept["mattermost"] = base.dig(await _call(context, "GET", "users/me"), "id")
    return base.dig(
        await _call(context, "POST", "channels/direct", [context.kept["mattermost"], user]), "id"
    )


async def check(context: base.ChannelContext) -> str:
    return f"@{base.dig(await _call(context, 'GET', 'users/me'), 'username')}"


async def _call(
    context: base.ChannelContext, method: str, path: str, body: object = None
) -> base.JsonObject:
    response = await base.ask_platform(
        context,
        method,
        f"{context.config.mattermost_url.rstrip('/')}/api/v4/{path}",
        json=body,
        headers={"Authorization": f"Bearer {context.config.mattermost_token}"},
    )
    said = base.answer_of(response)
    if response.status_code >= 400:
        if (
            response.status_code == 404
            and path.startswith("posts/")
            or base.dig(said, "id") in GONE
        ):
            raise base.Blocked
        raise base.refused_for_good(response)
    return said


def _data(call: base.PlatformCall) -> base.JsonObject:
    """The fields of a call's form or of its JSON; {} where it has none."""
    data = call.form() if "form" in call.headers.get("content-type", "") else call.json()
    return data if isinstance(data, dict) else {}


def _sign(context: base.ChannelContext, code: str, direct: bool) -> str:
    """What a button shows when it is pressed; Mattermost signs nothing, and shows nobody what a
    button carries."""
    return base.keyed_hash(settings.site_secret(context.config), "mattermost", code, str(direct))


def _link(label: str, url: str) -> str:
    return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"
