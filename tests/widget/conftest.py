"""A real Chromium, the stand-in server, and a page with the widget on it."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from standin import Server, page, serve

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
STARTERS = (
    '<datalist><option value="myoclonus.prevention">Can myoclonus be prevented?</option>'
    '<option value="myoclonus.causes">What causes myoclonus?</option></datalist>'
)


def left_out(what: str):
    """Leaves the test out where something of the machine is missing; in CI nothing may be missing."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is missing: the widget's tests need it")


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        left_out("Chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
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
                  before="", **options) -> Chat:  # fmt: skip
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


class Chat:
    """The widget on a page, by what a visitor sees of it. `errors` are what the browser complained about."""

    def __init__(self, tab):
        self.tab = tab
        self.element = tab.locator("symptom-chat")
        self.panel = tab.locator(".panel")
        self.launcher = tab.locator(".launcher")
        self.log = tab.get_by_role("log")
        self.input = tab.get_by_role("textbox", name="Your question")
        self.cards = tab.locator(".card")
        self.card = self.cards.last
        self.trouble = tab.locator(".trouble")
        self.notes = tab.locator("p.note")
        self.said = tab.locator(".bubble")
        self.errors: list[str] = []
        self.requests: list[str] = []
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))
        tab.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))

    def send(self, text: str):
        self.input.fill(text)
        self.input.press("Enter")

    def ask(self, text: str):
        """Sends it and waits for the reply's card, which is returned."""
        before = self.cards.count()
        self.send(text)
        card = self.cards.nth(before)
        card.wait_for()
        return card

    def button(self, name: str, **options):
        return self.tab.get_by_role("button", name=name, exact=True, **options)

    def menu(self, name: str):
        self.button("Menu").click()
        self.button(name).click()

    def events(self, *names: str):
        """Records these events from now on; call the result for [{name, detail}]."""
        self.tab.evaluate(
            "names => { window.heard = []; for (const name of names) document.addEventListener(`symptom-chat:${name}`,"
            " (event) => window.heard.push({name, ...event.detail})) }", list(names))  # fmt: skip
        return lambda: [SimpleNamespace(**heard) for heard in self.tab.evaluate("window.heard")]


def names_in(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))
