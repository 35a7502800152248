"""Nothing leaves the device and nothing stays on it before the first message; after it, only what
resuming needs."""

import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.widget.standin import ARTICLE, page

KEPT = """async () => ({
  local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
  databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
NOTHING = {"local": {}, "session": {}, "cookies": "", "databases": 0, "caches": 0, "workers": 0}


def addresses(chat):
    """What the page itself recorded as loaded, besides the document."""
    return chat.tab.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")


@pytest.mark.parametrize("attributes", ["", 'mode="inline"', "open"])
def test_before_the_first_message_there_is_no_request_no_cookie_and_nothing_stored(
    visit, server, attributes
):
    chat = visit(attributes)
    chat.input.fill("half a question")
    chat.button("Menu").click()
    chat.tab.keyboard.press("Escape")
    chat.tab.wait_for_timeout(500)
    assert chat.requests == [f"GET {server.origin}/", f"GET {server.origin}/widget.js"]
    assert addresses(chat) == [f"{server.origin}/widget.js"]
    assert not server.log
    assert chat.tab.evaluate(KEPT) == NOTHING
    assert chat.tab.context.cookies() == []


def test_the_script_is_one_request_and_everything_goes_to_its_own_server(visit, server):
    chat = visit()
    chat.ask("prevented?")
    hosts = {urlsplit(request.split()[1]).netloc for request in chat.requests}
    assert hosts == {urlsplit(server.origin).netloc}
    assert [request for request in chat.requests if "/api/" not in request] == [
        f"GET {server.origin}/",
        f"GET {server.origin}/widget.js",
    ]


def test_after_it_the_device_keeps_the_token_and_no_words(visit):
    chat = visit()
    chat.ask("my secret illness")
    kept = chat.tab.evaluate(KEPT)
    ((key, value),) = kept["local"].items()
    assert key.startswith("symptom-chat http") and set(json.loads(value)) == {
        "token",
        "lasts",
        "until",
        "last",
        "pending",
    }
    assert "secret" not in value
    assert kept | {"local": {}} == NOTHING


def test_remember_tab_keeps_it_for_the_tab_and_never_keeps_nothing(visit):
    tab = visit('remember="tab"')
    tab.ask("hello")
    assert tab.tab.evaluate("[localStorage.length, sessionStorage.length]") == [0, 1]
    never = visit('remember="never"')
    never.ask("hello")
    assert never.tab.evaluate(KEPT) == NOTHING


def test_no_page_address_and_no_cookie_goes_along(visit, server):
    chat = visit()
    chat.tab.context.add_cookies([{"name": "own", "value": "1", "url": server.origin}])
    seen = []
    chat.tab.on("request", lambda request: "/api/" in request.url and seen.append(request))
    server.pages["/articles/a-secret-illness"] = server.pages["/"]
    chat.tab.goto(server.origin + "/articles/a-secret-illness")
    chat.launcher.click()
    chat.ask("hello")
    assert len(seen) == 2  # the conversation and the message
    for headers in [request.all_headers() for request in seen]:  # which waits until they are known
        assert "secret" not in str(headers) and "cookie" not in headers


def test_an_expired_session_is_dropped_without_asking_the_server(visit, server):
    chat = visit()
    chat.ask("hello")
    chat.tab.evaluate("""() => { const key = Object.keys(localStorage)[0];
      localStorage[key] = JSON.stringify({...JSON.parse(localStorage[key]), until: Date.now() - 1}) }""")  # noqa: E501
    server.log.clear()
    chat.tab.reload()
    chat.tab.wait_for_timeout(300)
    assert not server.log
    chat.ask("hello")
    assert len(server.conversations) == 2


def test_links_to_sources_do_not_say_where_the_visitor_came_from(visit, server):
    server.pages["/target"] = page("")
    source = {"n": 1, "title": "Elsewhere", "url": server.origin + "/target"}
    server.answers["source"] = [
        {"kind": "answer", "text": "Yes. [1]", "sources": [source], "article": ARTICLE}
    ]
    chat = visit()
    card = chat.ask("source")
    with chat.tab.context.expect_page() as opened:
        card.get_by_text("Sources (1)").click()
        card.get_by_role("list", name="Sources").get_by_role("link").click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("[document.referrer, window.opener]") == ["", None]
    expect(chat.panel).to_be_visible()
