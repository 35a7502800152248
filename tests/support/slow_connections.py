"""Connections that are served and read in parts."""

import contextlib
import socket
import threading
import time

import uvicorn

from bot.web import slow_clients


def read_all(connection):
    """All that comes until the other side closes; raises TimeoutError where it doesn't."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


@contextlib.contextmanager
def patient_server():
    """(host, port) of a server with the gateway's connections and nothing behind them."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
        )
        await send({"type": "http.response.body", "body": b"ok"})

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=slow_clients.SlowClientProtocol,
                ws="none",
                log_config=None,
                lifespan="off",
                timeout_keep_alive=600,
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def ask_in_parts(connection, *parts):
    """Send a request in these parts; wait for the whole answer."""
    for part in parts:
        connection.sendall(part)
        time.sleep(0.02)
    answer = b""
    while not answer.endswith(b"ok"):
        part = connection.recv(1000)
        assert part, answer
        answer += part
