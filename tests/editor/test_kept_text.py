"""What is typed at the desk and not saved: kept by the browser, offered again, put back; after a
session has ended, too; and texts that are longer than can be saved."""

import re
import time

import pytest
from playwright.sync_api import expect

from bot.store import accounts
from tests.editor.conftest import PASSWORD
from tests.editor.test_unsaved import FORMS, QUESTION
from tests.support.browser import axe

HEADING = "Heading of its section"
ROW = "/editor/tables/texts?search=forget_me"
NO_STORAGE = """for (const name of ['localStorage', 'sessionStorage']) {
  Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }})
}"""
FULL_STORAGE = "Storage.prototype.setItem = () => { throw new Error('full') }"
LONG = "It is so. " * 10_000  # 100 kB


@pytest.fixture
def tab(open_tab):
    """A tab in which an editor is signed in; what its scripts could not do, as `errors`."""
    page = open_tab("editor")
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


def type_and_close(tab, path, label, text):
    """Type into a field until it is kept, and close the tab; another one of the same browser."""
    tab.goto(path)
    tab.get_by_label(label).first.fill(text)
    tab.get_by_text("this browser has kept it").wait_for()
    other = tab.context.new_page()
    other.set_default_timeout(60_000)
    tab.close()
    return other


def count_kept(tab):
    tab.wait_for_load_state()  # its scripts have run
    return tab.evaluate("Object.keys(localStorage).filter(key => key.startsWith('desk-')).length")


def offers_of(tab):
    return tab.get_by_text(re.compile(r"You typed something here on \d+ \w+ at \d\d:\d\d that was"))


def end_session(desk):
    accounts.end_other_sessions(desk.engine, accounts.find_person(desk.engine, "Ada").id, "")


def sign_in(tab, name="Ada"):
    tab.get_by_label("Name").fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.keyboard.press("Enter")


def save(tab):
    tab.get_by_role("button", name="Save").first.click()


@pytest.mark.parametrize(("path", "label"), FORMS)
def test_what_was_typed_is_offered_in_another_tab_and_put_back(tab, path, label, node_modules):
    typed = "2026-01-01 and more"
    again = type_and_close(tab, path, label, typed)
    again.goto(path)
    field = again.get_by_label(label).first
    assert field.input_value() != typed
    expect(offers_of(again)).to_have_count(1)
    expect(again.get_by_text("not saved", exact=True)).to_be_visible()
    assert axe(again, node_modules) == []
    again.get_by_role("button", name="Put it back").press("Enter")
    expect(field).to_have_value(typed)
    expect(again.get_by_text("is in the form again")).to_be_visible()
    assert count_kept(again) == 1 and axe(again, node_modules) == []


def test_what_was_put_back_and_saved_is_gone(tab):
    again = type_and_close(tab, QUESTION, HEADING, "Why they come")
    again.goto(QUESTION)
    again.get_by_role("button", name="Put it back").click()
    expect(again.get_by_label(HEADING)).to_be_focused()
    save(again)
    again.get_by_text("Saved.").wait_for()
    assert again.get_by_label(HEADING).input_value() == "Why they come"
    assert count_kept(again) == 0
    again.goto(QUESTION)
    expect(offers_of(again)).to_have_count(0)


def test_what_was_thrown_away_is_gone(tab):
    again = type_and_close(tab, QUESTION, HEADING, "Why they come")
    again.goto(QUESTION)
    again.get_by_role("button", name="Throw it away").press("Enter")
    expect(offers_of(again)).to_have_count(0)
    assert count_kept(again) == 0 and again.get_by_label(HEADING).input_value() != "Why they come"


def test_what_is_typed_back_is_kept_no_more(tab):
    tab.goto(QUESTION)
    field = tab.get_by_label(HEADING)
    before = field.input_value()
    field.fill("Why they come")
    tab.get_by_text("this browser has kept it").wait_for()
    field.fill(before)
    expect(tab.get_by_text("this browser has kept it")).to_have_count(0)
    assert count_kept(tab) == 0


def test_two_tabs_keep_a_text_each(tab):
    second = tab.context.new_page()
    for page, text in ((tab, "Why they come"), (second, "What they come from")):
        page.goto(QUESTION)
        page.get_by_label(HEADING).fill(text)
        page.get_by_text("this browser has kept it").wait_for()
    expect(offers_of(second)).to_have_count(1)
    assert count_kept(tab) == 2


def test_nobody_else_sees_what_an_editor_typed(desk, tab):
    again = type_and_close(tab, QUESTION, HEADING, "Why they come")
    desk.add("Bo")
    again.context.clear_cookies()
    for name, offers in (("Bo", 0), ("Ada", 1)):
        again.goto(QUESTION)
        sign_in(again, name)
        again.get_by_label(HEADING).wait_for()
        expect(offers_of(again)).to_have_count(offers)
        again.context.clear_cookies()


