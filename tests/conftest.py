"""A running service for the tests: real gateway, real Rasa, real actions, a database of its own."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot import release, settings

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90


@dataclass
class Service:
    """A `bot serve` of its own: where it is, where its database and log are, and its process."""

    url: str
    database: Path
    log: Path
    process: subprocess.Popen

    def open(self, **opening):
        """The token of a new conversation."""
        answer = httpx.post(f"{self.url}/api/conversations", json=opening)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    def post(self, token, body):
        """The response to a message, whatever it is."""
        return httpx.post(f"{self.url}/api/messages", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def ask(self, text, token=None):
        """The replies to a text, in a new conversation where none is given."""
        answer = self.post(token or self.open(), {"id": uuid.uuid4().hex, "text": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["replies"]

    def rows(self, statement, *values):
        """The rows of a statement on the service's database."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def dump(self):
        """All that the database holds, as text."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return "\n".join(connection.iterdump())

    def children(self):
        """{"rasa": pid, "actions": pid} of the private processes."""
        found = {}
        for line in subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout.splitlines():
            pid, parent, command = line.split(None, 2)
            if int(parent) == self.process.pid:
                found["rasa" if "bot.nlu serve" in command else "actions"] = int(pid)
        return found

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
    if release.live(settings.read()) is None:
        pytest.fail("no release is published: run `make test`, or `bot prepare` first")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database, log = folder / "test.db", folder / "service.log"
    given = {"PORT": str(port), "DATABASE_URL": f"sqlite:///{database}", "VAR": str(folder),
             "SECRET": settings.secret(settings.read()), "MESSAGES_PER_MINUTE": "100000", "CONVERSATIONS_PER_MINUTE": "100000"}
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "bot", "serve"], cwd=ROOT, stdout=output, stderr=output,
                                   env={**os.environ, **given, **environment})
    service = Service(f"http://127.0.0.1:{port}", database, log, process)
    try:
        yield service.wait_ready()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
    """A models folder with the live release, after `change(data folder)` and signed anew: nothing that Rasa was taught differs."""
    import hashlib
    import hmac
    import json
    import shutil

    config = settings.read()
    id, source = release.live(config), config.path("models")
    folder = Path(shutil.copytree(release.folder_of(config, id), models / "releases" / id))
    (models / "encoder").symlink_to(source / "encoder")
    (models / "live").write_text(id)
    change(folder / "data")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sig").write_text(hmac.new(settings.secret(config).encode(), text, hashlib.sha256).hexdigest())
    return models


@pytest.fixture
def data(tmp_path):
    """A copy of the content that a test may break."""
    import shutil

    return Path(shutil.copytree(ROOT / "data", tmp_path / "data"))
