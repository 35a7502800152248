"""A candidate beside the live release: what needs no training, and what visitors would notice."""

import dataclasses
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from bot import compare, release, settings, store
from tests.conftest import reword

ROOT = Path(__file__).resolve().parents[2]


def quiet(step, done):
    pass


def ask(engine, text, outcome="answer", topic=None, article=None, question=None):
    """A stored turn in a conversation of its own."""
    _, token, _ = store.open_conversation(engine, "web", 24, article)
    accepted = store.accept(engine, token, "m1", text, None, 24)
    store.finish(
        engine,
        accepted,
        [{"id": uuid.uuid4().hex, "kind": "answer"}],
        outcome,
        {},
        question,
        understood={"topic": topic},
    )
    return token


@pytest.fixture
def no_rasa(monkeypatch):
    """Call it to have no Rasa from then on: whoever would start one fails."""
    return lambda: monkeypatch.setattr(release, "RASA", ("none-such",))


@pytest.fixture
def site(small_site):
    """(settings, engine) of a site of one article."""
    config = settings.read(small_site)
    store.migrate(config.database())
    engine = store.connect(config.database())
    yield config, engine
    engine.dispose()


def change(config, old, new):
    reword(config.path("data"), "restless_legs", old, new)


def archive_of(config, id):
    return release.read_manifest(config, id)["files"][release.ARCHIVE]


def test_a_change_of_an_answer_takes_the_live_archive_over_and_is_compared_without_asking(
    site, no_rasa
):
    config, engine = site
    ask(engine, "what causes restless legs", question="restless_legs.causes")
    ask(engine, "what causes restless legs", question="restless_legs.causes")
    ask(engine, "my heart hurts badly", "emergency")
    live = release.live(config)
    change(config, "In most people no cause is found.", "In most people nobody knows the cause.")
    id = release.train(config, quiet)
    assert archive_of(config, id) == archive_of(config, live)
    assert release.read_manifest(config, id)["taught_by"] == live
    no_rasa()
    found = compare.compare(config, engine, id)
    assert (found.asked, found.gained, found.lost, found.changed) == (1, [], [], [])
    assert found.rewritten == {"restless_legs.causes": 1}


def test_what_an_archive_said_to_a_phrase_is_not_asked_again_and_a_new_phrase_is(site, monkeypatch):
    config, _ = site
    live = release.live(config)
    first = release.test(config, live, quiet)
    change(config, "In most people no cause is found.", "In most people nobody knows the cause.")
    id = release.train(config, quiet)
    with monkeypatch.context() as patch:
        patch.setattr(release, "RASA", ("none-such",))
        again = release.test(config, id, quiet)
    assert dataclasses.replace(again, candidate=live) == first and first.total > 50
    change(config, "    test:\n", "    test:\n      - blarg my zonkers please\n")
    id = release.train(config, quiet)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="none-such"):
        patch.setattr(release, "RASA", ("none-such",))
        release.test(config, id, quiet)
    found = release.test(config, id, quiet)
    assert found.total == first.total + 1 and "blarg my zonkers please" in [
        phrase for phrase, *_ in found.missed
    ]


def test_an_answer_that_names_another_term_is_trained_for(site):
    config, _ = site
    before = release.taught(config.path("data"))
    change(
        config,
        "In most people no cause is found.",
        "In most people no cause is found, and asthma is none.",
    )
    assert release.taught(config.path("data")) != before


def test_what_visitors_asked_and_would_be_answered_otherwise_is_named(site, no_rasa):
    config, engine = site
    ask(engine, "blarg my zonkers please", "clarify")
    ask(engine, "what causes restless legs")
    change(
        config,
        "      - what causes restless legs\n",
        "      - what causes restless legs\n      - blarg my zonkers please\n",
    )
    id = release.train(config, quiet)
    assert archive_of(config, id) != archive_of(config, release.live(config))
    found = compare.compare(config, engine, id)
    assert found.asked == 2
    assert [(moved.text, moved.after) for moved in found.gained] == [
        ("blarg my zonkers please", "restless_legs.causes")
    ]
    assert found.lost == []
    no_rasa()
    assert compare.compare(config, engine, id) == found  # nothing is asked twice
    assert all(
        "zonkers" not in path.read_text() for path in (config.path("var") / "compared").iterdir()
    )


def test_a_follow_up_is_asked_with_the_topic_that_it_had(site):
    config, engine = site
    topic = {
        "number": 0,
        "article": "restless_legs",
        "about": ["restless legs syndrome"],
        "facets": ["causes"],
        "question": "restless_legs.causes",
    }
    token = ask(engine, "what causes restless legs", topic=topic)
    accepted = store.accept(engine, token, "m2", "and how long do they last", None, 24)
    store.finish(
        engine, accepted, [{"id": uuid.uuid4().hex, "kind": "answer"}], "answer", {}, understood={}
    )
    newest, oldest = store.past.questions(engine, 10)
    assert newest["message"] == {
        "text": "and how long do they last",
        "metadata": {"topic": topic, "number": 1, "article": None},
    }
    assert oldest["message"]["metadata"]["topic"] is None


def test_the_command_line_compares_and_the_candidate_is_named(small_site):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, **small_site},
        )

    nothing = run("compare")
    assert nothing.returncode == 1 and "there is no candidate" in nothing.stderr
    assert run("train").returncode == 0
    done = run("compare")
    assert done.returncode == 0 and "of 0 past questions: answers gained 0" in done.stdout


def test_the_command_line_lists_what_was_asked_in_vain(small_site, site):
    config, engine = site
    [ask(engine, "blarg my zonkers please", "not_covered") for _ in range(2)]
    ask(engine, "what causes restless legs")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "review"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **small_site},
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [["2", "blarg", "my"]]
