"""Hostile words from the server, from stored history and from storage stay words."""

import json

import pytest
from playwright.sync_api import expect

HOSTILE = {
    "script": "<script>window.harmed = 1</script>",
    "handler": "<img src=x onerror='window.harmed = 1'>",
    "svg": "<svg/onload=window.harmed=1>",
    "markdown link": "[click](javascript:window.harmed=1)",
    "markdown": "# Big **bold** `code` ![x](http://evil.test/x.png) [1][2] [999]",
    "entities": "&lt;b&gt; &#x3C;script&#x3E; &amp;",
    "closing": "</p></article></div></template><style>*{display:none}</style>",
    "template": "{{constructor.constructor('window.harmed=1')()}} ${window.harmed=1} {numbers}",
    "long": "x" * 20_000,
    "lines": "\n\n- \n\n-\n- <b>\n\n\n",
    "unpaired": "\ud800 half",
    "odd": "\u0000\u0007\u001b[31m \ufeff \u200b \u00ad",
}
LINKS = [
    "javascript:window.harmed=1",
    "data:text/html,<script>window.harmed=1</script>",
    "JaVaScRiPt:window.harmed=1",
    " javascript:window.harmed=1",
    "java\nscript:window.harmed=1",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.test",
    "/relative",
    "http://",
    "https://[",
    "blob:x",
    5,
    None,
    {"toString": "x"},
    ["https://ok.test"],
]
HARM = """() => {
  const shadow = document.querySelector('symptom-chat').shadowRoot;
  return {harmed: window.harmed ?? 0,
          made: shadow.querySelectorAll('script, img, iframe, style, b, strong, em, code, template, object').length,
          handlers: [...shadow.querySelectorAll('*')].filter((e) => e.getAttributeNames().some((n) => /^on/.test(n))).length,
          links: [...shadow.querySelectorAll('.log a')].map((a) => a.protocol).filter((p) => !/^(https?|tel):$/.test(p))}
}"""  # noqa: E501
HARMLESS = {"harmed": 0, "made": 0, "handlers": 0, "links": []}


def reply_of(text: str, link: object = "https://source.test/") -> dict:
    """A reply with the text wherever one can stand."""
    return {
        "kind": "answer",
        "text": f"{text} [1]",
        "more": text,
        "title": text,
        "question": text,
        "disclaimer": text,
        "article": {
            "id": text,
            "title": text,
            "url": link,
            "reviewed_by": text,
            "reviewed_on": text,
            "review": text,
        },
        "sources": [
            {
                "n": 1,
                "title": text,
                "publisher": text,
                "url": link,
                "checked": text,
                "says": [{"statement": text, "where": text, "states": text, "verdict": text}],
            }
        ],
        "numbers": [
            {"label": text, "number": text, "tel": link},
            {"label": text, "number": text, "tel": text},
        ],
        "feedback": {"ask": text},
        "instead": [{"title": text, "value": "a.b"}],
        "choices": [{"title": text, "value": "a.b"}],
    }


def open_what_sources_say(chat) -> None:
    for number in chat.tab.locator("sup > button:visible").all():
        number.click()


def harmless(chat) -> None:
    chat.tab.wait_for_timeout(200)
    assert chat.tab.evaluate(HARM) == HARMLESS
    # the widget's own line about a country that is none, as text
    assert [error for error in chat.errors if "is no country" not in error] == []
    assert not any("evil.test" in request for request in chat.requests)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_from_the_server_stay_text(visit, server, name):
    server.csp = None  # nothing but the widget itself protects here
    kinds = ("answer", "emergency", "clarify", "a kind that is not known", "constructor")
    server.answers["it"] = [reply_of(HOSTILE[name]) | {"kind": kind} for kind in kinds]
    chat = visit()
    chat.ask("it")
    expect(chat.cards).to_have_count(5)
    if name in ("script", "handler", "svg", "markdown link", "entities", "closing", "template"):
        assert all(text.count(HOSTILE[name]) >= 5 for text in chat.cards.all_inner_texts())
    open_what_sources_say(chat)
    harmless(chat)
    chat.tab.reload()
    expect(chat.cards).to_have_count(5)
    harmless(chat)


HREFS = "links => links.map((link) => link.getAttribute('href'))"


def test_only_web_addresses_become_links(visit, server):
    server.csp = None
    server.answers["it"] = [reply_of("a title", link) | {"numbers": []} for link in LINKS]
    chat = visit()
    chat.ask("it")
    expect(chat.cards).to_have_count(len(LINKS))
    open_what_sources_say(chat)
    for link, card in zip(LINKS, chat.cards.all(), strict=True):
        made = card.get_by_role("link").evaluate_all(HREFS)
        assert made == ([f"{server.origin}/relative"] if link == "/relative" else []), link
    harmless(chat)


