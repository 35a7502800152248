"""A running service for the tests: real gateway, real Rasa, real actions, a database of its own;
and real servers for it."""

import asyncio
import contextlib
import fcntl
import functools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from httpx._transports import default as httpx_transports

from bot.releases import registry
from bot.runtime import code_hash, settings
from tests.support import servers
from tests.support.browser import CHROMIUM, launch
from tests.support.firefox import FIREFOX, Firefox

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
# once: httpx reads the certificates of all authorities for each client, 24 ms, and nothing here is
# called by a name that they vouch for
httpx_transports.create_ssl_context = functools.cache(httpx_transports.create_ssl_context)


@dataclass
class Service:
    """A `bot serve` of its own: where it is, where its database (a file where it is SQLite) and log
    are, and its process."""

    url: str
    database: Path
    log: Path
    process: subprocess.Popen
    address: str  # of the database, for SQLAlchemy

    def open(self, **opening):
        """The token of a new conversation."""
        answer = httpx.post(f"{self.url}/api/conversations", json=opening)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    def post(self, token, body):
        """The response to a message, whatever it is."""
        return httpx.post(
            f"{self.url}/api/messages",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def ask(self, text, token=None):
        """The replies to a text, in a new conversation where none is given."""
        answer = self.post(token or self.open(), {"id": uuid.uuid4().hex, "text": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["replies"]

    def rows(self, statement, *values):
        """The rows of a statement on the service's database."""
        if self.address.startswith("postgresql"):
            with psycopg.connect(self.address.replace("+psycopg", "")) as connection:
                cursor = connection.execute(statement.replace("?", "%s"), values)
                return cursor.fetchall() if cursor.description else []
        with (
            contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection,
            connection,
        ):
            return connection.execute(statement, values).fetchall()

    def dump(self):
        """All that the database holds, as text."""
        if self.address.startswith("postgresql"):
            tables = self.rows("select tablename from pg_tables where schemaname = 'public'")
            return "\n".join(
                str(row) for (table,) in tables for row in self.rows(f'select * from "{table}"')
            )
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return "\n".join(connection.iterdump())

    def children(self):
        """{"rasa": pid} of the private processes."""
        found = {}
        for line in subprocess.run(
            ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout.splitlines():
            pid, parent, command = line.split(None, 2)
            if int(parent) == self.process.pid and "bot.rasa serve" in command:
                found["rasa"] = int(pid)
        return found

    def kill_rasa(self):
        """Kill it, and wait until it is dead: its sockets are gone before it is."""
        rasa = self.children()["rasa"]
        os.kill(rasa, signal.SIGKILL)
        while self.children().get("rasa") == rasa:
            time.sleep(0.01)

    def wait_ready(self, seconds=START_SECONDS):
        """Wait until the service says that it is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return self
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s: {self.log.read_text()[-3000:]}")


@contextlib.contextmanager
def serving(folder, **environment):
    """A Service whose own files are in `folder`; the releases are the project's."""
    if registry.live_release(settings.read_settings()) is None:
        pytest.fail("no release is published: run `make test`, or `bot prepare` first")
    port = servers.free_port()
    database, log = folder / "test.db", folder / "service.log"
    given = {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{database}",
        "VAR": str(folder),
        "SECRET": settings.site_secret(settings.read_settings()),
        "MESSAGES_PER_MINUTE": "100000",
        "CONVERSATIONS_PER_MINUTE": "100000",
        **environment,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, **given},
        )
    service = Service(
        f"http://127.0.0.1:{given['PORT']}", database, log, process, given["DATABASE_URL"]
    )
    try:
        yield service.wait_ready()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


LEFT_OUT = "left out: "


def left_out(what, package):
    """Leave a test out because the machine lacks something, and have the summary say so; in CI it
    fails, for nothing may be missing."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
        f"{LEFT_OUT}{what} is missing: apt-get install {package}"
    )


def pytest_terminal_summary(terminalreporter):
    """One line for each thing that the machine lacks: how many tests it cost, and how to have
    them."""
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple)
    ]
    for reason in sorted({reason for reason in reasons if reason.startswith(LEFT_OUT)}):
        terminalreporter.write_line(
            f"{reasons.count(reason)} tests {reason}, and run them again", yellow=True
        )


@contextlib.contextmanager
def _without_the_browsers_loop(item):
    """Playwright leaves its event loop running in the thread of the tests, where nothing else that
    is asynchronous could then run: it is put aside for all tests that open no browser."""
    loop = None if "chromium" in item.fixturenames else asyncio._get_running_loop()
    if loop is None:
        yield
        return
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


# what takes longest, by its file or folder
LONGEST = (
    "oddities",
    "editor/test_publishing",
    "channels/test_delivery",
    "editor/test_history",
    "widget/test_access",
    "editor/test_browser",
    "editor/test_day",
    "site/test_several",
    "site/test_limits",
    "web/test_budgets",
    "web/test_visitors",
    "conversation/test_down",
    "releases/test_depot",
)


def pytest_collection_modifyitems(items):
    """The longest files begin first: no process is left with one of them at the end."""
    items.sort(key=lambda item: [f"tests/{name}" not in str(item.path) for name in LONGEST])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with _without_the_browsers_loop(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with _without_the_browsers_loop(item):
        return (yield)


@pytest.fixture(scope="session")
def chromium():
    """A real Chromium."""
    if not CHROMIUM:
        left_out("Chromium", "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = launch(playwright)
        yield made
        made.close()


@pytest.fixture(scope="session")
def firefox():
    """A real Firefox."""
    if not FIREFOX:
        left_out("Firefox", "firefox-esr")
    made = Firefox()
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgresql():
    """A running PostgreSQL; its `make(name)` gives the address of a new database."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(servers.postgresql())
        except servers.Missing as error:
            left_out(error.program, error.package)
        yield made


@pytest.fixture(scope="session")
def redis():
    """(address, process) of a running Redis."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(servers.redis())
        except servers.Missing as error:
            left_out(error.program, error.package)
        yield made


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def address(request, tmp_path):
    """The address of an empty database, of either kind."""
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return request.getfixturevalue("postgresql").make(uuid.uuid4().hex)


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The service that most tests share: they may not harm it."""
    with serving(tmp_path_factory.mktemp("service")) as made:
        yield made


@pytest.fixture
def own_service(tmp_path):
    """A service that a test may harm."""
    with serving(tmp_path) as made:
        yield made


def republish(models, change):
    """A models folder with the live release, after `change(data folder)` and signed anew where that
    changed something: nothing that Rasa was taught differs."""
    config = settings.read_settings()
    id, source = registry.live_release(config), config.path("models")
    folder = Path(shutil.copytree(registry.folder_of(config, id), models / "releases" / id))
    (models / "encoder").symlink_to(source / "encoder")
    (models / "live").write_text(id)
    before = _hash_files(folder)
    change(folder / "data")
    if _hash_files(folder) != before:
        sign_content(folder)  # which takes a second
    return models


def _hash_files(folder):
    return code_hash.hash_files([path for path in folder.rglob("*") if path.is_file()], folder)


def sign_content(folder, **changes):
    """Read the content of a release's `data` anew, and sign it as `sign` does."""
    registry.write_content(folder)
    sign(folder, **changes)


def teach(data, phrase, kind="train"):
    """Put a phrase before the others of the first question of the only article."""
    (path,) = data.glob("phrases/*.yml")
    text = path.read_text()
    assert f"  {kind}:\n" in text
    path.write_text(text.replace(f"  {kind}:\n", f"  {kind}:\n    - {phrase}\n", 1))


def reword(data, article, old, new):
    """Change words of an article, and of the ledger where they stand there, as an editor does."""
    path = data / "articles" / f"{article}.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    ledger = data / "evidence" / f"{article}.yml"
    ledger.write_text(ledger.read_text().replace(old, new))


def sign(folder, **changes):
    """Sign a release's files as they are now, with our own secret; `changes` of its manifest."""
    import hashlib
    import hmac
    import json

    manifest = {**json.loads((folder / "manifest.json").read_text()), **changes}
    manifest["files"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]
    }
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sig").write_text(
        hmac.new(
            settings.site_secret(settings.read_settings()).encode(), text, hashlib.sha256
        ).hexdigest()
    )


@pytest.fixture
def data(tmp_path):
    """A copy of the content that a test may break."""
    return Path(
        shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns(".*"))
    )


