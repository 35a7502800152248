"""A dozen turns of one conversation, from the first to closing the chat: by keyboard alone, by a
screen reader's tree, and with a thumb on a phone of 360 px; each in Chromium and in Firefox."""

import functools
import time

import pytest

from tests.support.browser import STARTERS, ChromiumTab
from tests.widget.standin import ANSWER, page

PREVENTION = "Can myoclonus be prevented?"
PREGNANCY = "Is valproate safe in pregnancy?"
TURNS = [  # (what is written, or the button that is pressed; the heading of the card that comes)
    ("press", PREVENTION, PREVENTION),
    ("write", "what sets it off", PREVENTION),
    ("press", "When should I see a doctor?", PREVENTION),
    ("write", "valproate", "Answer"),
    ("press", PREGNANCY, PREGNANCY),
    ("write", "what about migraine", "Answer"),
    ("press", PREVENTION, PREVENTION),
    ("write", "my dose of clonazepam", "Answer"),
    ("write", "hello", "Answer"),
    ("write", "this is an emergency", "Get help now"),
    ("write", "it is a crisis", "Talk to someone now"),
    ("write", "reviewed", PREVENTION),
]
HEADINGS = """() => [...document.querySelector('symptom-chat').shadowRoot.querySelectorAll('h3')]
  .map((heading) => heading.textContent)"""
FOCUSED = """() => {
  const at = document.querySelector('symptom-chat').shadowRoot.activeElement;
  return at ? [at.id === 'input' ? 'input' : at.getAttribute('aria-label') ?? at.textContent,
    getComputedStyle(at).outlineStyle === 'solid'] : ['', false]
}"""
SPOKEN = """() => [...document.querySelector('symptom-chat').shadowRoot.querySelectorAll('p[aria-live]')]
  .map((region) => region.textContent).join(' ')"""  # noqa: E501
HIT = """(node) => {
  node.scrollIntoView({block: 'center'});
  const box = node.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = node.getRootNode().elementFromPoint(x, y);
  return [x, y, node === hit || node.contains(hit), box.width, box.height]
}"""
OVERFLOW = """() => document.documentElement.scrollWidth > innerWidth || [...document
  .querySelector('symptom-chat').shadowRoot.querySelectorAll('.panel, .talk, .card')]
  .some((part) => part.scrollWidth > part.clientWidth)"""


class Keyboard:
    """Somebody who has no pointer."""

    size = (1000, 800)

    def __init__(self, tab):
        self.tab = tab

    def go_to(self, name: str):
        """Back through the panel, from the newest on, to what has this name."""
        for _ in range(80):
            focused, ring = self.tab.evaluate(FOCUSED)
            if focused == name:
                assert ring, f"no ring around {name}"
                return
            self.tab.press("Tab" if name == "input" else "Shift+Tab")
        raise AssertionError(f"no key leads to {name}")

    def open(self):
        self.tab.press("Tab")
        self.tab.press("Enter")

    def press(self, name: str):
        self.go_to(name)
        self.tab.press("Enter")

    def write(self, text: str):
        self.go_to("input")
        self.tab.write(text)
        self.tab.press("Enter")

    def check(self, heading: str):
        assert self.tab.evaluate(FOCUSED)[0], "the focus is lost"


class ScreenReader(Keyboard):
    """Somebody who knows of the page what the accessibility tree says, and acts on its nodes."""

    def find(self, role: str, name: str):
        found = self.tab.find_all(role, name)
        assert found, f"the tree has no {role} named {name}"
        return found[-1]

    def open(self):
        self.press("Ask about myoclonus")

    def press(self, name: str):
        self.tab.evaluate("(node) => { node.focus(); node.click() }", self.find("button", name))

    def write(self, text: str):
        self.tab.evaluate("(node) => node.focus()", self.find("textbox", "Your question"))
        self.tab.write(text)
        self.tab.press("Enter")

    def check(self, heading: str):
        self.find("article", heading)
        words = self.tab.evaluate(SPOKEN)
        assert len(words.split()) > 4 and "Sources" not in words and "[1]" not in words


class Thumb(ScreenReader):
    """Somebody with a phone of 360 px."""

    size = (360, 640)

    def press(self, name: str):
        x, y, is_free, width, height = self.tab.evaluate(HIT, self.find("button", name))
        assert is_free, f"{name} is covered"
        assert min(width, height) >= 24
        self.tab.tap(x, y)

    def check(self, heading: str):
        assert not self.tab.evaluate(OVERFLOW)


def wait_for(tab, holds, what: str):
    end = time.monotonic() + 60  # of a busy machine
    while not holds():
        assert time.monotonic() < end, f"it never came: {what}"
        tab.wait(20)


def has_headings(tab, headings: list[str]) -> bool:
    return tab.evaluate(HEADINGS) == headings


def hold_a_dozen_turns(person, server):
    """All of TURNS, one of which fails at first; then More, a vote, and the chat is closed."""
    tab = person.tab
    server.answers = {"_in_pregnancy": [ANSWER | {"title": PREGNANCY}]} | server.answers
    tag = (
        f'<symptom-chat article="myoclonus" heading="Ask about myoclonus">{STARTERS}</symptom-chat>'
    )
    server.pages["/"] = page(tag)
    tab.goto(server.origin + "/")
    tab.evaluate("() => customElements.whenDefined('symptom-chat').then(() => true)")
    person.open()
    came = []
    for act, words, heading in TURNS:
        if words == "hello":
            server.fault = lambda at, method, path: at.drop()
        getattr(person, act)(words)
        if words == "hello":
            wait_for(tab, lambda: tab.find_all("button", "Try again"), "Try again")
            server.fault = None
            person.press("Try again")
        came.append(heading)
        wait_for(tab, functools.partial(has_headings, tab, came), words)
        person.check(heading)
    person.press("More")
    assert tab.find_all("button", "Less")
    person.press("Yes")
    wait_for(tab, lambda: server.votes, "the vote")
    person.press("Close the chat")
    assert tab.find_all("button", "Ask about myoclonus")
    assert not tab.find_all("button", "Menu")
    tab.close()
    assert len({body["id"] for body in server.calls("POST", "messages")}) == len(TURNS)


PERSONS = [Keyboard, ScreenReader, Thumb]


@pytest.mark.parametrize("person", PERSONS)
def test_a_dozen_turns_in_chromium(chromium, server, person):
    tab = ChromiumTab(chromium, *person.size, touch=person is Thumb)
    hold_a_dozen_turns(person(tab), server)


@pytest.mark.parametrize("person", PERSONS)
def test_a_dozen_turns_in_firefox(firefox, server, person):
    hold_a_dozen_turns(person(firefox.open(*person.size)), server)