def test_a_telephone_link_holds_only_digits(visit, server):
    wrong = [
        "112;phone-context=x",
        "javascript:1",
        "tel:112?x=1",
        "<b>1</b>",
        "+44 116 123",
        {"a": 1},
        None,
        112,
    ]
    numbers = [{"label": "A", "number": "112", "tel": tel} for tel in wrong]
    server.answers["it"] = [{"kind": "emergency", "text": "Call.", "numbers": numbers}]
    made = visit().ask("it").get_by_role("link").evaluate_all(HREFS)
    assert made == ["tel:112", "tel:1", "tel:1121", "tel:1", "tel:+44116123", "tel:112"]


WRONG = [
    {"text": None},
    {"text": 5},
    {"text": {"a": 1}},
    {"sources": "x"},
    {"sources": [None, 5]},
    {"sources": [{}]},
    {"sources": [{"n": 1, "says": "x"}]},
    {"sources": [{"n": 1, "says": [None, {}, {"statement": 5, "where": {}, "states": None}]}]},
    {"choices": {"a": 1}},
    {"instead": {"a": 1}},
    {"choices": [{"title": 5, "value": 6}]},
    {"numbers": [{}, {"number": 5}]},
    {"feedback": "x"},
    {"article": "x"},
    {"article": {}},
    {"more": 5},
    {"title": ["x"]},
    {"id": None},
    {"kind": None},
    {"disclaimer": {}},
    {"sources": {"length": 3}},
    {"article": {"reviewed_by": {}, "reviewed_on": "9999-99-99"}},
]


def test_a_reply_of_wrong_types_still_shows_what_is_right_in_it(visit, server):
    right = {"kind": "answer", "text": "The text. [1]", "disclaimer": "The disclaimer."}
    server.answers["it"] = [right | wrong for wrong in WRONG]
    chat = visit()
    chat.ask("it")
    expect(chat.cards).to_have_count(len(WRONG))
    for wrong, text in zip(WRONG, chat.cards.all_inner_texts(), strict=True):
        assert ("The text." in text or "text" in wrong) and (
            "The disclaimer." in text or "disclaimer" in wrong
        ), wrong
    expect(chat.trouble).to_have_count(0)
    harmless(chat)
    chat.send("hello")
    expect(chat.cards).to_have_count(len(WRONG) + 1)


def test_characters_that_turn_the_reading_order_are_taken_out(visit, server):
    server.answers["it"] = [reply_of("safe \u202egnp.exe\u202c \u2066x\u2069 \u200fend")]
    card = visit().ask("it")
    assert not set(card.inner_text()) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    )
    assert "safe gnp.exe x end" in card.inner_text()


def test_what_the_visitor_types_stays_text_also_from_history(visit, server):
    chat = visit()
    server.csp = None
    words = HOSTILE["handler"] + HOSTILE["markdown link"]
    chat.ask(words)
    expect(chat.said).to_have_text(words)
    chat.tab.reload()
    expect(chat.said).to_have_text(words)
    harmless(chat)


def test_hostile_storage_stays_text(visit, server):
    server.csp = None
    chat = visit(opened=False)
    server.fault = lambda at, method, path: at.broken()
    hostile = {
        "token": "",
        "pending": [
            {"id": "a" * 32, "text": HOSTILE["handler"], "title": HOSTILE["script"]},
            {"id": "b" * 32, "text": {"x": 1}, "title": 7, "choice": []},
        ],
    }
    key = f"symptom-chat {server.origin}/api/ myoclonus"
    chat.tab.evaluate(
        "([key, kept]) => localStorage.setItem(key, kept)", [key, json.dumps(hostile)]
    )
    chat.launcher.click()
    expect(chat.said.first).to_have_text(HOSTILE["script"])
    chat.trouble.wait_for()
    chat.errors.clear()  # the browser's own line about the 500
    harmless(chat)


def test_hostile_attributes_and_starters_stay_text(visit, server):
    server.csp = None
    chat = visit(opened=False)
    chat.element.evaluate(
        """(element, text) => {
      for (const name of ['heading', 'article', 'country', 'language', 'mode', 'server', 'theme']) element.setAttribute(name, text);
      element.querySelector('option').textContent = text; element.open = true }""",  # noqa: E501
        HOSTILE["handler"],
    )
    expect(chat.panel.get_by_role("heading")).to_have_text(HOSTILE["handler"])
    harmless(chat)


def test_100_000_characters_are_shown_whole_and_wrap(visit, server):
    server.answers["it"] = [reply_of("y" * 100_000) | {"title": "Long"}]
    chat = visit()
    card = chat.ask("it")
    assert "y" * 100_000 in card.inner_text()
    assert chat.panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