def keep_one_article(data, article="restless_legs"):
    """Leave one article in a content folder, and the stories that tell of nothing else."""
    import yaml

    for kind in ("articles/*.md", "phrases/*.yml", "evidence/*.yml"):
        for path in data.glob(kind):
            if path.stem != article:
                path.unlink()
    path = data / "stories.yml"
    stories = yaml.safe_load(path.read_text())
    stories["stories"] = [
        story
        for story in stories["stories"]
        if all(
            "." not in name or name.startswith(f"{article}.")
            for step in story["steps"]
            for name in [step.get("intent", ""), *step.get("offer", [])]
        )
    ]
    path.write_text(yaml.safe_dump(stories, sort_keys=False))


def keep_some_dangers(data, every=6):
    """Leave one in so many messages that teach the net, of each side of each round."""
    import yaml

    for path in data.glob("danger/*.yml"):
        groups = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        for group in groups:
            for side in {"dangers", "lookalikes"} & set(group):
                group[side] = group[side][::every]
        path.write_text(yaml.dump(groups, Dumper=yaml.CSafeDumper, allow_unicode=True))


@pytest.fixture(scope="session")
def small_release(tmp_path_factory, worker_id):
    """A folder with `data` of one article and of some of the messages that teach the net, and
    `models` with a release of it, tested: made once for all processes of a run, to be copied."""
    if worker_id == "master":
        return make_small_release(tmp_path_factory.mktemp("small") / "site")
    folder = tmp_path_factory.getbasetemp().parent / "small"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make_small_release(folder.with_suffix(".new")).rename(folder)
    return folder


