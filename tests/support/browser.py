"""The browser, and the widget on a page by what a visitor sees of it."""

import re
import shutil
import time
from types import SimpleNamespace

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
STARTERS = (
    '<datalist><option value="myoclonus.prevention">Can myoclonus be prevented?</option>'
    '<option value="myoclonus.causes">What causes myoclonus?</option></datalist>'
)

VOICE = """// a browser that turns speech into text, as a test says
window.voices = [];
window.SpeechRecognition = class {
  constructor() { voices.push(this); this.calls = [] }
  start() { this.calls.push('start') }
  stop() { this.calls.push('stop'); this.onend() }
  abort() { this.calls.push('abort'); this.onerror({error: 'aborted'}); this.onend() }
}"""


def launch(playwright):
    """The Chromium of the machine, which speaks to nobody by itself."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


def axe(tab, node_modules) -> list[str]:
    """What axe finds, with its best practices too, as one line each."""
    if not tab.evaluate("'axe' in window"):
        tab.evaluate((node_modules / "axe-core" / "axe.min.js").read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = tab.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", tags
    )
    assert len(found["passes"]) > 10
    return [
        f"{v['id']}: {node['target']} {node['failureSummary']}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


class Chat:
    """The widget on a page, by what a visitor sees of it. `errors` are what the browser complained
    about."""

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
        tab.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and self.errors.append(message.text)
            ),
        )
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

    def until(self, holds):
        """Waits until a function says yes: of what no locator sees, as what the server has
        heard."""
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end, "it never came"
            self.tab.wait_for_timeout(20)

    def button(self, name: str, **options):
        return self.tab.get_by_role("button", name=name, exact=True, **options)

    def menu(self, name: str):
        self.button("Menu").click()
        self.button(name).click()

    def events(self, *names: str):
        """Records these events from now on; call the result for [{name, detail}]."""
        self.tab.evaluate(
            "names => { window.heard = []; for (const name of names) "
            "document.addEventListener(`symptom-chat:${name}`,"
            " (event) => window.heard.push({name, ...event.detail})) }",
            list(names),
        )
        return lambda: [SimpleNamespace(**heard) for heard in self.tab.evaluate("window.heard")]


class ChromiumTab:
    """A tab by the few acts of a visitor that `firefox.FirefoxTab` has, too: for tests of both.

    A node of the page is the reference that the browser's own protocol knows it by."""

    def __init__(self, browser, width: int, height: int, *, touch: bool = False):
        viewport = {"width": width, "height": height}
        self.context = browser.new_context(
            viewport=viewport, has_touch=touch, is_mobile=touch, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.protocol = self.context.new_cdp_session(self.page)

    def close(self):
        self.context.close()

    def goto(self, url: str):
        self.page.goto(url)

    def evaluate(self, function: str, *arguments: object):
        """What a JavaScript function gives for these arguments."""
        everything = self.protocol.send("Runtime.evaluate", {"expression": "globalThis"})["result"]
        got = self.protocol.send(
            "Runtime.callFunctionOn",
            {
                "functionDeclaration": function,
                "objectId": everything["objectId"],
                "arguments": [
                    value if isinstance(value, dict) else {"value": value} for value in arguments
                ],
                "returnByValue": True,
                "awaitPromise": True,
            },
        )
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def find_all(self, role: str, name: str) -> list:
        """The nodes that the browser's accessibility tree has with this role and name."""
        page = self.protocol.send("Runtime.evaluate", {"expression": "document"})["result"]
        asked = {"objectId": page["objectId"], "role": role, "accessibleName": name}
        found = self.protocol.send("Accessibility.queryAXTree", asked)["nodes"]
        nodes = [
            self.protocol.send("DOM.resolveNode", {"backendNodeId": node["backendDOMNodeId"]})
            for node in found
            if not node["ignored"]
        ]
        return [{"objectId": node["object"]["objectId"]} for node in nodes]

    def press(self, keys: str):
        """One key, or several held together, as `Shift+Tab`."""
        self.page.keyboard.press(keys)

    def write(self, text: str):
        self.page.keyboard.type(text)

    def tap(self, x: float, y: float):
        """A finger on that point of the page."""
        self.page.touchscreen.tap(x, y)

    def wait(self, milliseconds: int):
        self.page.wait_for_timeout(milliseconds)


def names_in(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))
