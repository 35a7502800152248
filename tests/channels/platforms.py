"""The stand-in of all platforms: one HTTP server on the loopback that hands each call to the app
that it is for."""

import contextlib
import dataclasses
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclasses.dataclass
class Sent:
    """A message that a platform took: of which channel, to whom, what is read there, which buttons
    it has."""

    channel: str
    person: str
    text: str
    buttons: list
    payload: dict


@dataclasses.dataclass
class Request:
    """A call to a platform."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclasses.dataclass
class Platform:
    """The running stand-in: what it took, what it refused, and what it is to answer instead
    (`faults`)."""

    url: str
    sent: list = dataclasses.field(default_factory=list)
    refused: list = dataclasses.field(default_factory=list)
    calls: list = dataclasses.field(default_factory=list)  # (time, body) of all calls
    # each (test of channel and request) -> (status, headers, body) or None
    faults: list = dataclasses.field(default_factory=list)

    def to(self, channel, person):
        return [
            sent
            for sent in list(self.sent)
            if (sent.channel, sent.person) == (channel, str(person))
        ]

    def wait(self, channel, person, count, seconds=60):
        """The messages to a person once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(found := self.to(channel, person)) < count:
            assert time.monotonic() < end, (
                f"{channel} got {len(found)} messages for {person} in {seconds} s, not {count}: "
                f"{self.refused}"
            )
            time.sleep(0.02)
        return found


class Refused(Exception):
    """What a real platform would not take: (status, body)."""

    def __init__(self, status, body):
        super().__init__(status, body)
        self.status, self.body = status, body


class Server(ThreadingHTTPServer):
    """Takes as many calls at once as the service makes."""

    request_queue_size = 256
    daemon_threads = True


@contextlib.contextmanager
def platform(apps):
    """A Platform of these apps: {name: module with take(platform, request) -> (status, body)}."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # the caller has given up meanwhile
                self.close_connection = True
                return
            split = urllib.parse.urlsplit(self.path)
            _, name, path = split.path.split("/", 2)
            request = Request(
                self.command,
                path,
                dict(urllib.parse.parse_qsl(split.query)),
                {key.lower(): value for key, value in self.headers.items()},
                body,
            )
            made.calls.append((time.monotonic(), body))
            headers = {}
            for fault in list(made.faults):
                if answer := fault(name, request):
                    status, headers, answered = answer
                    break
            else:
                try:
                    status, answered = apps[name].take(made, request)
                except Refused as error:
                    status, answered = error.status, error.body
                    made.refused.append((name, path, error.body))
            data = json.dumps(answered).encode()
            self.send_response(status)
            for key, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                **headers,
            }.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST

        def log_message(self, *arguments):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    made = Platform(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
