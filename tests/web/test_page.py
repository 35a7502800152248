"""The page with the chat, in a real Chromium, with the real service behind it."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.browser import axe


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desktop", "phone"])
def page(chromium, request):
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height})
    made = context.new_page()
    made.faults = []
    made.on(
        "console",
        lambda message: made.faults.append(message.text) if message.type == "error" else None,
    )
    made.on("pageerror", lambda error: made.faults.append(str(error)))
    yield made
    context.close()


def open_chat(page, service, path="/"):
    page.goto(service.url + path)
    page.get_by_role("button", name=re.compile("ask", re.I)).first.click()


def ask(page, text):
    page.get_by_role("textbox").first.fill(text)
    page.keyboard.press("Enter")


def test_the_desk_is_found_without_a_slash_too(service):
    answer = httpx.get(f"{service.url}/editor")
    assert (answer.status_code, answer.headers["location"]) == (308, "/editor/")


def test_a_question_is_answered_and_the_vote_is_in_the_database(page, service):
    open_chat(page, service, "/articles/myoclonus")
    ask(page, "can myoclonus be prevented")
    card = page.get_by_role("log").get_by_text("Can myoclonus be prevented?").last
    card.wait_for(timeout=15_000)
    log = page.get_by_role("log")
    assert "Not yet reviewed by a clinician" in log.inner_text()
    assert "general information, not medical advice" in log.inner_text()
    log.get_by_text(re.compile(r"^Sources \(")).last.click()
    assert log.get_by_role("link", name=re.compile("Myoclonus")).count() >= 1
    before = service.rows("select count(*) from votes")[0][0]
    log.get_by_role("button", name=re.compile("^Yes")).last.click()
    log.get_by_text(re.compile("Thank you", re.I)).last.wait_for(timeout=10_000)
    assert service.rows("select count(*) from votes")[0][0] == before + 1
    assert service.rows("select helpful from votes order by voted_at desc limit 1") == [(1,)]
    assert page.faults == []


def test_a_crisis_shows_numbers_that_can_be_called(page, service):
    open_chat(page, service)
    ask(page, "i want to kill myself")
    link = page.get_by_role("log").locator("a[href^='tel:']").last
    link.wait_for(timeout=15_000)
    assert page.faults == []


def test_a_number_on_the_page_leads_to_what_its_source_says(page, service):
    page.goto(f"{service.url}/articles/hiccups")
    marks = page.locator("#what_is").inner_html().split('<a class="mark"')[:-1]
    assert marks and all(re.search(r"(&nbsp;|</a>)$", before) for before in marks)
    page.locator("#what_is .mark").first.click()
    source = page.locator("#sources li:target")
    source.get_by_text("What it says").click()
    says = source.locator("li").first
    assert "On “A hiccup is a sudden squeeze of the diaphragm" in says.inner_text()
    assert "unintended movement of the diaphragm (What are hiccups" in says.inner_text()
    assert re.search(r"Version .*, read .* on \d+ \w+ 20\d\d\.", source.inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.faults == []


def test_the_first_page_lists_the_articles_and_searches_their_questions(page, service):
    page.goto(service.url)
    assert page.locator(".entry").count() > 5
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    box = page.get_by_role("searchbox", name="Search the questions")
    box.fill("can i prevent myoclon")
    found = page.locator("#found a")
    expect(found.first).to_have_text("Can myoclonus be prevented?")
    expect(page.locator("#articles")).to_be_hidden()
    box.fill("zzzz")
    expect(page.get_by_role("status")).to_contain_text("No question has these words")
    expect(page.locator("#articles")).to_be_visible()
    box.fill("hiccup cause")
    expect(found.first).to_have_attribute("href", "/articles/hiccups#causes")
    assert asked == [], "what is typed stays in the browser"
    found.first.click()
    expect(page.locator("#causes")).to_be_in_viewport()
    assert page.faults == []


def test_a_page_that_is_not_there_offers_the_search(page, service):
    answer = page.goto(f"{service.url}/articles/none")
    assert answer.status == 404
    page.get_by_role("searchbox", name="Search the questions").fill("tremor worse")
    expect(page.locator("#found a").first).to_be_visible()


def test_the_input_is_two_stops_from_the_start_of_the_page(page, service):
    page.goto(f"{service.url}/articles/myoclonus")
    page.wait_for_function("!!customElements.get('symptom-chat')")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Ask a question")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()


def test_the_link_of_an_answer_scrolls_the_page_to_its_section(page, service):
    open_chat(page, service, "/articles/myoclonus")
    ask(page, "can myoclonus be prevented")
    page.get_by_role("link", name="Link to this answer", exact=True).last.click(timeout=15_000)
    expect(page.locator("#prevention")).to_be_focused()
    expect(page.locator("#prevention h2")).to_be_in_viewport()


def test_printed_it_is_the_article_alone_on_a_few_pages(page, service):
    page.goto(f"{service.url}/articles/myoclonus")
    page.emulate_media(media="print")
    for gone in ("symptom-chat", "footer", ".contents", "header nav"):
        expect(page.locator(gone)).to_be_hidden()
    assert page.pdf(format="A4").count(b"/Type /Page\n") <= 9


@pytest.mark.parametrize("path", ["/", "/articles/myoclonus", "/privacy", "/nonsense"])
def test_axe_finds_nothing_on_the_pages_in_light_and_dark(page, service, node_modules, path):
    page.goto(service.url + path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe(page, node_modules) == []


@pytest.mark.parametrize("path", ["/articles/hiccups", "/articles/myoclonus"])
def test_the_page_shows_the_article_and_obeys_its_own_policy(page, service, path):
    page.goto(service.url + path)
    assert page.locator("h1").inner_text()
    assert page.locator("section").count() > 5
    assert page.locator("#sources li").count() > 3
    assert "script-src 'self'" in httpx.get(service.url + path).headers["content-security-policy"]
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, "the page scrolls sideways"
    assert page.faults == []


def test_every_article_has_its_page_and_its_source_marks_lead_somewhere(page, service):
    page.goto(service.url)
    paths = page.eval_on_selector_all(
        ".entry h2 a", "links => links.map(link => link.getAttribute('href'))"
    )
    assert len(paths) > 5
    for path in paths:
        page.goto(service.url + path)
        broken = page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => "
            "!document.getElementById(a.hash.slice(1))).length"
        )
        assert broken == 0, path
    assert page.faults == []


def test_the_frame_version_answers_too(page, service):
    page.goto(f"{service.url}/embed?article=myoclonus")
    page.get_by_role("button", name="What is myoclonus?").wait_for()
    ask(page, "what causes myoclonus")
    page.get_by_role("log").get_by_text(
        re.compile("Not yet reviewed by a clinician")
    ).last.wait_for(timeout=15_000)
    assert page.faults == []
    frame = httpx.get(f"{service.url}/embed", params={"article": "<b>"})
    assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]
    assert frame.text.count("<option") == 4 and "<b>" not in frame.text, (
        "without an article that we have, a question of each of four"
    )


def test_nothing_leaves_the_page_before_the_first_message(chromium, service):
    context = chromium.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_chat(page, service)
    page.wait_for_timeout(500)
    assert not [url for url in asked if "/api/" in url or not url.startswith(service.url)]
    assert context.cookies() == []
    assert json.loads(page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")) == {}
    context.close()
