"""WhatsApp: Meta's Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""

from bot.gateway.channels import commands, meta, phones, shape, text

NEEDS = (
    "public_url",
    "whatsapp_token",
    "whatsapp_phone_id",
    "whatsapp_app_secret",
    "whatsapp_verify_token",
)
METHODS = ("GET", "POST")
STYLE = text.Style(
    limit=4096,
    escape=text.unmarked,
    bold=lambda written: f"*{written}*",
    italic=lambda written: f"_{written}_",
)
# buttons that stand below a message, and its length then; more of either makes it a list
FEW, SHORT = 3, 1024
LONGEST_TITLE, LONGEST_ROW, LONGEST_MORE = 20, 24, 72
SILENT = ("reaction", "system", "revoke")
GONE = (131050, 131026)  # stopped by the user; not, or no longer, on WhatsApp


async def verify(site, call):
    meta.verify(call, site.config.whatsapp_app_secret, site.config.whatsapp_verify_token)


def read(site, call):
    if call.method == "GET":
        return [], meta.challenge(call)
    found = []
    for entry in shape.each(call.json(), "entry"):
        for change in shape.each(entry, "changes"):
            if (
                shape.dig(change, "value", "metadata", "phone_number_id")
                == site.config.whatsapp_phone_id
            ):
                contacts = shape.each(change, "value", "contacts")
                found += [
                    _read(message, contacts) for message in shape.each(change, "value", "messages")
                ]
    return [message for message in found if message], {}


def _read(message, contacts):
    """The Message of an event, or None; `contacts`: of whom the call tells."""
    id, kind = shape.dig(message, "id"), shape.dig(message, "type")
    number, user = _read_sender(message, contacts)
    sender = number or user
    if not id or not sender or kind in SILENT or "group_id" in message:
        return None
    caption = shape.dig(message, kind, "caption") if kind else None
    return shape.Message(
        id=id,
        visitor=user or number,
        earlier=number if user else None,
        address={"to" if number else "recipient": sender},
        edited=kind == "edit",
        files=caption is not None,
        country=phones.country_of(sender),
        **({"text": caption} if caption else _read_words(message, kind)),
    )


def _read_sender(message, contacts):
    """(telephone number, user id) of who wrote a message, None for what the call doesn't tell. Who
    has a user name shows no number: "from" is empty then, or the user id."""
    named = {shape.dig(message, "from"), shape.dig(message, "from_user_id")} - {None, ""}
    for contact in contacts:
        both = {shape.dig(contact, "wa_id"), shape.dig(contact, "user_id")} - {None, ""}
        if both & named or len(contacts) == 1 and not named:
            named |= both
    number = next((name for name in sorted(named) if name.isdecimal()), None)
    return number, next((name for name in sorted(named) if not name.isdecimal()), None)


def _read_words(message, kind):
    """{code} or {text} of a message without a caption."""
    for path, name in (
        (("interactive", "button_reply"), "id"),
        (("interactive", "list_reply"), "id"),
        (("button",), "payload"),
    ):
        code, title = (shape.dig(message, *path, key) for key in (name, "title"))
        if code is not None:
            return commands.read_button(code, title or shape.dig(message, *path, "text"))
    if kind == "request_welcome":
        return {"text": "hello"}
    if kind == "edit":
        message = shape.dig(message, "edit", "message", kind=dict) or {}
    said = shape.dig(message, "text", "body") or shape.dig(message, kind or "", "text")
    return {"text": said and commands.drop_quotes(said)}


def render(unit):
    written, buttons = text.write(unit, STYLE), unit.buttons()
    if not buttons:
        return [{"type": "text", "text": {"body": written, "preview_url": False}}]
    if (
        len(buttons) <= FEW
        and len(written) <= SHORT
        and all(len(button.title) <= LONGEST_TITLE for button in buttons)
    ):
        action = {
            "buttons": [
                {"type": "reply", "reply": {"id": button.code, "title": button.title}}
                for button in buttons
            ]
        }
        return [
            {
                "type": "interactive",
                "interactive": {"type": "button", "body": {"text": written}, "action": action},
            }
        ]
    action = {
        "button": text.cut(unit.choose, LONGEST_TITLE),
        "sections": [{"rows": [_row(button) for button in buttons]}],
    }
    return [
        {
            "type": "interactive",
            "interactive": {"type": "list", "body": {"text": written}, "action": action},
        }
    ]


def _row(button):
    row = {"id": button.code, "title": text.cut(button.title, LONGEST_ROW)}
    return (
        row
        if row["title"] == button.title
        else {**row, "description": text.cut(button.title, LONGEST_MORE)}
    )


async def send(site, address, payload):
    body = {"messaging_product": "whatsapp", "recipient_type": "individual", **address, **payload}
    await meta.send(
        site, site.config.whatsapp_token, f"{site.config.whatsapp_phone_id}/messages", body, GONE
    )


async def check(site):
    return await meta.check(
        site, site.config.whatsapp_token, site.config.whatsapp_phone_id, "display_phone_number"
    )
