"""Sites to put load and faults on: `bot serve` on one machine, or two of them behind nginx, on
PostgreSQL and Redis.

Whatever can be cut off stands behind a proxy of its own. A site brings back what was killed, as
systemd would."""

import contextlib
import datetime
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from bot.runtime import settings
from tests.support import journal, servers
from tests.support.memory import memory
from tests.support.proxy import Proxy

READY_SECONDS = 120
TURNS = """select token_hash, message, text, outcome, question, received_at, answered_at, turns.id
           from turns join conversations on conversation = conversations.id"""


@dataclass
class Gateway:
    """A `bot serve` with a folder and a log of its own, which can be ended and started again on the
    same port."""

    port: int
    folder: Path
    environment: dict
    working: str | Path = settings.ROOT
    command: tuple = (sys.executable, "-m", "bot")
    cores: frozenset = frozenset()  # which it and its Rasa may use; none: all
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.folder / "service.log"

    def start(self):
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [*self.command, "serve"],
                cwd=self.working,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(settings.ROOT), **self.environment},
                start_new_session=True,
            )
        if self.cores:
            os.sched_setaffinity(self.process.pid, self.cores)
        return self

    def children(self):
        """{"rasa": [pid, ...]} of its private processes."""
        found = {"rasa": []}
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
        ).stdout
        for line in listed.splitlines():
            pid, command = line.split(None, 1)
            if " serve " in command:
                found["rasa"].append(int(pid))
        return found

    def is_ready(self):
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        return False

    def memory(self):
        """MB of it and its private processes."""
        return memory(self.process.pid)

    def stop(self):
        """End it, and whatever it left behind."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


@dataclass
class Site:
    """Where visitors reach it, its gateways, the database's own address (past every proxy), and
    what stands before each part."""

    url: str
    gateways: list
    address: str
    databases: list = field(default_factory=list)  # a Proxy for each gateway
    redis: Proxy | None = None
    postgresql: servers.PostgreSql | None = None
    others: dict = field(default_factory=dict)  # name: process

    def within(self):
        """Where this thread can reach the database."""
        return contextlib.nullcontext()

    def rows(self, statement):
        with self.within():
            return self._rows(statement)

    def _rows(self, statement):
        if self.address.startswith("postgresql"):
            with psycopg.connect(self.address.replace("+psycopg", "")) as connection:
                return connection.execute(statement).fetchall()
        with contextlib.closing(
            sqlite3.connect(self.address.removeprefix("sqlite:///"), timeout=30)
        ) as connection:
            return connection.execute(statement).fetchall()

    def stored(self):
        """Every turn, as journal.Stored."""
        replies = {}
        for turn, id in self.rows("select turn, id from replies order by turn, place"):
            replies.setdefault(turn, []).append(id)
        return [
            journal.Stored(
                token,
                message,
                text,
                outcome,
                question,
                tuple(replies.get(id, [])),
                _moment(received),
                answered and _moment(answered),
            )
            for token, message, text, outcome, question, received, answered, id in self.rows(TURNS)
        ]

    def faults(self, messages, seconds=90, **how):
        """What journal.check finds, once it finds nothing or the time is over: what a killed
        gateway left is refused some 30 s later."""
        return self.until_none(lambda stored: journal.check(messages, stored, **how), seconds)

    def until_none(self, check, seconds):
        """What `check(every turn)` finds, once it finds nothing or the time is over."""
        end = time.monotonic() + seconds
        while (found := check(self.stored())) and time.monotonic() < end:
            time.sleep(1)
        return found

    def wait_ready(self, seconds=READY_SECONDS):
        """Seconds until every gateway is ready; raises RuntimeError."""
        begun = time.monotonic()
        while not all(gateway.is_ready() for gateway in self.gateways):
            for gateway in self.gateways:
                if time.monotonic() - begun > seconds:
                    raise RuntimeError(
                        f"not ready after {seconds} s: {gateway.log.read_text()[-2000:]}"
                    )
                if gateway.process.poll() is not None:
                    gateway.start()
            time.sleep(0.1)
        return time.monotonic() - begun


@contextlib.contextmanager
def single(folder, working=settings.ROOT, command=Gateway.command, **environment):
    """A site of one gateway, with SQLite unless DATABASE_URL says otherwise; `command` in place of
    `bot`."""
    address = environment.get("DATABASE_URL", f"sqlite:///{folder}/site.db")
    gateway = _gateway(folder, **{**environment, "DATABASE_URL": address})
    gateway.working, gateway.command = working, command
    with _running(Site(gateway.url, [gateway], address)) as site:
        yield site


@contextlib.contextmanager
def on_postgresql(folder, **environment):
    """A site of one gateway on a PostgreSQL behind a proxy."""
    with servers.postgresql() as server, Proxy(server.port) as proxy:
        address = server.make("soak")
        gateway = _gateway(folder, DATABASE_URL=server.url("soak", proxy.port), **environment)
        with _running(Site(gateway.url, [gateway], address, [proxy], postgresql=server)) as site:
            yield site


@contextlib.contextmanager
def several(folder, cores=(frozenset(), frozenset()), **environment):
    """A site of two gateways behind nginx, on one PostgreSQL and one Redis, each behind proxies;
    of as many as `cores` names, each on its own."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.postgresql())
        url, redis_process = stack.enter_context(servers.redis())
        redis = stack.enter_context(Proxy(int(url.rpartition(":")[2].partition("/")[0])))
        databases = [stack.enter_context(Proxy(server.port)) for _ in cores]
        address, gateways = server.make("soak"), []
        for i, (proxy, own_cores) in enumerate(zip(databases, cores, strict=True)):
            own = Path(folder) / f"gateway{i}"
            own.mkdir()
            gateways.append(
                _gateway(
                    own,
                    DATABASE_URL=server.url("soak", proxy.port),
                    REDIS_URL=f"redis://127.0.0.1:{redis.port}/0",
                    **environment,
                )
            )
            gateways[-1].cores = own_cores
        url, nginx = stack.enter_context(servers.nginx([gateway.port for gateway in gateways]))
        site = Site(
            url,
            gateways,
            address,
            databases,
            redis,
            server,
            {"nginx": nginx, "redis": redis_process},
        )
        yield stack.enter_context(_running(site))


def _gateway(folder, **environment):
    port = servers.free_port()
    given = {
        "PORT": str(port),
        "VAR": str(folder),
        "SECRET": settings.site_secret(settings.read_settings()),
        "CONVERSATIONS_PER_MINUTE": "1000000",
    }
    return Gateway(port, Path(folder), {**given, **environment})


@contextlib.contextmanager
def _running(site):
    try:
        for gateway in site.gateways:
            gateway.start()
        site.wait_ready()
        yield site
    finally:
        for gateway in site.gateways:
            if gateway.process:
                gateway.stop()


def _moment(at):
    at = datetime.datetime.fromisoformat(at) if isinstance(at, str) else at
    return at.replace(tzinfo=at.tzinfo or datetime.UTC)
