"""Facebook Messenger (https://developers.facebook.com/docs/messenger-platform)."""

from bot.channels import base, commands, rendering
from bot.channels.platforms import meta

NEEDS = ("public_url", "messenger_token", "messenger_app_secret", "messenger_verify_token")
METHODS = ("GET", "POST")
STYLE = rendering.Style(limit=2000, titles=20)  # of a quick reply
THUMBS_UP = (369239263222822, 369239343222814, 369239383222810)  # its sizes: a nod, no question
LINKS = ("fallback", "template")  # a preview of what the text says
GONE = (551,)  # blocked us, or is gone


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    meta.verify_meta(
        call, context.config.messenger_app_secret, context.config.messenger_verify_token
    )


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    if call.method == "GET":
        return [], meta.read_challenge(call)
    data = call.json()
    events = [
        event
        for entry in base.objects_at(data, "entry")
        for event in base.objects_at(entry, "messaging")
    ]
    found = map(_read, events) if base.dig(data, "object") == "page" else []
    return [message for message in found if message], {}


def _read(event: base.JsonObject) -> base.Message | None:
    sender, edit = (
        base.dig(event, "sender", "id"),
        base.dig(event, "message_edit", kind=dict),
    )
    message = edit or base.dig(event, "message", kind=dict) or {}
    postback = base.dig(event, "postback", kind=dict)
    id = base.dig(postback or message, "mid")
    if postback is not None and not id:
        id = f"{sender} {base.dig(event, 'timestamp', kind=int)}"
    if edit:
        id = f"{id} {base.dig(edit, 'num_edit', kind=int)}"
    if not sender or not id or message.get("is_echo") or message.get("is_deleted"):
        return None
    parts = base.objects_at(message, "attachments")
    if any(base.dig(part, "payload", "sticker_id", kind=int) in THUMBS_UP for part in parts):
        return None
    return base.Message(
        id=id,
        visitor=sender,
        address={"recipient": {"id": sender}},
        edited=edit is not None,
        files=any(part.get("type") not in LINKS for part in parts),
        **_read_words(message, postback),
    )


def _read_words(message: base.JsonObject, postback: base.JsonObject | None) -> commands.Words:
    """{code} or {text} of a message, or of a button of the page's."""
    if postback is not None:
        return commands.read_button(
            base.dig(postback, "payload") or "", base.dig(postback, "title")
        )
    said, code = base.dig(message, "text"), base.dig(message, "quick_reply", "payload")
    return {"text": said} if code is None else commands.read_button(code, said)


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    message = {"text": rendering.write_unit(unit, STYLE)}
    buttons = [
        {
            "content_type": "text",
            "title": str(number) if STYLE.numbers(button) else button.title,
            "payload": button.code,
        }
        for number, button in unit.numbered()
    ]
    return [
        {
            "messaging_type": "RESPONSE",
            "message": {**message, "quick_replies": buttons} if buttons else message,
        }
    ]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    await meta.send_to_graph(
        context, context.config.messenger_token, "me/messages", {**address, **payload}, GONE
    )


async def check(context: base.ChannelContext) -> str:
    return await meta.check_credentials(context, context.config.messenger_token, "me", "name")
