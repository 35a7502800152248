"""A stand-in for Rasa: it starts the real one behind itself, and answers in its place as a file
tells it.

`python -m tests.support.slow_rasa MODE_FILE VERB ...` is `bot VERB ...` with this in place of Rasa,
that is, `python tests/support/slow_rasa.py --rasa MODE_FILE serve ARCHIVE PORT`; the probe of a new
Rasa is always passed on."""

import http.server
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path


def sent(part):
    return b'{"replies": [%s], "seconds": {"parse": 0.001, "act": 0.001}}' % part


REPLY = sent(
    b'{"replies": [{"kind": "answer", "text": "Yes.", "id": "always the same"}], "understood": '
    b"null}"
)
MODES = {
    "garbage": b"\x00\xff<html>\x80" * 50,
    "no list": b"{}",
    "a bare list": b"[]",
    "an empty list": sent(b""),
    "no reply": sent(b'{"replies": [{"kind": 7}]}'),
    "no understanding": sent(
        b'{"replies": [{"kind": "talk", "text": "Hello."}], "understood": "nothing"}'
    ),
    "one id for all": REPLY,
    "a wrong topic": sent(
        b'{"replies": [{"kind": "talk", "text": "Hello."}], "understood": {"topic": [1]}}'
    ),
    "seconds that can't be": sent(
        b'{"replies": [{"kind": "talk", "text": "Hello."}], "understood": null}'
    ).replace(b"0.001", b"NaN"),
    "half": b'{"replies": [{"repl',
    "drop by drop": b" " * 60 + REPLY,
}


SLOW_SECONDS = 0.5  # of a message in mode "slow", which passes them on one after the other
ONE_AT_A_TIME = threading.Lock()


class StandIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode = MODE.read_text().strip() if MODE.exists() else ""
        if not mode or b'"probe"' in body:
            return self.pass_on(body)
        if mode == "slow":
            with ONE_AT_A_TIME:
                time.sleep(SLOW_SECONDS)
                return self.pass_on(body)
        self.say(200, MODES[mode], pause=1 if mode == "drop by drop" else 0)

    def do_GET(self):
        self.pass_on(None)

    def do_DELETE(self):
        self.pass_on(None)

    def pass_on(self, body):
        headers = {
            "Authorization": self.headers.get("Authorization", ""),
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{BEHIND}{self.path}", data=body, method=self.command, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.say(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self.say(error.code, error.read())
        except OSError:
            self.say(502, b"")

    def say(self, status, body, pause=0):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for sign in [body[i : i + 1] for i in range(len(body))] if pause else [body]:
            self.wfile.write(sign)
            self.wfile.flush()
            time.sleep(pause)

    def log_message(self, *arguments):
        pass


def command(mode_file):
    """The command that is `bot`, with a Rasa that does what `mode_file` says, if there is one."""
    return [sys.executable, "-m", "tests.support.slow_rasa", str(mode_file)]


def stand_in(mode_file, verb, *arguments):
    """Rasa's own process, where it serves: the real one, behind an HTTP server that answers for
    it."""
    global MODE, BEHIND
    if verb != "serve":
        os.execv(sys.executable, [sys.executable, "-m", "bot.rasa", verb, *arguments])
    archive, port = arguments
    MODE, BEHIND = Path(mode_file), int(port) + 1 if int(port) < 65535 else int(port) - 1
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # its standard input is ours: it ends with who started us
    process = subprocess.Popen([sys.executable, "-m", "bot.rasa", verb, archive, str(BEHIND)])
    os._exit(process.wait())


if __name__ == "__main__":
    if sys.argv[1] == "--rasa":
        stand_in(*sys.argv[2:])
    from bot.cli import main
    from bot.releases import registry

    registry.RASA = (sys.executable, __file__, "--rasa", sys.argv[1])
    sys.argv = ["bot", *sys.argv[2:]]
    sys.exit(main.main())
