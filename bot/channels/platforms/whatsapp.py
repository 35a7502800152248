"""WhatsApp: Meta's Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""

from bot.channels import base, commands, phone_numbers, rendering
from bot.channels.platforms import meta

NEEDS = (
    "public_url",
    "whatsapp_token",
    "whatsapp_phone_id",
    "whatsapp_app_secret",
    "whatsapp_verify_token",
)
METHODS = ("GET", "POST")
STYLE = rendering.Style(
    limit=4096,
    escape=rendering.remove_marks,
    bold=lambda written: f"*{written}*",
    italic=lambda written: f"_{written}_",
)
# buttons that stand below a message, and its length then; more of either makes it a list
FEW, SHORT = 3, 1024
LONGEST_TITLE, LONGEST_ROW, LONGEST_MORE = 20, 24, 72
SILENT = ("reaction", "system", "revoke")
GONE = (131050, 131026)  # stopped by the user; not, or no longer, on WhatsApp


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    meta.verify_meta(call, context.config.whatsapp_app_secret, context.config.whatsapp_verify_token)


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    if call.method == "GET":
        return [], meta.read_challenge(call)
    found = []
    for entry in base.objects_at(call.json(), "entry"):
        for change in base.objects_at(entry, "changes"):
            if (
                base.dig(change, "value", "metadata", "phone_number_id")
                == context.config.whatsapp_phone_id
            ):
                contacts = base.objects_at(change, "value", "contacts")
                found += [
                    _read(message, contacts)
                    for message in base.objects_at(change, "value", "messages")
                ]
    return [message for message in found if message], {}


def _read(message: base.JsonObject, contacts: list[base.JsonObject]) -> base.Message | None:
    """The Message of an event, or None; `contacts`: of whom the call tells."""
    id, kind = base.dig(message, "id"), base.dig(message, "type")
    number, user = _read_sender(message, contacts)
    sender = number or user
    if not id or not sender or kind in SILENT or "group_id" in message:
        return None
    caption = base.dig(message, kind, "caption") if kind else None
    words: commands.Words = {"text": caption} if caption else _read_words(message, kind)
    return base.Message(
        id=id,
        visitor=user or sender,
        earlier=number if user else None,
        address={"to" if number else "recipient": sender},
        edited=kind == "edit",
        files=caption is not None,
        country=phone_numbers.country_of(sender),
        **words,
    )


def _read_sender(
    message: base.JsonObject, contacts: list[base.JsonObject]
) -> tuple[str | None, str | None]:
    """(telephone number, user id) of who wrote a message, None for what the call doesn't tell. Who
    has a user name shows no number: "from" is empty then, or the user id."""
    named = _names_in(message, "from", "from_user_id")
    for contact in contacts:
        both = _names_in(contact, "wa_id", "user_id")
        if both & named or len(contacts) == 1 and not named:
            named |= both
    number = next((name for name in sorted(named) if name.isdecimal()), None)
    return number, next((name for name in sorted(named) if not name.isdecimal()), None)


def _names_in(data: base.JsonObject, *keys: str) -> set[str]:
    """What stands under these keys, where something does."""
    return {name for key in keys if (name := base.dig(data, key))}


def _read_words(message: base.JsonObject, kind: str | None) -> commands.Words:
    """{code} or {text} of a message without a caption."""
    for path, name in (
        (("interactive", "button_reply"), "id"),
        (("interactive", "list_reply"), "id"),
        (("button",), "payload"),
    ):
        code, title = (base.dig(message, *path, key) for key in (name, "title"))
        if code is not None:
            return commands.read_button(code, title or base.dig(message, *path, "text"))
    if kind == "request_welcome":
        return {"text": "hello"}
    if kind == "edit":
        message = base.dig(message, "edit", "message", kind=dict) or {}
    said = base.dig(message, "text", "body") or base.dig(message, kind or "", "text")
    return {"text": said and commands.drop_quotes(said)}


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    written, buttons = rendering.write_unit(unit, STYLE), unit.buttons()
    if not buttons:
        return [{"type": "text", "text": {"body": written, "preview_url": False}}]
    if (
        len(buttons) <= FEW
        and len(written) <= SHORT
        and all(len(button.title) <= LONGEST_TITLE for button in buttons)
    ):
        action: base.JsonObject = {
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
        "button": rendering.cut_title(unit.choose, LONGEST_TITLE),
        "sections": [{"rows": [_row(button) for button in buttons]}],
    }
    return [
        {
            "type": "interactive",
            "interactive": {"type": "list", "body": {"text": written}, "action": action},
        }
    ]


def _row(button: rendering.Button) -> dict[str, str]:
    row = {"id": button.code, "title": rendering.cut_title(button.title, LONGEST_ROW)}
    return (
        row
        if row["title"] == button.title
        else {**row, "description": rendering.cut_title(button.title, LONGEST_MORE)}
    )


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    body = {"messaging_product": "whatsapp", "recipient_type": "individual", **address, **payload}
    await meta.send_to_graph(
        context,
        context.config.whatsapp_token,
        f"{context.config.whatsapp_phone_id}/messages",
        body,
        GONE,
    )


async def check(context: base.ChannelContext) -> str:
    return await meta.check_credentials(
        context,
        context.config.whatsapp_token,
        context.config.whatsapp_phone_id,
        "display_phone_number",
    )
