"""A service whose channels are all on, and the stand-in of their platforms."""

import contextlib
import dataclasses
import shutil
import time

import conftest
import httpx
import pytest

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

METRICS_TOKEN = "prometheus"
APPS = {
    app.NAME: app
    for app in (telegram, whatsapp, messenger, slack, teams, twilio, mattermost, webhook)
}


@dataclasses.dataclass
class Place:
    """A running service, and the stand-in of the platforms that it talks to."""

    service: conftest.Service
    platform: platforms.Platform
    client: httpx.Client

    def call(self, app, call):
        """The service's answer to a platform's call."""
        answer = self.post(app, call)
        assert answer.status_code == 200, (app.NAME, answer.status_code, answer.text)
        return answer

    def post(self, app, call, **changes):
        """The same, whatever it is; `changes` to the call's headers."""
        headers = {
            key: value for key, value in {**call.headers, **changes}.items() if value is not None
        }
        return self.client.post(
            f"{self.service.url}/channels/{app.NAME}?{call.query}".rstrip("?"),
            content=call.body,
            headers=headers,
        )

    def ask(self, app, person, text, count=1):
        """The last message that a person got after a text, when there are `count` more than
        before."""
        before = len(self.platform.to(app.NAME, person))
        self.call(app, app.write(person, text))
        return self.platform.wait(app.NAME, person, before + count)[-1]

    def press(self, app, person, sent, title, count=1):
        """The same, after the button with this title."""
        before = len(self.platform.to(app.NAME, person))
        self.call(app, app.press(person, sent, title))
        return self.platform.wait(app.NAME, person, before + count)[-1]

    def settle(self):
        """Wait until nothing is worked on and nothing waits to be sent."""
        import time

        end = time.monotonic() + 120
        while self.service.rows(
            "select 1 from inbox where done_at is null union select 1 from outbox where dead_at "
            "is null"
        ):
            assert time.monotonic() < end, "the boxes did not become empty"
            time.sleep(0.02)


@contextlib.contextmanager
def placed(folder, platform, **environment):
    """A Place whose own files are in `folder`."""
    models = folder / "models"
    if not models.exists():
        models.mkdir()
        conftest.republish(
            models, lambda data: shutil.copy(conftest.ROOT / "data/texts.yml", data / "texts.yml")
        )
    with contextlib.ExitStack() as stack:
        given = {
            "METRICS_TOKEN": METRICS_TOKEN,
            "PUBLIC_URL": PUBLIC,
            "COUNTRY": "GB",
            "MODELS": str(models),
            "ANSWER_SECONDS": "15",
        }  # a busy machine is no fault
        for app in APPS.values():
            given |= app.settings(platform.url)
        telegram.learned["token"] = telegram.secret(settings.site_secret(settings.read_settings()))
        service = stack.enter_context(conftest.serving(folder, **given | environment))
        yield Place(service, platform, stack.enter_context(httpx.Client(timeout=30)))


@pytest.fixture(scope="session")
def every_platform():
    """The stand-in that all services of these tests talk to."""
    with platforms.platform({**APPS, "meta": meta}) as made:
        yield made


@pytest.fixture
def platform(every_platform):
    """The same, for one test: nothing was refused before, and behind it the platforms work
    again."""
    every_platform.refused.clear()
    yield every_platform
    every_platform.faults.clear()


@pytest.fixture(scope="session")
def shared_place(every_platform, tmp_path_factory):
    with placed(tmp_path_factory.mktemp("channels"), every_platform) as made:
        yield made


@pytest.fixture
def place(shared_place, platform):
    """The service that most tests of the channels share: they may not harm it."""
    return shared_place


@pytest.fixture(scope="module")
def harmed_place(every_platform, tmp_path_factory):
    with placed(tmp_path_factory.mktemp("harmed"), every_platform, ANSWER_SECONDS="4") as made:
        yield made


@pytest.fixture
def own_place(harmed_place, platform):
    """A service that the tests of a file may harm, so that the next can still use it: what was
    harmed is whole again."""
    end = time.monotonic() + 60
    while harmed_place.service.ask("what is myoclonus")[0]["kind"] != "answer":
        assert time.monotonic() < end, harmed_place.service.log.read_text()[-3000:]
        time.sleep(0.2)
    return harmed_place


@pytest.fixture(params=list(APPS.values()), ids=list(APPS))
def app(request):
    """Each app in turn."""
    return request.param
