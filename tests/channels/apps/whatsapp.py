"""WhatsApp, as https://developers.facebook.com/docs/whatsapp/cloud-api describes it."""

import re

from tests.channels.apps import button_of, ids, meta
from tests.channels.platforms import Sent

NAME = "whatsapp"
SIGNED_BY = ("X-Hub-Signature-256",)
PHONE = "106540352242922"
TOKEN, SECRET, WORD = "EAAwhatsapp", "whatsapp-app-secret", "whatsapp-word"


def settings(url):
    return {
        "WHATSAPP_TOKEN": TOKEN,
        "WHATSAPP_PHONE_ID": PHONE,
        "WHATSAPP_APP_SECRET": SECRET,
        "WHATSAPP_VERIFY_TOKEN": WORD,
        **meta.settings(url),
    }


def call(*messages, phone=PHONE, **more):
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": phone},
        **more,
    }
    if messages:
        value |= {
            "contacts": [{"profile": {"name": "Ada"}, "wa_id": messages[0].get("from", "")}],
            "messages": list(messages),
        }
    return meta.call(
        SECRET,
        {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
            ],
        },
    )


def message(person, kind, id=None, **content):
    return {
        "from": str(person),
        "id": f"wamid.{id or next(ids)}",
        "timestamp": "1790000000",
        "type": kind,
        **content,
    }


def write(person, text, id=None):
    return call(message(person, "text", id, text={"body": text}))


def press(person, sent, title):
    kind = (
        sent.payload["interactive"]["type"]
        .replace("button", "button_reply")
        .replace("list", "list_reply")
    )
    chosen = {"id": button_of(sent, title), "title": title[:24]}
    return call(
        message(
            person,
            "interactive",
            interactive={"type": kind, kind: chosen},
            context={"from": "1", "id": "wamid.x"},
        )
    )


def take(platform, request, path):
    meta.need_token(request, TOKEN)
    if path == PHONE:
        return 200, {"display_phone_number": "+1 555 078 3881", "id": PHONE}
    body, need = request.json(), meta.need
    need(
        path == f"{PHONE}/messages" and body.get("messaging_product") == "whatsapp",
        "Invalid parameter",
    )
    need(body.get("recipient_type") == "individual", "Invalid parameter")
    # a telephone number, or the user id of somebody who has a user name
    need(
        body["to"].isdecimal() if "to" in body else re.match(r"[A-Z]{2}\.", body["recipient"]),
        "Invalid parameter",
    )
    to = body.get("to") or body["recipient"]
    buttons = []
    if body["type"] == "text":
        text = body["text"]["body"]
        need(0 < len(text) <= 4096, "Param text['body'] must be at most 4096 characters long.")
    else:
        interactive = body["interactive"]
        text, action = interactive["body"]["text"], interactive["action"]
        if interactive["type"] == "button":
            need(0 < len(text) <= 1024, "Body text length invalid. Min length: 1, Max length: 1024")
            buttons = [
                (button["reply"]["title"], button["reply"]["id"]) for button in action["buttons"]
            ]
            need(
                1 <= len(buttons) <= 3 and all(b["type"] == "reply" for b in action["buttons"]),
                "Invalid buttons count",
            )
            need(
                all(0 < len(title) <= 20 and len(id) <= 256 for title, id in buttons),
                "Button title length invalid",
            )
        else:
            need(
                interactive["type"] == "list" and 0 < len(text) <= 4096,
                "Body text length invalid. Min length: 1, Max length: 4096",
            )
            need(0 < len(action["button"]) <= 20, "Button label is too long")
            rows = [row for section in action["sections"] for row in section["rows"]]
            need(1 <= len(rows) <= 10, "Total row count exceed max allowed count: 10")
            need(
                all(0 < len(row["title"]) <= 24 and len(row["id"]) <= 200 for row in rows),
                "Row title is too long",
            )
            need(
                all(len(row.get("description", "")) <= 72 for row in rows),
                "Row description is too long",
            )
            buttons = [(row.get("description", row["title"]), row["id"]) for row in rows]
        need(len({id for _, id in buttons}) == len(buttons), "Duplicated row id")
    platform.sent.append(Sent(NAME, to, text, buttons, body))
    return 200, {
        "messaging_product": "whatsapp",
        "contacts": [{"input": to, "wa_id": to}],
        "messages": [{"id": f"wamid.{next(ids)}"}],
    }


def odd(person):
    only_text, file = "I can only read text", {"id": "1", "mime_type": "image/jpeg", "sha256": "x"}
    return {
        "a photo": (
            call(message(person, "image", image=file)),
            only_text,
        ),
        "a sticker": (
            call(message(person, "sticker", sticker={**file, "animated": False})),
            only_text,
        ),
        "a voice message": (
            call(message(person, "audio", audio={**file, "voice": True})),
            only_text,
        ),
        "a place": (
            call(message(person, "location", location={"latitude": 38.9, "longitude": -77.0})),
            only_text,
        ),
        "a contact": (
            call(message(person, "contacts", contacts=[{"name": {"formatted_name": "B"}}])),
            only_text,
        ),
        "what the app doesn't support": (
            call(message(person, "unsupported", errors=[{"code": 131051, "title": "x"}])),
            only_text,
        ),
        "a photo above a danger": (
            call(message(person, "image", image={**file, "caption": "i want to kill myself"})),
            "talk to someone now",
        ),
        "a reaction": (
            call(message(person, "reaction", reaction={"message_id": "wamid.x", "emoji": "👍"})),
            None,
        ),
        "a changed number": (
            call(
                message(person, "system", system={"body": "changed", "type": "user_changed_number"})
            ),
            None,
        ),
        "a group": (call(message(person, "text", text={"body": "hello"}, group_id="g")), None),
        "a receipt": (
            call(
                statuses=[
                    {
                        "id": "wamid.x",
                        "status": "read",
                        "timestamp": "1",
                        "recipient_id": str(person),
                    }
                ]
            ),
            None,
        ),
        "another number's": (
            call(message(person, "text", text={"body": "hello"}), phone="1"),
            None,
        ),
        "nothing": (meta.call(SECRET, {}), None),
        "no object": (meta.call(SECRET, b"[1, null]"), None),
        "no JSON": (meta.call(SECRET, b"\xff{"), None),
    }


def forged(person):
    said = write(person, "hello")
    sha1 = type(said)(
        {
            **said.headers,
            "X-Hub-Signature-256": said.headers["X-Hub-Signature-256"].replace("sha256", "sha1"),
        },
        said.body,
    )
    return {"another app's": meta.call("messenger-app-secret", said.body), "another hash": sha1}
