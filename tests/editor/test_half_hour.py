"""From a Word file to an answer, in a real Chromium at the real service: how many clicks that
takes."""

import re

import conftest
import pytest
from playwright.sync_api import expect

from tests.editor.test_day import accept_invitation, site, wait_served  # noqa: F401
from tests.editor.test_draft_pages import write_word
from tests.support.browser import Chat

MOST_CLICKS = 25
MINUTES = 60_000  # milliseconds
HEADINGS = [
    "What is it?",
    "Symptoms",
    "Causes",
    "Triggers",
    "Diagnosis",
    "Treatment",
    "Prevention",
    "Outlook",
    "When to see a doctor",
    "Daily life",
]
SENTENCES = [
    "Jumping thumbs make the thumb move by itself for a short time.",
    "Most people notice them at night, when the hand is at rest.",
    "The thumb may jump once or many times in a row.",
    "Cold, stress and long work with the hands can bring them on.",
    "A doctor looks at the hand and asks when it began.",
    "Warm water and rest help many people for a while.",
    "Some people sleep less because of it, and feel tired by day.",
    "It is best to ask early when the whole hand feels weak.",
    "Children have it less often than adults do.",
]
ASKED = "what brings on jumping thumbs"


def write_file():
    """A Word file of 1,200 words with headings and sources."""
    parts = [("Jumping thumbs", "Heading1")]
    for place, heading in enumerate(HEADINGS):
        parts.append((heading, "Heading2"))
        if not place:
            parts.append("Jumping thumbs are also called leaping thumbs. [1]")
        told = SENTENCES[place % 9 :] + SENTENCES[: place % 9]
        parts += [f"{' '.join(told)} [1]", f"{' '.join(told[:3])} [2]"]
    parts += [("References", "Heading2")]
    parts += ["1. Ann A. Thumbs. 2019. https://example.org/thumbs"]
    parts += ["2. Bob B. Hands. 2020. https://example.org/hands"]
    words = sum(len((part if isinstance(part, str) else part[0]).split()) for part in parts)
    assert words >= 1_200
    return write_word(parts)


class Hand:
    """An editor's hand in a tab, whose clicks are counted: a list that is opened and chosen from is
    two, a file that is chosen three."""

    def __init__(self, tab):
        self.tab, self.clicks = tab, 0

    def click(self, locator):
        self.clicks += 1
        locator.click()

    def choose(self, locator, value):
        self.clicks += 2
        locator.select_option(value)

    def choose_file(self, locator, data):
        self.clicks += 3
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        locator.set_input_files({"name": "thumbs.docx", "mimeType": kind, "buffer": data})


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(2 * MINUTES)
    yield context.new_page()
    context.close()


def bring_in(hand):
    """The file becomes a draft, whose first message is tried."""
    tab = hand.tab
    hand.click(tab.get_by_role("link", name="Articles", exact=True))
    hand.click(tab.get_by_role("link", name="New article"))
    hand.choose_file(tab.get_by_label("A saved web page, a Word"), write_file())
    hand.click(tab.get_by_role("button", name="Make a draft"))
    expect(tab.get_by_role("heading", name="Jumping thumbs draft")).to_be_visible()
    expect(tab.get_by_text("People will be understood when they ask").first).to_be_visible()
    expect(tab.get_by_role("checkbox", name="leaping thumbs")).to_be_checked()
    hand.click(tab.get_by_label("What a visitor writes"))
    tab.keyboard.type(ASKED)
    hand.click(tab.get_by_role("button", name="Ask the draft"))
    expect(tab.locator("#tried")).to_contain_text("Nearest in meaning is")


def publish(hand):
    """The draft becomes an article, which goes live."""
    tab = hand.tab
    hand.choose(tab.get_by_label("Its statements"), "none")
    hand.click(tab.get_by_role("button", name="Make it an article"))
    expect(tab.get_by_text("It is an article now.")).to_be_visible()
    hand.click(tab.get_by_role("link", name="Publish", exact=True))
    expect(tab.get_by_text("articles/jumping_thumbs.md")).to_be_visible()
    hand.click(tab.get_by_role("button", name="Publish", exact=True))
    tab.get_by_role("heading", name=re.compile("went live")).wait_for(timeout=6 * MINUTES)


def test_a_word_file_is_live_within_25_clicks(site, tmp_path, tab):  # noqa: F811
    own = tmp_path / "service"
    own.mkdir()
    with conftest.serving(own, **site) as service:
        accept_invitation(tab, service, site)
        hand = Hand(tab)
        bring_in(hand)
        publish(hand)
        wait_served(service, re.search(r"Release (\S+)\.", tab.locator("main").inner_text())[1])
        tab.goto(f"{service.url}/articles/jumping_thumbs")
        chat = Chat(tab)
        chat.launcher.click()
        card = chat.ask(ASKED)
        expect(card.get_by_role("heading")).to_have_text("What causes jumping thumbs?")
        assert hand.clicks <= MOST_CLICKS, hand.clicks
