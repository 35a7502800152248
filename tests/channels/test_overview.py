"""`bot channels`: what is on, what is missing, whom the credentials belong to; and `bot channels
register telegram`."""

import os
import subprocess
import sys

import conftest
import pytest

from tests.channels.apps import PUBLIC, telegram
from tests.channels.conftest import APPS


@pytest.fixture
def every(platform):
    """The settings of all channels, whose platforms are the stand-in."""
    given = {"PUBLIC_URL": PUBLIC, "SECRET": "a site's secret"}
    for app in APPS.values():
        given |= app.settings(platform.url)
    return given


def bot(environment, *arguments):
    """(exit code, what is printed) of a verb, with these settings alone."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TELEGRAM_", "PUBLIC_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=conftest.ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_all_channels_are_on_and_say_whom_they_belong_to(every):
    code, shown = bot(every, "channels")
    lines = dict(line.split(None, 1) for line in shown.splitlines())
    assert code == 0
    assert lines == {
        "telegram": "on: @pamphlet_bot",
        "whatsapp": "on: +1 555 078 3881",
        "messenger": "on: Pamphlet",
        "slack": "on: pamphlet in Clinic",
        "teams": "on: app app-0001",
        "twilio": "on: Clinic",
        "mattermost": "on: @pamphlet",
        "webhook": f"on: replies go to {every['WEBHOOK_URL']}",
    }


def test_without_settings_all_are_off_and_each_says_what_it_needs():
    code, shown = bot({}, "channels")
    # the webhook names it last
    assert code == 0 and shown.count("off; it needs PUBLIC_URL") == len(APPS) - 1
    assert "TWILIO_ACCOUNT and TWILIO_TOKEN" in shown and "TEAMS_APP_PASSWORD" in shown


def test_wrong_credentials_are_named_and_shown_nowhere(every):
    wrong = {
        "TELEGRAM_TOKEN": "1:x",
        "WHATSAPP_TOKEN": "x",
        "MESSENGER_TOKEN": "x",
        "SLACK_TOKEN": "x",
        "TEAMS_APP_PASSWORD": "x",
        "TWILIO_TOKEN": "x",
        "MATTERMOST_TOKEN": "x",
        "WEBHOOK_SECRET": "whsec_?",
    }
    code, shown = bot({**every, **wrong}, "channels")
    assert code == 1
    assert [
        line.split()[0]
        for line in shown.splitlines()
        if "on, but its platform doesn't take the credentials" in line
    ] == list(APPS)
    assert not any(value in shown for value in every.values())


def test_a_channel_that_was_begun_names_what_is_missing(every):
    code, shown = bot({**every, "SLACK_SIGNING_SECRET": ""}, "channels")
    assert code == 1 and "off: SLACK_SIGNING_SECRET is missing" in shown


def test_a_platform_that_cannot_be_reached_is_named(every):
    code, shown = bot({**every, "TELEGRAM_URL": "http://127.0.0.1:9"}, "channels")
    assert code == 1 and "ConnectError" in shown


def test_telegram_is_told_where_to_call_and_with_which_token(every):
    code, shown = bot(every, "channels", "register", "telegram")
    assert (code, shown) == (0, f"telegram calls {PUBLIC}/channels/telegram from now on\n")
    assert telegram.learned["registered"] == {
        "url": f"{PUBLIC}/channels/telegram",
        "secret_token": telegram.secret("a site's secret"),
        "allowed_updates": ["message", "edited_message", "callback_query"],
    }


def test_what_telegram_does_not_take_is_said(every):
    assert bot({}, "channels", "register", "telegram") == (
        1,
        "telegram: set PUBLIC_URL and TELEGRAM_TOKEN first\n",
    )
    code, shown = bot(
        {**every, "PUBLIC_URL": "http://chat.example.org"}, "channels", "register", "telegram"
    )
    assert code == 1 and "didn't take it (HTTP 400)" in shown
