"""The desk in a real Chromium: every page for everybody, at both widths, in light and dark; and the
review by keyboard alone."""

import re
import time

import pytest
from playwright.sync_api import expect

from bot.editor.insights import number_pages
from bot.editor.review import clustering
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.releases import registry
from tests.editor.conftest import PASSWORD
from tests.support.browser import axe
from tests.support.visitor_history import fill

PAGES = [
    "/review",
    "/review/aside",
    "/review?text=hiccups",
    "/review/teach/1",
    "/drafts",
    "/conversations",
    "/conversations/{conversation}",
    "/reports",
    "/reports/{report}",
    "/articles",
    "/articles/hiccups",
    "/articles/hiccups/what_is/its-evidence",
    "/articles/hiccups/side-by-side",
    "/articles/new",
    "/tables/terms",
    "/tables/talk",
    "/tables/safety",
    "/stories",
    "/stories/story/new",
    "/try",
    "/publish",
    "/numbers",
    "/people",
    "/audit",
    "/account",
]


@pytest.fixture
def asked(desk):
    """A desk with 600 messages of visitors, and an admin."""
    fill(desk.engine, content_cache.read_articles(State(desk.config, desk.engine)), 600)
    desk.add("Ada", "admin")
    return desk


@pytest.fixture
def sign_in(asked, chromium):
    """sign_in(width, scheme) gives a tab in which Ada is signed in, and the list of what its
    browser complains about."""
    contexts = []

    def enter(width=1280, scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme
        )
        contexts.append(context)
        tab, complaints = context.new_page(), []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and complaints.append(message.text)
            ),
        )
        tab.goto(f"{asked.url}/editor/sign-in")
        tab.get_by_label("Name").fill("Ada")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        tab.get_by_role("heading", name="Review").wait_for()
        return tab, complaints

    yield enter
    for context in contexts:
        context.close()


def wait_grouped(tab, url):
    end = time.monotonic() + 60
    while tab.goto(url) and not tab.locator(".group").count():
        assert time.monotonic() < end, "the groups never came"
        time.sleep(0.2)


def wait(tab, holds, *given):
    """Wait until a function of the page's says yes; the desk's policy lets the browser evaluate
    nothing by itself."""
    end = time.monotonic() + 60
    while not tab.evaluate(holds, *given):
        assert time.monotonic() < end, holds
        time.sleep(0.05)


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_every_page_is_for_everybody(asked, sign_in, node_modules, monkeypatch, width, scheme):
    there = registry.list_releases  # with an earlier one, for the page to offer its way back
    monkeypatch.setattr(
        registry,
        "list_releases",
        lambda config: [*there(config), ("20260101-000000-0a1b2c3d", "release")],
    )
    tab, complaints = sign_in(width, scheme)
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.goto(f"{asked.url}/editor/conversations")
    conversation = re.search(r"/editor/conversations/(\w+)", tab.content())[1]
    tab.goto(f"{asked.url}/editor/reports")
    report = re.search(r"/editor/reports/(\d+)", tab.content())[1]
    faults = []
    for path in PAGES:
        path = path.format(conversation=conversation, report=report)
        tab.goto(f"{asked.url}/editor{path}")
        assert tab.locator("h1").count() == 1, path
        faults += [f"{path}: {fault}" for fault in axe(tab, node_modules)]
        wide = tab.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        faults += [f"{path}: {wide} px wider than the window"] if wide > 0 else []
    assert faults == []
    assert complaints == []


@pytest.mark.parametrize(
    "at_once", [number_pages.AT_ONCE, 0], ids=["few messages", "many messages"]
)
def test_the_plots_are_drawn(asked, sign_in, monkeypatch, at_once):
    monkeypatch.setattr(number_pages, "AT_ONCE", at_once)
    tab, complaints = sign_in()
    page = tab.goto(f"{asked.url}/editor/numbers").text()
    assert ("are being counted" in page) == (not at_once)
    tab.locator("canvas").nth(3).wait_for()
    wait(
        tab, "() => [...document.querySelectorAll('canvas')].every(canvas => canvas.dataset.drawn)"
    )
    inked = tab.evaluate("""[...document.querySelectorAll('canvas')].map(canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        return data.filter((value, place) => place % 4 === 3 && value > 0).length})""")
    assert all(count > 1000 for count in inked), inked
    assert complaints == []


