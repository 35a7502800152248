"""The servers of a larger site, each started from Debian's package for as long as a `with` lasts:
PostgreSQL, Redis, nginx.

Each listens on the loopback or a socket in a folder of its own, and leaves nothing behind. Where a
program is missing, it raises Missing with the package that brings it."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

WAIT_SECONDS = 30


class Missing(RuntimeError):
    """A program isn't installed; `package` is the Debian package that brings it."""

    def __init__(self, program, package):
        super().__init__(f"{program} is missing: apt-get install {package}")
        self.program, self.package = program, package


@dataclass
class PostgreSql:
    """A cluster of its own. Its superuser needs no password: who may enter is decided by the folder
    of its socket."""

    folder: Path
    port: int
    program: str
    process: subprocess.Popen | None = None

    def url(self, database, port=None):
        """The SQLAlchemy address of a database, by the socket, or by a TCP `port` (its own, or a
        proxy's)."""
        host = "127.0.0.1" if port else self.folder
        return f"postgresql+psycopg://pamphlet@/{database}?host={host}&port={port or self.port}"

    def run(self, statement, database="postgres"):
        """The rows of a statement, outside any transaction."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="pamphlet", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make(self, database):
        """Make an empty database; its SQLAlchemy address."""
        self.run(f'create database "{database}"')
        return self.url(database)

    def start(self):
        self.process = subprocess.Popen(
            [
                self.program,
                "-D",
                str(self.folder / "data"),
                "-k",
                str(self.folder),
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-F",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_unprivileged(),
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )
        wait_for(lambda: self.run("select 1"), psycopg.Error, self.process)

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT at once and cleanly, SIGQUIT as in a crash."""
        self.process.send_signal(how)
        self.process.wait(WAIT_SECONDS)


@contextlib.contextmanager
def postgresql():
    """A running PostgreSql."""
    programs = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name),
        reverse=True,
    )
    initdb = shutil.which("initdb", path=os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    if not initdb:
        raise Missing("PostgreSQL", "postgresql")
    with _folder() as folder:
        subprocess.run(
            [
                initdb,
                "-D",
                folder / "data",
                "-U",
                "pamphlet",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            **_unprivileged(),
        )
        made = PostgreSql(folder, free_port(), str(Path(initdb).with_name("postgres")))
        made.start()
        try:
            yield made
        finally:
            if made.process.poll() is None:
                made.stop()


@contextlib.contextmanager
def redis():
    """(address, process) of a running Redis that keeps nothing on disk."""
    program = shutil.which("redis-server")
    if not program:
        raise Missing("Redis", "redis-server")
    import redis as client

    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with client.Redis.from_url(url) as connection:
            wait_for(connection.ping, client.RedisError, process)
        yield url, process
    finally:
        process.kill()
        process.wait()


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream gateways {{
    {servers}
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_connect_timeout 2s;
      # a message's id makes it safe to send it to the other gateway
      proxy_next_upstream error timeout non_idempotent;
    }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(ports):
    """(address, process) of an nginx before the gateways on `ports`: it goes on to the next where
    one is gone."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if not program:
        raise Missing("nginx", "nginx-light")
    with tempfile.TemporaryDirectory(prefix="pamphlet-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        servers = "\n    ".join(
            f"server 127.0.0.1:{each} max_fails=1 fail_timeout=1s;" for each in ports
        )
        path = Path(folder) / "nginx.conf"
        path.write_text(NGINX.format(folder=folder, servers=servers, port=port))
        process = subprocess.Popen(
            [program, "-p", folder, "-c", path, "-e", f"{folder}/error.log"],
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(
                lambda: socket.create_connection(("127.0.0.1", port), 1).close(), OSError, process
            )
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait()


def wait_for(answers, errors, process):
    """Wait until `answers` raises none of `errors`; what it returns."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return answers()
        except errors:
            if process.poll() is not None or time.monotonic() > end:
                raise
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _folder():
    """A folder that the server's user may write to: pytest's own are closed to all but us."""
    with tempfile.TemporaryDirectory(prefix="pamphlet-", ignore_cleanup_errors=True) as name:
        if os.getuid() == 0:
            user = _user()
            os.chown(name, user.pw_uid, user.pw_gid)
        yield Path(name)


def _unprivileged():
    """PostgreSQL refuses to be run by root."""
    if os.getuid() != 0:
        return {}
    return {"user": _user().pw_uid, "group": _user().pw_gid, "extra_groups": []}


def _user():
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
