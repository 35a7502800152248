"""APPROVAL=second together with signing, at a real service: a changed answer reaches visitors once
a second publisher approved it, and says of its review what holds of exactly these words."""

import datetime
import time

import conftest
import pytest

from bot.content import replies
from bot.releases import registry
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store import publications
from tests.editor.conftest import Desk, read_log
from tests.editor.test_evidence_pages import form_of

WHERE = "/articles/restless_legs/causes"
SIDE, SIGN = "/articles/restless_legs/side-by-side", "/articles/restless_legs/sign"
ASKED = "what causes restless legs"
BEFORE, AFTER, LATER = (
    "What causes restless legs?",
    "What brings restless legs on?",
    "Where do restless legs come from?",
)
SECONDS = 300


@pytest.fixture
def site(small_site, tmp_path):
    """The Desk of a real service of one article, on which a second publisher must approve."""
    own = tmp_path / "service"
    own.mkdir()
    given = {name: value for name, value in small_site.items() if name != "DATABASE_URL"}
    with conftest.serving(own, **given, APPROVAL="second") as service:
        config = settings.read_settings(
            {**given, "DATABASE_URL": service.address, "APPROVAL": "second"}
        )
        engine = store_engine.connect_database(service.address)
        made = Desk(service.url, config, engine, service=service)
        yield made
        for client in made.visits:
            client.close()
        engine.dispose()


def wait_for(holds):
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, f"not within {SECONDS} s"
        time.sleep(0.2)


def read_answer(site):
    """What a visitor reads: (the answer's question, by whom it is reviewed, else what is said of
    that)."""
    (reply,) = site.service.ask(ASKED)
    article = reply["article"]
    return reply["title"], article["reviewed_by"], article["review"]


def edit(visit, asked):
    """Change the wording of the question, as an editor's browser does."""
    sent = form_of(visit.get(WHERE).text) | {"ask": asked, "then": "save"}
    assert visit.post(WHERE, **sent).status_code == 303


def sign(visit):
    sent = form_of(visit.get(SIDE).text) | {"question": "causes", "profession": "neurologist"}
    return visit.post(SIGN, **sent)


def publish(site, visit):
    """The page of a publication that was begun, once it waits for its approval."""
    at = visit.post("/publish").headers["location"].removeprefix("/editor")
    id = int(at.rpartition("/")[2])
    wait_for(lambda: publications.read_publication(site.engine, id).state != "running")
    made = publications.read_publication(site.engine, id)
    assert made.state == "tested", made.faults
    return at


def test_a_changed_answer_goes_live_as_both_the_approval_and_the_signature_say(site):
    ed, bo = site.enter("Ed", "editor"), site.enter("Dr. Bo", "clinician")
    paula, quinn = site.enter("Paula", "publisher"), site.enter("Quinn", "publisher")
    day = replies.format_day(datetime.datetime.now(datetime.UTC).date())
    unsigned = (BEFORE, None, "Not yet reviewed by a clinician")
    assert read_answer(site) == unsigned

    # changed, then signed: neither signature nor request brings it to visitors
    edit(ed, AFTER)
    for visit in (ed, paula, quinn):
        assert visit.post(SIGN, seen="x", question="causes").status_code == 403
    assert sign(bo).status_code == 303
    assert ed.post("/publish").status_code == bo.post("/publish").status_code == 403
    at = publish(site, paula)
    before = registry.live_release(site.config)
    for visit in (ed, bo, paula):
        assert "Approve</button>" not in visit.get(at).text
        assert visit.post(f"{at}/approval").status_code == 403
    assert read_answer(site) == unsigned and registry.live_release(site.config) == before

    # what is approved is what was asked for, whatever is changed meanwhile
    edit(ed, LATER)
    assert "Approve</button>" in quinn.get(at).text
    shown = quinn.get(f"{at}/changes").text
    assert "brings" in shown and "reviews/restless_legs.yml" in shown and "Where" not in shown
    assert "Where" in quinn.get("/publish/changes").text
    assert quinn.post(f"{at}/approval").status_code == 303
    wait_for(lambda: read_answer(site)[0] == AFTER)
    signed = (AFTER, "Dr. Bo, neurologist", None)
    assert read_answer(site) == signed
    assert quinn.get(f"{at}/changes").status_code == 404, "it waits no more"

    # unsigned words, asked for by who approved before: another publisher approves, and visitors
    # read that they changed since
    at = publish(site, quinn)
    assert quinn.post(f"{at}/approval").status_code == 403
    assert read_answer(site) == signed
    assert sign(bo).status_code == 303, "after the release was made: not in it"
    assert paula.post(f"{at}/approval").status_code == 303
    wait_for(lambda: read_answer(site)[0] == LATER)
    changed = f"Changed since its review by Dr. Bo, neurologist on {day}"
    assert read_answer(site) == (LATER, None, changed)

    # the signature alone is a publication, too
    at = publish(site, paula)
    assert read_answer(site)[2] == changed
    assert quinn.post(f"{at}/approval").status_code == 303
    wait_for(lambda: read_answer(site) == (LATER, "Dr. Bo, neurologist", None))
    done = [(each["person"], each["action"]) for each in read_log(site.engine)]
    assert done[:3] == [
        ("Paula", "went live"),
        ("Quinn", "approved"),
        ("Paula", "began to publish"),
    ]
