"""A candidate beside the live release: what needs no training, and what visitors would notice."""

import dataclasses
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from actions import reply_actions
from bot.content import articles, site_content
from bot.domain.messages import IncomingMessage
from bot.releases import comparison, registry
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store import past_questions, stored_turns
from tests.conftest import reword, sign, teach

ROOT = Path(__file__).resolve().parents[2]


def quiet(step, done):
    pass


def ask(engine, text, outcome="answer", topic=None, article=None, question=None):
    """A stored turn in a conversation of its own."""
    _, token, _ = stored_turns.open_conversation(engine, "web", 24, article)
    accepted = stored_turns.accept_message(engine, IncomingMessage(token, "m1", 24, text))
    reply = {"id": uuid.uuid4().hex, "kind": "answer"}
    end = stored_turns.TurnEnd([reply], outcome, {}, question, understood={"topic": topic})
    stored_turns.finish_turn(engine, accepted, end)
    return token


@pytest.fixture
def no_rasa(monkeypatch):
    """Call it to have no Rasa from then on: whoever would start one fails."""
    return lambda: monkeypatch.setattr(registry, "RASA", ("none-such",))


@pytest.fixture
def site(small_site, monkeypatch):
    """(settings, engine) of a site of one article, whose settings the actions read, too."""
    for name, value in small_site.items():
        monkeypatch.setenv(name, value)
    config = settings.read_settings(small_site)
    store_engine.migrate_database(config.database())
    engine = store_engine.connect_database(config.database())
    yield config, engine
    engine.dispose()


def change(config, old, new):
    reword(config.path("data"), "restless_legs", old, new)


def archive_of(config, id):
    return registry.read_manifest(config, id)["files"][registry.ARCHIVE]


def test_a_change_of_an_answer_takes_the_live_archive_over_and_is_compared_without_asking(
    site, no_rasa
):
    config, engine = site
    ask(engine, "what causes restless legs", question="restless_legs.causes")
    ask(engine, "what causes restless legs", question="restless_legs.causes")
    ask(engine, "my heart hurts badly", "emergency")
    live = registry.live_release(config)
    change(config, "In most people no cause is found.", "In most people nobody knows the cause.")
    id = registry.train_candidate(config, quiet)
    assert archive_of(config, id) == archive_of(config, live)
    assert registry.read_manifest(config, id)["taught_by"] == live
    no_rasa()
    found = comparison.compare_candidate(config, engine, id, reply_actions.find_end)
    assert (found.asked, found.gained, found.lost, found.changed) == (1, [], [], [])
    assert found.rewritten == {"restless_legs.causes": 1}


def test_what_an_archive_said_to_a_phrase_is_not_asked_again_and_a_new_phrase_is(site, monkeypatch):
    config, _ = site
    live = registry.live_release(config)
    shutil.rmtree(config.path("var") / "understood")
    first = registry.test_candidate(config, live, quiet)
    change(config, "In most people no cause is found.", "In most people nobody knows the cause.")
    id = registry.train_candidate(config, quiet)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "RASA", ("none-such",))
        again = registry.test_candidate(config, id, quiet)
    assert dataclasses.replace(again, candidate=live) == first and first.total > 50
    teach(config.path("data"), "blarg my zonkers please", "test")
    id = registry.train_candidate(config, quiet)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="none-such"):
        patch.setattr(registry, "RASA", ("none-such",))
        registry.test_candidate(config, id, quiet)
    found = registry.test_candidate(config, id, quiet)
    assert found.total == first.total + 1 and "blarg my zonkers please" in [
        phrase for phrase, *_ in found.missed
    ]


def test_an_answer_that_names_another_term_is_trained_for(site):
    config, _ = site
    before = registry.taught_digest(site_content.load_content(config.path("data")))
    change(
        config,
        "In most people no cause is found.",
        "In most people no cause is found, and asthma is none.",
    )
    assert registry.taught_digest(site_content.load_content(config.path("data"))) != before


def test_what_visitors_asked_and_would_be_answered_otherwise_is_named(site, no_rasa):
    config, engine = site
    ask(engine, "blarg my zonkers please", "clarify")
    ask(engine, "what causes restless legs")
    own = config.path("data") / "phrases/restless_legs.yml"
    known = "    - what causes restless legs\n"
    text = own.read_text()
    assert known in text
    own.write_text(text.replace(known, f"{known}    - blarg my zonkers please\n", 1))
    id = registry.train_candidate(config, quiet)
    assert archive_of(config, id) != archive_of(config, registry.live_release(config))
    found = comparison.compare_candidate(config, engine, id, reply_actions.find_end)
    assert found.asked == 2
    assert [(moved.text, moved.after) for moved in found.gained] == [
        ("blarg my zonkers please", "restless_legs.causes")
    ]
    assert found.lost == []
    no_rasa()
    assert (
        comparison.compare_candidate(config, engine, id, reply_actions.find_end) == found
    )  # nothing is asked twice
    assert all(
        "zonkers" not in path.read_text() for path in (config.path("var") / "compared").iterdir()
    )


def test_what_was_too_unsure_to_be_answered_and_was_declined_is_called_declined(site, monkeypatch):
    config, engine = site
    ask(engine, "blarg my zonkers please", "out_of_scope")
    live, id = registry.live_release(config), "20990101-000000-aaaaaaaa"
    folder = config.path("models") / "candidates" / id
    shutil.copytree(registry.folder_of(config, live), folder)
    with (folder / registry.ARCHIVE).open("ab") as archive:
        archive.write(bytes(1024))  # another archive, that can be read
    sign(folder, id=id)

    def understand(config, archive, messages, progress):
        name = "restless_legs.causes" if archive.parent.name == id else "nlu_fallback"
        ranking = [{"name": each, "confidence": 0.2} for each in (name, "out_of_scope")]
        understood = {"intent": ranking[0], "intent_ranking": ranking, "entities": []}
        return set(), [understood for _ in messages]

    monkeypatch.setattr(registry, "understand_messages", understand)
    found = comparison.compare_candidate(config, engine, id, reply_actions.find_end)
    assert [(moved.before, moved.after) for moved in found.gained] == [
        ("out_of_scope", "restless_legs.causes")
    ]


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
    accepted = stored_turns.accept_message(
        engine, IncomingMessage(token, "m2", 24, "and how long do they last")
    )
    reply = {"id": uuid.uuid4().hex, "kind": "answer"}
    end = stored_turns.TurnEnd([reply], "answer", {}, understood={})
    stored_turns.finish_turn(engine, accepted, end)
    newest, oldest = past_questions.read_past_questions(engine, 10)
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


def test_where_no_seal_can_be_held_a_release_says_of_nobody_that_they_reviewed_it(site, tmp_path):
    config, _ = site
    reviews = config.path("data") / "reviews"
    reviews.mkdir()
    row = "{question: causes, text: 0123456789abcdef, name: Dr. Bo, 'on': 2026-11-30, seal: x}"
    (reviews / "restless_legs.yml").write_text(f"reviews:\n- {row}\n")
    with pytest.raises(articles.ContentError, match="was not signed at this desk"):
        registry.train_candidate(config, quiet)
    without = dataclasses.replace(config, secret="", var=str(tmp_path / "elsewhere"))
    made = registry.folder_of(without, registry.train_candidate(without, quiet))
    assert not (made / "data/reviews").exists() and (made / "data/articles").is_dir()
