"""Slack: events, buttons and a slash command (https://docs.slack.dev)."""

import html
import json
import re

from slack_sdk.signature import SignatureVerifier

from bot.channels import base, commands, rendering

NEEDS = ("public_url", "slack_token", "slack_signing_secret")
METHODS = ("POST",)
STYLE = rendering.Style(
    limit=3000,
    escape=lambda plain: html.escape(rendering.remove_marks(plain), quote=False),
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


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    try:
        well = SignatureVerifier(context.config.slack_signing_secret).is_valid_request(
            call.body, call.headers
        )
    except (ValueError, TypeError):  # a time that is no number, a body or signature that is no text
        well = False
    if not well:
        raise base.Forged("signature")


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    form = call.form() if "form" in call.headers.get("content-type", "") else {}
    if "payload" in form:
        found = _read_press(context, form["payload"])
    elif "command" in form:
        found = _read_command(context, form)
    else:
        data = call.json()
        if base.dig(data, "type") == "url_verification":
            return [], {"challenge": base.dig(data, "challenge") or ""}
        found = _read_event(data)
    return [found] if found else [], None


def _read_event(data: object) -> base.Message | None:
    """A direct message, or a mention in a channel, where each person has a conversation of their
    own in each thread."""
    event = base.dig(data, "event", kind=dict) or {}
    edited = event.get("subtype") == EDIT
    before, now = (base.dig(event, name, "text") for name in ("previous_message", "message"))
    if edited and before == now:
        return None  # the preview of a link came
    if edited:  # what is new stands inside
        event = {**event, **(base.dig(event, "message", kind=dict) or {}), "subtype": None}
    id, team, user, channel, kind = (
        base.dig(data, "event_id"),
        base.dig(data, "team_id") or base.dig(data, "enterprise_id"),
        base.dig(event, "user"),
        base.dig(event, "channel"),
        base.dig(event, "type"),
    )
    if id is None or team is None or user is None or channel is None or event.get("bot_id"):
        return None
    direct = kind == "message" and event.get("channel_type") == "im"
    if not (direct and event.get("subtype") in WRITTEN) and kind != "app_mention":
        return None
    said, files = _read_words(event), bool(event.get("files"))
    if direct:
        place = _direct(team, channel, base.dig(event, "thread_ts"))
        return base.Message(id=id, text=said or None, files=files, edited=edited, **place)
    thread = base.dig(event, "thread_ts") or base.dig(event, "ts") or ""
    place = _thread(team, channel, thread, user)
    return base.Message(id=id, text=said or ("hello" if not files else None), files=files, **place)


def _read_words(event: base.JsonObject) -> str:
    """What a message says, without mentions, marks of links, and what it quotes."""
    said = MENTION.sub("", base.dig(event, "text") or "")
    said = html.unescape(LINK.sub(lambda match: match[2] or match[1], said))
    return commands.drop_quotes(said)


def _direct(team: str, channel: str, thread: str | None) -> base.Place:
    """{visitor, address} of a direct message, or of a thread below one: the same conversation."""
    address = {"channel": channel, **({"thread_ts": thread} if thread else {})}
    return {"visitor": f"{team} {channel}", "address": address}


def _thread(team: str, channel: str, thread: str, user: str) -> base.Place:
    """{visitor, address} of a person in a thread of a channel."""
    return {
        "visitor": f"{team} {channel} {thread} {user}",
        "address": {"channel": channel, "thread_ts": thread},
    }


def _read_command(context: base.ChannelContext, form: dict[str, str]) -> base.Message | None:
    """A slash command, which only who gave it gets an answer to."""
    id, team, user, url = (
        form.get(name) for name in ("trigger_id", "team_id", "user_id", "response_url")
    )
    if not id or not team or not user or not _is_hook(context, url):
        return None
    return base.Message(
        id=id,
        visitor=f"{team} {user}",
        address={"response_url": url},
        text=form.get("text", "").strip() or "hello",
    )


def _read_press(context: base.ChannelContext, payload: str) -> base.Message | None:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    id, url = base.dig(data, "trigger_id"), base.dig(data, "response_url")
    user, channel = (base.dig(data, name, "id") for name in ("user", "channel"))
    code = base.dig(data, "actions", 0, "value")
    title = base.dig(data, "actions", 0, "text", "text")
    team = _team_of(data)
    if base.dig(data, "type") != "block_actions":
        return None
    if id is None or team is None or user is None or channel is None or code is None:
        return None
    thread = base.dig(data, "message", "thread_ts")
    if base.dig(data, "container", "is_ephemeral", kind=bool):
        if not _is_hook(context, url):
            return None
        place: base.Place = {"visitor": f"{team} {user}", "address": {"response_url": url}}
    elif channel.startswith("D"):
        place = _direct(team, channel, thread)
    else:
        place = _thread(team, channel, thread or base.dig(data, "message", "ts") or "", user)
    return base.Message(id=id, **place, **commands.read_button(code, title))


def _team_of(data: object) -> str | None:
    """The workspace of a pressed button; an app that is installed for a whole organisation gets no
    team, but the one of who pressed it."""
    paths = (("team", "id"), ("user", "team_id"), ("message", "team"), ("enterprise", "id"))
    return next((team for path in paths if (team := base.dig(data, *path))), None)


def _is_hook(context: base.ChannelContext, url: str | None) -> bool:
    """Whether an address to answer at is Slack's."""
    return isinstance(url, str) and url.startswith(f"{context.config.slack_hooks_url}/")


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    written = rendering.write_unit(unit, STYLE)
    blocks: list[base.JsonObject] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": written}, "expand": True}
    ]
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
                                "text": rendering.cut_title(button.title, LONGEST_TITLE),
                            },
                            "value": button.code,
                            "action_id": button.code,
                        }
                        for button in group
                    ],
                }
            )
    return [{"text": written, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    if "response_url" in address:
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": payload["text"],
            "blocks": payload["blocks"],
        }
        response = await base.ask_platform(context, "POST", address["response_url"], json=body)
        if response.status_code >= 300:
            raise base.refused_for_good(response)
        return
    try:
        await _call(context, "chat.postMessage", {**address, **payload})
    except _ThreadGone:  # what it answered was deleted
        await _call(context, "chat.postMessage", {"channel": address["channel"], **payload})


async def check(context: base.ChannelContext) -> str:
    said = await _call(context, "auth.test", {})
    return f"{base.dig(said, 'user')} in {base.dig(said, 'team')}"


async def _call(
    context: base.ChannelContext, method: str, body: base.JsonObject
) -> base.JsonObject:
    response = await base.ask_platform(
        context,
        "POST",
        f"{context.config.slack_url}/{method}",
        json=body,
        headers={"Authorization": f"Bearer {context.config.slack_token}"},
    )
    said = base.answer_of(response)
    if said.get("ok") is not True:
        error = base.dig(said, "error") or ""
        if error in GONE:
            raise base.Blocked
        if error in BUSY:
            raise base.Undelivered(error)
        if error in THREAD_GONE and "thread_ts" in body:
            raise _ThreadGone
        raise base.refused_for_good(
            response, error[:40] if re.fullmatch("[a-z_]+", error) else None
        )
    return said


def _link(label: str, url: str) -> str:
    return f"<{html.escape(url, quote=False).replace('|', '%7C')}|{label}>"