def make_small_release(folder):
    """The folder, with what small_release says in it."""
    data = Path(
        shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns(".*"))
    )
    keep_one_article(data)
    keep_some_dangers(data)  # all of them take five minutes of a core
    (folder / "models").mkdir()
    (folder / "models" / "encoder").symlink_to(settings.read_settings().path("models") / "encoder")
    config = settings.read_settings(
        {
            "DATA": str(folder / "data"),
            "MODELS": str(folder / "models"),
            "VAR": str(folder),
            "SECRET": "small",
        }
    )
    id = registry.train_candidate(config, lambda step, done: None)
    registry.test_candidate(config, id, lambda step, done: None)
    registry.publish_release(config, id)
    return folder


@pytest.fixture
def small_site(small_release, tmp_path):
    """The environment of a site of one article, published, that a test may change: DATA, MODELS,
    VAR, SECRET, DATABASE_URL."""
    shutil.copytree(small_release, tmp_path / "site", symlinks=True)
    site = tmp_path / "site"
    return {
        "DATA": str(site / "data"),
        "MODELS": str(site / "models"),
        "VAR": str(site),
        "SECRET": "small",
        "DATABASE_URL": f"sqlite:///{site}/site.db",
    }


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """axe-core and TypeScript, as locked in package-lock.json."""
    home = ROOT / "tests/widget"
    folder = home / "node_modules"
    if not (folder / "axe-core" / "axe.min.js").exists():
        if not shutil.which("npm"):
            left_out("npm", "npm")
        with (home / "package.json").open() as lock:  # several runs of tests at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "axe-core" / "axe.min.js").exists():
                subprocess.run(["npm", "ci"], cwd=home, check=True, capture_output=True)
    return folder
