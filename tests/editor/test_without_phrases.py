"""An article whose questions have no phrase of their own: written at the desk, checked, learned and
answered on its page."""

import re
from dataclasses import replace

import pytest
from conftest import serving

from bot.content import site_content
from bot.editor.shared import content_files
from bot.releases import registry
from bot.runtime import settings
from tests.editor.conftest import running

TEXT = """Muscle cramps

Causes

Most cramps come without any reason that a doctor can find.

Prevention

To stretch the calves before bed can keep cramps away.

When to see a doctor

A doctor should look at cramps that come each night.
"""


def quiet(step, done):
    pass


def write_article(ada, config):
    """Make an article of the text without any phrase; its id."""
    sent = ada.post("/articles/new", text=TEXT, url="https://example.org/cramps")
    at = sent.headers["location"].removeprefix("/editor")
    id = at.rpartition("/")[2]
    base = base_of(ada.get(at).text)
    assert ada.post(at, base=base, evidence="none").status_code == 303
    for question in ("causes", "prevention", "when_to_seek_help"):
        page = ada.get(f"{at}/{question}").text
        fields = {name: field_of(page, name) for name in ("ask", "heading", "facet", "text")}
        sent = ada.post(f"{at}/{question}", base=base_of(page), **fields)  # and no phrase
        assert sent.status_code == 303
    made = ada.post(f"{at}/make-article")
    assert made.status_code == 303, re.findall("<li>(.*?)</li>", made.text)
    assert not content_files.phrases_path(config, id).exists()
    return id


def base_of(page):
    return re.search(r'name="base" value="([^"]+)"', page)[1]


def field_of(page, name):
    found = re.search(
        rf'name="{name}"(?: id="[^"]*")?(?: rows="\d+">([^<]*)<| value="([^"]*)")', page
    )
    return found[1] or found[2]


@pytest.fixture
def config(small_site):
    return settings.read_settings(small_site)


def test_an_article_without_any_phrase_is_saved_checked_learned_and_answered(
    config, small_site, tmp_path
):
    with running(config) as desk:
        id = write_article(desk.enter("Ada", "editor"), config)
    assert site_content.check_content(config.path("data")) == []
    candidate = registry.train_candidate(config, quiet)
    report = registry.test_candidate(config, candidate, quiet)
    assert report.failures == []
    registry.publish_release(config, candidate)
    (tmp_path / "service").mkdir()
    given = {name: small_site[name] for name in ("DATA", "MODELS", "SECRET")}
    with serving(tmp_path / "service", **given) as service:
        for asked, question in (
            ("what causes it", "causes"),
            ("why do people get muscle cramps", "causes"),
            ("can it be prevented", "prevention"),
            ("When to see a doctor?", "when_to_seek_help"),
        ):
            (reply, *_) = service.ask(asked, service.open(article=id))
            assert (reply["kind"], reply["question"]) == ("answer", f"{id}.{question}"), asked


def test_an_article_without_a_test_phrase_takes_nothing_from_a_release(config):
    """Nothing is divided by the number of test phrases, which may be none."""
    loaded = site_content.load_content(config.path("data"))
    bare = replace(
        loaded,
        questions={name: replace(each, test=()) for name, each in loaded.questions.items()},
    )
    report = registry._judge("a", bare, [], [])
    assert (report.total, report.failures, report.missed) == (0, [], [])
