"""The search on every page of the desk: articles, questions, phrases and visitors' messages, each
with its page; by the key "/"."""

import time

import pytest
from lxml import html

from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.store import message_search
from tests.support.browser import axe
from tests.support.visitor_history import add_turn, fill

WORD = "qqzebra"


def search(visit, text):
    """{title of a part: [(text of a link, where it leads)]} of the page of results."""
    answer = visit.get("/search", params={"words": text})
    assert answer.status_code == 200
    return {
        part.get("aria-label"): [
            (link.text_content(), link.get("href")) for link in part.xpath(".//li//a")
        ]
        for part in html.fromstring(answer.text).xpath("//main//section")
    }


@pytest.mark.parametrize(
    ("text", "part", "found", "page"),
    [
        ("hiccups", "Articles", "Hiccups", "/articles/hiccups"),
        ("HICCUPS causes what", "Questions", "What causes hiccups?", "/articles/hiccups/causes"),
        ("diaphragm squeeze", "Questions", "What are hiccups?", "/articles/hiccups/what_is"),
        ("causes hicc", "Phrases", "what causes hiccups", "/articles/hiccups/causes#field-"),
    ],
)
def test_each_kind_of_content_is_found_with_its_page(desk, text, part, found, page):
    hits = search(desk.enter(), text)[part]
    assert any(
        words.lower() == found.lower() and at.startswith(f"/editor{page}") for words, at in hits
    ), hits


def test_messages_are_found_as_they_are_stored_the_newest_first(desk):
    for n in range(3):
        add_turn(desk.engine, f"[name] saw a {WORD} {n}", ReplyKind.NOT_COVERED)
    conversation, turn = add_turn(desk.engine, f"100 % {WORD}_x", ReplyKind.NOT_COVERED)
    ada = desk.enter()
    found = search(ada, f"{WORD.upper()} SAW")["Messages of visitors"]
    assert [text for text, _ in found] == [f"[name] saw a {WORD} {n}" for n in (2, 1, 0)]
    for text in ("100 % ", f"{WORD}_"):  # signs that mean something to a database
        assert search(ada, text)["Messages of visitors"] == [
            (f"100 % {WORD}_x", f"/editor/conversations/{conversation}#turn-{turn}")
        ]
    page = ada.get(f"/conversations/{conversation}").text
    assert f'id="turn-{turn}"' in page


def test_at_most_20_of_each_are_shown_and_it_says_so(desk):
    for n in range(25):
        add_turn(desk.engine, f"{WORD} number {n}", ReplyKind.NOT_COVERED)
    ada = desk.enter()
    assert len(search(ada, WORD)["Messages of visitors"]) == 20
    assert "the first 20; more words find fewer" in ada.get(f"/search?words={WORD}").text
    assert all(len(hits) <= 20 for hits in search(ada, "a").values())


@pytest.mark.parametrize(
    "text", ["", "   ", "\0", "<script>alert(1)</script>", "%", "'; --", "x" * 999]
)
def test_whatever_is_looked_for_is_a_page(desk, text):
    ada = desk.enter()
    answer = ada.get("/search", params={"words": text})
    assert answer.status_code == 200 and "<script>alert" not in answer.text


def test_it_is_for_who_is_signed_in_and_nobody_else(desk):
    assert desk.visit().get("/search?words=hiccups").status_code == 303
    for role in ("reader", "clinician", "editor", "publisher", "admin"):
        add_turn(desk.engine, f"{WORD} {role}", ReplyKind.NOT_COVERED)
        found = search(desk.enter(role.title(), role), f"{WORD} {role}")
        assert len(found["Messages of visitors"]) == 1, role


def test_a_hundred_thousand_messages_are_looked_through_in_time(desk):
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 100_000)
    began = time.monotonic()
    assert message_search.find_messages(desk.engine, ["nosuchword", "at all"], 20) == []
    assert time.monotonic() - began < 5  # 0.2 s on two idle cores
    assert len(message_search.find_messages(desk.engine, ["at", "night"], 20)) == 20


@pytest.mark.parametrize("width", [1280, 390])
def test_the_key_leads_to_the_search_but_not_while_one_types(open_tab, node_modules, width):
    tab = open_tab("editor", viewport={"width": width, "height": 800})
    tab.goto("/editor/articles/hiccups")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "desk-search"
    tab.keyboard.type("causes")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search?words=causes")
    assert tab.locator("h1").inner_text() == "Search: causes"
    assert axe(tab, node_modules) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.evaluate(wide) <= 0
    tab.goto("/editor/articles/hiccups")
    title = tab.get_by_label("Title").first
    title.press("End")
    title.press("/")
    assert title.input_value().endswith("/")
