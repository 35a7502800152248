"""`bot ask`: the visitor API at the terminal, for people and, as JSON lines, for programs."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from bot.runtime import settings
from bot.runtime.settings import Settings

START_SECONDS = 90
type Json = dict[str, Any]  # an object of the visitor API


class NoService(RuntimeError):
    """The service can't be reached, or refused."""


def ask_service(options: argparse.Namespace, config: Settings) -> int:
    """Ask what the options say and print the replies; 0 when everything was answered."""
    if not options.json and not options.text:
        print(
            'bot: write a question, as `bot ask "can myoclonus be prevented"`, or --json',
            file=sys.stderr,
        )
        return 1
    try:
        with _service(options.url, config) as url, httpx.Client(base_url=url, timeout=30) as client:
            if options.json:
                return _answer_lines(client, options.article)
            print_replies(_send(client, _open(client, options.article), " ".join(options.text)))
            return 0
    except NoService as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1


def _answer_lines(client: httpx.Client, article: str | None) -> int:
    """For each line of standard input print {"text", "replies"}, in order; a line that can't be
    taken has an "error"."""
    tokens: dict[str, str] = {}
    failed = 0
    for line in sys.stdin:
        line = line.rstrip("\r\n")
        if not line.strip():
            continue
        name, text = _read_line(line)
        try:
            if name is None or name not in tokens:
                token = _open(client, article)
                if name is not None:
                    tokens[name] = token
            answer = {
                "text": text,
                "replies": _send(client, tokens[name] if name is not None else token, text),
            }
        except NoService as error:
            failed += 1
            answer = {"text": text, "replies": [], "error": str(error)}
        if name is not None:
            answer = {"conversation": name, **answer}
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def _read_line(line: str) -> tuple[str | None, str]:
    """(conversation or None, text) of a line: plain text, or a JSON object."""
    with contextlib.suppress(ValueError):
        message = json.loads(line)
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            return message.get("conversation"), message["text"]
    return None, line


def _open(client: httpx.Client, article: str | None) -> str:
    found = _call(client, "/api/conversations", {"article": article} if article else {}, {})
    return str(found["token"])


def _send(client: httpx.Client, token: str, text: str) -> list[Json]:
    body = {"id": uuid.uuid4().hex, "text": text}
    found = _call(client, "/api/messages", body, {"Authorization": f"Bearer {token}"})
    return list(found["replies"])


def _call(client: httpx.Client, path: str, body: Json, headers: dict[str, str]) -> Json:
    """Post `body`, waiting where the service asks us to."""
    for _ in range(10):
        try:
            response = client.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise NoService(f"{client.base_url} does not answer ({type(error).__name__})") from None
        if response.status_code != 429:
            break
        time.sleep(min(60, int(response.headers.get("Retry-After", "1"))))
    try:
        found: Json = response.json()
    except ValueError:
        raise NoService(
            f"{client.base_url} is no Pamphlet: it answered {response.status_code} without JSON"
        ) from None
    if response.is_error:
        refusal = found["error"]
        urgent = refusal.get("emergency") or {}
        raise NoService(" ".join(filter(None, (refusal["message"], urgent.get("text")))))
    return found


@contextlib.contextmanager
def _service(url: str | None, config: Settings) -> Iterator[str]:
    """The address of the running service, or of one that is started for as long as this takes."""
    address = url or config.address()
    if url or _is_ready(address):
        yield address
        return
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "serve"],
        cwd=settings.ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        begun = time.monotonic()
        while not _is_ready(address):
            if process.poll() is not None:
                raise NoService("the service could not be started; the reason stands above")
            if time.monotonic() - begun > START_SECONDS:
                raise NoService(f"the service was not ready after {START_SECONDS} s")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def _is_ready(address: str) -> bool:
    try:
        return "ready" in httpx.get(f"{address}/health/ready", timeout=2).json()
    except (httpx.HTTPError, ValueError):
        return False


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def print_replies(replies: Iterable[Json]) -> None:
    """Print replies for a person to read."""
    for reply in replies:
        _show_warning(reply.get("warning"))
        if reply.get("title"):
            print(f"\n{reply['title']}\n")
        _print_wrapped(reply["text"])
        if reply.get("more"):
            print()
            _print_wrapped(reply["more"])
        for source in reply.get("sources", []):
            _show_source(source)
        article = reply.get("article")
        if article:
            signed = (
                f"Reviewed by {article['reviewed_by']} on {article['reviewed_on']}"
                if article.get("reviewed_by")
                else None
            )
            reviewed = ". ".join(filter(None, (signed, article.get("review")))).removesuffix(".")
            _print_wrapped(f'\nFrom "{article["title"]}". {reviewed}.')
        if reply.get("disclaimer"):
            _print_wrapped(reply["disclaimer"])
        _show_numbers(reply.get("numbers", []))
        for choice in reply.get("choices", []):
            _print_wrapped(f"- {choice['title']}", "  ")
        if reply.get("emergency"):
            _print_wrapped(reply["emergency"]["text"])


def _show_source(source: Json) -> None:
    """Print a source, and below it what it says about the answer's statements."""
    _print_wrapped(f"[{source['n']}] {source['title']}, {source['url']}", "  ")
    stated = dict.fromkeys(said["states"] for said in source.get("says") or ())
    for line in (*stated, source.get("checked")):
        if line:
            _print_wrapped(line, "      ")


def _show_warning(warning: Json | None) -> None:
    if warning:
        _print_wrapped(warning["text"])
        _show_numbers(warning["numbers"])
        print()


def _show_numbers(numbers: Iterable[Json]) -> None:
    for number in numbers:
        _print_wrapped(f"{number['label']}: {number['number']}", "  ")


def _print_wrapped(text: str, indent: str = "") -> None:
    """Print each paragraph of `text` in lines of at most 88 signs."""
    for paragraph in text.split("\n"):
        print(textwrap.fill(paragraph, 88, initial_indent=indent, subsequent_indent=indent))
