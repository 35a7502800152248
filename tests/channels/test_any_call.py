"""Generated calls at every channel: unsigned ones leave no trace, signed ones of any shape no
fault."""

import copy
import json
import string

import pytest
from hypothesis import given, strategies

from tests.channels.apps import (
    Call,
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
from tests.channels.conftest import APPS
from tests.channels.test_authenticity import traces
from tests.support.generated import inputs

PERSON = 840_001
# halves of signs too
TEXT = strategies.text(strategies.characters(exclude_categories=()), max_size=20)
JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | TEXT,
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
VALUES = strategies.text(alphabet=string.printable[:95] + "äø", max_size=100).map(
    lambda text: text.encode("latin-1").strip()
)
SIGN = {
    "telegram": lambda body: Call(telegram.update().headers, body),
    "whatsapp": lambda body: meta.call(whatsapp.SECRET, body),
    "messenger": lambda body: meta.call(messenger.SECRET, body),
    "slack": slack.call,
    "teams": teams.call,
    "mattermost": mattermost.call,
    "webhook": webhook.call,
}
PRESS = {
    "type": "block_actions",
    "team": {"id": "T"},
    "user": {"id": "U"},
    "channel": {"id": "D1"},
    "trigger_id": "1",
    "container": {"is_ephemeral": True},
    "message": {"ts": "1.1"},
    "response_url": "x",
    "actions": [{"value": "a.y"}],
}


def places_in(data, path=()):
    """The path of everything in a JSON."""
    yield path
    for key, inner in (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    ):
        yield from places_in(inner, (*path, key))


@strategies.composite
def changed(draw, data):
    """A JSON in which something, or two things, are something else or gone."""
    data = copy.deepcopy(data)
    for _ in range(draw(strategies.integers(1, 2))):
        *head, last = draw(strategies.sampled_from(list(places_in(data))[1:] or [("x",)]))
        inner = data
        for key in head:
            inner = inner[key]
        if isinstance(inner, dict) and draw(strategies.booleans()):
            inner.pop(last, None)
        else:
            inner[last] = draw(JSON)
    return data


@pytest.fixture
def deaf(place):
    """Platforms that refuse all for good; what they would have got is deleted afterwards."""
    place.platform.faults.append(lambda name, request: (400, {}, {"ok": False, "error": "refused"}))
    yield place
    place.settle()
    place.service.rows("delete from outbox")
    log = place.service.log.read_text()
    assert "Traceback" not in log and " failed: " not in log, log[-2000:]


def test_a_call_of_any_shape_that_is_not_signed_leaves_no_trace(place, app):
    place.settle()
    before = traces(place)
    signed = app.write(PERSON, "hello")
    header = next(iter(app.SIGNED_BY), "Authorization")

    @inputs(30)
    @given(
        body=JSON.map(lambda data: json.dumps(data).encode())
        | strategies.binary(max_size=200)
        | strategies.just(signed.body[:-1]),
        kind=strategies.sampled_from(
            [
                signed.headers["Content-Type"],
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/json",
            ]
        ),
        value=VALUES,
    )
    def try_it(body, kind, value):
        url = f"{place.service.url}/channels/{app.NAME}"
        assert (
            place.client.post(
                url, content=body, headers={"Content-Type": kind, header: value}
            ).status_code
            == 401
        ), (body, value)

    try_it()
    assert traces(place) == before


@pytest.mark.parametrize("name", SIGN)
def test_a_signed_call_of_any_shape_is_no_fault(deaf, name):
    app = APPS[name]
    good = [json.loads(app.write(PERSON, "hello").body)]
    good += [
        json.loads(call.body)
        for call, _ in app.odd(PERSON).values()
        if call.body.startswith(b"{") and len(call.body) > 2
    ]

    @inputs(60)
    @given(data=strategies.sampled_from(good).flatmap(changed))
    def try_it(data):
        call = SIGN[name](json.dumps(data).encode())
        assert deaf.post(app, call).status_code in (200, 401), data

    try_it()


def test_a_signed_form_of_any_shape_is_no_fault(deaf):
    texts = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=30)

    @inputs(60)
    @given(
        more=strategies.dictionaries(
            strategies.sampled_from(sorted(twilio.fields(PERSON, ""))) | texts, texts, max_size=4
        )
    )
    def try_it(more):
        assert (
            deaf.post(twilio, twilio.call({**twilio.fields(PERSON, "hello"), **more})).status_code
            == 200
        ), more

    try_it()


def test_a_press_of_any_shape_is_no_fault(deaf):
    @inputs(60)
    @given(data=changed(PRESS))
    def try_it(data):
        assert deaf.post(slack, slack.form(payload=json.dumps(data))).status_code == 200, data

    try_it()
