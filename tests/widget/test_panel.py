"""The panel: closed and opened again, its menu, its sizes, the keyboard, and what a screen reader
hears."""

import threading

import pytest
from playwright.sync_api import expect

from tests.support.browser import VOICE
from tests.widget.standin import ANSWER, CRISIS, page

SKIP = (
    '<a href="#chat">Ask a question</a>'
    + "".join(f'<p><a href="#p{n}">A link</a></p>' for n in range(50))
    + '<symptom-chat id="chat" article="myoclonus" heading="Ask about myoclonus"></symptom-chat>'
)


def hold(server):
    """Holds messages back until the event that it returns is set."""
    held = threading.Event()
    server.fault = lambda at, method, path: path == "/api/messages" and not held.wait(10)
    return held


def test_a_reply_that_comes_while_it_is_closed_is_counted_and_shown_first_on_opening(visit, server):
    chat = visit(reduced_motion="reduce")
    for text in ("one", "two"):
        chat.ask(text)
    held = hold(server)
    chat.send("the third question")
    chat.button("Close the chat").click()
    held.set()
    expect(chat.launcher).to_have_accessible_name("Ask about myoclonus New answers: 1")
    expect(chat.panel).to_be_hidden()
    chat.launcher.click()
    expect(chat.said.last).to_be_in_viewport()
    expect(chat.cards.last.get_by_role("heading")).to_be_in_viewport()
    chat.button("Close the chat").click()
    expect(chat.launcher).to_have_accessible_name("Ask about myoclonus")


@pytest.mark.parametrize("word", ["emergency", "crisis"])
@pytest.mark.parametrize("width", [1000, 390])
def test_a_danger_that_comes_while_it_is_closed_opens_it(visit, server, word, width):
    chat = visit(width=width)
    held = hold(server)
    chat.send(word)
    chat.button("Close the chat").click()
    held.set()
    expect(chat.panel).to_be_visible()
    expect(chat.card.locator(".call").first).to_be_in_viewport()


@pytest.mark.parametrize("width", [1000, 390])
def test_after_a_reload_an_open_panel_is_open_again_and_a_closed_one_closed(visit, width):
    chat = visit(width=width)
    chat.ask("prevented?")
    chat.tab.reload()
    expect(chat.panel).to_be_visible()
    expect(chat.cards).to_have_count(1)
    assert chat.tab.evaluate("sessionStorage.length") == 0, "noted only while the page is left"
    chat.button("Close the chat").click()
    chat.tab.reload()
    expect(chat.launcher).to_be_visible()
    expect(chat.panel).to_be_hidden()


def test_without_a_conversation_nothing_is_noted_and_another_articles_chat_stays_closed(
    visit, server
):
    chat = visit()
    chat.tab.reload()
    expect(chat.panel).to_be_hidden()
    chat.launcher.click()
    chat.ask("hello")
    server.pages["/other"] = page('<symptom-chat article="tremor"></symptom-chat>')
    chat.tab.goto(server.origin + "/other")
    expect(chat.launcher).to_be_visible()
    assert chat.tab.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("refused", ["get", "whole"])
def test_refused_storage_stops_neither_leaving_nor_coming(visit, refused):
    before = (
        "Storage.prototype.setItem = () => { throw new Error('full') }"
        if refused == "get"
        else "for (const name of ['localStorage', 'sessionStorage']) "
        "Object.defineProperty(window, name, {get() { throw new Error('refused') }})"
    )
    chat = visit(before=before)
    chat.ask("hello")
    chat.tab.reload()
    expect(chat.launcher).to_be_visible()
    assert chat.errors == []


def test_the_menu_closes_on_a_click_outside_of_it(visit):
    chat = visit()
    menu = chat.tab.locator(".menu")
    for outside in (
        chat.panel.get_by_role("heading", name="Ask about myoclonus"),
        chat.tab.locator("h1"),
    ):
        chat.button("Menu").click()
        expect(menu).to_be_visible()
        outside.click()
        expect(menu).to_be_hidden()
        expect(chat.button("Menu")).to_have_attribute("aria-expanded", "false")
    chat.button("Menu").click()
    chat.button("Menu").click()
    expect(menu).to_be_hidden()


