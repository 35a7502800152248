"""Facebook Messenger (https://developers.facebook.com/docs/messenger-platform)."""

from bot.gateway.channels import commands, meta, shape, text

NEEDS = ("public_url", "messenger_token", "messenger_app_secret", "messenger_verify_token")
METHODS = ("GET", "POST")
STYLE = text.Style(limit=2000, titles=20)  # of a quick reply
THUMBS_UP = (369239263222822, 369239343222814, 369239383222810)  # its sizes: a nod, no question
LINKS = ("fallback", "template")  # a preview of what the text says
GONE = (551,)  # blocked us, or is gone


async def verify(site, call):
    meta.verify(call, site.config.messenger_app_secret, site.config.messenger_verify_token)


def read(site, call):
    if call.method == "GET":
        return [], meta.challenge(call)
    data = call.json()
    events = [
        event for entry in shape.each(data, "entry") for event in shape.each(entry, "messaging")
    ]
    found = map(_read, events) if shape.dig(data, "object") == "page" else []
    return [message for message in found if message], {}


def _read(event):
    sender, edit = shape.dig(event, "sender", "id"), shape.dig(event, "message_edit", kind=dict)
    message = edit or shape.dig(event, "message", kind=dict) or {}
    postback = shape.dig(event, "postback", kind=dict)
    id = shape.dig(postback or message, "mid")
    if postback is not None and not id:
        id = f"{sender} {shape.dig(event, 'timestamp', kind=int)}"
    if edit:
        id = f"{id} {shape.dig(edit, 'num_edit', kind=int)}"
    if not sender or not id or message.get("is_echo") or message.get("is_deleted"):
        return None
    parts = shape.each(message, "attachments")
    if any(shape.dig(part, "payload", "sticker_id", kind=int) in THUMBS_UP for part in parts):
        return None
    return shape.Message(
        id=id,
        visitor=sender,
        address={"recipient": {"id": sender}},
        edited=edit is not None,
        files=any(part.get("type") not in LINKS for part in parts),
        **_read_words(message, postback),
    )


def _read_words(message, postback):
    """{code} or {text} of a message, or of a button of the page's."""
    if postback is not None:
        code, title = (shape.dig(postback, name) or "" for name in ("payload", "title"))
        return commands.read_button(code, title)
    said, code = shape.dig(message, "text"), shape.dig(message, "quick_reply", "payload")
    return {"text": said} if code is None else commands.read_button(code, said)


def render(unit):
    message = {"text": text.write(unit, STYLE)}
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


async def send(site, address, payload):
    await meta.send(site, site.config.messenger_token, "me/messages", {**address, **payload}, GONE)


async def check(site):
    return await meta.check(site, site.config.messenger_token, "me", "name")
