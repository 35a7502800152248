"""The ways onto a site that docs/embedding.md shows, each as it stands there."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

DOCS = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text()
SERVER = "https://chat.example.org"


def snippet(heading, kind, server):
    """The example below this heading of the docs, with this server's address."""
    section = DOCS.partition(f"\n## {heading}\n")[2].partition("\n#")[0]
    found = re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return found[1].replace(SERVER, server.origin)


def on_page(body, head=""):
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
        f"{head}</head><body><h1>A page</h1>{body}</body></html>"
    )


@pytest.fixture
def go(visit, server):
    """go(html, policy) opens a page of this HTML and policy."""

    def open_page(made, policy=None):
        server.csp = None
        chat = visit(opened=False)
        server.csp = policy
        server.pages["/made"] = made
        chat.tab.goto(server.origin + "/made")
        return chat

    return open_page


def test_in_a_sandboxed_frame(go, server):
    chat = go(on_page(snippet("A frame in a sandbox", "html", server)))
    frame = chat.tab.frame_locator("iframe")
    frame.get_by_role("textbox", name="Your question").fill("prevented?")
    frame.get_by_role("button", name="Send", exact=True).click()
    expect(frame.locator(".card")).to_contain_text("Most kinds")
    assert chat.tab.frames[1].evaluate("localStorage.length") == 1
    with chat.tab.context.expect_page():
        frame.get_by_role("link", name="Link to this answer").click()


def test_in_a_block_of_a_content_system(go, server):
    chat = go(on_page(snippet("WordPress and other content systems", "html", server)))
    chat.launcher.click()
    expect(chat.ask("prevented?")).to_contain_text("Most kinds")


def test_under_a_policy_with_a_nonce(go, server):
    policy = snippet("A policy with a nonce", "", server).strip()
    tag = snippet("A policy with a nonce", "html", server)
    chat = go(on_page(tag), f"default-src 'none'; {policy}")
    chat.launcher.click()
    expect(chat.ask("prevented?")).to_contain_text("Most kinds")
    assert chat.errors == []
    without = go(on_page(tag.replace(" nonce=", " data-nonce=")), f"default-src 'none'; {policy}")
    expect(without.launcher).to_have_count(0)


PAGES = """
window.show = (article, country) => {
  let chat = document.querySelector('symptom-chat');
  if (!chat) {
    chat = document.createElement('symptom-chat');
    document.querySelector('#root').append(chat);
  }
  chat.setAttribute('article', article);
  chat.setAttribute('country', country);
};
"""


def test_on_a_site_whose_pages_are_one(go, server):
    """As React, Vue and their like do it: they set attributes, take elements out and put them in
    again."""
    script = f'<script type="module" src="{server.origin}/widget.js"></script>'
    chat = go(on_page('<div id="root"></div>', script))
    chat.tab.wait_for_function("!!customElements.get('symptom-chat')")
    chat.tab.evaluate(PAGES + "show('myoclonus', 'GB')")
    chat.launcher.click()
    chat.ask("prevented?")
    chat.tab.evaluate("show('tremor', 'US')")
    chat.ask("hello")
    expect(chat.cards).to_have_count(1)
    opened = server.calls("POST", "conversations")
    assert [(body["article"], body["country"]) for body in opened] == [
        ("myoclonus", "GB"),
        ("tremor", "US"),
    ]
    assert [body["country"] for body in server.calls("POST", "messages")] == ["GB", "US"]
    chat.tab.evaluate("history.pushState({}, '', '/other'); show('myoclonus', 'GB')")
    expect(chat.said).to_have_text("prevented?")
    chat.tab.evaluate(
        "{ const chat = document.querySelector('symptom-chat'); chat.remove();"
        "document.querySelector('#root').append(chat) }"
    )
    expect(chat.said).to_have_text("prevented?")
    chat.ask("hello")
    assert len(server.conversations) == 2
    chat.tab.evaluate("document.querySelector('symptom-chat').remove(); show('myoclonus', 'GB')")
    chat.launcher.click()
    expect(chat.said.first).to_have_text("prevented?")
    assert chat.errors == []
