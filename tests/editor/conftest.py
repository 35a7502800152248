"""The desk by itself, on a port of its own: the real application and database; only Rasa is not
behind it."""

import contextlib
import dataclasses
import functools
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import argon2
import httpx
import pytest
import uvicorn
from conftest import republish, serving
from fastapi import FastAPI

from bot.editor.app import create_app
from bot.editor.shared import content_cache, first_steps
from bot.editor.shared.state import State
from bot.language import vector_cache
from bot.releases import publishing, registry
from bot.runtime import settings
from bot.store import accounts
from bot.store import engine as store_engine
from tests.support import warm_process

PASSWORD = "correct horse battery"
ROOT = Path(__file__).resolve().parents[2]
READ_KEPT, KEPT = vector_cache.read_kept, {}  # {(folder, text): its vector, or None}


@dataclass
class Visit:
    """A browser at the desk that runs no scripts: it follows no redirect by itself, and sends forms
    with their token."""

    client: httpx.Client

    def get(self, path, **options):
        return self.client.get(f"/editor{path}", **options)

    def token(self, path="/account"):
        """The token of the forms on a page."""
        return re.search(r'"X-CSRF": "([^"]+)"', self.get(path).text)[1]

    def post(self, path, token=None, **fields):
        """Send a form, with a right token where none is given."""
        return self.client.post(f"/editor{path}", data={"csrf": token or self.token(), **fields})

    def cookie(self):
        return self.client.cookies.get("desk")


@dataclass
class Desk:
    """A running desk: where it is, its settings, database, and the people who can enter it."""

    url: str
    config: settings.Settings
    engine: object
    visits: list = field(default_factory=list)
    service: object = None  # the conftest.Service that it belongs to, where one runs

    def visit(self):
        """A new browser, signed in nowhere."""
        self.visits.append(httpx.Client(base_url=self.url, timeout=30))
        return Visit(self.visits[-1])

    def add(self, name, role="editor", **more):
        """A new person who has PASSWORD; the id."""
        id = accounts.add_person(self.engine, name, role, **more)
        accounts.accept_invitation(self.engine, accounts.invite_person(self.engine, id), HASH)
        return id

    def enter(self, name="Ada", role="editor"):
        """A browser in which a person of this role is signed in, by the page for it; added where
        there is none of this name."""
        with contextlib.suppress(accounts.NameTaken):
            self.add(name, role)
        visit = self.visit()
        answer = visit.post("/sign-in", visit.token("/sign-in"), name=name, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return visit


async def no_rasa(said, article=None, candidate=None):
    """What the gateway does for a desk behind which no Rasa runs."""
    raise registry.NoAnswer("Rasa is not running")


def wait_idle(state):
    """Wait until nothing reads the database behind the pages."""
    end = time.monotonic() + 60
    while state.waiting.busy or state.live_answers.busy:
        assert time.monotonic() < end, "what runs behind the pages never ended"
        time.sleep(0.01)


def read_kept_once(folder, texts):
    """As vector_cache.read_kept, which reads the whole of a large file for each new desk."""
    folder = folder.resolve()
    missing = [text for text in texts if (folder, text) not in KEPT]
    if missing:
        found = READ_KEPT(folder, missing)
        KEPT.update({(folder, text): found.get(text) for text in missing})
    return {text: KEPT[folder, text] for text in texts if KEPT[folder, text] is not None}


@functools.cache
def empty_database():
    """The bytes of an SQLite database in its newest form."""
    with tempfile.TemporaryDirectory() as folder:
        store_engine.migrate_database(f"sqlite:///{folder}/empty.db")
        return Path(folder, "empty.db").read_bytes()


def make_database(address):
    """As migrate_database, which takes 0.06 s for a new one."""
    path = Path(address.removeprefix("sqlite:///"))
    if address.startswith("sqlite:///") and not path.exists():
        path.write_bytes(empty_database())
    store_engine.migrate_database(address)


@functools.cache
def read_project():
    """The State of a desk that has read the project's content."""
    state = State(dataclasses.replace(settings.read_settings({}), data=str(ROOT / "data")), None)
    content_cache.read_ledgers(state)
    return state


def begin_read(state):
    """Let a desk have read what it would read for its first page, 0.5 s long: of a file of the
    project's content that is no longer as it was, or of a copy of it, its stamp tells that."""
    project, folder = read_project(), state.config.path("data") / "articles"
    for name, (stamp, article) in project.articles.items():
        state.articles[name] = stamp, dataclasses.replace(article, path=str(folder / name))
    state.ledgers.update(project.ledgers)


@contextlib.contextmanager
def running(config, rehearse=no_rasa):
    """A Desk that is served while the block runs; `rehearse` stands in for the bot."""
    with (
        mock.patch.object(vector_cache, "read_kept", read_kept_once),
        # other tests run beside it, and no visitors
        mock.patch.object(publishing, "NICENESS", 0),
    ):
        yield from _run(config, rehearse)


def _run(config, rehearse):
    make_database(config.database())
    engine = store_engine.connect_database(config.database())
    app = FastAPI()
    pages = create_app(config, engine, rehearse)
    begin_read(pages.state.desk)
    app.mount("/editor", pages)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        desk = Desk(f"http://127.0.0.1:{listening.getsockname()[1]}", config, engine)
        try:
            while not server.started:
                time.sleep(0.01)
            yield desk
        finally:
            for client in desk.visits:
                client.close()
            wait_idle(pages.state.desk)
            server.should_exit = True
            thread.join()
            engine.dispose()


@pytest.fixture
def desk(tmp_path):
    """A desk of its own, with a copy of the content that it may change."""
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns(".*"))
    config = dataclasses.replace(
        settings.read_settings({}),
        database_url=f"sqlite:///{tmp_path}/desk.db",
        data=str(tmp_path / "data"),
        var=str(tmp_path),
        secret="a secret of the tests",
    )
    with running(config) as made:
        yield made


