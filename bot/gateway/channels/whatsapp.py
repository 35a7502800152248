"""WhatsApp: Meta's Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""

from bot.gateway.channels import meta, phones, shape, text

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
SILENT = ("reaction", "system", "edit", "revoke", "request_welcome")
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
                found += map(_read, shape.each(change, "value", "messages"))
    return [message for message in found if message], {}


def _read(message):
    id, sender, kind = (shape.dig(message, name) for name in ("id", "from", "type"))
    if not id or not sender or not sender.isdecimal() or kind in SILENT or "group_id" in message:
        return None
    pressed = (
        shape.dig(message, "interactive", "button_reply", "id")
        or shape.dig(message, "interactive", "list_reply", "id")
        or shape.dig(message, "button", "payload")
    )
    said = shape.dig(message, "text", "body") if kind == "text" else None
    caption = shape.dig(message, kind, "caption") if kind else None
    return shape.Message(
        id=id,
        visitor=sender,
        address={"to": sender},
        text=said or caption,
        code=pressed,
        unreadable=said is None and pressed is None,
        country=phones.country_of(sender),
    )


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
