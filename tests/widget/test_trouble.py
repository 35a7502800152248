"""What goes wrong around it: strict pages, refused storage, no network, slow, full, broken and
silent servers."""

import threading
import time

import pytest
from playwright.sync_api import expect

from tests.widget.standin import ANSWER, page, turn_of

MESSAGES = "/api/messages"


def html(at):
    at.send(502, b"<html><h1>Bad gateway</h1></html>", "text/html")
    return True


def html_that_says_200(at):
    at.send(200, b"<html><h1>Please log in</h1></html>", "text/html")
    return True


def error(at, status, code="x", sentence="A sentence.", **headers):
    at.json(status, {"error": {"code": code, "message": sentence}}, **headers)
    return True


FAULTS = {
    "500": lambda at: at.broken(),
    "HTML with 502": html,
    "HTML with 200": html_that_says_200,
    "nothing": lambda at: at.drop(),
    "no reply": lambda at: at.json(200, {"replies": []}) or True,
    "replies that are none": lambda at: at.json(200, {"replies": [None, 7, "x"]}) or True,
    "null": lambda at: at.json(200, None) or True,
    "a list": lambda at: at.json(200, []) or True,
    "403": lambda at: error(at, 403),
    "404": lambda at: error(at, 404),
    "503 without a sentence": lambda at: at.json(503, {}) or True,
    "400 without a sentence": lambda at: at.json(400, {}) or True,
}


OPENING = [(name, "/api/conversations") for name in ("500", "HTML with 200", "nothing", "null")]


@pytest.mark.parametrize(("name", "where"), [(name, MESSAGES) for name in FAULTS] + OPENING)
def test_a_failure_says_so_gives_the_emergency_numbers_and_is_sent_once_on_try_again(
    visit, server, name, where
):
    chat = visit('country="GB"')
    server.fault = lambda at, method, path: path == where and FAULTS[name](at)
    chat.send("can it be prevented")
    expect(chat.trouble).to_contain_text(
        "The chat could not be reached. Your question is kept here."
    )
    expect(chat.trouble.get_by_role("link", name="999")).to_have_attribute("href", "tel:999")
    server.fault = None
    chat.button("Try again").click()
    expect(chat.card).to_contain_text("Most kinds")
    expect(chat.trouble).to_have_count(0)
    expect(chat.said).to_have_count(1)
    expect(chat.notes).to_have_count(0)
    assert [len(kept["turns"]) for kept in server.conversations.values()] == [1]


def test_a_danger_is_answered_where_no_conversation_may_be_opened(visit, server):
    refused = {"error": {"code": "too_many", "message": "Please wait."}}
    server.fault = lambda at, method, path: (
        path == "/api/conversations" and (at.json(429, refused, Retry_After="60") or True)
    )
    chat = visit('country="GB"')
    expect(chat.ask("emergency")).to_contain_text("Call now")
    assert server.conversations == {}
    chat.send("can it be prevented")
    expect(chat.trouble).to_contain_text("Please wait 60 seconds")


