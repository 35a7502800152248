"""The Firefox of the machine, spoken to over WebDriver BiDi, which it understands by itself."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from websockets.sync.client import connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {  # it speaks to nobody by itself, and moves nothing while it is looked at
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
    "ui.prefersReducedMotion": 1,
}
START_SECONDS = 60
ANSWER_SECONDS = 120  # of a busy machine
KEYS = {  # as WebDriver names them
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Shift": "\ue008",
    "Alt": "\ue00a",
    "Escape": "\ue00c",
    "Space": " ",
    "ArrowUp": "\ue013",
    "ArrowDown": "\ue015",
}


class Firefox:
    """A running Firefox without a window, with a profile of its own."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in PREFERENCES.items()
        ]
        Path(self.profile.name, "user.js").write_text("\n".join(lines))
        self.process = subprocess.Popen(
            [FIREFOX, "--headless", "--remote-debugging-port", "0"]
            + ["--no-remote", "--profile", self.profile.name],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self.socket = connect(f"{self._find_address()}/session", max_size=None)
        self.asked = 0
        self.call("session.new", capabilities={})

    def _find_address(self) -> str:
        """Where it listens, which it writes into its profile."""
        written = Path(self.profile.name, "WebDriverBiDiServer.json")
        end = time.monotonic() + START_SECONDS
        while not (written.exists() and (text := written.read_text())):
            assert self.process.poll() is None, f"Firefox ended: {self.process.returncode}"
            assert time.monotonic() < end, "Firefox does not listen"
            time.sleep(0.05)
        return "ws://{ws_host}:{ws_port}".format(**json.loads(text))

    def call(self, method: str, **params) -> dict:
        """The result of a command of WebDriver BiDi."""
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        while True:
            got = json.loads(self.socket.recv(timeout=ANSWER_SECONDS))
            if got.get("id") == self.asked:
                assert got["type"] == "success", f"{method}: {got}"
                return got["result"]

    def open(self, width: int, height: int) -> "FirefoxTab":
        """A new tab in a browser profile of its own."""
        user = self.call("browser.createUserContext")["userContext"]
        made = self.call("browsingContext.create", type="tab", userContext=user)["context"]
        self.call(
            "browsingContext.setViewport",
            context=made,
            viewport={"width": width, "height": height},
        )
        return FirefoxTab(self, made)

    def close(self):
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()


class FirefoxTab:
    """A tab of it, by the few acts of a visitor (see `browser.ChromiumTab`)."""

    def __init__(self, browser: Firefox, context: str):
        self.browser = browser
        self.context = context

    def close(self):
        self.browser.call("browsingContext.close", context=self.context)

    def goto(self, url: str):
        self.browser.call(
            "browsingContext.navigate", context=self.context, url=url, wait="complete"
        )

    def evaluate(self, function: str, *arguments: object):
        """What a JavaScript function gives for these arguments; a node of the page goes and comes
        as the shared reference that BiDi knows it by."""
        got = self.browser.call(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[_to_bidi(argument) for argument in arguments],
            awaitPromise=True,
            target={"context": self.context},
        )
        assert got["type"] == "success", got.get("exceptionDetails")
        return _from_bidi(got["result"])

    def find_all(self, role: str, name: str) -> list:
        """The nodes of the widget that the accessibility tree has with this role and name."""
        root = self.evaluate("() => document.querySelector('symptom-chat').shadowRoot")
        found = self.browser.call(
            "browsingContext.locateNodes",
            context=self.context,
            locator={"type": "accessibility", "value": {"role": role, "name": name}},
            startNodes=[root],
        )
        return [_from_bidi(node) for node in found["nodes"]]

    def press(self, keys: str):
        """One key, or several held together, as `Shift+Tab`."""
        held = [KEYS.get(key, key) for key in keys.split("+")]
        down = [{"type": "keyDown", "value": key} for key in held]
        up = [{"type": "keyUp", "value": key} for key in reversed(held)]
        self._act("key", down + up)

    def write(self, text: str):
        self._act(
            "key",
            [{"type": kind, "value": sign} for sign in text for kind in ("keyDown", "keyUp")],
        )

    def tap(self, x: float, y: float):
        """A finger on that point of the page."""
        touch = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act("pointer", touch, parameters={"pointerType": "touch"})

    def wait(self, milliseconds: int):
        time.sleep(milliseconds / 1000)

    def _act(self, kind: str, actions: list[dict], **more):
        source = {"type": kind, "id": kind, "actions": actions, **more}
        self.browser.call("input.performActions", context=self.context, actions=[source])


def _to_bidi(value: object) -> dict:
    if isinstance(value, dict) and "sharedId" in value:
        return value
    kinds = {bool: "boolean", int: "number", float: "number", str: "string"}
    return {"type": kinds[type(value)], "value": value}


def _from_bidi(value: dict):
    if value["type"] == "node":
        return {"sharedId": value["sharedId"]}
    if value["type"] == "array":
        return [_from_bidi(item) for item in value["value"]]
    if value["type"] == "object":
        return {name: _from_bidi(item) for name, item in value["value"]}
    return value.get("value")
