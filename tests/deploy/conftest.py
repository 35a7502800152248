"""A real nginx, with the site of deploy/nginx.conf, before a real `bot serve`."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from conftest import Service, left_out, serving

from tests.support import servers

ROOT = Path(__file__).resolve().parents[2]
NAME, TOKEN = "chat.example.org", "0123456789abcdef0123456789abcdef"
FRAME = """{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""  # noqa: E501


@dataclass
class Site:
    """The public side of a service: nginx, at two ports of the loopback, under the name of the
    site."""

    service: Service
    http: int
    https: int
    folder: Path

    def client(self, address="127.0.0.1", name=NAME, **headers):
        """A client that calls from this address of the loopback."""
        transport = httpx.HTTPTransport(verify=False, local_address=address)
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.https}",
            transport=transport,
            headers={"Host": name, **headers},
            timeout=30,
        )

    @contextlib.contextmanager
    def connect(self):
        """A connection over TLS, for what no client would send; it gives up after 30 s."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.https), 30) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as made,
        ):
            yield made

    def send(self, *lines):
        """The whole answer to a request of these lines, as they are."""
        with self.connect() as connection:
            connection.sendall(
                "\r\n".join([*lines, f"Host: {NAME}", "Connection: close", "", ""]).encode(
                    "latin-1"
                )
            )
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")


def replaced(text, changes):
    """The text with its parts replaced, each of which must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A Site; a visitor's address may open three conversations a minute."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        left_out("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    with serving(folder, CONVERSATIONS_PER_MINUTE="3", METRICS_TOKEN=TOKEN) as service:
        http, https = servers.free_port(), servers.free_port()
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={NAME}",
                "-keyout",
                folder / "key.pem",
                "-out",
                folder / "cert.pem",
            ],
            check=True,
            capture_output=True,
        )
        (folder / "site.conf").write_text(
            replaced(
                (ROOT / "deploy/nginx.conf").read_text(),
                {
                    "listen 80;": f"listen 127.0.0.1:{http};",
                    "listen [::]:80;": "",
                    "listen 443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
                    "listen [::]:443 ssl http2;": "",
                    f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{folder}/cert.pem",
                    f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{folder}/key.pem",
                    "127.0.0.1:8000": service.url.removeprefix("http://"),
                    "/var/log/nginx/": f"{folder}/",
                    "_timeout 10s": "_timeout 5s",
                    "rate=50r/s": "rate=1000r/s",
                },
            )
        )
        (folder / "nginx.conf").write_text(
            FRAME.format(folder=folder, user="user root;" if os.getuid() == 0 else "")
        )
        tried = subprocess.run(
            [program, "-t", "-c", folder / "nginx.conf"], capture_output=True, text=True
        )
        assert tried.returncode == 0 and "[warn]" not in tried.stderr, tried.stderr
        process = subprocess.Popen([program, "-c", folder / "nginx.conf"])
        try:
            made = Site(service, http, https, folder)
            wait_for(lambda: _answers(made), 30)
            yield made
        finally:
            process.terminate()
            process.wait(20)


def _answers(site):
    with contextlib.suppress(httpx.HTTPError), site.client() as client:
        return client.get("/health/live").status_code == 404
    return False


def wait_for(holds, seconds):
    """Wait until `holds` gives something; that."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return found