@pytest.fixture
def warm(monkeypatch):
    """Bounded processes begin warm."""
    warm_process.begin_warm(monkeypatch)


@pytest.fixture
def open_tab(desk, chromium):
    """open_tab(role, **options) gives a tab of the browser in which Ada is signed in, who has that
    role; `options` are those of Playwright's new_context."""
    contexts = []

    def open_for(role, **options):
        desk.add("Ada", role)
        contexts.append(chromium.new_context(base_url=desk.url, **options))
        tab = contexts[-1].new_page()
        tab.goto("/editor/sign-in?next=/editor/account")
        tab.get_by_label("Name").fill("Ada")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        tab.wait_for_url(f"{desk.url}/editor/account", timeout=60_000)
        return tab

    yield open_for
    for context in contexts:
        context.close()


@pytest.fixture
def git(desk):
    """The desk's content as a git repository with one commit; its folder."""
    folder = desk.config.path("data")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=F", "-c", "user.email=f@example.org", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """The desk of a real service, with copies of the content and of the live release that tests may
    change with care."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    models = republish(folder / "models", lambda data: None)
    with serving(folder, DATA=str(folder / "data"), MODELS=str(models)) as service:
        config = dataclasses.replace(
            settings.read_settings({}),
            database_url=service.address,
            data=str(folder / "data"),
            models=str(models),
            var=str(folder),
            secret=settings.site_secret(settings.read_settings()),
        )
        made = Desk(
            service.url, config, store_engine.connect_database(service.address), service=service
        )
        yield made
        for client in made.visits:
            client.close()
        made.engine.dispose()


# as weak as a hash may be: one of a site's takes 0.12 s of a core to compare with
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def read_log(engine):
    """The log, the newest first, without the lines that tick first steps."""
    ticked = (first_steps.TRIED, first_steps.COMPARED)
    return [entry for entry in accounts.read_audit(engine) if entry["action"] not in ticked]
