"""Who is at the desk: sessions, roles, the token that every form carries, and the audit log.

A browser has one cookie. Before signing in it's a random value that opens nothing; signing in
replaces it by a session's."""

import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from bot import settings
from bot.store import accounts

SAFE = ("GET", "HEAD", "OPTIONS")
# of a form; how much may be sent at all, the app says (Door)
FORM_LIMITS = {"max_fields": 8_000, "max_part_size": 12 * 1024 * 1024}
COOKIE_SECONDS = accounts.SESSION_DAYS * 24 * 3600


class NotSignedIn(Exception):
    """The page is for those who are signed in."""


class Refused(Exception):
    """This person may not do this; the message is a sentence for them."""


async def look(request: Request):
    """Before every page: notes who it is (`request.state.person`, or None), and lets nothing be
    sent without a form's token."""
    request.state.person = await find_person(request)
    if request.method in SAFE:
        return
    given = request.headers.get("x-csrf")
    if given is None:
        given = (await request.form(**FORM_LIMITS)).get("csrf")
    if not isinstance(given, str) or not _is_csrf_token(request, given):
        raise Refused(
            "This form is out of date, or was not ours. Go back, load the page again and repeat "
            "what you did; nothing was changed."
        )


async def guard(request: Request):
    """Before every page but those for signing in: readers may look, editors may change; `require`
    asks for more."""
    if request.state.person is None:
        raise NotSignedIn()
    if request.method not in SAFE and not request.url.path.startswith("/editor/account/"):
        require(request, "editor")


async def find_person(request):
    """The accounts.Member whose session the request's cookie opens, or None."""
    token = request.cookies.get(_cookie(request))
    return (
        await run_in_threadpool(accounts.find_session, request.app.state.desk.engine, token)
        if token
        else None
    )


def require(request, role):
    """The accounts.Member who asks, who has `role` or one above it (reader, editor, publisher,
    admin); raises Refused."""
    person = request.state.person
    if person is None:
        raise NotSignedIn()
    if not person.may(role):
        raise Refused(
            f"This needs the role {role}; yours is {person.role}. Ask whoever runs the desk."
        )
    return person


def record(request, action, subject="", detail=""):
    """Write into the audit log what this person did, to what, and what else tells it: no visitor's
    words."""
    accounts.record(
        request.app.state.desk.engine, request.state.person.name, action, subject, detail
    )


def csrf_token(request):
    """A token for a form of this browser: another one each time, so that compressed pages don't
    give it away."""
    nonce = secrets.token_hex(8)
    return f"{nonce}.{sign(request, f'form {nonce} {browser(request)}')}"


def sign(request, text):
    """A text's keyed hash, which only this site can make."""
    return hmac.new(
        settings.secret(request.app.state.desk.config).encode(),
        f"desk {text}".encode(),
        hashlib.sha256,
    ).hexdigest()


def browser(request):
    """The value of this browser's cookie; a new one, which `set_cookie` sends, where it had
    none."""
    if not hasattr(request.state, "browser"):
        request.state.browser = request.cookies.get(_cookie(request)) or secrets.token_urlsafe(32)
    return request.state.browser


def set_cookie(request, response, token=None):
    """The response with the browser's cookie: a session's `token`, or what it needs to send a
    form."""
    value = token or browser(request)
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


def drop_cookie(request, response):
    response.delete_cookie(
        _cookie(request),
        path="/" if is_secure(request) else "/editor",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


def is_secure(request):
    """Whether visitors reach this site by https."""
    url = request.app.state.desk.config.public_url
    return url.startswith("https://") or request.url.scheme == "https"


def address(request, path):
    """A page's whole address, as others outside reach it."""
    base = request.app.state.desk.config.public_url or str(request.base_url).rstrip(
        "/"
    ).removesuffix("/editor")
    return base.rstrip("/") + path


def next_query(request):
    """`next=...`, which leads back to this page after signing in."""
    return urlencode(
        {"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")}
    )


def next_path(text):
    """The page of the desk that `next` names; the first page where it names none: never another
    site's."""
    return (
        quote(text, safe="/?&=%+-._~")
        if text.startswith("/editor/") and "\\" not in text and "//" not in text
        else "/editor/"
    )


def _is_csrf_token(request, given):
    nonce, _, signature = given.partition(".")
    return hmac.compare_digest(
        signature.encode(), sign(request, f"form {nonce} {browser(request)}").encode()
    )


def _cookie(request):
    return "__Host-desk" if is_secure(request) else "desk"
