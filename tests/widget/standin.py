"""A stand-in for the gateway, for what a real one can't be asked to do: be slow, be broken, be
hostile, be gone.

It speaks the visitor API over a real socket and keeps conversations as the gateway does (a message
id is one turn). A test says how it behaves through `Server.fault` and reads from `Server.log` what
the browser really sent."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bot.web import public_pages

WIDGET = Path(__file__).parents[2] / "bot" / "widget"
FILES = {
    "/widget.js": ("widget.js", "text/javascript"),
    "/embed.js": ("embed.js", "text/javascript"),
    "/embed": ("embed.html", "text/html"),
}
STRICT = "default-src 'none'; script-src {origin}; connect-src {origin}; require-trusted-types-for 'script'"  # noqa: E501

ARTICLE = {
    "id": "myoclonus",
    "title": "Living with myoclonus",
    "url": "http://127.0.0.1/articles/myoclonus",
    "reviewed_by": None,
    "reviewed_on": None,
    "revision": "a1b2c3",
}
ANSWER = {
    "kind": "answer",
    "text": "Most kinds of myoclonus can't be prevented, because the cause lies in the nerves. "
    "You can often make the "
    "jerks rarer by staying away from what sets them off. [1]",
    "more": "What sets jerks off differs from person to person. Common ones are: [2]\n\n- too "
    "little sleep\n- alcohol\n"
    "- flashing lights\n- sudden noise or touch\n\nA diary of when the jerks come helps to find "
    "yours.",
    "question": "myoclonus.prevention",
    "title": "Can myoclonus be prevented?",
    "article": ARTICLE,
    "sources": [
        {
            "n": 1,
            "title": "Myoclonus",
            "publisher": "National Institute of Neurological Disorders and Stroke",
            "url": "https://www.ninds.nih.gov/health-information/disorders/myoclonus",
            "checked": "Version of 1 May 2024, read whole on 20 November 2026",
            "says": [
                {
                    "statement": "Most kinds of myoclonus can't be prevented, because the cause "
                    "lies in the nerves. You can often make the jerks rarer by staying away from "
                    "what sets them off.",
                    "where": "Treatment",
                    "states": "The cause is seldom one that can be taken away. Known triggers are "
                    "best avoided.",
                    "verdict": "supported",
                }
            ],
        },
        {
            "n": 2,
            "title": "Progressive myoclonic epilepsy",
            "publisher": "Genetics Home Reference",
            "url": "https://medlineplus.gov/genetics/condition/unverricht-lundborg-disease/",
        },
    ],
    "disclaimer": "This is general information. It doesn't replace the advice of a doctor who "
    "knows you.",
    "feedback": {"ask": "Was this helpful?"},
    "choices": [
        {"title": "What sets myoclonus off?", "value": "myoclonus.triggers"},
        {"title": "When should I see a doctor?", "value": "myoclonus.when_to_see_doctor"},
    ],
    "confidence": 0.91,
}
UNSURE = ANSWER | {
    "instead": [
        {"title": "What sets myoclonus off?", "value": "myoclonus.triggers"},
        {"title": "What causes myoclonus?", "value": "myoclonus.causes"},
    ],
    "choices": [],
}
REVIEWED = ANSWER | {
    "article": ARTICLE
    | {"reviewed_by": "Dr. Ada Example, neurologist", "reviewed_on": "2026-11-20"}
}
PASSAGE = {
    "kind": "passage",
    "note": "I have no ready answer to that, but the page says:",
    "text": "Some people keep a diary. [1] It shows which days were bad ones. [2]",
    "section": "myoclonus.triggers",
    "title": "What sets the jerks off?",
    **{name: ANSWER[name] for name in ("article", "sources", "disclaimer", "feedback")},
    "choices": [{"title": "What sets myoclonus off?", "value": "myoclonus.triggers"}],
    "emergency": {"text": "If someone may be in danger now, call 112.", "numbers": []},
    "confidence": 0.7,
}
EMERGENCY = {
    "kind": "emergency",
    "text": "This may need help at once. Call now, or have somebody near you call. Stay with the "
    "person, and stay on the "
    "line until help is there.",
    "numbers": [
        {"label": "Emergency services", "number": "112", "tel": "112"},
        {"label": "In the United States and Canada", "number": "911", "tel": "tel:911"},
    ],
}
CRISIS = {
    "kind": "crisis",
    "text": "It sounds very hard right now. You can talk to somebody at this moment, and it "
    "costs nothing.",
    "numbers": [
        {"label": "988 Suicide & Crisis Lifeline", "number": "988", "tel": "988"},
        {"label": "Crisis Text Line", "number": "Text HOME to 741741", "tel": None},
    ],
}
CLARIFY = {
    "kind": "clarify",
    "text": "Did you mean one of these?",
    "choices": [
        {
            "title": "What are the side effects of valproate?",
            "value": "myoclonus.sodium_valproate_side_effects",
        },
        {"title": "Is valproate safe in pregnancy?", "value": "myoclonus.valproate_in_pregnancy"},
    ],
}
NOT_COVERED = {
    "kind": "not_covered",
    "text": "Our articles don't cover migraine. They cover myoclonus, and these questions are "
    "near yours.",
    "choices": [{"title": "Can myoclonus be prevented?", "value": "myoclonus.prevention"}],
}
PERSONAL = {
    "kind": "personal_advice",
    "text": "How much to take is a decision for a doctor or pharmacist who knows you. Please ask "
    "them before you change "
    "anything. Here is what the article says about the medicine.",
    "choices": [{"title": "What is clonazepam for?", "value": "myoclonus.clonazepam"}],
}
OUT_OF_SCOPE = {
    "kind": "out_of_scope",
    "text": "I can only answer questions about the symptoms in our articles.",
}
TALK = {"kind": "talk", "topic": "greeting", "text": "Hello. What would you like to know?"}
UNAVAILABLE = {
    "kind": "unavailable",
    "text": "The answers can't be reached at the moment. Your question is kept. Please try again "
    "in a few minutes.",
    "numbers": [{"label": "If someone may be in danger", "number": "112", "tel": "112"}],
}
DANGERS = {"emergency": EMERGENCY, "crisis": CRISIS}  # answered without a conversation
BY_WORD = {
    "emergency": EMERGENCY,
    "crisis": CRISIS,
    "valproate": CLARIFY,
    "migraine": NOT_COVERED,
    "dose": PERSONAL,
    "weather": OUT_OF_SCOPE,
    "hello": TALK,
    "down": UNAVAILABLE,
    "reviewed": REVIEWED,
    "unsure": UNSURE,
    "diary": PASSAGE,
}


@dataclass
class Server:
    """`fault` is what happens to API calls from now on: None, or a function (handler, method, path)
    -> True when it has answered. `csp` is sent with pages and files. `answers` maps a word to the
    replies that it gets."""

    origin: str = ""
    pages: dict = field(default_factory=dict)
    csp: str | None = STRICT
    cors: bool = False
    fault: object = None
    answers: dict = field(
        default_factory=lambda: {word: [reply] for word, reply in BY_WORD.items()}
    )
    log: list = field(default_factory=list)
    conversations: dict = field(default_factory=dict)
    votes: list = field(default_factory=list)
    page: int = 100  # turns that one answer lists

    def calls(self, method: str, path: str) -> list:
        """The bodies of these calls, in order."""
        return [body for m, p, body in self.log if m == method and p == f"/api/{path}"]


OPENING = {"article": ".{1,100}", "country": "[A-Za-z]{2}", "language": "[A-Za-z0-9-]{2,20}"}


def turn_of(server: Server, body: dict, replies: list) -> dict:
    """A turn as the gateway lists it: of a choice it knows the value, and no words."""
    number = 1 + sum(len(kept["turns"]) for kept in server.conversations.values())
    return {
        "id": number,
        "message": body["id"],
        "text": body.get("text"),
        "choice": body.get("choice"),
        "at": "2026-11-20T10:00:00Z",
        "outcome": "answer",
        "replies": replies,
    }


def read(name: str) -> bytes:
    """A file of the widget, as the gateway serves it."""
    return (
        public_pages.read_script(name).encode()
        if name in public_pages.FILES
        else (WIDGET / name).read_bytes()
    )


def page(body: str, *, head: str = "", lang: str = "en", dir: str = "ltr") -> str:
    return (
        f'<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>A '
        f"page</title>"
        f'<meta name="viewport" content="width=device-width, initial-scale=1, '
        f'interactive-widget=resizes-content">'
        f'{head}<script type="module" src="/widget.js"></script></head><body><main><h1>Living '
        f"with myoclonus</h1>"
        f"<p>What the publisher's page says.</p>{body}<p>And more of it.</p></main></body></html>"
    )


class Handler(BaseHTTPRequestHandler):
    """Answers one connection: of the visitor API as its Server says, files of the widget, and
    pages."""

    protocol_version = "HTTP/1.1"

    @property
    def stand_in(self) -> Server:
        return self.server.stand_in

    def log_message(self, *_):
        pass

    def send(self, status: int, body: bytes, kind: str, **headers: str):
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.stand_in.cors:
            headers["Access_Control_Allow_Origin"] = "*"
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int, body: object, **headers: str):
        self.send(status, json.dumps(body).encode(), "application/json", **headers)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True  # the browser went away, as some tests have it do

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_DELETE(self):
        self.answer("DELETE")

    def do_OPTIONS(self):
        allowed = {
            "Access_Control_Allow_Headers": "authorization, content-type",
            "Access_Control_Allow_Methods": "GET, POST, DELETE",
        }
        self.send(204, b"", "text/plain", **(allowed if self.stand_in.cors else {}))

    def broken(self):
        self.json(500, {"error": {"code": "broken", "message": "Something here is broken."}})
        return True

    def drop(self):
        """Answers nothing at all."""
        self.close_connection = True
        return True

    def answer(self, method: str):
        path = self.path.partition("?")[0]
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/api/"):
            body = json.loads(raw) if raw else None
            self.stand_in.log.append((method, path, body))
            if not (self.stand_in.fault and self.stand_in.fault(self, method, path)):
                answer_call(self, method, path, body)
        elif path in FILES:
            name, kind = FILES[path]
            self.send(200, read(name), kind, Cache_Control="no-store", **self.policy())
        elif path == "/favicon.ico":
            self.send(204, b"", "image/x-icon")
        elif path in self.stand_in.pages:
            self.send(200, self.stand_in.pages[path].encode(), "text/html", **self.policy())
        else:
            self.send(404, b"", "text/plain")

    def policy(self) -> dict:
        if not self.stand_in.csp:
            return {}
        return {"Content_Security_Policy": self.stand_in.csp.format(origin=self.stand_in.origin)}

    def conversation(self):
        """The conversation whose token the call carries; None, and the call is answered, where
        there is none."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        found = self.stand_in.conversations.get(token)
        if found is None:
            self.json(
                401,
                {"error": {"code": "no_session", "message": "This conversation has ended."}},
            )
        return found