def test_start_again_can_be_undone_until_something_is_asked(visit, server):
    chat = visit()
    chat.ask("prevented?")
    chat.menu("Start again")
    expect(chat.cards).to_have_count(0)
    chat.button("Bring it back").click()
    expect(chat.said).to_have_text("prevented?")
    chat.ask("hello")
    assert len(server.conversations) == 1
    chat.menu("Start again")
    chat.ask("hello")
    expect(chat.button("Bring it back")).to_have_count(0)
    assert len(server.conversations) == 2


def test_what_was_brought_back_comes_back_after_a_reload_too(visit):
    chat = visit()
    chat.ask("prevented?")
    chat.menu("Start again")
    chat.button("Bring it back").click()
    chat.tab.reload()
    expect(chat.said).to_have_text("prevented?")


def test_a_refused_clipboard_is_said_by_the_input(visit):
    chat = visit(
        before="navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))"
    )
    chat.ask("prevented?")
    chat.menu("Copy the conversation")
    fault = chat.tab.get_by_role("alert")
    expect(fault).to_contain_text("did not allow copying")
    expect(fault).to_be_in_viewport()


@pytest.mark.parametrize(
    ("attributes", "said"),
    [("", "kept for a limited time"), ('days="30"', "kept for 30 days"), ('days="x"', "limited")],
)
def test_the_opening_says_how_long_texts_are_kept(visit, attributes, said):
    expect(visit(attributes).tab.locator(".notice")).to_contain_text(said)


@pytest.mark.parametrize(("width", "height"), [(400, 640), (844, 390), (640, 320), (1000, 400)])
def test_header_and_input_stay_where_there_is_little_room(visit, width, height):
    chat = visit(width=width, height=height, reduced_motion="reduce")
    for _ in range(2):
        chat.ask("prevented?")
    for part in (chat.button("Menu"), chat.button("Close the chat"), chat.input):
        expect(part).to_be_in_viewport(ratio=1)
    talk = chat.tab.locator(".talk").bounding_box()
    assert talk["height"] > height / 2, "most of it is for what is said"


def test_header_and_input_stay_at_400_x_640_with_text_of_twice_the_size(visit):
    chat = visit(width=400, height=640)
    chat.tab.evaluate("document.documentElement.style.fontSize = '32px'")
    chat.ask("prevented?")
    for part in (chat.button("Menu"), chat.input):
        expect(part).to_be_in_viewport()


def test_a_skip_link_leads_to_the_input_with_two_stops(visit, server):
    server.pages["/skip"] = page(SKIP).replace("<main>", "").replace("<h1>", "<main><h1>")
    chat = visit()
    chat.tab.goto(server.origin + "/skip")
    chat.tab.keyboard.press("Tab")
    chat.tab.keyboard.press("Enter")
    expect(chat.panel).to_be_visible()
    expect(chat.input).to_be_focused()
    chat.tab.keyboard.type("hello")
    chat.tab.keyboard.press("Enter")
    expect(chat.cards).to_have_count(1)
    assert chat.tab.url.endswith("/skip")


def test_arrow_keys_go_through_the_transcript_and_back_to_the_input(visit):
    chat = visit()
    for text in ("prevented?", "migraine"):
        chat.ask(text)
    keys = chat.tab.keyboard
    keys.press("ArrowUp")
    for stop in (
        chat.cards.nth(1),
        chat.tab.locator(".entry.you").nth(1),
        chat.cards.first,
        chat.tab.locator(".entry.you").first,
    ):
        expect(stop).to_be_focused()
        keys.press("ArrowUp")
    expect(chat.tab.locator(".entry.you").first).to_be_focused()  # the first of all
    for _ in range(4):
        keys.press("ArrowDown")
    expect(chat.input).to_be_focused()
    keys.type("half a question")
    keys.press("ArrowUp")
    expect(chat.input).to_be_focused()  # in a text the keys are the text's own


