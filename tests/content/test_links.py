"""`bot links`: each source's address is asked of a real server, and what moved, is gone or leads to
a front page is named."""

import asyncio
import json
import re
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from bot.cli.main import main
from bot.operations import source_links
from bot.runtime import loops, settings
from bot.web import background_tasks

ENDLESS = b"x" * 65_536


class Site(BaseHTTPRequestHandler):
    """Servers of sources, of every kind that there is."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer("HEAD")

    def do_GET(self):
        self.answer("GET")

    def answer(self, method):
        site, path = self.server.site, self.path
        site.asked.append((method, path))
        site.names.add(self.headers["User-Agent"])
        with site.lock:
            site.under_way += 1
            site.most = max(site.most, site.under_way)
        try:
            getattr(self, f"at_{path.split('/')[1]}", self.at_page)(method)
        except ConnectionError:
            self.close_connection = True
        finally:
            with site.lock:
                site.under_way -= 1

    def send(self, status, to=None, body=b"A page"):
        self.send_response(status)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def at_page(self, method):
        self.send(200)

    def at_moved(self, method):
        self.send(301, "/elsewhere/page")

    def at_gone(self, method):
        self.send(404)

    def at_front(self, method):
        self.send(302, "/")

    def at_shy(self, method):
        self.send(405 if method == "HEAD" else 200)

    def at_rude(self, method):
        self.send(404 if method == "HEAD" else 200)

    def at_closed(self, method):
        self.send(403)

    def at_circle(self, method):
        self.send(302, "/circle/b" if self.path == "/circle/a" else "/circle/a")

    def at_further(self, method):
        self.send(302, f"/further/{int(self.path.rpartition('/')[2]) + 1}")

    def at_inside(self, method):
        self.send(302, f"http://127.0.0.1:{self.server.server_port}/secret")

    def at_endless(self, method):
        if method == "HEAD":
            return self.send(405)
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:  # until the other end has had enough
            self.wfile.write(ENDLESS)
            self.server.site.sent += len(ENDLESS)

    def at_silent(self, method):
        self.server.site.over.wait(60)
        self.close_connection = True

    def at_dripping(self, method):
        """A header that never ends, a letter at a time: no single wait is long."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.server.site.over.wait(0.02):
            self.wfile.write(b"x")


@pytest.fixture
def site(monkeypatch):
    """A server whose `asked` are the questions that it got."""
    monkeypatch.setattr(source_links, "PAUSE", 0)
    monkeypatch.setattr(
        source_links, "_is_inside", lambda url: "/secret" in url
    )  # else it isn't asked
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    made = server.site = SimpleNamespace(
        asked=[],
        names=set(),
        sent=0,
        under_way=0,
        most=0,
        lock=threading.Lock(),
        over=threading.Event(),
    )
    made.at = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def ask(*urls, **options):
    """The Links of these addresses, asked."""
    return source_links.ask_links([source_links.Link(url, ()) for url in urls], **options)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("path", "state", "said", "asked"),
    [
        ("/page/a#part", "fine", "", ["HEAD"]),
        ("/moved/a", "moved", "moved to {at}/elsewhere/page; read that page", ["HEAD"]),
        ("/gone/a", "gone", "its page is gone (404)", ["HEAD", "GET"]),
        ("/front/a", "front page", "leads to the front page {at}/", ["HEAD"]),
        ("/shy/a", "fine", "", ["HEAD", "GET"]),
        ("/rude/a", "fine", "", ["HEAD", "GET"]),
        ("/closed/a", "not asked", "its server answers 403", ["HEAD", "GET"]),
        ("/circle/a", "gone", "redirects come to no end", ["HEAD"]),
        ("/further/1", "gone", "redirects come to no end", ["HEAD"]),
    ],
)
def test_what_an_address_leads_to_is_named(site, path, state, said, asked):
    (link,) = ask(site.at + path)
    assert (link.state, said.format(at=site.at) in link.said) == (state, True), link.said
    first = path.partition("#")[0]
    assert [method for method, path in site.asked if path == first] == asked


def test_a_body_without_end_is_not_read(site):
    (link,) = ask(f"{site.at}/endless/a")
    assert link.state == source_links.State.FINE
    assert site.sent < 100 * len(ENDLESS)  # what stands between two ends of a connection


@pytest.mark.parametrize("path", ["/silent/a", "/dripping/a"])
def test_a_server_that_never_comes_to_an_end_is_left(site, monkeypatch, path):
    monkeypatch.setattr(source_links, "PATIENCE", 0.2)
    (link,) = ask(site.at + path)
    assert link.state == source_links.State.NOT_ASKED and "it gave no answer in" in link.said


def test_a_host_that_is_not_there_is_asked_once_and_is_no_fault(site):
    at = f"http://127.0.0.1:{closed_port()}"
    first, second = ask(f"{at}/a", f"{at}/b")
    assert first.state == second.state == source_links.State.NOT_ASKED
    assert "could not be reached (" in first.said
    assert second.said == "its host could not be reached"


def test_a_redirect_to_a_host_that_is_not_there_is_no_fault_of_its_own_host(site, monkeypatch):
    gone = f"http://127.0.0.1:{closed_port()}/x"
    monkeypatch.setattr(Site, "at_away", lambda self, method: self.send(302, gone), raising=False)
    away, page = ask(f"{site.at}/away/a", f"{site.at}/page/a")
    assert away.state == source_links.State.NOT_ASKED and f"leads to {gone}" in away.said
    assert page.state == source_links.State.FINE