def test_without_a_country_the_failure_says_where_each_number_is_for(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: at.drop()
    chat.send("help")
    expect(chat.trouble).to_contain_text("112 (Europe, India), 911 (North America) or 999 (UK)")
    expect(chat.trouble.get_by_role("link")).to_have_text(["112", "911", "999"])


def test_a_lost_answer_is_fetched_again_under_the_same_id(visit, server):
    chat = visit()
    lost = []

    def lose(at, method, path):
        if path == MESSAGES and not lost:
            lost.append(1)
            (kept,) = server.conversations.values()
            body = server.log[-1][2]
            reply = ANSWER | {"id": "kept"}
            kept["turns"].append(turn_of(server, body, [reply]))
            return at.broken()

    server.fault = lose
    chat.send("can it be prevented")
    chat.button("Try again").click()
    expect(chat.cards).to_have_count(1)
    first, second = server.calls("POST", "messages")
    assert first == second


def test_a_new_question_after_a_failure_is_sent_behind_the_one_that_waits(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: at.broken()
    chat.send("first")
    chat.trouble.wait_for()
    server.fault = None
    chat.send("second")
    expect(chat.cards).to_have_count(2)
    assert [turn["text"] for turn in server.conversations["token-1"]["turns"]] == [
        "first",
        "second",
    ]


@pytest.mark.parametrize(("wait", "said"), [("7", 7), ("1", 2)])
def test_429_says_how_long_to_wait(visit, server, wait, said):
    chat = visit()
    server.fault = lambda at, method, path: error(at, 429, "too_many", Retry_After=wait)
    chat.send("hello")
    expect(chat.trouble).to_contain_text(f"Please wait {said} seconds, then try again.")
    server.fault = None
    chat.button("Try again").click()
    expect(chat.cards).to_have_count(1)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_message_shows_the_servers_sentence_and_comes_back_to_be_changed(
    visit, server, status
):
    chat = visit()
    server.fault = lambda at, method, path: (
        path == MESSAGES and error(at, status, sentence="Please write <b>less</b>.")
    )
    chat.send("strange")
    expect(chat.notes).to_have_text("Please write <b>less</b>.")
    expect(chat.input).to_have_value("strange")
    expect(chat.trouble).to_have_count(0)
    server.fault = None
    chat.ask("hello")
    assert [turn["text"] for turn in server.conversations["token-1"]["turns"]] == ["hello"]


def test_a_session_that_has_ended_is_replaced_and_said_so(visit, server):
    chat = visit()
    chat.ask("hello")
    server.conversations.clear()
    chat.ask("prevented?")
    expect(chat.notes).to_have_text("Your earlier conversation has ended. This is a new one.")
    assert [turn["text"] for turn in server.conversations["token-1"]["turns"]] == ["prevented?"]


def test_a_server_that_refuses_every_session_does_not_make_it_loop(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: path == MESSAGES and error(at, 401)
    chat.send("hello")
    expect(chat.trouble).to_contain_text("could not be reached")
    assert len(server.calls("POST", "messages")) == 2


def test_a_conversation_that_ended_while_away_is_said_on_return(visit, server):
    chat = visit()
    chat.ask("hello")
    server.conversations.clear()
    chat.tab.reload()
    expect(chat.notes).to_have_text("Your earlier conversation has ended. This is a new one.")
    chat.ask("prevented?")
    assert len(server.conversations) == 1


def test_offline_keeps_the_question_and_sends_it_once_when_back(visit, server):
    chat = visit()
    chat.ask("hello")
    chat.tab.context.set_offline(True)
    chat.send("can it be prevented")
    expect(chat.trouble).to_contain_text("You seem to be offline. Your question is kept here")
    chat.tab.context.set_offline(False)
    expect(chat.cards).to_have_count(2)
    expect(chat.trouble).to_have_count(0)
    assert [turn["text"] for turn in server.conversations["token-1"]["turns"]] == [
        "hello",
        "can it be prevented",
    ]


def test_an_unsent_question_outlives_a_reload_and_is_sent_once(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: at.broken()
    chat.send("kept")
    chat.trouble.wait_for()
    chat.tab.reload()
    server.fault = None
    chat.launcher.click()
    expect(chat.cards).to_have_count(1)
    expect(chat.said).to_have_text("kept")
    chat.tab.reload()
    expect(chat.said).to_have_count(1)
    assert [turn["text"] for turn in server.conversations["token-1"]["turns"]] == ["kept"]


def test_a_question_that_was_answered_while_the_page_reloaded_is_shown_once(visit, server):
    chat = visit()
    chat.ask("hello")
    server.fault = lambda at, method, path: path == MESSAGES and time.sleep(1)
    chat.send("prevented?")
    chat.until(lambda: len(server.calls("POST", "messages")) == 2)
    server.fault = None
    chat.tab.reload()
    expect(chat.cards).to_have_count(2)
    chat.tab.wait_for_timeout(1500)
    expect(chat.said).to_have_count(2)
    assert len(server.conversations["token-1"]["turns"]) == 2


def test_back_from_sleep_what_waits_is_sent(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: at.drop()
    chat.send("kept")
    chat.trouble.wait_for()
    server.fault = None
    chat.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(chat.cards).to_have_count(1)


def test_a_conversation_that_can_not_be_loaded_says_so_and_is_tried_again(visit, server):
    chat = visit('country="GB"')
    chat.ask("hello")
    server.fault = lambda at, method, path: at.broken()
    chat.tab.reload()
    expect(chat.trouble).to_contain_text("Your earlier conversation could not be loaded.")
    expect(chat.trouble.get_by_role("link", name="999")).to_be_visible()
    server.fault = None
    chat.button("Try again").click()
    expect(chat.said).to_have_text("hello")
    expect(chat.trouble).to_have_count(0)


def test_a_slow_server_is_waited_for_and_the_visitor_sees_it(visit, server):
    chat = visit()
    seen = threading.Event()
    server.fault = lambda at, method, path: path == MESSAGES and not seen.wait(30)
    chat.send("hello")
    status = chat.panel.get_by_role("status")
    expect(status.filter(has_text="Looking in the articles…")).to_be_visible()
    expect(status.filter(has_text="Still working on it…")).to_be_visible()
    seen.set()
    chat.card.wait_for()
    expect(status.filter(has_text="Still")).to_have_count(0)


def test_a_server_that_never_answers_is_given_up_after_20_seconds(visit, server):
    chat = visit()
    chat.tab.clock.install(time=0)
    chat.tab.reload()
    chat.launcher.click()
    # from here on only this test's own seconds pass, however long the machine takes
    chat.tab.clock.pause_at(600)
    over = threading.Event()
    server.fault = lambda at, method, path: over.wait(30)
    chat.send("hello")
    chat.until(lambda: server.log)
    chat.tab.clock.run_for(19_000)
    expect(chat.trouble).to_have_count(0)
    chat.tab.clock.run_for(1_500)
    expect(chat.trouble).to_contain_text(
        "The answer is taking too long. Your question is kept here."
    )
    over.set()


def test_starting_again_drops_a_vote_that_waits_for_an_earlier_one(visit, server):
    chat = visit()
    chat.ask("prevented?")
    seen = threading.Event()
    server.fault = lambda at, method, path: path == "/api/feedback" and not seen.wait(30)
    chat.button("No").click()
    chat.until(lambda: server.calls("POST", "feedback"))
    chat.button("Send this").click()
    chat.menu("Start again")
    chat.notes.wait_for()
    seen.set()
    chat.ask("hello")
    assert len(server.calls("POST", "feedback")) == 1


def test_starting_again_drops_an_answer_that_is_still_on_its_way(visit, server):
    chat = visit()
    server.fault = lambda at, method, path: path == MESSAGES and time.sleep(1)
    chat.send("late")
    # else it might not have been on its way yet
    chat.until(lambda: server.calls("POST", "messages"))
    chat.menu("Start again")
    chat.tab.wait_for_timeout(1500)
    expect(chat.cards).to_have_count(0)
    expect(chat.trouble).to_have_count(0)
    server.fault = None
    chat.ask("hello")
    assert [turn["text"] for turn in server.conversations["token-2"]["turns"]] == ["hello"]


def test_under_the_strictest_csp_it_does_everything_and_violates_nothing(visit, server):
    assert server.csp.startswith("default-src 'none'")
    chat = visit()
    chat.ask("prevented?")
    for name in ("More", "No", "It is wrong", "Send this"):
        chat.button(name).click()
    chat.ask("emergency")
    with chat.tab.expect_download():
        chat.menu("Download as text")
    chat.menu("Print")
    chat.element.evaluate("element => element.setAttribute('mode', 'inline')")
    assert chat.errors == []
    styled = "element => getComputedStyle(element).borderRadius"
    assert chat.cards.first.evaluate(styled) == "14px"


def test_it_works_where_storage_is_refused(visit, server):
    """A sandboxed frame has no storage: touching it throws."""
    server.cors = True
    server.csp = None
    server.pages["/in"] = page('<symptom-chat article="myoclonus" mode="inline"></symptom-chat>')
    server.pages["/framed"] = (
        '<iframe sandbox="allow-scripts" src="/in" width="600" height="700"></iframe>'
    )
    chat = visit()
    chat.tab.goto(server.origin + "/framed")
    frame = chat.tab.frame_locator("iframe")
    for text in ("hello", "prevented?"):
        frame.get_by_role("textbox", name="Your question").fill(text)
        frame.get_by_role("textbox", name="Your question").press("Enter")
        frame.locator(".card").last.get_by_text(
            "Hello" if text == "hello" else "Most kinds"
        ).wait_for()
    assert len(server.conversations) == 1
    assert chat.errors == []


def test_it_works_where_storage_is_full(visit, server):
    chat = visit(
        before="Storage.prototype.setItem = () => { throw new DOMException('', "
        "'QuotaExceededError') }"
    )
    chat.ask("hello")
    chat.ask("prevented?")
    assert len(server.conversations) == 1 and chat.errors == []


@pytest.mark.parametrize(
    "kept",
    [
        "{",
        "7",
        "[]",
        '{"token": 5}',
        '{"token": "a\\nb"}',
        '{"token": "é", "pending": {}}',
        '{"pending": [null, {"id": 5}, "x"]}',
    ],
)
def test_a_damaged_store_is_passed_over(visit, server, kept):
    chat = visit(opened=False)
    key = f"symptom-chat {server.origin}/api/ myoclonus"
    chat.tab.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, kept])
    chat.launcher.click()
    chat.ask("hello")
    assert chat.errors == []


def test_it_is_used_from_another_site_with_the_scripts_server(visit, server):
    """The page is on `localhost`, the widget and its server on `127.0.0.1`: another origin."""
    server.cors = True
    away = server.origin.replace("127.0.0.1", "localhost")
    server.pages["/away"] = page('<symptom-chat article="myoclonus"></symptom-chat>').replace(
        "/widget.js", server.origin + "/widget.js"
    )
    chat = visit()
    chat.tab.goto(away + "/away")
    chat.launcher.click()
    chat.ask("prevented?")
    assert chat.errors == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "no address at all", "http://[", "data:text/plain,x"]
)
def test_a_server_attribute_that_leads_nowhere_fails_like_a_server_that_is_gone(visit, address):
    chat = visit(f'server="{address}"')
    chat.send("hello")
    expect(chat.trouble).to_contain_text("could not be reached")
    expect(chat.trouble.get_by_role("link", name="112")).to_be_visible()


def test_removed_from_the_page_and_put_back_it_goes_on(visit, server):
    chat = visit()
    chat.ask("hello")
    chat.tab.evaluate("""() => { const element = document.querySelector('symptom-chat');
      const home = element.parentNode; element.remove(); home.append(element) }""")
    chat.ask("prevented?")
    expect(chat.cards).to_have_count(2)
    assert len(server.conversations) == 1


def test_the_frame_version_fills_its_frame_and_takes_what_its_address_says(visit, server):
    server.pages["/framed"] = (
        '<iframe src="/embed?article=tremor&country=GB&remember=tab&heading=No" width=600 '
        "height=700>"
    )
    server.csp = None
    chat = visit()
    chat.tab.goto(server.origin + "/framed")
    frame = chat.tab.frame_locator("iframe")
    frame.get_by_role("textbox", name="Your question").fill("hello")
    frame.get_by_role("textbox", name="Your question").press("Enter")
    frame.locator(".card").wait_for()
    assert server.calls("POST", "conversations") == [
        {"article": "tremor", "country": "GB", "language": "en"}
    ]
    expect(frame.locator("h2")).to_have_text("Ask about this symptom")
    assert frame.locator(".panel").bounding_box() == chat.tab.locator("iframe").bounding_box() | {
        "x": pytest.approx(chat.tab.locator("iframe").bounding_box()["x"] + 2),
        "y": pytest.approx(chat.tab.locator("iframe").bounding_box()["y"] + 2),
        "width": 600,
        "height": 700,
    }
    assert frame.locator("html").evaluate("html => html.scrollHeight <= innerHeight")


def test_the_frame_version_needs_no_more_than_its_own_origin(visit, server):
    server.csp += "; img-src data:"  # its empty icon
    chat = visit()
    chat.tab.goto(server.origin + "/embed?article=myoclonus")
    chat.ask("prevented?")
    assert chat.errors == []
