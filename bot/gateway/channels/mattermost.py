"""Mattermost: an outgoing webhook, a slash command, buttons, and its REST API
(https://developers.mattermost.com).

Who asks in a channel is answered in a thread of their message; who gives the slash command, in a
direct message."""

import re

from bot import settings
from bot.gateway.channels import commands, shape, text

NEEDS = ("public_url", "mattermost_url", "mattermost_token", "mattermost_call_tokens")
METHODS = ("POST",)
SIGNS = re.compile(r"[\\`*_\[\]~#|]")
CALLS_ALL = re.compile(r"@(?=all\b|channel\b|here\b)")
STYLE = text.Style(
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


async def verify(site, call):
    data = _data(call)
    code, direct = (
        shape.dig(data, "context", "code"),
        shape.dig(data, "context", "direct", kind=bool),
    )
    if shape.dig(data, "context", kind=dict) is not None:
        well = None not in (code, direct) and shape.same(
            shape.dig(data, "context", "signature"), _sign(site, code, direct)
        )
    else:
        given = shape.dig(data, "token")
        well = any(
            [shape.same(given, token) for token in site.config.mattermost_call_tokens.split()]
        )
    if not well:
        raise shape.Forged("token")


def read(site, call):
    data = _data(call)
    user, channel, post, trigger = (
        shape.dig(data, name) for name in ("user_id", "channel_id", "post_id", "trigger_id")
    )
    said, code = shape.dig(data, "text") or "", shape.dig(data, "context", "code")
    if not user or not channel:
        return [], {}
    aside = {"visitor": user, "address": {"user": user}}
    if code is not None:
        place = (
            aside
            if shape.dig(data, "context", "direct", kind=bool)
            else {
                "visitor": f"{channel} {user}",
                "address": {"channel_id": channel, "pressed": post},
            }
        )
        return [
            shape.Message(id=f"{trigger} {post}", code=code, **place)
        ] if trigger and post else [], {}
    if shape.dig(data, "command"):
        return [
            shape.Message(id=trigger, text=said.strip() or "hello", **aside)
        ] if trigger else [], {}
    said, files = _read_words(data, said), bool(data.get("file_ids"))
    message = (
        shape.Message(
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


def _read_words(data, said):
    """A post without the word that calls us, however it is written, and without what it quotes."""
    word = re.escape(shape.dig(data, "trigger_word") or "")
    said = re.sub(rf"^\s*{word}[\s:,]*", "", said, flags=re.IGNORECASE) if word else said
    return commands.drop_quotes(said)


def render(unit):
    rows = [
        group[start : start + BUTTONS]
        for group in (unit.votes, unit.choices)
        for start in range(0, len(group), BUTTONS)
    ]
    return [
        {
            "message": text.write(unit, STYLE),
            "rows": [
                [{"title": button.title, "code": button.code} for button in row] for row in rows
            ],
        }
    ]


async def send(site, address, payload):
    direct = "user" in address
    place = (
        {"channel_id": await _open_direct(site, address["user"])}
        if direct
        else await _find_thread(site, address)
    )
    attachments = [
        {
            "fallback": " ",
            "actions": [_action(site, number, button, direct) for number, button in enumerate(row)],
        }
        for row in payload["rows"]
    ]
    await _call(
        site,
        "POST",
        "posts",
        {
            **place,
            "message": payload["message"],
            "props": {"attachments": attachments} if attachments else {},
        },
    )


def _action(site, number, button, direct):
    context = {
        "code": button["code"],
        "direct": direct,
        "signature": _sign(site, button["code"], direct),
    }
    return {
        "id": f"b{number}",
        "name": button["title"],
        "type": "button",
        "integration": {
            "url": f"{site.config.public_url.rstrip('/')}/channels/mattermost",
            "context": context,
        },
    }


async def _find_thread(site, address):
    """Where the answer to a post goes; raises Blocked where a bot wrote it, or it is gone."""
    post = await _call(site, "GET", f"posts/{address.get('post') or address['pressed']}")
    props = shape.dig(post, "props", kind=dict) or {}
    if "post" in address and "true" in (
        str(props.get(name)).lower() for name in ("from_bot", "from_webhook")
    ):
        raise shape.Blocked
    return {
        "channel_id": address["channel_id"],
        "root_id": shape.dig(post, "root_id") or shape.dig(post, "id"),
    }


async def _open_direct(site, user):
    if "mattermost" not in site.kept:
        site.kept["mattermost"] = shape.dig(await _call(site, "GET", "users/me"), "id")
    return shape.dig(
        await _call(site, "POST", "channels/direct", [site.kept["mattermost"], user]), "id"
    )


async def check(site):
    return f"@{shape.dig(await _call(site, 'GET', 'users/me'), 'username')}"


async def _call(site, method, path, body=None):
    response = await shape.ask(
        site,
        method,
        f"{site.config.mattermost_url.rstrip('/')}/api/v4/{path}",
        json=body,
        headers={"Authorization": f"Bearer {site.config.mattermost_token}"},
    )
    said = shape.answer_of(response)
    if response.status_code >= 400:
        if (
            response.status_code == 404
            and path.startswith("posts/")
            or shape.dig(said, "id") in GONE
        ):
            raise shape.Blocked
        raise shape.refused(response)
    return said


def _data(call):
    return call.form() if "form" in call.headers.get("content-type", "") else call.json()


def _sign(site, code, direct):
    """What a button shows when it is pressed; Mattermost signs nothing, and shows nobody what a
    button carries."""
    return shape.sign(settings.secret(site.config), "mattermost", code, str(direct))


def _link(label, url):
    return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"
