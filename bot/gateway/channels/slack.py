"""Slack: events, buttons and a slash command (https://docs.slack.dev)."""

import html
import json
import re

from slack_sdk.signature import SignatureVerifier

from bot.gateway.channels import commands, shape, text

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
MENTION = re.compile(r"<[@!][^>]*>")
# of messages that a person wrote: others are Slack's own, as of somebody who joins
WRITTEN = (None, "file_share", "thread_broadcast", "me_message")
EDIT = "message_changed"
# of Slack, for now: https://docs.slack.dev/reference/methods/chat.postMessage#errors
BUSY = (
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "ratelimited",
    "rate_limited",
    "team_added_to_org",
    "org_login_required",
)
THREAD_GONE = ("cannot_reply_to_message", "thread_not_found")
LINK = re.compile(r"<(?:mailto:|tel:)?([^>|]*)(?:\|([^>]*))?>")
GONE = (
    "channel_not_found",
    "is_archived",
    "user_disabled",
    "account_inactive",
    "not_in_channel",
    "messages_tab_disabled",
)


class _ThreadGone(Exception):
    """There is nothing left to answer in a thread of."""


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
    edited = event.get("subtype") == EDIT
    before, now = (shape.dig(event, name, "text") for name in ("previous_message", "message"))
    if edited and before == now:
        return None  # the preview of a link came
    if edited:  # what is new stands inside
        event = {**event, **(shape.dig(event, "message", kind=dict) or {}), "subtype": None}
    id, team, user, channel, kind = (
        shape.dig(data, "event_id"),
        shape.dig(data, "team_id") or shape.dig(data, "enterprise_id"),
        shape.dig(event, "user"),
        shape.dig(event, "channel"),
        shape.dig(event, "type"),
    )
    if None in (id, team, user, channel) or event.get("bot_id"):
        return None
    direct = kind == "message" and event.get("channel_type") == "im"
    if not (direct and event.get("subtype") in WRITTEN) and kind != "app_mention":
        return None
    said, files = _read_words(event), bool(event.get("files"))
    if direct:
        place = _direct(team, channel, shape.dig(event, "thread_ts"))
        return shape.Message(id=id, text=said or None, files=files, edited=edited, **place)
    thread = shape.dig(event, "thread_ts") or shape.dig(event, "ts") or ""
    place = _thread(team, channel, thread, user)
    return shape.Message(id=id, text=said or ("hello" if not files else None), files=files, **place)


def _read_words(event):
    """What a message says, without mentions, marks of links, and what it quotes."""
    said = MENTION.sub("", shape.dig(event, "text") or "")
    said = html.unescape(LINK.sub(lambda match: match[2] or match[1], said))
    return commands.drop_quotes(said)


def _direct(team, channel, thread):
    """{visitor, address} of a direct message, or of a thread below one: the same conversation."""
    address = {"channel": channel, **({"thread_ts": thread} if thread else {})}
    return {"visitor": f"{team} {channel}", "address": address}


def _thread(team, channel, thread, user):
    """{visitor, address} of a person in a thread of a channel."""
    return {
        "visitor": f"{team} {channel} {thread} {user}",
        "address": {"channel": channel, "thread_ts": thread},
    }


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
    id, user, channel, code, title, url = (
        shape.dig(data, *path)
        for path in (
            ("trigger_id",),
            ("user", "id"),
            ("channel", "id"),
            ("actions", 0, "value"),
            ("actions", 0, "text", "text"),
            ("response_url",),
        )
    )
    team = _team_of(data)
    if shape.dig(data, "type") != "block_actions" or None in (id, team, user, channel, code):
        return None
    thread = shape.dig(data, "message", "thread_ts")
    if shape.dig(data, "container", "is_ephemeral", kind=bool):
        if not _is_hook(site, url):
            return None
        place = {"visitor": f"{team} {user}", "address": {"response_url": url}}
    elif channel.startswith("D"):
        place = _direct(team, channel, thread)
    else:
        place = _thread(team, channel, thread or shape.dig(data, "message", "ts") or "", user)
    return shape.Message(id=id, **place, **commands.read_button(code, title))


def _team_of(data):
    """The workspace of a pressed button; an app that is installed for a whole organisation gets no
    team, but the one of who pressed it."""
    paths = (("team", "id"), ("user", "team_id"), ("message", "team"), ("enterprise", "id"))
    return next((team for path in paths if (team := shape.dig(data, *path))), None)


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
        return
    try:
        await _call(site, "chat.postMessage", {**address, **payload})
    except _ThreadGone:  # what it answered was deleted
        await _call(site, "chat.postMessage", {"channel": address["channel"], **payload})


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
        if error in BUSY:
            raise shape.Undelivered(error)
        if error in THREAD_GONE and "thread_ts" in body:
            raise _ThreadGone
        raise shape.refused(response, error[:40] if re.fullmatch("[a-z_]+", error) else None)
    return said


def _link(label, url):
    return f"<{html.escape(url, quote=False).replace('|', '%7C')}|{label}>"