def test_what_is_kept_goes_after_14_days_and_at_a_sign_out(tab):
    again = type_and_close(tab, QUESTION, HEADING, "Why they come")
    again.goto("/editor/reports")
    asked = []

    def answer(dialog):
        asked.append(dialog.message)
        dialog.accept()

    again.on("dialog", answer)
    again.get_by_role("button", name="Sign out").click()
    again.get_by_text("You are signed out.").wait_for()
    assert len(asked) == 1 and "did not save" in asked[0] and count_kept(again) == 0
    for days, left in ((13, 1), (15, 0)):
        again.evaluate(
            "at => localStorage.setItem('desk-unsaved 1 /x', JSON.stringify({account: 'Ada', at}))",
            (time.time() - days * 24 * 3600) * 1000,
        )
        again.goto("/editor/sign-in")
        assert count_kept(again) == left


def test_of_more_than_2_mb_the_oldest_go(tab):
    tab.goto("/editor/reports")
    for at in (2, 1, 3):
        tab.evaluate(
            "at => localStorage.setItem(`desk-unsaved ${at} /x`,"
            " JSON.stringify({account: 'Ada', at: Date.now() - 1e6 / at, x: 'x'.repeat(690_000)}))",
            at,
        )
    tab.goto(QUESTION)
    tab.get_by_label(HEADING).fill("Why they come")
    tab.get_by_text("this browser has kept it").wait_for()
    kept = tab.evaluate("Object.keys(localStorage).sort().map(key => key.slice(0, 15))")
    assert len(kept) == 3 and "desk-unsaved 1 " not in kept


def test_a_session_that_ended_gives_the_text_back_after_signing_in(desk, tab):
    tab.goto(QUESTION)
    long = LONG[:59_000].strip()
    tab.locator("[name=text]").fill(long)
    tab.get_by_label(HEADING).fill("Why they come")
    end_session(desk)
    save(tab)
    tab.get_by_text("Sign in again").wait_for()
    sign_in(tab)
    tab.get_by_text("is in the form again").wait_for()
    assert tab.url.endswith(QUESTION)
    assert tab.locator("[name=text]").input_value() == long
    tab.get_by_label("Phrases that teach").fill("why")
    save(tab)
    tab.get_by_text("what you wrote is still in the form").wait_for()
    assert tab.get_by_label(HEADING).input_value() == "Why they come" and count_kept(tab) == 1


def test_who_types_after_the_session_ended_is_not_led_away(desk, tab):
    tab.goto(QUESTION)
    end_session(desk)
    tab.get_by_label(HEADING).fill("Why they come")
    tab.get_by_text("You are signed out by now.").wait_for()
    save(tab)
    sign_in(tab)
    tab.get_by_text("is in the form again").wait_for()
    assert tab.get_by_label(HEADING).input_value() == "Why they come" and tab.errors == []


def test_a_long_text_of_somebody_signed_out_leads_to_the_sign_in_page(desk):
    ada = desk.enter()
    token, referer = ada.token(), {"Referer": f"{desk.url}{QUESTION}"}
    end_session(desk)
    for sent in ({"csrf": token, "text": LONG}, {"csrf": "x", "text": "x"}):
        answer = ada.client.post(QUESTION, data=sent, headers=referer)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith(f"/sign-in?next={QUESTION.replace('/', '%2F')}")
    elsewhere = {"Referer": "https://example.org/x"}
    assert ada.client.post(QUESTION, data={"csrf": token}, headers=elsewhere).status_code == 401


def test_a_row_of_a_table_is_offered_in_its_place_and_comes_back_where_it_was_refused(tab):
    tab.goto(ROW)
    tab.get_by_label("Change row").nth(1).click()
    field = tab.get_by_role("textbox", name="Text", exact=True)
    field.fill("Say {nothing}")
    tab.get_by_text("this browser has kept it").wait_for()
    tab.goto(ROW)
    expect(offers_of(tab)).to_be_visible()
    tab.get_by_role("button", name="Put it back").click()
    expect(field).to_have_value("Say {nothing}")
    save(tab)
    tab.get_by_text("Nothing was saved.").wait_for()
    expect(field).to_be_visible()  # the page of the refusal has the row open, as it was sent
    expect(field).to_have_value("Say {nothing}")
    field.fill("Shall I delete it?")
    save(tab)
    tab.get_by_text("Saved.").wait_for()
    assert count_kept(tab) == 0


def test_a_story_comes_back_with_its_messages(tab):
    tab.goto("/editor/stories/story/new")
    tab.get_by_label("What it tells").fill("a reader asks")
    messages = tab.get_by_label("The visitor")
    tab.get_by_role("button", name="Add a message").first.click()
    expect(messages).to_have_count(2)
    messages.nth(1).fill("and why?")
    tab.goto("/editor/stories/story/new")
    tab.get_by_role("button", name="Put it back").click()
    expect(messages).to_have_count(2)
    expect(messages.nth(1)).to_have_value("and why?")
    expect(tab.get_by_text("is in the form again")).to_be_visible()
    assert count_kept(tab) == 1 and tab.errors == []


