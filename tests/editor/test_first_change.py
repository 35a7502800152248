"""A new editor's first change, by the guide alone: what docs/editor.md has in bold is pressed, what
it has as code is typed, and what it has in italics must be there; nothing else is done."""

import re
import time
from pathlib import Path

import conftest
import httpx
import pytest
from playwright.sync_api import expect

from tests.editor.test_day import accept_invitation, site  # noqa: F401

GUIDE = (Path(__file__).resolve().parents[2] / "docs/editor.md").read_text()
MINUTES = 60_000  # milliseconds
WAIT = 60  # seconds for a page and what is on it
TOKEN = re.compile(r"\*\*(?P<press>.+?)\*\*|`(?P<type>.+?)`|\*(?P<see>.+?)\*", re.DOTALL)


def read_steps():
    """The numbered steps of the guide's first change, each the list of (act, words)."""
    part = re.search(r"^## Your first change\n(.*?)(?=^## )", GUIDE, re.DOTALL | re.MULTILINE)[1]
    listed = re.findall(r"^\d\. (.*?)(?=^\d\. |\n\n)", part, re.DOTALL | re.MULTILINE)
    return [
        [(found.lastgroup, re.sub(r"\s*\n\s*", " ", found[found.lastgroup])) for found in tokens]
        for tokens in map(TOKEN.finditer, listed)
    ]


def find(tab, name):
    """What the page has of this name: a button, link, field or summary of its own, or else of the
    menu."""
    main, begins = tab.locator("main"), re.compile(rf"^\s*{re.escape(name)}(?!\w)")
    places = [
        main.get_by_role("button", name=name, exact=True),
        main.get_by_role("link", name=name, exact=True),
        main.locator("label", has_text=begins).locator("input, textarea"),
        main.locator("summary", has_text=begins),
        tab.get_by_role("navigation", name="Desk").get_by_role("link", name=name),
    ]
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        for place in places:
            there = [each for each in place.all() if each.is_visible()]
            if there:
                assert len(there) == 1, f"the page has {len(there)} named {name}"
                return there[0]
        time.sleep(0.1)
    raise AssertionError(f"{tab.url} has nothing named {name}")


def act(tab, kind, words):
    if kind == "press":
        find(tab, words).click()
    elif kind == "type":
        tab.keyboard.press("Control+End")
        tab.keyboard.type(words)
    else:
        expect(tab.locator("main")).to_contain_text(words, timeout=6 * MINUTES)


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT * 1000)
    yield context.new_page()
    context.close()


def wait_published(service, words):
    """Wait until visitors read these words in the article."""
    end = time.monotonic() + WAIT
    while words not in httpx.get(f"{service.url}/articles/restless_legs").text:
        assert time.monotonic() < end, "visitors do not read it"
        time.sleep(0.5)


def test_the_guide_tells_a_first_change():
    steps = read_steps()
    assert len(steps) >= 5
    assert all(kind == "press" for kind, _ in (step[0] for step in steps))
    assert {kind for step in steps for kind, _ in step} == {"press", "type", "see"}


def test_a_new_editor_makes_a_first_change_by_the_guides_own_words(site, tmp_path, tab):  # noqa: F811
    own = tmp_path / "service"
    own.mkdir()
    steps = read_steps()
    (written,) = [words for kind, words in steps[1] if kind == "type"]
    with conftest.serving(own, **site) as service:
        accept_invitation(tab, service, site)
        for kind, words in (each for step in steps for each in step):
            act(tab, kind, words)
        expect(tab.get_by_role("heading", name=re.compile("^History of"))).to_be_visible()
        expect(tab.locator("ins", has_text=written.strip())).to_be_visible()
        wait_published(service, written.strip())
        tab.goto(f"{service.url}/editor/")
        expect(tab.get_by_text("First steps: 4 of 5 done")).to_be_visible()
