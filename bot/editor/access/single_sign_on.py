"""Single sign-on by OpenID Connect: to the issuer and back, by authorization code with PKCE; its
word is checked before it counts.

Authlib makes the request and checks the claims, joserfc the signature. httpx fetches: Authlib's own
client wants httpx2."""

import base64
import json
import logging
import secrets
import time
from hmac import compare_digest
from typing import Annotated, Any, cast
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from pydantic import BaseModel, ConfigDict, Field

from bot.editor.access import sign_in_pages
from bot.editor.shared import pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import accounts

logger = logging.getLogger(__name__)
COOKIE = "single"  # what was begun in this browser
BACK = "/editor/sign-in/back"
BEGUN_SECONDS, KEPT_SECONDS, WAIT_SECONDS, LEEWAY_SECONDS = 600, 3600, 5, 60
# never none, nor a shared secret
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]
NOT_BEGUN = "This sign-in was not begun in this browser, or took too long. Begin again."
DOWN = (
    "%s does not answer, or not as it should. Try again in a while, or sign in with your password."
)
NOT_TRUSTED = (
    "%s could not tell who you are. Begin again; if that does not help, ask whoever runs the desk."
)
UNINVITED = "%s knows you, but the desk does not: nobody of your verified e-mail address is invited. Ask whoever runs the desk."  # noqa: E501
router = APIRouter()
LONGEST = 4000  # characters of a part of an address
Part = Annotated[str, Field(max_length=LONGEST, repr=False)]  # never in a log


class IssuerAnswer(BaseModel):
    """What the issuer sends back by the browser's address."""

    model_config = ConfigDict(frozen=True)
    code: Part = ""
    state: Part = ""
    iss: Part = ""
    error: Part = ""


class Unusable(RuntimeError):
    """The issuer can't be reached, or gave what can't be used; the message says what, without its
    words."""


class NotTrusted(RuntimeError):
    """What the issuer said of the person fails a check; the message says which."""


@router.get("/sign-in/single")
def begin_sign_in(
    request: Request, desk: DeskState, next: Annotated[str, Query(max_length=LONGEST)] = ""
) -> Response:
    """To the issuer. What must come back stands in a cookie that only this site can make, and only
    for this browser."""
    if not desk.config.oidc_issuer:
        return pages.redirect_to(request, "/editor/sign-in")
    try:
        found = _published(desk)
    except Unusable as error:
        return _failed(request, desk, 503, DOWN, error)
    begun = {
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(48),
        "next": session.next_path(next),
        "at": int(time.time()),
    }
    response = RedirectResponse(
        prepare_grant_uri(
            found["authorization_endpoint"],
            client_id=desk.config.oidc_client_id,
            response_type="code",
            redirect_uri=session.page_address(request, BACK),
            scope="openid email",
            state=begun["state"],
            nonce=begun["nonce"],
            code_challenge=create_s256_code_challenge(begun["verifier"]),
            code_challenge_method="S256",
        ),
        303,
    )
    encoded = base64.urlsafe_b64encode(json.dumps(begun).encode()).decode()
    response.set_cookie(
        COOKIE,
        f"{encoded}.{_seal(request, encoded)}",
        max_age=BEGUN_SECONDS,
        path="/editor/sign-in",
        secure=session.is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return session.set_cookie(request, response)


@router.get("/sign-in/back")
def come_back(
    request: Request, desk: DeskState, answer: Annotated[IssuerAnswer, Query()]
) -> Response:
    """From the issuer: a session for whom it proves to be invited."""
    begun = _begun(request)
    if begun is None or not compare_digest(begun["state"].encode(), answer.state.encode()):
        return _failed(request, desk, 401, NOT_BEGUN)
    address = f"address {request.client.host if request.client else ''}"
    if not accounts.try_sign_in(
        desk.engine, {address: sign_in_pages.ADDRESS_TRIES}, sign_in_pages.TRIES_MINUTES
    ):
        return _failed(request, desk, 429, sign_in_pages.TOO_MANY)
    try:
        is_other = answer.iss not in ("", desk.config.oidc_issuer)
        if answer.error or not answer.code or is_other:
            raise NotTrusted("another issuer answered" if is_other else "it gave no code")
        redeemed = _redeem(request, desk, answer.code, begun["verifier"])
        claims = _claims(desk, redeemed, begun["nonce"])
    except Unusable as unusable:
        return _failed(request, desk, 503, DOWN, unusable)
    except NotTrusted as not_trusted:
        return _failed(request, desk, 401, NOT_TRUSTED, not_trusted)
    email = (
        claims.get("email")
        if claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        else None
    )
    id = accounts.find_subject(desk.engine, f"{desk.config.oidc_issuer} {claims['sub']}", email)
    if id is None:
        return _failed(request, desk, 403, UNINVITED)
    accounts.clear_sign_in(desk.engine, f"single {id}", address)
    return _forget(
        request,
        sign_in_pages.enter_desk(request, desk, id, begun["next"], "signed in by single sign-on"),
    )


def _published(desk: State, newer_than: float = 0.0) -> dict[str, Any]:
    """What the issuer publishes, with its `keys`, at most an hour old, and read after the moment
    `newer_than`."""
    issuer, kept = desk.config.oidc_issuer, desk.issuer
    with kept.lock:
        if (
            not kept.found
            or time.monotonic() - kept.read_at > KEPT_SECONDS
            or kept.read_at < newer_than
        ):
            found = _fetch("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise Unusable("the issuer calls itself otherwise than OIDC_ISSUER does")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not str(found.get(name)).startswith(
                    ("https://", "http://") if issuer.startswith("http://") else "https://"
                ):
                    raise Unusable(f"its {name} is no https address")
            listed = _fetch("GET", found["jwks_uri"])
            try:  # whether it is a set of keys at all, joserfc says
                found["keys"] = KeySet.import_key_set(cast(KeySetSerialization, listed))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise Unusable("its keys can't be read") from error
            kept.found, kept.read_at = found, time.monotonic()
        return kept.found


def _redeem(request: Request, desk: State, code: str, verifier: str) -> dict[str, Any]:
    """What the issuer gives for a code, once: a dict with the ID token."""
    config, found = desk.config, _published(desk)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": session.page_address(request, BACK),
        "code_verifier": verifier,
    }
    basic = "client_secret_basic" in found.get(
        "token_endpoint_auth_methods_supported", ["client_secret_basic"]
    )
    if config.oidc_client_secret and basic:
        return _fetch(
            "POST",
            found["token_endpoint"],
            data=fields,
            auth=(quote(config.oidc_client_id), quote(config.oidc_client_secret)),
        )
    given = {"client_secret": config.oidc_client_secret} if config.oidc_client_secret else {}
    return _fetch(
        "POST",
        found["token_endpoint"],
        data={**fields, "client_id": config.oidc_client_id, **given},
    )