@pytest.mark.parametrize("path", ["/inside/a", "/secret"])
def test_nothing_in_this_machines_own_network_is_asked_nor_by_a_redirect(site, path):
    (link,) = ask(site.at + path)
    assert link.state == source_links.State.NOT_ASKED and "own network" in link.said
    assert not any(path == "/secret" for _, path in site.asked)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "169.254.169.254", "localhost", "[::ffff:10.0.0.1]"]
)
def test_this_machine_and_its_network_are_not_asked(host):
    (link,) = ask(f"http://{host}:9/a")
    assert link.state == source_links.State.NOT_ASKED and "own network" in link.said


def test_a_host_is_asked_one_at_a_time_with_a_pause_and_each_address_once(site, monkeypatch):
    waited = []
    sleep = asyncio.sleep

    async def note(seconds):
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(source_links, "PAUSE", 3)
    monkeypatch.setattr(source_links.asyncio, "sleep", note)
    shares = []
    ask(*(f"{site.at}/page/{n}" for n in range(6)), progress=lambda url, done: shares.append(done))
    assert waited == [3] * 5 and site.most == 1
    assert set(Counter(site.asked).values()) == {1}
    assert shares[-1] == 1 and shares == sorted(shares)


def test_the_servers_are_told_who_asks(site):
    ask(f"{site.at}/page/a", about="https://chat.example.org")
    ask(f"{site.at}/page/a")
    assert site.names == {"Pamphlet link check (+https://chat.example.org)", "Pamphlet link check"}


# --- the command


@pytest.fixture
def content(data, tmp_path, site, monkeypatch):
    """content(path, ...) leaves one article, whose sources are at these paths of the server."""

    def leave(*paths):
        for path in data.glob("articles/*.md"):
            if path.stem != "hiccups":
                path.unlink()
        path = data / "articles/hiccups.md"
        text, left = path.read_text(), iter(paths)
        path.write_text(
            re.sub(
                r"(url:) https?://\S+", lambda m: f"{m[1]} {site.at}{next(left, '/page/x')}", text
            )
        )
        return path

    monkeypatch.setenv("DATA", str(data))
    monkeypatch.setenv("VAR", str(tmp_path / "var"))
    return leave


def test_the_command_names_the_line_of_each_source_and_ends_with_one(content, site, capsys):
    path = content("/moved/a", "/gone/a", "/closed/a")
    assert main(["links"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = [
        n for n, line in enumerate(path.read_text().splitlines(), 1) if re.match(r"  \d+:$", line)
    ]
    assert lines[0].startswith(
        f"{path}:{at[0]}: [1] {site.at}/moved/a moved to {site.at}/elsewhere"
    )
    assert lines[1].startswith(f"{path}:{at[1]}: [3] {site.at}/gone/a its page is gone (404)")
    assert lines[2].startswith(f"not asked: {path}:{at[2]}: [4] {site.at}/closed/a")
    assert lines[3] == "1 fine, 1 moved, 1 gone, 1 not asked"


def test_the_command_ends_with_nought_where_all_is_fine_and_three_where_it_could_not_ask(
    content, capsys
):
    content()
    assert main(["links"]) == 0
    assert capsys.readouterr().out == "1 fine\n"
    content("/closed/a")
    assert main(["links"]) == 3


def test_the_command_tells_programs_what_it_found(content, site, capsys):
    content("/moved/a", "/closed/a")
    assert main(["links", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["url"], each["to"]) for each in told["found"]] == [
        (f"{site.at}/moved/a", f"{site.at}/elsewhere/page")
    ]
    assert told["found"][0]["places"][0]["n"] == 1 and told["asked"] == 2
    assert [each["url"] for each in told["not_asked"]] == [f"{site.at}/closed/a"]


# --- the service


def test_the_service_asks_when_a_week_has_passed_and_only_where_it_is_told_to(
    content, site, tmp_path, monkeypatch
):
    monkeypatch.setattr(background_tasks, "LOOK_SECONDS", 0.01)
    content("/gone/a")
    config = settings.read_settings()
    assert (
        config.check_links == "" and settings.read_settings({"CHECK_LINKS": "weekly"}).check_links
    )
    with pytest.raises(settings.SettingsError, match="weekly, or nothing"):
        settings.read_settings({"CHECK_LINKS": "daily"})

    async def look(until):
        desk = SimpleNamespace(config=config)
        asking = loops.Loop("links", lambda: background_tasks.check_links(desk))
        task = asyncio.create_task(loops.run_loop(asking))
        while not until():
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(look(lambda: source_links.read_kept_links(config)[0]))
    today, (found,) = source_links.read_kept_links(config)
    assert (found.url, found.places[0].article) == (f"{site.at}/gone/a", "hiccups")
    asked = len(site.asked)
    looks = iter(range(20))
    asyncio.run(look(lambda: next(looks, None) is None))
    assert len(site.asked) == asked  # the week has not passed
    kept = tmp_path / "var" / source_links.KEPT
    kept.write_text(kept.read_text().replace(str(today), "2026-01-01"))
    asyncio.run(look(lambda: source_links.read_kept_links(config)[0] == today))
    assert len(site.asked) > asked


@pytest.mark.parametrize("text", ["", "{", "[]", '{"on": 5, "found": []}', '{"on": "2026-01-01"}'])
def test_a_broken_record_of_the_last_round_is_none(tmp_path, text):
    (tmp_path / source_links.KEPT).write_text(text)
    assert source_links.read_kept_links(settings.read_settings({"VAR": str(tmp_path)})) == (
        None,
        [],
    )
