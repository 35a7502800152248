"""Who is at the desk: sessions, roles, the token that every form carries, and the audit log.

A browser has one cookie. Before signing in it's a random value that opens nothing; signing in
replaces it by a session's. Another says, signed, in whose account it was signed in before: it
opens nothing, and isn't kept waiting while somebody guesses that account's password."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from bot.editor.shared.state import get_state
from bot.runtime import settings
from bot.store import accounts

SAFE = ("GET", "HEAD", "OPTIONS")
# of a form; how much may be sent at all, the app says (Door)
FORM_LIMITS = {"max_fields": 8_000, "max_part_size": 12 * 1024 * 1024}
# the pages for those who are not signed in
OPEN = ("/editor/sign-in", "/editor/sign-out", "/editor/invitations/")
KNOWN = "desk-known"  # the cookie of a browser in which an account was signed in before
KNOWN_SECONDS = 180 * 24 * 3600
COOKIE_SECONDS = accounts.SESSION_DAYS * 24 * 3600


class NotSignedIn(Exception):
    """The page is for those who are signed in."""


class Refused(Exception):
    """This person may not do this; the message is a sentence for them."""


async def identify_person(request: Request) -> None:
    """Before every page: notes who it is (`request.state.person`, or None), and lets nothing be
    sent without a form's token."""
    request.state.person = await find_person(request)
    if request.method in SAFE:
        return
    given: object = request.headers.get("x-csrf")
    if given is None:
        given = (await request.form(**FORM_LIMITS)).get("csrf")
    if not isinstance(given, str) or not _is_csrf_token(request, given):
        if request.state.person is None and not request.url.path.startswith(OPEN):
            raise NotSignedIn()  # the token went with the session
        raise Refused(
            "This form is out of date, or was not ours. Go back, load the page again and repeat "
            "what you did; nothing was changed."
        )


async def guard_page(request: Request) -> None:
    """Before every page but those for signing in: readers may look, editors may change; a page
    that wants more asks for it (Publisher, Admin)."""
    if request.state.person is None:
        raise NotSignedIn()
    if request.method not in SAFE and not request.url.path.startswith("/editor/account/"):
        require_role(request, "editor")


async def guard_signing(request: Request) -> None:
    """Before the pages on which answers are signed: as guard_page, but who may sign may send."""
    if request.state.person is None:
        raise NotSignedIn()


def may_sign(request: Request) -> bool:
    """Whether the person who asks may sign answers as reviewed."""
    person: accounts.Member | None = request.state.person
    return person is not None and person.role in get_state(request).config.signer_roles()


def _require_signer(request: Request) -> accounts.Member:
    person = require_role(request, "reader")
    if not may_sign(request):
        roles = " or ".join(get_state(request).config.signer_roles())
        raise Refused(
            f"This needs the role {roles}; yours is {person.role}. Ask whoever runs the desk. "
            f"Nothing was signed."
        )
    return person


async def find_person(request: Request) -> accounts.Member | None:
    """The accounts.Member whose session the request's cookie opens, or None."""
    token = request.cookies.get(_cookie(request))
    return (
        await run_in_threadpool(accounts.find_session, get_state(request).engine, token)
        if token
        else None
    )


def require_role(request: Request, role: str) -> accounts.Member:
    """The accounts.Member who asks, who has `role` or one above it (reader, editor, publisher,
    admin); raises Refused."""
    person: accounts.Member | None = request.state.person
    if person is None:
        raise NotSignedIn()
    if not person.may(role):
        raise Refused(
            f"This needs the role {role}; yours is {person.role}. Ask whoever runs the desk."
        )
    return person


def _with_role(role: str) -> Callable[[Request], Awaitable[accounts.Member]]:
    async def require(request: Request) -> accounts.Member:
        return require_role(request, role)

    return require


# the person who asks, in a page's signature: it answers 403 to who has a lower role
Reader = Annotated[accounts.Member, Depends(_with_role("reader"))]
Editor = Annotated[accounts.Member, Depends(_with_role("editor"))]
Signer = Annotated[accounts.Member, Depends(_require_signer)]
Publisher = Annotated[accounts.Member, Depends(_with_role("publisher"))]
Admin = Annotated[accounts.Member, Depends(_with_role("admin"))]


