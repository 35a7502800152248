"""The card of an answer: what is seen at once, what is folded, how small it is, and what its row
does."""

import datetime
import functools

import pytest
from playwright.sync_api import expect

from bot.content import replies, site_content
from bot.runtime import settings
from bot.safety import danger_screen
from tests.widget.standin import ANSWER, ARTICLE, EMERGENCY, NOT_COVERED, PASSAGE, page


@functools.cache
def real_answer(name):
    """The answer to a question of our own articles, as the server gives it."""
    library = site_content.load_content(settings.ROOT / "data")
    return replies.answer_question(library, name, datetime.date(2026, 11, 29), 0.9)


def tops(card, *parts):
    """How far down each part of the card begins, all at one moment: the card may be scrolling."""
    return card.evaluate(
        "(card, parts) => parts.map((part) => card.querySelector(part).getBoundingClientRect().y)",
        parts,
    )


@pytest.mark.parametrize(("touch", "width", "most"), [(False, 1200, 480), (True, 390, 560)])
def test_the_card_of_a_real_answer_is_small(visit, server, touch, width, most):
    server.answers["what is"] = [real_answer("myoclonus.what_is_myoclonus")]
    chat = visit(width=width, height=844, has_touch=touch, is_mobile=touch)
    card = chat.ask("what is myoclonus")
    assert card.bounding_box()["height"] <= most
    assert card.locator(".choice").count() == 3


def test_the_parts_of_a_card_stand_in_their_order(visit):
    card = visit().ask("prevented?")
    order = tops(card, "h3", ".prose", ".chips", ".about", ".foot")
    assert order == sorted(order)


def test_a_passage_is_quoted_below_the_words_that_it_is_no_ready_answer(visit):
    card = visit().ask("a diary?")
    quote, home = card.locator("blockquote"), card.locator(".home").get_by_role("link")
    expect(card.get_by_role("heading")).to_have_text(PASSAGE["note"])
    expect(quote).to_contain_text("Some people keep a diary.")
    expect(home).to_have_text(PASSAGE["title"])
    expect(home).to_have_attribute("href", ARTICLE["url"] + "#triggers")
    order = tops(card, "h3", "blockquote", ".home", ".chips", ".about", ".foot")
    assert order == sorted(order)
    expect(card.get_by_role("button", name="Yes", exact=True)).to_be_visible()
    expect(card).to_contain_text("If someone may be in danger now, call 112.")