def test_the_review_is_worked_by_keyboard_alone(asked, sign_in):
    tab, complaints = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    groups = tab.locator(".group")
    first, second = (
        groups.nth(0).inner_text().splitlines()[0],
        groups.nth(1).inner_text().splitlines()[0],
    )
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.group')"):
            break
    assert tab.evaluate("document.activeElement.innerText").startswith(first)
    tab.keyboard.press("s")
    wait(
        tab,
        "first => ![...document.querySelectorAll('.group')].some(group => "
        "group.innerText.startsWith(first + '\\n'))",
        first,
    )
    wait(tab, "() => document.activeElement.matches('.group')")
    assert tab.evaluate("document.activeElement.innerText").startswith(second)
    assert "Set aside" in tab.locator("#said").inner_text()
    tab.keyboard.press("1")
    wait(
        tab,
        "() => /is a phrase of|has this phrase/.test(document.querySelector('#said').innerText)",
    )
    assert complaints == []


def lead_of(group):
    return group.inner_text().splitlines()[0]


def expect_gone(tab, text):
    """Wait until no group of the review is led by a text."""
    whole = re.compile(rf"^\s*{re.escape(text)}\s*$")
    expect(tab.locator(".group h2", has_text=whole)).to_have_count(0)


def test_keys_work_without_focusing_a_group_unless_they_are_switched_off(asked, sign_in):
    tab, complaints = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.reload()  # with the scripts run: groups that are still arriving have no keys yet
    groups = tab.locator(".group")
    first, second, third = (lead_of(groups.nth(n)) for n in range(3))
    assert tab.evaluate("document.activeElement === document.body")
    tab.keyboard.press("s")
    expect_gone(tab, first)
    expect(tab.locator(".group[aria-current] h2")).to_have_text(second)
    tab.get_by_text("Keys", exact=True).click()
    tab.get_by_label("They work anywhere on this page").uncheck()
    tab.reload()
    tab.keyboard.press("s")
    groups.nth(1).focus()
    tab.keyboard.press("s")
    expect_gone(tab, third)
    assert lead_of(groups.nth(0)) == second
    assert complaints == []


def test_the_menu_keeps_its_line_with_the_numbers_of_what_waits(asked, sign_in):
    tab, _ = sign_in()
    wait_grouped(tab, f"{asked.url}/editor/review")
    tab.goto(f"{asked.url}/editor/conversations")
    badges = tab.locator("#menu .badge")
    expect(badges).to_have_count(2)
    tops = {item.bounding_box()["y"] for item in tab.locator("#menu li").all()}
    assert len(tops) == 1
    first = tab.locator("#waits-review")
    before = int(first.inner_text().split()[0])
    tab.goto(f"{asked.url}/editor/review")
    tab.keyboard.press("s")
    expect(first).not_to_have_text(re.compile(rf"^{before} "))
    assert int(first.inner_text().split()[0]) < before


def test_a_review_that_came_by_itself_says_what_went_wrong_and_has_its_menu(
    asked, sign_in, monkeypatch
):
    tab, _ = sign_in(390)
    wait_grouped(tab, f"{asked.url}/editor/review")
    read, waits = clustering.read_groups, [None]
    monkeypatch.setattr(
        clustering, "read_groups", lambda *asked: waits.pop() if waits else read(*asked)
    )
    tab.goto(f"{asked.url}/editor/review")
    tab.get_by_text("is being grouped").wait_for()
    tab.locator(".group").first.focus()  # which waits for the groups
    wait(tab, "() => !document.querySelector('.htmx-added')")  # until then they have no keys
    for answer, sentence in [
        (lambda route: route.abort(), "The service can’t be reached."),
        (lambda route: route.fulfill(status=503, body="<p class=fault>Not now.</p>"), "Not now."),
    ]:
        tab.route("**/review/aside", answer)
        said = "sentence => document.querySelector('#said').innerText.startsWith(sentence)"
        end = time.monotonic() + 60
        while not tab.evaluate(said, sentence) and time.monotonic() < end:
            # on a slow machine the list may come anew under the focus, which takes the key with it
            tab.locator(".group").first.focus()
            tab.keyboard.press("s")
            tab.wait_for_timeout(2000)
        wait(tab, said, sentence)
    tab.get_by_role("button", name="Menu").click()
    tab.get_by_role("navigation", name="Desk").wait_for()
    tab.keyboard.press("Escape")
    tab.get_by_role("navigation", name="Desk").wait_for(state="hidden")
