"""A call that its platform did not sign: refused, counted, and without any trace."""

import itertools
import re

import httpx

from tests.channels.apps import mattermost, teams, telegram, webhook
from tests.channels.conftest import METRICS_TOKEN

people = itertools.count(600_001)


def traces(place):
    return place.service.rows(
        "select (select count(*) from inbox), (select count(*) from turns), (select count(*) "
        "from conversations)"
    )


def counted(place, app):
    """How many calls of a channel were refused, as /metrics says."""
    found = re.findall(
        rf'pamphlet_channel_calls_refused_total{{channel="{app.NAME}",reason="[^"]+"}} (\d+)',
        httpx.get(
            f"{place.service.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
        ).text,
    )
    return sum(map(int, found))


def forgeries(app):
    """{what is wrong: (call, changes of its headers)}."""
    good = app.write(next(people), "can myoclonus be prevented")
    found = {
        "one byte changed": (replaced(good, good.body.replace(b"prevented", b"preventer")), {})
    }
    for header in app.SIGNED_BY:
        value = good.headers[header]
        found |= {
            f"without {header}": (good, {header: None}),
            f"an empty {header}": (good, {header: ""}),
            f"{header} cut": (good, {header: value[:-1]}),
            f"{header} with another end": (good, {header: value[:-2] + "xx"}),
            f"{header} twice as long": (good, {header: value * 2}),
        }
    if app in (telegram, mattermost, teams):
        del found["one byte changed"]  # they sign no body: a token is all that they show
    return found | {name: (call, {}) for name, call in app.forged(next(people)).items()}


def replaced(call, body):
    assert body != call.body
    return type(call)(call.headers, body)


def test_a_forged_call_is_refused_and_leaves_no_trace(place, app):
    place.settle()
    before, refused = traces(place), counted(place, app)
    found = forgeries(app)
    for name, (call, changes) in found.items():
        answer = place.post(app, call, **changes)
        assert answer.status_code in (401, 403), f"{name}: {answer.status_code}"
    assert traces(place) == before
    assert counted(place, app) == refused + len(found)
    assert "canary" not in place.service.log.read_text()


def test_the_same_call_again_is_one_turn(place, app):
    person = next(people)
    call = app.write(person, "can myoclonus be prevented")
    for _ in range(4):
        place.call(app, call)
    place.platform.wait(app.NAME, person, 2)
    place.call(app, call)
    place.settle()
    assert len(place.platform.to(app.NAME, person)) == 2


def test_a_call_that_is_not_a_post_is_refused(place, app):
    assert httpx.get(f"{place.service.url}/channels/{app.NAME}").status_code in (401, 403, 405)


def test_a_signature_says_nothing_about_another_channel(place, app):
    call = app.write(next(people), "hello")
    if app is not webhook:
        assert place.post(webhook, call).status_code == 401