def _claims(desk: State, given: dict[str, Any], nonce: str) -> CodeIDToken:
    """The claims of the ID token that was given, each check passed; raises NotTrusted."""
    config, token = desk.config, given.get("id_token")
    if not isinstance(token, str):
        raise NotTrusted("it gave no ID token")
    options = {
        "iss": {"essential": True, "value": config.oidc_issuer},
        "aud": {"essential": True, "value": config.oidc_client_id},
    }
    try:
        decoded = _decode(desk, token)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options,
            {
                "nonce": nonce,
                "client_id": config.oidc_client_id,
                "access_token": given.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotTrusted(
            f"its ID token fails: {getattr(error, 'error', type(error).__name__)} "
            f"{getattr(error, 'claim', '')}"
        ) from error
    return claims


def _decode(desk: State, token: str) -> jwt.Token:
    """The token, whose signature is by one of the issuer's keys; those are read anew, once a
    minute, for one that isn't known yet."""
    keys = _published(desk)["keys"]
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        return jwt.decode(
            token, _published(desk, time.monotonic() - 60)["keys"], algorithms=ALGORITHMS
        )


def _fetch(method: str, url: str, **more: Any) -> dict[str, Any]:
    """The JSON object at an address."""
    try:
        answer = httpx.request(
            method, url, timeout=WAIT_SECONDS, headers={"Accept": "application/json"}, **more
        )
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unusable(f"{urlsplit(url).path} gave no JSON ({type(error).__name__})") from error
    if method == "POST" and answer.status_code in (400, 401):
        raise NotTrusted("it refused the code, or our OIDC_CLIENT_ID and OIDC_CLIENT_SECRET")
    if answer.status_code != 200 or not isinstance(found, dict):
        raise Unusable(f"{urlsplit(url).path} answered {answer.status_code}")
    return found


def _begun(request: Request) -> dict[str, Any] | None:
    """What `begin` put into this browser's cookie; None where it didn't, or too long ago."""
    encoded, _, seal = request.cookies.get(COOKIE, "").partition(".")
    if not compare_digest(seal.encode(), _seal(request, encoded).encode()):
        return None
    begun: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded))
    return begun if time.time() - begun["at"] < BEGUN_SECONDS else None


def _seal(request: Request, encoded: str) -> str:
    return session.keyed_hash(
        request, f"single sign-on {session.browser_cookie(request)} {encoded}"
    )


def _failed(
    request: Request, desk: State, status: int, sentence: str, fault: Exception | None = None
) -> Response:
    name = urlsplit(desk.config.oidc_issuer).hostname or "single sign-on"
    if fault:
        logger.warning("single sign-on by %s failed: %s", name, fault)
    return _forget(
        request, sign_in_pages.show_form(request, desk, status, "", sentence.replace("%s", name))
    )


def _forget[R: Response](request: Request, response: R) -> R:
    response.delete_cookie(
        COOKIE,
        path="/editor/sign-in",
        secure=session.is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return response