def test_arrow_keys_in_the_words_of_a_vote_stay_there(visit):
    chat = visit()
    chat.ask("prevented?")
    chat.button("No").click()
    words = chat.card.get_by_role("textbox")
    words.fill("one")
    words.press("ArrowUp")
    expect(words).to_be_focused()


def test_only_the_text_of_an_answer_is_read_out(visit, server):
    chat = visit()
    chat.ask("prevented?")
    spoken = chat.tab.locator("[aria-live=polite]")
    expect(spoken).to_have_text(ANSWER["text"].replace(" [1]", ""))
    chat.ask("crisis")
    expect(chat.tab.locator("[aria-live=assertive]")).to_have_text(
        f"Talk to someone now {CRISIS['text']}"
    )
    assert chat.log.locator("[role=alert], [aria-live]").count() == 0
    expect(chat.log).to_have_attribute("aria-live", "off")


def test_text_size_and_full_screen_are_in_the_menu(visit):
    chat = visit()
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    before = chat.panel.evaluate(size)
    chat.menu("Larger text")
    assert chat.panel.evaluate(size) == 1.25 * before
    chat.menu("Smaller text")
    assert chat.panel.evaluate(size) == before
    chat.menu("Full screen")
    box = chat.panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 1000, 800)
    chat.menu("Small window")
    assert chat.panel.bounding_box()["width"] < 500
    phone = visit(width=390)
    phone.button("Menu").click()
    expect(phone.button("Full screen")).to_have_count(0)  # it is that


def test_answers_are_read_aloud_only_after_that_was_asked_for(visit):
    speech = (
        "window.spoken = []; speechSynthesis.speak = (said) => spoken.push([said.lang, said.text]);"
        "speechSynthesis.cancel = () => spoken.push('stop')"
    )
    chat = visit(before=speech)
    chat.ask("hello")
    assert chat.tab.evaluate("spoken") == []
    chat.menu("Read answers aloud")
    chat.ask("prevented?")
    chat.menu("Stop reading aloud")
    chat.ask("hello")
    words = ANSWER["text"].replace(" [1]", "")
    assert chat.tab.evaluate("spoken") == [
        "stop",
        ["en", "Hello. What would you like to know?"],
        ["en", words],
        "stop",
    ]


HEAR = "words => voices.at(-1).onresult({results: words.map((transcript) => [{transcript}])})"


def test_it_listens_only_after_it_has_said_where_the_sound_goes_and_that_was_agreed_to(visit):
    chat = visit(before=VOICE)
    chat.menu("Speak a question")
    told = chat.tab.get_by_role("group", name="Many browsers send the sound to their maker")
    expect(told).to_contain_text("This chat gets the text alone, and only when you send it.")
    expect(chat.button("Not now")).to_be_focused()
    chat.button("Not now").click()
    assert chat.tab.evaluate("voices.length") == 0
    chat.menu("Speak a question")
    chat.button("Start listening").click()
    assert chat.tab.evaluate("voices.map(({calls, lang}) => [...calls, lang])") == [
        ["start", "en-US"]
    ]
    expect(chat.tab.get_by_role("status").filter(has_text="Listening")).to_be_in_viewport()


