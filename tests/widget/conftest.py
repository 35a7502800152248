"""A real Chromium, the stand-in server, and a page with the widget on it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.widget.browser import CHROMIUM, STARTERS, Chat, launch
from tests.widget.standin import Server, page, serve

HERE = Path(__file__).parent


def left_out(what: str):
    """Leaves the test out where something of the machine is missing; in CI nothing may be missing."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is missing: the widget's tests need it")


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        left_out("Chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """axe-core and TypeScript, as locked in package-lock.json."""
    folder = HERE / "node_modules"
    if not (folder / "axe-core" / "axe.min.js").exists():
        if not shutil.which("npm"):
            left_out("npm (Debian: apt-get install npm)")
        subprocess.run(["npm", "ci"], cwd=HERE, check=True, capture_output=True)
    return folder


@pytest.fixture
def server():
    made = Server()
    http = serve(made)
    yield made
    http.shutdown()
    http.server_close()


@pytest.fixture
def visit(chromium, server):
    """visit(attributes, ...) opens a page with the widget, in a fresh browser profile, and returns the Chat on it."""
    contexts = []

    def open_page(attributes="", *, width=1000, height=800, opened=True, head="", lang="en", dir="ltr", context=None,
                  before="", **options) -> Chat:
        tag = f'<symptom-chat article="myoclonus" heading="Ask about myoclonus" {attributes}>{STARTERS}</symptom-chat>'
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