def test_what_another_editor_saved_meanwhile_is_not_undone(desk, tab):
    again = type_and_close(tab, QUESTION, HEADING, "Why they come")
    path = desk.config.path("data") / "articles/hiccups.md"
    theirs = re.sub("^title: .*", "title: All about hiccups", path.read_text(), flags=re.M)
    path.write_text(theirs)
    again.goto(QUESTION)
    again.get_by_role("button", name="Put it back").click()
    save(again)
    again.get_by_text("Another editor had saved changes meanwhile").wait_for()
    assert again.get_by_label(HEADING).input_value() == "Why they come"
    assert path.read_text() != theirs and "title: All about hiccups" in path.read_text()


def test_write_it_saves_what_was_typed_before_and_nothing_is_kept_of_it(tab):
    tab.goto("/editor/articles/hiccups")
    tab.get_by_label("Written by").fill("Ann, who writes")
    tab.get_by_label("New question").fill("At night")
    tab.get_by_role("button", name="Write it").click()
    tab.get_by_text("Saved.").wait_for()
    assert tab.url.endswith("/hiccups/at_night") and count_kept(tab) == 0
    tab.goto("/editor/articles/hiccups")
    expect(tab.get_by_label("Written by")).to_have_value("Ann, who writes")


def test_make_it_an_article_saves_what_was_typed_before_and_does_not_call_it_unsaved(tab):
    tab.goto("/editor/articles/new")
    tab.get_by_label("Or paste").fill("Jumping thumbs\n\nCauses\n\nThey jump by themselves.\n")
    tab.get_by_role("button", name="Make a draft").click()
    tab.get_by_text("The draft is made.").wait_for()
    at = tab.url
    tab.get_by_label("Written by").fill("Ann, who writes")
    tab.get_by_role("button", name="Make it an article").click()
    tab.get_by_text("What you wrote is saved in the draft.").wait_for()
    expect(tab.get_by_label("Written by")).to_have_value("Ann, who writes")
    expect(tab.get_by_text("is in the form again")).to_have_count(0)
    assert count_kept(tab) == 0
    tab.goto(at)  # and no warning before it
    expect(tab.get_by_label("Written by")).to_have_value("Ann, who writes")


@pytest.mark.parametrize("script", [NO_STORAGE, FULL_STORAGE])
def test_without_storage_the_form_works_and_warns(tab, script):
    tab.context.add_init_script(script)
    tab.goto(QUESTION)
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    tab.on("dialog", stay)
    tab.get_by_label(HEADING).fill("Why they come")
    tab.get_by_text("this browser can’t keep it").wait_for()
    with tab.expect_event("dialog"):
        tab.get_by_role("link", name="Reports").click(no_wait_after=True)
    assert asked == ["beforeunload"]
    save(tab)
    tab.get_by_text("Saved.").wait_for()
    assert tab.get_by_label(HEADING).input_value() == "Why they come" and tab.errors == []


def test_a_text_that_is_too_long_is_not_cut_and_its_field_says_so(tab, node_modules):
    tab.goto(QUESTION)
    for label, text, said in (
        ("Phrases that teach", LONG, "This has 100,000 characters; at most 60,000 can be saved."),
        (HEADING, "x" * 300, "This has 300 characters; at most 200 can be saved."),
    ):
        field = tab.get_by_label(label)
        field.fill(text)
        expect(tab.get_by_text(said)).to_be_visible()
        assert field.input_value() == text
        assert axe(tab, node_modules) == []
        save(tab)
        assert tab.evaluate("document.activeElement.matches(':invalid')")
        assert tab.get_by_text("Saved.", exact=True).count() == 0
        field.fill("short")
        expect(tab.get_by_text(said)).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/articles/hiccups/causes", {"text": LONG}, "100,000 characters; at most 60,000"),
        ("/articles/hiccups/causes", {"text": LONG * 10}, "1,000,000 characters; at most 60,000"),
        ("/articles/hiccups", {"title": "x" * 501}, "501 characters; at most 500"),
        ("/articles/hiccups/causes/its-evidence", {"0.0.states": LONG}, "99,999 characters"),
        ("/tables/talk/row", {"base": "", "number": "0", "third": LONG}, "at most 20,000"),
        (
            "/stories/story/new",
            {"name": "x" * 121, "turn": "0", "then": "save"},
            "121 characters; at most 120",
        ),
        ("/publish", {"goal": "try", "reason": LONG}, "at most 500"),
    ],
)
def test_a_text_that_is_too_long_is_refused_with_its_length_and_the_limit(desk, path, fields, said):
    answer = desk.enter().post(path, **fields)
    assert answer.status_code == 422 and said in answer.text


def test_new_lines_count_as_the_browser_counts_them(desk):
    text = "a\r\n" * 29_999
    answer = desk.enter().post("/articles/hiccups/causes", text=text)
    assert "characters; at most" not in answer.text


def test_no_page_repeats_a_password_that_is_too_long(desk):
    answer = desk.enter().post("/account/password", old="zebra" * 200, password="x", again="x")
    assert answer.status_code == 422 and "zebra" not in answer.text


def test_the_pasted_text_of_a_whole_book_becomes_a_draft_or_is_refused_with_a_sentence(desk):
    answer = desk.enter().post("/articles/new", text="Sleep is good for you. " * 45_000)
    assert answer.status_code == 303 or "could not be read" not in answer.text
