"""Forms of the desk in a browser: a changed one warns before its page is left, and a question's
look follows what is typed."""

import pytest
from playwright.sync_api import expect

QUESTION = "/editor/articles/hiccups/causes"
FORMS = [
    (QUESTION, "Heading of its section"),
    (QUESTION, "Phrases that teach"),
    ("/editor/articles/hiccups", "Written by"),
    ("/editor/articles/hiccups/what_is/its-evidence", "What it says there"),
    ("/editor/articles/new", "Or paste"),
    ("/editor/stories/story/new", "What it tells"),
    ("/editor/tables/talk", "Phrase"),
]


@pytest.fixture
def tab(open_tab):
    """A tab in which an editor is signed in, and what its browser asked on leaving, as `asked`: it
    stays on the page then."""
    page = open_tab("editor")
    page.set_default_timeout(60_000)
    page.asked = []

    def stay(dialog):
        page.asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    return page


def leave(tab):
    """Press the menu's Reports; whether the page was left without a warning."""
    asked = len(tab.asked)
    menu = tab.get_by_role("navigation", name="Desk")
    menu.get_by_role("link", name="Reports").click(no_wait_after=True)
    while len(tab.asked) == asked:
        tab.wait_for_timeout(20)
        if tab.url.endswith("/editor/reports"):
            return True
    return False


@pytest.mark.parametrize(("path", "label"), FORMS)
def test_a_changed_form_warns_before_its_page_is_left(tab, path, label):
    tab.goto(path)
    field = tab.get_by_label(label).first
    before = field.input_value()
    field.press_sequentially("x")
    typed = field.input_value()
    assert typed != before
    assert not leave(tab) and tab.asked == ["beforeunload"]
    expect(field).to_have_value(typed)
    field.fill(before)
    expect(field).to_have_value(before)
    assert leave(tab)


@pytest.mark.parametrize("path", sorted({path for path, _ in FORMS}))
def test_a_form_that_was_only_read_lets_go(tab, path):
    tab.goto(path)
    tab.locator("h1").click()
    assert leave(tab)


def test_what_is_saved_lets_go_and_what_was_refused_does_not(tab):
    tab.goto(QUESTION)
    heading = tab.get_by_label("Heading of its section")
    heading.fill("Why they come")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_text("Saved.").wait_for()
    assert tab.asked == [] and leave(tab)
    tab.goto(QUESTION)
    tab.get_by_label("Phrases that teach").fill("good morning")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_text("what you wrote is still in the form").wait_for()
    assert tab.asked == [] and not leave(tab)


def test_the_row_that_is_saved_warns_of_another_that_is_not(tab):
    tab.goto("/editor/tables/texts?search=forget_me")
    for row, words in enumerate(("Shall I delete it?", "Yes, forget it")):
        tab.get_by_label("Change row").nth(row).click()
        tab.get_by_role("textbox", name="Text", exact=True).nth(row).fill(words)
    with tab.expect_event("dialog"):
        tab.get_by_role("button", name="Save").nth(1).click(no_wait_after=True)
    assert tab.asked == ["beforeunload"]


def test_a_story_that_was_drawn_anew_is_still_unsaved(tab):
    tab.goto("/editor/stories/story/new")
    tab.get_by_label("What it tells").fill("a reader asks")
    messages = tab.get_by_label("The visitor")
    before = messages.count()
    tab.get_by_role("button", name="Add a message").first.click()
    expect(messages).to_have_count(before + 1)
    assert not leave(tab)


def test_a_search_and_a_password_are_nothing_to_lose(tab):
    tab.goto("/editor/tables/terms")
    tab.get_by_label("Find").press_sequentially("hiccups")
    assert leave(tab)
    tab.goto("/editor/account")
    tab.locator("[type=password]").first.press_sequentially("secret")
    assert leave(tab)


def test_a_questions_look_follows_soon_after_the_last_key(tab):
    tab.goto(QUESTION)
    tab.evaluate(
        "() => { window.waited = []; let typed = 0;"
        "addEventListener('input', () => { typed = performance.now() }, true);"
        "document.addEventListener('htmx:beforeRequest',"
        " () => window.waited.push(performance.now() - typed)) }"
    )
    tab.locator("[name=text]").press_sequentially("Zebras ")
    expect(tab.locator("#look")).to_contain_text("Zebras ")
    assert min(tab.evaluate("() => window.waited")) < 400
