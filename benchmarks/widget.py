"""What the widget costs a page, beside rasa-webchat from npm, measured alike on a throttled phone.

    python -m benchmarks.widget            a table
    python -m benchmarks.widget --json     the same for programs

Each is the only script of a page that our own server sends compressed, over a slow mobile network
and on a slowed processor. "Usable" is when a visitor's tap on the button opens the chat.
rasa-webchat need not connect for that."""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

from bot.web import public_pages
from tests.support.browser import STARTERS, launch

ROOT = Path(__file__).resolve().parents[1]
RASA_WEBCHAT = "rasa-webchat@1.0.1"
RUNS = 7
# a phone on a slow mobile network, as Lighthouse has it
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
SLOWER = 4  # times
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><h1>Living with myoclonus</h1><p>{words}</p>{chat}"""  # noqa: E501
OURS = f'<script type="module" src="/ours.js"></script><symptom-chat article="myoclonus">{STARTERS}</symptom-chat>'  # noqa: E501
# as its README has it, with the file from here instead of from a third party
THEIRS = """<script async src="/theirs.js" onload="WebChat.default({initPayload: '/go', hideWhenNotConnected: false,
socketUrl: location.origin, socketPath: '/none/', title: 'Ask about myoclonus'}, null)"></script>"""  # noqa: E501
OPENS = {
    "ours": "document.querySelector('symptom-chat')?.shadowRoot?.querySelector('{}')",
    "theirs": "document.querySelector('{}')",
}
BUTTON = {"ours": ".launcher", "theirs": ".rw-launcher"}
PANEL = {"ours": "dialog[open]", "theirs": ".rw-conversation-container"}
WATCH = """
window.shift = 0; window.blocked = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) shift += e.value })
  .observe({type: 'layout-shift', buffered: true});
new PerformanceObserver((list) => { for (const e of list.getEntries()) blocked += Math.max(0, e.duration - 50) })
  .observe({type: 'longtask', buffered: true});
const look = () => {
  if (window.usable) return;
  const button = BUTTON;
  button?.click();
  setTimeout(look, button ? 500 : 20);
};
addEventListener('DOMContentLoaded', look);
const see = () => { if (PANEL) window.usable ??= performance.now(); else requestAnimationFrame(see) };
addEventListener('DOMContentLoaded', see);
"""  # noqa: E501


def measure(runs: int = RUNS) -> dict:
    """{"ours": ..., "theirs": ...}, each {bytes, source_bytes, requests, usable_ms, blocked_ms,
    shift}; medians of the runs."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "ours": public_pages.read_script("widget.js").encode(),
            "theirs": _fetch(Path(folder)),
        }
    served, http = _serve(files)
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            found = {
                name: [_visit(browser, http.server_port, name, served) for _ in range(runs)]
                for name in files
            }
            browser.close()
    finally:
        http.shutdown()
    return {
        name: {"source_bytes": len(files[name])}
        | {key: statistics.median(run[key] for run in found[name]) for key in found[name][0]}
        for name in files
    }


def _fetch(folder: Path) -> bytes:
    """rasa-webchat's bundle, by npm, which checks what it gets against the registry's hash."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", RASA_WEBCHAT],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        return archive.extractfile("package/lib/index.js").read()


def _serve(files):
    """A server on loopback, and the list of what it sent: (path, bytes of body)."""
    words = "Myoclonus is a sudden, brief jerk of a muscle that comes by itself. " * 40
    content = {
        f"/{name}": PAGE.format(words=words, chat=chat).encode()
        for name, chat in (("ours", OURS), ("theirs", THEIRS))
    }
    content |= {f"/{name}.js": body for name, body in files.items()}
    packed = {path: gzip.compress(body, 9) for path, body in content.items()}
    served = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            body = packed.get(self.path)
            served.append((self.path, len(body or b"")))
            self.send_response(200 if body else 404)
            self.send_header(
                "Content-Type",
                "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8",
            )
            self.send_header("Content-Length", str(len(body or b"")))
            if body:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body or b"")

        do_POST = do_GET

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    return served, http


def _visit(browser, port, name, served) -> dict:
    """One first visit, with an empty cache."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    button, panel = (OPENS[name].format(of[name]) for of in (BUTTON, PANEL))
    page.add_init_script(WATCH.replace("BUTTON", button).replace("PANEL", panel))
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    served.clear()
    page.goto(f"http://127.0.0.1:{port}/{name}")
    page.wait_for_function("window.usable", timeout=120_000)
    page.wait_for_timeout(500)
    figures = page.evaluate(
        "({usable_ms: Math.round(usable), blocked_ms: Math.round(blocked), shift: "
        "Math.round(shift * 1e4) / 1e4})"
    )
    hosts = [url for url in asked if f"127.0.0.1:{port}" not in url and not url.startswith("data:")]
    context.close()
    scripts = [size for path, size in served if path == f"/{name}.js"]
    return {
        "bytes": sum(scripts),
        "requests": len(asked) - 1,
        "third_party_requests": len(hosts),
    } | figures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args()
    figures = measure(chosen.runs)
    if chosen.json:
        json.dump(figures, sys.stdout, indent=1)
        return
    print(f"{'first visit, slow phone':28} {'this widget':>14} {RASA_WEBCHAT:>20}")
    for label, key, unit in (
        ("on the wire, gzip", "bytes", "B"),
        ("unpacked", "source_bytes", "B"),
        ("requests", "requests", ""),
        ("to third parties", "third_party_requests", ""),
        ("until it can be used", "usable_ms", "ms"),
        ("page blocked", "blocked_ms", "ms"),
        ("layout shift", "shift", ""),
    ):
        ours, theirs = (
            f"{figures[name][key]:,g} {unit}".strip()
            if key == "shift"
            else f"{figures[name][key]:,.0f} {unit}".strip()
            for name in ("ours", "theirs")
        )
        print(f"{label:28} {ours:>14} {theirs:>20}")


if __name__ == "__main__":
    main()
