"""What the rows of the messaging apps are made of: a platform's call from a few fields, and whom
its answer goes to."""

import json

from tests.channels.apps import (
    mattermost,
    messenger,
    meta,
    slack,
    teams,
    telegram,
    twilio,
    webhook,
    whatsapp,
)

GROUP = 1_000_000  # the chat of a Telegram group is this and its person, below zero


def fill(given, person):
    """A row's fields with `<person>` in place: as a number where it is all that a text says."""
    text = json.dumps(given).replace('"<person>"', str(person)).replace("<person>", str(person))
    return json.loads(text)


def call_of(app, person, given):
    """(call, to) of a row's fields: what the platform calls us with, and the person or place whose
    messages its stand-in keeps as the answer."""
    return MAKE[app.NAME](person, dict(given))


def _telegram(person, given):
    to, group, update = person, given.pop("group", False), given.pop("update", None)
    if group:
        to = -GROUP - person
        given["chat"] = {"id": to, "type": "supergroup", "title": "Family"}
    if "pressed" in given:
        pressed = {"id": "1", "from": telegram.user(person), "chat_instance": "1"}
        message = telegram.message(telegram.BOT, chat={"id": person, "type": "private"})
        return telegram.update(
            callback_query={**pressed, "message": message, **given["pressed"]}
        ), to
    if given.pop("to_us", False):
        sender = {"id": telegram.BOT, "is_bot": True, "first_name": "Pamphlet"}
        given["reply_to_message"] = {"message_id": 7, "from": sender, "chat": {"id": to}}
    if given.pop("photo", False):
        given["photo"] = [{"file_id": "A", "file_unique_id": "x", "width": 9, "height": 5}]
    sender = given.pop("from", {})
    message = telegram.message(person, **given)
    kind = "edited_message" if "edit_date" in given else "message"
    made = {**message, "from": {**message["from"], **sender}}
    return telegram.update(update, **{kind: made}), to


def _whatsapp(person, given):
    more = {name: given.pop(name) for name in ("contacts",) if name in given}
    others = [whatsapp.message(person, "text", **other) for other in given.pop("others", [])]
    message = {**whatsapp.message(person, given.pop("type", "text")), **given}
    for named, key in [(message, "from"), *((one, "wa_id") for one in more.get("contacts", []))]:
        if isinstance(named.get(key), int):  # `fill` writes a number where it is all of a text
            named[key] = str(named[key])
    data = json.loads(whatsapp.call(message).body)
    value = data["entry"][0]["changes"][0]["value"]
    value |= more
    value["messages"] += others
    sender = message.get("from") or message.get("from_user_id") or more["contacts"][0]["user_id"]
    return meta.call(whatsapp.SECRET, data), sender


def _messenger(person, given):
    return messenger.call(person, **given), person


def _slack(person, given):
    if press := given.pop("pressed", None):
        user = {"id": f"U{person}", "team_id": slack.TEAM}
        data = {"type": "block_actions", "team": {"id": slack.TEAM}, "user": user}
        data |= {"trigger_id": f"t{person}", "channel": {"id": f"D{person}"}, **press}
        return slack.form(payload=json.dumps(data)), person
    event = given.pop("event", None)
    content = slack.direct(person, **given)
    thread = content.get("thread_ts")
    if content["type"] == "app_mention":
        return slack.event(**content), f"{content['channel']} {thread or content['ts']}"
    return slack.event(event, **content), f"D{person} {thread}" if thread else person


def _teams(person, given):
    channel = given.pop("channel", False)
    made = teams.activity(person, text="")
    if channel:
        made = teams.in_channel(person, "")
    made |= given
    there = made["conversation"]["id"]
    return teams.call(made), person if there.startswith("a:") else there


def _twilio(person, given):
    fields = twilio.fields(person, "", **given)
    prefix = "whatsapp:" if fields["From"].startswith("whatsapp:") else ""
    number = fields["From"].removeprefix(prefix)
    return twilio.call(fields), prefix + (str(person) if number.startswith("+") else number)


def _mattermost(person, given):
    call = mattermost.hook(person, given.pop("post", ""))
    return mattermost.call({**json.loads(call.body), **given}), person


def _webhook(person, given):
    return webhook.call({"visitor": str(person), **given}), person


MAKE = {
    "telegram": _telegram,
    "whatsapp": _whatsapp,
    "messenger": _messenger,
    "slack": _slack,
    "teams": _teams,
    "twilio": _twilio,
    "mattermost": _mattermost,
    "webhook": _webhook,
}