def answer_call(at: Handler, method: str, path: str, body: dict):
    """Answers a call of the visitor API as the gateway does."""
    if (method, path) == ("POST", "/api/conversations"):
        open_conversation(at, body)
        return
    if path == "/api/messages" and "Authorization" not in at.headers and body["text"] in DANGERS:
        at.json(200, {"turn": None, "replies": [{"id": body["id"]} | DANGERS[body["text"]]]})
        return
    conversation = at.conversation()
    if conversation is None:
        return
    call = CALLS.get((method, path))
    if call is None:
        at.json(404, {"error": {"code": "not_found", "message": "There is nothing here."}})
    else:
        call(at, conversation, body)


def open_conversation(at: Handler, body: dict):
    if set(body) - set(OPENING) or not all(
        re.fullmatch(OPENING[key], value) for key, value in body.items()
    ):
        at.json(422, {"error": {"code": "wrong_request", "message": "This can't be taken."}})
        return
    token = f"token-{len(at.stand_in.conversations) + 1}"
    at.stand_in.conversations[token] = {"id": token, "turns": []}
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    at.json(
        201,
        {
            "conversation": token,
            "token": token,
            "expires_at": expires,
            "notice": "",
            "starters": [],
        },
    )


def take_message(at: Handler, conversation: dict, body: dict):
    turns = conversation["turns"]
    turn = next((turn for turn in turns if turn["message"] == body["id"]), None)
    if turn is None:
        asked = body.get("text") or body["choice"]
        found = next(
            (r for word, r in at.stand_in.answers.items() if re.search(word, asked)), [ANSWER]
        )
        replies = [{"id": f"{body['id']}-{n}"} | reply for n, reply in enumerate(found)]
        turn = turn_of(at.stand_in, body, replies)
        turns.append(turn)
    at.json(200, {"turn": turn["id"], "replies": turn["replies"]})


def list_turns(at: Handler, conversation: dict, _body: dict):
    after = int(at.path.partition("after=")[2] or 0)
    later = [turn for turn in conversation["turns"] if turn["id"] > after]
    page = later[: at.stand_in.page]
    at.json(200, {"turns": page, "more": len(later) > len(page)})


def take_vote(at: Handler, _conversation: dict, body: dict):
    at.stand_in.votes.append(body)
    at.json(200, {"text": "Thank you. An editor will read this."})


def delete_conversation(at: Handler, conversation: dict, _body: dict):
    kept = at.stand_in.conversations
    token = next(token for token, found in kept.items() if found is conversation)
    del kept[token]
    at.json(200, {"receipt": f"R-{token}"})


# the calls of a conversation that is open
CALLS = {
    ("POST", "/api/messages"): take_message,
    ("GET", "/api/messages"): list_turns,
    ("POST", "/api/feedback"): take_vote,
    ("DELETE", "/api/conversations/current"): delete_conversation,
}


def serve(server: Server) -> ThreadingHTTPServer:
    """Serves it on a free port of loopback until `shutdown()`."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.stand_in = server
    server.origin = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=[0.02], daemon=True).start()
    return http