def test_what_is_said_is_added_to_the_input_and_sent_by_the_visitor(visit, server):
    chat = visit(before=VOICE)
    chat.input.fill("Tell me,")
    chat.menu("Speak a question")
    chat.button("Start listening").click()
    chat.tab.evaluate(HEAR, ["can it"])
    expect(chat.input).to_have_value("Tell me, can it")
    chat.tab.evaluate(HEAR, ["can it be ", "prevented"])
    chat.button("Stop listening").click()
    expect(chat.input).to_have_value("Tell me, can it be prevented")
    expect(chat.input).to_be_focused()
    expect(chat.button("Stop listening")).to_have_count(0)
    assert server.log == []
    chat.input.press("Enter")
    chat.card.wait_for()
    assert server.calls("POST", "messages")[0]["text"] == "Tell me, can it be prevented"
    chat.menu("Speak a question")  # it was told where the sound goes
    expect(chat.button("Stop listening")).to_be_visible()


@pytest.mark.parametrize("end", ["Send", "Close the chat", "its removal"])
def test_it_listens_no_longer_when_the_question_is_sent_or_the_chat_closed(visit, end):
    chat = visit(before=VOICE)
    chat.menu("Speak a question")
    chat.button("Start listening").click()
    chat.tab.evaluate(HEAR, ["hello"])
    if end == "its removal":
        chat.element.evaluate("element => element.remove()")
    else:
        chat.button(end).click()
    assert chat.tab.evaluate("voices[0].calls") == ["start", "abort"]
    assert chat.errors == []


def test_a_browser_that_may_not_listen_is_said_by_the_input(visit):
    chat = visit(before=VOICE)
    chat.menu("Speak a question")
    chat.button("Start listening").click()
    chat.tab.evaluate("voices[0].onerror({error: 'not-allowed'}); voices[0].onend()")
    fault = chat.tab.get_by_role("alert")
    expect(fault).to_have_text("Your browser could not listen. You can type your question.")
    expect(fault).to_be_in_viewport()
    expect(chat.button("Stop listening")).to_have_count(0)


def test_where_the_browser_cannot_listen_nothing_is_offered(visit):
    chat = visit(before="delete window.SpeechRecognition; delete window.webkitSpeechRecognition")
    chat.button("Menu").click()
    expect(chat.button("Read answers aloud")).to_be_visible()
    expect(chat.button("Speak a question")).to_have_count(0)


def test_a_shortcut_opens_the_chat_at_its_input(visit, server):
    server.pages["/long"] = page(SKIP)
    chat = visit(opened=False)
    expect(chat.launcher).to_have_attribute("aria-keyshortcuts", "Alt+Shift+C")
    chat.tab.goto(server.origin + "/long")
    chat.tab.wait_for_function("!!customElements.get('symptom-chat')")
    for others in ("c", "Shift+C", "Alt+c", "Control+Alt+Shift+C", "Alt+Shift+D"):
        chat.tab.keyboard.press(others)
        expect(chat.panel).to_be_hidden()
    chat.tab.keyboard.press("Alt+Shift+C")
    expect(chat.input).to_be_focused()
    chat.button("Menu").focus()
    chat.tab.keyboard.press("Alt+Shift+C")
    expect(chat.input).to_be_focused()


@pytest.mark.parametrize("field", ["<input>", "<textarea></textarea>", "<p contenteditable>x</p>"])
def test_the_shortcut_is_left_to_whoever_writes_in_the_page(visit, server, field):
    server.pages["/form"] = page(f'<div id="field">{field}</div><symptom-chat></symptom-chat>')
    chat = visit(opened=False)
    chat.tab.goto(server.origin + "/form")
    chat.tab.locator("#field > *").focus()
    chat.tab.keyboard.press("Alt+Shift+C")
    expect(chat.panel).to_be_hidden()


def test_of_two_chats_the_shortcut_opens_the_first(visit, server):
    server.pages["/two"] = page("<symptom-chat></symptom-chat>" * 2)
    chat = visit(opened=False)
    chat.tab.goto(server.origin + "/two")
    chat.tab.wait_for_function("!!customElements.get('symptom-chat')")
    chat.tab.keyboard.press("Alt+Shift+C")
    expect(chat.panel.nth(0)).to_be_visible()
    expect(chat.panel.nth(1)).to_be_hidden()
