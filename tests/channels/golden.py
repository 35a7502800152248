"""What each platform gets for each kind of reply, as files to be read by eye:
tests/channels/golden/<channel>/<kind>.yml.

    .venv/bin/python -m tests.channels.golden     # writes them anew; read what `git diff` shows

The replies and the texts around them are those of golden/replies.json, so that no editor's change
of an article is one here."""

import asyncio
import json
from pathlib import Path

import httpx
import yaml

from bot.channels import base, catalogue, rendering, sms_length
from bot.runtime import settings
from tests.channels import platforms
from tests.channels.apps import (
    PUBLIC,
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

HOME = Path(__file__).with_name("golden")
GIVEN = json.loads((HOME / "replies.json").read_text())
APPS = {
    app.NAME: app
    for app in (telegram, whatsapp, messenger, slack, teams, twilio, mattermost, webhook)
}
PLACES = {
    **{name: (app, {}) for name, app in APPS.items()},
    "twilio_whatsapp": (twilio, {"From": "whatsapp:+15550424242", "To": "whatsapp:+15005550006"}),
}
PERSON = 424242
WARNING = {
    "kind": "emergency",
    "text": "If this began suddenly, it may be a stroke. Call 999 now.",
    "numbers": [{"label": "Emergency", "number": "999", "tel": "tel:999"}],
}
INSTEAD = [
    {"title": "What sets myoclonus off?", "value": "myoclonus.triggers"},
    {"title": "Is myoclonus dangerous?", "value": "myoclonus.seriousness"},
]
LONG = (
    "Where a trigger is known, such as loud noise or bright light, keeping away from it can "
    "help. [2] "
    "Any change of a medicine is for the prescriber, since stopping suddenly can be dangerous. "
    "[10] "
) * 100


def kinds():
    """{kind: Unit} of every kind of reply."""
    texts, replies = GIVEN["texts"], GIVEN["replies"]
    units = {name: rendering.reply_unit(reply, texts, PUBLIC) for name, reply in replies.items()}
    answer = replies["answer"]
    return units | {
        "unsure": rendering.reply_unit(
            {**answer, "instead": INSTEAD, "choices": []}, texts, PUBLIC
        ),
        "warned": rendering.reply_unit({**answer, "warning": WARNING}, texts, PUBLIC),
        "more": rendering.rest_unit(answer, texts, PUBLIC),
        "long": rendering.reply_unit({**answer, "text": LONG.strip()}, texts, PUBLIC),
        "feedback": rendering.reasons_unit(answer, texts),
        "feedback_thanks": rendering.note_unit(texts["feedback_thanks"]),
        "stopped": rendering.note_unit(texts["stopped"]),
        "help_sms": rendering.note_unit(texts["help_sms"]),
    }


def take(platform):
    """{(channel, kind): what the platform took, as YAML}; each platform's stand-in has found it in
    order."""
    return asyncio.run(_take(platform))


async def _take(platform):
    given = {"PUBLIC_URL": PUBLIC, "SECRET": "golden"}
    for app in APPS.values():
        given |= app.settings(platform.url)
    config = settings.read_settings(given)
    telegram.learned.setdefault("token", "not looked at")
    found = {}
    async with httpx.AsyncClient(timeout=20) as client:
        site = base.ChannelContext(config, client)
        for name, (app, changes) in PLACES.items():
            channel = catalogue.ALL[app.NAME]
            asked = app.write(PERSON, "hello", id=424242, **changes)
            call = base.PlatformCall(
                "POST",
                f"/channels/{app.NAME}",
                {key.lower(): value for key, value in asked.headers.items()},
                asked.body,
            )
            [message], _ = channel.read_call(site, call)
            for kind, unit in kinds().items():
                before = len(platform.sent)
                for payload in channel.render(unit):
                    await channel.send(site, message.address, payload)
                found[name, kind] = "---\n".join(_show(sent) for sent in platform.sent[before:])
    return found


def _show(sent):
    payload = {
        key: value
        for key, value in sent.payload.items()
        if not (sent.channel == "mattermost" and key == "post")
    }
    if sent.channel == "twilio" and sent.payload["To"].startswith("+"):
        payload["segments"] = sms_length.count_segments(sent.text)
    return yaml.dump(payload, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=150)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are read."""


_Dumper.add_representer(
    str,
    lambda dumper, given: dumper.represent_scalar(
        "tag:yaml.org,2002:str", given, style="|" if "\n" in given else None
    ),
)


def path_of(channel, kind):
    return HOME / channel / f"{kind}.yml"


if __name__ == "__main__":
    with platforms.platform({**APPS, "meta": meta}) as made:
        for key, written in take(made).items():
            path_of(*key).parent.mkdir(exist_ok=True)
            path_of(*key).write_text(written)
