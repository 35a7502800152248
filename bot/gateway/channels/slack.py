"""Slack: events, buttons and a slash command (https://docs.slack.dev)."""

import html
import json
import re

from slack_sdk.signature import SignatureVerifier

from bot.gateway.channels import shape, text

NEEDS = ("public_url", "slack_token", "slack_signing_secret")
METHODS = ("POST",)
STYLE = text.Style(
    limit=3000,
    escape=lambda plain: html.escape(text.unmarked(plain), quote=False),
    bold=lambda written: f"*{written}*",
    italic=lambda written: f"_{written}_",
    link=lambda label, url: _link(label, url),
    source=lambda label, url: _link(label, url),
)
LONGEST_TITLE = 75
MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
LINK = re.compile(r"<(?:mailto:|tel:)?([^>|]*)(?:\|([^>]*))?>")
GONE = (
    "channel_not_found",
    "is_archived",
    "user_disabled",
    "account_inactive",
    "not_in_channel",
    "messages_tab_disabled",
)


async def verify(site, call):
    try:
        well = SignatureVerifier(site.config.slack_signing_secret).is_valid_request(
            call.body, call.headers
        )
    except (ValueError, TypeError):  # a time that is no number, a body or signature that is no text
        well = False
    if not well:
        raise shape.Forged("signature")


def read(site, call):
    form = call.form() if "form" in call.headers.get("content-type", "") else {}
    if "payload" in form:
        found = _read_press(site, form["payload"])
    elif "command" in form:
        found = _read_command(site, form)
    else:
        data = call.json()
        if shape.dig(data, "type") == "url_verification":
            return [], {"challenge": shape.dig(data, "challenge") or ""}
        found = _read_event(data)
    return [found] if found else [], None


def _read_event(data):
    """A direct message, or a mention in a channel, where each person has a conversation of their
    own in each thread."""
    event = shape.dig(data, "event", kind=dict) or {}
    id, team, user, channel, kind = (
        shape.dig(data, "event_id"),
        shape.dig(data, "team_id"),
        shape.dig(event, "user"),
        shape.dig(event, "channel"),
        shape.dig(event, "type"),
    )
    subtype, said = event.get("subtype"), shape.dig(event, "text") or ""
    if (
        not id
        or not team
        or not user
        or not channel
        or event.get("bot_id")
        or subtype not in (None, "file_share")
    ):
        return None
    said = html.unescape(
        LINK.sub(lambda match: match[2] or match[1], MENTION.sub("", said))
    ).strip()
    if kind == "message" and event.get("channel_type") == "im":
        return shape.Message(
            id=id,
            visitor=f"{team} {channel}",
            address={"channel": channel},
            text=said or None,
            unreadable=bool(event.get("files")),
        )
    if kind == "app_mention":
        thread = shape.dig(event, "thread_ts") or shape.dig(event, "ts") or ""
        return shape.Message(
            id=id,
            visitor=f"{team} {channel} {thread} {user}",
            address={"channel": channel, "thread_ts": thread},
            text=said or "hello",
        )
    return None


def _read_command(site, form):
    """A slash command, which only who gave it gets an answer to."""
    id, team, user, url = (
        form.get(name) for name in ("trigger_id", "team_id", "user_id", "response_url")
    )
    if not id or not team or not user or not _is_hook(site, url):
        return None
    return shape.Message(
        id=id,
        visitor=f"{team} {user}",
        address={"response_url": url},
        text=form.get("text", "").strip() or "hello",
    )


def _read_press(site, payload):
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    id, team, user, channel, code, url = (
        shape.dig(data, *path)
        for path in (
            ("trigger_id",),
            ("team", "id"),
            ("user", "id"),
            ("channel", "id"),
            ("actions", 0, "value"),
            ("response_url",),
        )
    )
    if (
        shape.dig(data, "type") != "block_actions"
        or not id
        or not team
        or not user
        or not channel
        or not code
    ):
        return None
    if shape.dig(data, "container", "is_ephemeral", kind=bool):
        return (
            shape.Message(id=id, visitor=f"{team} {user}", address={"response_url": url}, code=code)
            if _is_hook(site, url)
            else None
        )
    if channel.startswith("D"):
        return shape.Message(
            id=id, visitor=f"{team} {channel}", address={"channel": channel}, code=code
        )
    thread = shape.dig(data, "message", "thread_ts") or shape.dig(data, "message", "ts") or ""
    return shape.Message(
        id=id,
        visitor=f"{team} {channel} {thread} {user}",
        address={"channel": channel, "thread_ts": thread},
        code=code,
    )


def _is_hook(site, url):
    """Whether an address to answer at is Slack's."""
    return isinstance(url, str) and url.startswith(f"{site.config.slack_hooks_url}/")


def render(unit):
    written = text.write(unit, STYLE)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": written}, "expand": True}]
    for group in (unit.votes, unit.choices):
        if group:
            blocks.append(
                {
                    "type": "actions",
                    "elements": [
                        {
                            "type": "button",
                            "text": {
                                "type": "plain_text",
                                "text": text.cut(button.title, LONGEST_TITLE),
                            },
                            "value": button.code,
                            "action_id": button.code,
                        }
                        for button in group
                    ],
                }
            )
    return [{"text": written, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}]


async def send(site, address, payload):
    if "response_url" in address:
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": payload["text"],
            "blocks": payload["blocks"],
        }
        response = await shape.ask(site, "POST", address["response_url"], json=body)
        if response.status_code >= 300:
            raise shape.refused(response)
    else:
        await _call(site, "chat.postMessage", {**address, **payload})


async def check(site):
    said = await _call(site, "auth.test", {})
    return f"{shape.dig(said, 'user')} in {shape.dig(said, 'team')}"


async def _call(site, method, body):
    response = await shape.ask(
        site,
        "POST",
        f"{site.config.slack_url}/{method}",
        json=body,
        headers={"Authorization": f"Bearer {site.config.slack_token}"},
    )
    said = shape.answer_of(response)
    if said.get("ok") is not True:
        error = shape.dig(said, "error") or ""
        if error in GONE:
            raise shape.Blocked
        raise shape.refused(response, error[:40] if re.fullmatch("[a-z_]+", error) else None)
    return said


def _link(label, url):
    return f"<{html.escape(url, quote=False).replace('|', '%7C')}|{label}>"
