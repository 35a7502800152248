"""What every channel is made of, and what it raises.

A channel is a module with

    NEEDS                            settings without which it is off
    METHODS                          of HTTP, by which it is called
    STYLE                            a rendering.Style: how the platform writes
    async verify(context, call)      nothing, or Forged
    read_call(context, call)         ([Message], what the platform is answered: a dict as JSON,
                                     a str as text, None as nothing)
    render(unit)                     [payload]: the platform's messages for one rendering.Unit,
                                     without the address
    async send(context, address, payload)
                                     sends one; raises Undelivered or Blocked
    async check(context)             who the credentials belong to, in words; raises Undelivered

`read_call` takes any JSON: what it doesn't know it leaves out.
"""

import email.utils
import hashlib
import hmac
import json
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict, overload

import httpx

from bot.channels import rendering
from bot.runtime import settings

LONGEST_WAIT = 3600
NO_XML = "<Response/>"  # what a platform that reads XML is answered: nothing
JsonObject = dict[str, Any]  # as platforms send and take it
Acknowledgement = JsonObject | str | None  # what a platform's call is answered


@dataclass(frozen=True)
class ChannelContext:
    """What a channel works with: settings, a client for calls, and a place to keep keys and tokens
    while it runs."""

    config: settings.Settings
    client: httpx.AsyncClient
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlatformCall:
    """A call of a platform, as it came in. `target`: path and query; `headers`: names in small
    letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query))

    def form(self) -> dict[str, str]:
        """The fields of a form's body; {} where it is none."""
        try:
            return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))
        except ValueError:
            return {}

    def json(self) -> object:
        """The body's JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Message:
    """What a visitor did: wrote a text, pressed the button of a code, or (with neither) sent what
    can't be read.

    `id` is the platform's of the event, `visitor` names the conversation, `address` is where its
    answer goes."""

    id: str
    visitor: str
    address: JsonObject
    text: str | None = None
    code: str | None = None
    country: str | None = None
    files: bool = False  # something stands beside the text that nobody reads
    edited: bool = False  # it changes an earlier message: only a danger in it is answered
    note: str | None = None  # the key of the fixed text that answers it
    answered: bool = False  # by the platform itself: what it means is kept, and nothing said
    album: str | None = None  # of pictures sent at once; those without words have it as their id
    earlier: str | None = None  # how the visitor was named before: that conversation goes on


class Place(TypedDict):
    """The fields of a Message that tell whose conversation it belongs to."""

    visitor: str
    address: JsonObject


class Channel(Protocol):
    """A channel's module, with what the head of this file lists."""

    @property
    def NEEDS(self) -> tuple[str, ...]: ...
    @property
    def METHODS(self) -> tuple[str, ...]: ...
    @property
    def STYLE(self) -> rendering.Style: ...
    async def verify(self, context: ChannelContext, call: PlatformCall) -> None: ...
    def read_call(
        self, context: ChannelContext, call: PlatformCall
    ) -> tuple[list[Message], Acknowledgement]: ...
    def render(self, unit: rendering.Unit) -> list[JsonObject]: ...
    async def send(
        self, context: ChannelContext, address: JsonObject, payload: JsonObject
    ) -> None: ...
    async def check(self, context: ChannelContext) -> str: ...


class Forged(Exception):
    """The call is not the platform's, or not for us, or too old; the argument says which, for the
    log and the counter."""


class Undelivered(Exception):
    """A platform didn't take a call. `wait`: seconds that it asks for; `lasting`: asking again is
    no use."""

    def __init__(self, reason: str, wait: float | None = None, lasting: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.lasting = wait, lasting


class Blocked(Exception):
    """The visitor wants no more messages, or is gone."""


def is_same_secret(given: object, expected: str) -> bool:
    """Whether two secrets are the same, in a time that tells nothing of them."""
    return isinstance(given, str) and hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), expected.encode()
    )


def keyed_hash(secret: str, *parts: str) -> str:
    """A keyed hash of the parts, in hexadecimal digits."""
    return sign_bytes(secret, "\0".join(parts).encode("utf-8", "surrogatepass"))


def sign_bytes(secret: str, data: bytes) -> str:
    """The HMAC-SHA256 of bytes, in hexadecimal digits."""
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


@overload
def dig(data: object, *path: str | int) -> str | None: ...
@overload
def dig[Kind](data: object, *path: str | int, kind: type[Kind]) -> Kind | None: ...
def dig(data: object, *path: str | int, kind: type = str) -> object:
    """What lies at a path of keys and places; None where there is nothing of that kind."""
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data if isinstance(data, kind) and not (kind is int and isinstance(data, bool)) else None


def objects_at(data: object, *path: str | int) -> list[JsonObject]:
    """The objects of the list at a path."""
    return [item for item in dig(data, *path, kind=list) or [] if isinstance(item, dict)]


async def ask_platform(
    context: ChannelContext, method: str, url: str, **options: Any
) -> httpx.Response:
    """A platform's response below 500; raises Undelivered where it can't be had, is busy or
    broken."""
    try:
        response = await context.client.request(method, url, **options)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Undelivered(type(error).__name__) from error
    if response.status_code in (408, 425, 429) or response.status_code >= 500:
        raise Undelivered(f"HTTP {response.status_code}", wait=_wait_of(response))
    return response


def refused_for_good(response: httpx.Response, code: object = None) -> Undelivered:
    """The Undelivered of a response that says no for good."""
    return Undelivered(
        f"HTTP {response.status_code}" + (f", code {code}" if code is not None else ""),
        lasting=True,
    )


def answer_of(response: httpx.Response) -> JsonObject:
    """A response's JSON object; {} where it is none."""
    try:
        data = response.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _wait_of(response: httpx.Response) -> float | None:
    """The seconds that a busy platform asks for: its header, or Telegram's field; None where it
    doesn't say."""
    given = response.headers.get("retry-after") or dig(
        answer_of(response), "parameters", "retry_after", kind=int
    )
    if given is None:
        return None
    try:
        wait = float(given)
    except ValueError:
        try:
            wait = email.utils.parsedate_to_datetime(given).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(wait, 0), LONGEST_WAIT)
