"""A real Chromium, the stand-in server, and a page with the widget on it."""

import pytest

from tests.support.browser import STARTERS, Chat
from tests.widget.standin import Server, page, serve


@pytest.fixture
def server():
    made = Server()
    http = serve(made)
    yield made
    http.shutdown()
    http.server_close()


@pytest.fixture
def visit(chromium, server):
    """visit(attributes, ...) opens a page with the widget, in a fresh browser profile, and returns
    the Chat on it."""
    contexts = []

    def open_page(
        attributes="",
        *,
        width=1000,
        height=800,
        opened=True,
        head="",
        lang="en",
        dir="ltr",
        context=None,
        before="",
        **options,
    ) -> Chat:
        tag = f'<symptom-chat article="myoclonus" heading="Ask about myoclonus" {attributes}>{STARTERS}</symptom-chat>'  # noqa: E501
        server.pages["/"] = page(tag, head=head, lang=lang, dir=dir)
        if context is None:
            context = chromium.new_context(viewport={"width": width, "height": height}, **options)
            contexts.append(context)
        tab = context.new_page()
        chat = Chat(tab)
        if before:
            tab.add_init_script(before)
        tab.goto(server.origin + "/")
        tab.wait_for_function("!!customElements.get('symptom-chat')")
        if opened and tab.locator(".launcher:visible").count():
            chat.launcher.click()
        return chat

    yield open_page
    for context in contexts:
        context.close()
