"""Messenger, as https://developers.facebook.com/docs/messenger-platform describes it."""

from tests.channels.apps import button_of, ids, meta
from tests.channels.platforms import Sent

NAME = "messenger"
SIGNED_BY = ("X-Hub-Signature-256",)
PAGE = "112200"
TOKEN, SECRET, WORD = "EAAmessenger", "messenger-app-secret", "messenger-word"


def settings(url):
    return {
        "MESSENGER_TOKEN": TOKEN,
        "MESSENGER_APP_SECRET": SECRET,
        "MESSENGER_VERIFY_TOKEN": WORD,
        **meta.settings(url),
    }


def call(person, id=None, **content):
    if "message" in content:
        content["message"] = {"mid": f"m_{id or next(ids)}", **content["message"]}
    return meta.call(
        SECRET,
        {
            "object": "page",
            "entry": [
                {
                    "id": PAGE,
                    "time": 1790000000000,
                    "messaging": [
                        {
                            "sender": {"id": str(person)},
                            "recipient": {"id": PAGE},
                            "timestamp": 1790000000000,
                            **content,
                        }
                    ],
                }
            ],
        },
    )


def write(person, text, id=None):
    return call(person, id, message={"text": text})


def press(person, sent, title):
    import re

    numbered = re.search(rf"Reply (\d+) for {re.escape(title)}", sent.text)
    shown = numbered[1] if numbered else title
    return call(person, message={"text": shown, "quick_reply": {"payload": button_of(sent, shown)}})


def take(platform, request, path):
    meta.need_token(request, TOKEN)
    if path == "me":
        return 200, {"name": "Pamphlet", "id": PAGE}
    body, need = request.json(), meta.need
    need(
        path == "me/messages"
        and body.get("messaging_type") == "RESPONSE"
        and set(body["recipient"]) == {"id"},
        "Invalid parameter",
    )
    text = body["message"]["text"]
    need(0 < len(text) <= 2000, "Length of param message[text] must be less than or equal to 2000")
    buttons = [
        (reply["title"], reply["payload"]) for reply in body["message"].get("quick_replies", [])
    ]
    need(
        len(buttons) <= 13
        and all(0 < len(title) <= 20 and len(payload) <= 1000 for title, payload in buttons),
        "quick_replies",
    )
    need("quick_replies" not in body["message"] or buttons, "quick_replies is empty")
    platform.sent.append(Sent(NAME, body["recipient"]["id"], text, buttons, body))
    return 200, {"recipient_id": body["recipient"]["id"], "message_id": f"m_{next(ids)}"}


def odd(person):
    only_text = "I can only read text"
    thumb = {
        "type": "image",
        "payload": {"url": "https://cdn.example/t.png", "sticker_id": 369239263222822},
    }
    voice = {"type": "audio", "payload": {"url": "https://cdn.example/a"}}
    photo = {"type": "image", "payload": {"url": "https://cdn.example/p.png"}}
    return {
        "a photo": (call(person, message={"attachments": [photo]}), only_text),
        "a voice message": (call(person, message={"attachments": [voice]}), only_text),
        "a place": (
            call(
                person,
                message={"attachments": [{"type": "location", "payload": {"coordinates": {}}}]},
            ),
            only_text,
        ),
        "a sticker": (
            call(
                person,
                message={
                    "attachments": [{"type": "image", "payload": {"url": "x", "sticker_id": 1}}]
                },
            ),
            only_text,
        ),
        "a photo beside a danger": (
            call(person, message={"text": "i want to kill myself", "attachments": [photo]}),
            "116 123",
        ),
        "a thumb": (call(person, message={"attachments": [thumb]}), None),
        "our own message": (
            call(person, message={"is_echo": True, "app_id": 1, "text": "hello"}),
            None,
        ),
        "a deleted message": (call(person, message={"is_deleted": True}), None),
        "an edit": (
            call(
                person, message_edit={"mid": "m_1", "text": "what causes myoclonus", "num_edit": 1}
            ),
            None,
        ),
        "a reaction": (
            call(
                person, reaction={"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}
            ),
            None,
        ),
        "a receipt": (call(person, read={"watermark": 1}), None),
        "a delivery": (call(person, delivery={"mids": ["m_1"], "watermark": 1}), None),
        "another object": (meta.call(SECRET, {"object": "instagram", "entry": []}), None),
        "nothing": (meta.call(SECRET, {}), None),
        "no object": (meta.call(SECRET, b"[1, null]"), None),
        "no JSON": (meta.call(SECRET, b"\xff{"), None),
    }


def forged(person):
    return {"another app's": meta.call("whatsapp-app-secret", write(person, "hello").body)}