def test_a_copied_passage_says_that_it_is_one_and_where_it_stands(visit):
    chat = visit(permissions=["clipboard-read", "clipboard-write"])
    chat.ask("a diary?").get_by_role("button", name="Copy this answer").click()
    expect(chat.panel.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    copied = chat.tab.evaluate("navigator.clipboard.readText()")
    parts = PASSAGE["note"], PASSAGE["text"], PASSAGE["title"], PASSAGE["disclaimer"]
    places = [copied.index(part) for part in parts]
    assert places == sorted(places) and copied.count(PASSAGE["title"]) == 1


def test_sources_are_folded_those_of_what_is_shown_first_and_with_more_all(visit):
    chat = visit()
    card = chat.ask("prevented?")
    listed = card.get_by_role("list", name="Sources").get_by_role("listitem")
    expect(listed).to_have_count(0)
    card.get_by_text("Sources (1)").click()
    expect(listed).to_have_count(1)
    chat.button("More").click()
    expect(card.get_by_text("Sources (2)")).to_be_visible()
    expect(listed).to_have_count(2)
    chat.button("Less").click()
    expect(listed).to_have_count(1)


def test_sources_of_the_rest_alone_are_listed_with_the_rest(visit, server):
    server.answers["it"] = [ANSWER | {"text": "A text without a number."}]
    chat = visit()
    card = chat.ask("it")
    expect(card.get_by_text("Sources")).to_be_hidden()
    chat.button("More").click()
    expect(card.get_by_text("Sources (2)")).to_be_visible()


def test_review_origin_and_disclaimer_are_one_quiet_line_that_opens_and_is_whole(visit):
    card = visit().ask("prevented?")
    line = card.locator(".quiet summary")
    whole = f"Not yet reviewed by a clinician. From Living with myoclonus. {ANSWER['disclaimer']}"
    expect(line).to_have_text(whole)
    expect(card).to_match_aria_snapshot(f"- group: {whole}")
    one = line.bounding_box()["height"]
    assert one < 40
    line.click()
    assert line.bounding_box()["height"] > 1.5 * one
    link = card.locator(".quiet").get_by_role("link", name="Living with myoclonus")
    expect(link).to_have_attribute("href", ARTICLE["url"] + "#prevention")


def test_a_vote_is_kept_over_a_reload_and_asks_nothing_again(visit, server):
    chat = visit()
    chat.ask("prevented?")
    chat.ask("hello there, prevented")
    chat.cards.first.get_by_role("button", name="No", exact=True).click()
    chat.until(lambda: server.votes)
    chat.tab.reload()
    first, second = chat.cards.first, chat.cards.nth(1)
    no = first.get_by_role("button", name="No", exact=True)
    expect(no).to_have_attribute("aria-pressed", "true")
    expect(first.get_by_text("What was wrong with it?")).to_be_hidden()
    expect(second.locator("[aria-pressed=true]")).to_have_count(0)


def test_an_answer_is_copied_alone_with_all_that_belongs_to_it(visit):
    chat = visit(permissions=["clipboard-read", "clipboard-write"])
    chat.ask("migraine")
    card = chat.ask("prevented?")
    card.get_by_role("button", name="Copy this answer").click()
    said = chat.panel.get_by_role("status").filter(has_text="Copied.")
    expect(said).to_be_in_viewport()
    assert said.evaluate("e => e.closest('form') !== null"), "by the input"
    copied = chat.tab.evaluate("navigator.clipboard.readText()")
    for part in (
        ANSWER["title"],
        ANSWER["text"],
        "A diary of when",
        "[1] Myoclonus https://",
        "Not yet reviewed by a clinician.",
        ANSWER["disclaimer"],
        ARTICLE["url"] + "#prevention",
    ):
        assert part in copied
    assert NOT_COVERED["text"] not in copied


def test_the_link_of_an_answer_leads_to_its_section(visit):
    card = visit().ask("prevented?")
    link = card.get_by_role("link", name="Link to this answer (opens a new tab)")
    expect(link).to_have_text("Link")
    expect(link).to_have_attribute("href", ARTICLE["url"] + "#prevention")
    expect(link).to_have_attribute("target", "_blank")


@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("name", ["Link to this answer", "Living with myoclonus"])
def test_where_the_page_is_the_article_both_links_scroll_to_the_section_and_mark_it(
    visit, server, name, width
):
    chat = visit(width=width)
    tag = (
        '<div style="height: 3000px"></div><section id="prevention"><h2>Prevention</h2></section>'
        '<div style="height: 3000px"></div><symptom-chat article="myoclonus"></symptom-chat>'
    )
    server.csp = None
    server.pages["/articles/myoclonus"] = page(tag)
    server.answers["it"] = [
        ANSWER | {"article": ARTICLE | {"url": f"{server.origin}/articles/myoclonus"}}
    ]
    chat.tab.goto(f"{server.origin}/articles/myoclonus")
    chat.launcher.click()
    card = chat.ask("it")
    card.locator(".quiet summary").click()
    card.get_by_role("link", name=name, exact=True).click()
    section = chat.tab.locator("#prevention")
    expect(section).to_be_in_viewport()
    expect(section).to_be_focused()
    assert section.evaluate("e => e.getAnimations().length") == 1
    assert len(chat.tab.context.pages) == 1
    if width == 390:
        expect(chat.panel).to_be_hidden()  # it covered the page
    else:
        expect(chat.panel).to_be_visible()


@pytest.mark.parametrize("width", [1000, 390])
def test_in_an_emergency_the_call_button_is_first_and_large_then_one_sentence(visit, server, width):
    numbers = [
        {"label": "Emergency", "number": "999", "tel": "tel:999"},
        {"label": "NHS 111", "number": "111", "tel": "tel:111"},
    ]
    text = "Call 999 now. Say what it was, how much, and when.\nKeep the pack."
    server.answers["it"] = [{"kind": "emergency", "text": text, "numbers": numbers}]
    card = visit(width=width).ask("it")
    button = card.get_by_role("link", name="Call 999")
    expect(button).to_have_attribute("href", "tel:999")
    expect(button).to_be_in_viewport(ratio=1)
    box, other = button.bounding_box(), card.get_by_role("link", name="111").bounding_box()
    assert box["height"] > other["height"] and box["width"] > 2 * other["width"]
    expect(card.locator(".lead")).to_have_text("Call 999 now.")
    order = tops(card, ".first a", ".lead", ".prose:not(.lead)", ".lines:not(.first)")
    assert order == sorted(order)


def test_where_no_country_is_known_every_number_that_is_named_comes_first(visit, server):
    text = "Call your local emergency number (112 or 911) now. Stay with the person."
    numbers = [*EMERGENCY["numbers"], {"label": "Poison", "number": "111", "tel": "tel:111"}]
    server.answers["emergency"] = [EMERGENCY | {"text": text, "numbers": numbers}]
    card = visit().ask("emergency")
    expect(card.locator(".first a")).to_have_text(["Call 112", "Call 911"])
    expect(card.locator(".lines:not(.first) a")).to_have_text(["111"])
    expect(card.locator(".lead")).to_have_text(text.split(" Stay")[0])


@pytest.mark.parametrize("country", ["GB", "US", "DE", "IN", None])
def test_our_own_texts_for_a_danger_have_their_call_button_first(visit, server, country):
    screen = danger_screen.load_screen(settings.ROOT / "data")
    danger = danger_screen.find_danger(screen, "he took the whole bottle of pills")
    reply = danger_screen.danger_reply(screen, danger, country)
    server.answers["pills"] = [reply]
    named = [line["number"] for line in reply["numbers"] if line["line"] == "emergency"]
    card = visit().ask("pills")
    expect(card.locator(".first a")).to_have_text([f"Call {number}" for number in named])


def test_in_a_crisis_the_kind_sentence_comes_first_then_the_lines(visit, server):
    text = "I'm sorry that it is this hard.\nPlease talk to someone now."
    numbers = [{"label": "Samaritans", "number": "116 123", "tel": "tel:116123"}]
    server.answers["it"] = [{"kind": "crisis", "text": text, "numbers": numbers}]
    card = visit().ask("it")
    expect(card.locator(".lead")).to_have_text("I'm sorry that it is this hard.")
    order = tops(card, ".lead", ".lines", ".prose:not(.lead)")
    assert order == sorted(order)