def record_action(request: Request, action: str, subject: str = "", detail: str = "") -> None:
    """Write into the audit log what this person did, to what, and what else tells it: no visitor's
    words."""
    accounts.record_action(
        get_state(request).engine, request.state.person.name, action, subject, detail
    )


def csrf_token(request: Request) -> str:
    """A token for a form of this browser: another one each time, so that compressed pages don't
    give it away."""
    nonce = secrets.token_hex(8)
    return f"{nonce}.{keyed_hash(request, f'form {nonce} {browser_cookie(request)}')}"


def keyed_hash(request: Request, text: str) -> str:
    """A text's keyed hash, which only this site can make."""
    return hmac.new(
        settings.site_secret(get_state(request).config).encode(),
        f"desk {text}".encode(),
        hashlib.sha256,
    ).hexdigest()


def browser_cookie(request: Request) -> str:
    """The value of this browser's cookie; a new one, which `set_cookie` sends, where it had
    none."""
    if not hasattr(request.state, "browser"):
        request.state.browser = request.cookies.get(_cookie(request)) or secrets.token_urlsafe(32)
    value: str = request.state.browser
    return value


def set_cookie[R: Response](request: Request, response: R, token: str | None = None) -> R:
    """The response with the browser's cookie: a session's `token`, or what it needs to send a
    form."""
    value = token or browser_cookie(request)
    if value != request.cookies.get(_cookie(request)):
        secure = is_secure(request)
        response.set_cookie(
            _cookie(request),
            value,
            max_age=COOKIE_SECONDS,
            path="/" if secure else "/editor",
            secure=secure,
            # strict would lose the way back from single sign-on
            httponly=True,
            samesite="lax",
        )
    return response


def set_known[R: Response](request: Request, response: R, name: str) -> R:
    """The response with what tells later that this account was signed in in this browser."""
    nonce = secrets.token_hex(16)
    response.set_cookie(
        KNOWN,
        f"{nonce}.{keyed_hash(request, f'known {nonce} {name}')}",
        max_age=KNOWN_SECONDS,
        path="/editor",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


def find_known(request: Request, name: str) -> str:
    """What a browser is counted by in which this account was signed in before; "" for others."""
    nonce, _, signature = request.cookies.get(KNOWN, "").partition(".")
    right = keyed_hash(request, f"known {nonce} {name}")
    return nonce if nonce and hmac.compare_digest(signature.encode(), right.encode()) else ""


def drop_cookie[R: Response](request: Request, response: R) -> R:
    response.delete_cookie(
        _cookie(request),
        path="/" if is_secure(request) else "/editor",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


def is_secure(request: Request) -> bool:
    """Whether visitors reach this site by https."""
    url = get_state(request).config.public_url
    return url.startswith("https://") or request.url.scheme == "https"


def page_address(request: Request, path: str) -> str:
    """A page's whole address, as others outside reach it."""
    base = get_state(request).config.public_url or str(request.base_url).rstrip("/").removesuffix(
        "/editor"
    )
    return base.rstrip("/") + path


def next_query(request: Request) -> str:
    """`next=...`, which leads back after signing in: to this page, or to that of its form."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_page = request.method in SAFE and "hx-request" not in request.headers
    return urlencode({"next": path if is_page else form_page(request)})


def form_page(request: Request) -> str:
    """The page of the desk whose form this is, as its browser says; "" where it doesn't."""
    said = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    try:
        url = urlsplit(said)
    except ValueError:
        return ""
    path = next_path(url.path + (f"?{url.query}" if url.query else ""))
    return "" if path == "/editor/" else path


def next_path(text: str) -> str:
    """The page of the desk that `next` names; the first page where it names none: never another
    site's."""
    return (
        quote(text, safe="/?&=%+-._~")
        if text.startswith("/editor/") and "\\" not in text and "//" not in text
        else "/editor/"
    )


def _is_csrf_token(request: Request, given: str) -> bool:
    nonce, _, signature = given.partition(".")
    return hmac.compare_digest(
        signature.encode(), keyed_hash(request, f"form {nonce} {browser_cookie(request)}").encode()
    )


def _cookie(request: Request) -> str:
    return "__Host-desk" if is_secure(request) else "desk"
