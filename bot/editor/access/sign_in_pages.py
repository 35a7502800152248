"""Signing in and out, and taking up an invitation: the only pages for those who are not signed
in."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Engine

from bot.editor.access import passwords
from bot.editor.shared import pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import accounts

TRIES_MINUTES, ACCOUNT_TRIES, ADDRESS_TRIES = 15, 5, 20
WRONG = (
    "The name, the password or the one-time code is wrong. If you are sure of them, somebody may "
    "be guessing: wait a minute, then try again."
)
TOO_MANY = (
    f"There were too many tries. Wait a minute, then try again; at most {TRIES_MINUTES} minutes. A "
    f"browser in which you have signed in before is not kept waiting."
)
router = APIRouter()
Line = Annotated[str, StringConstraints(max_length=500)]
Secret = Annotated[str, Field(max_length=500, repr=False)]  # never in a log
Password = Annotated[str, Form(max_length=500)]


class SignInForm(BaseModel):
    """Who wants to sign in, by what, and which page they want to see."""

    model_config = ConfigDict(frozen=True)
    name: Line
    password: Secret
    code: Secret = ""
    next: Line = ""


@dataclass(frozen=True)
class Tries:
    """What a try to sign in is counted by: the name as it was `typed`, in whatever case, so that
    names are counted alike whether or not somebody has them; the `account` that it names; and the
    `address` that it comes from. Of a browser in which the account was signed in before, all three
    are the browser."""

    typed: str
    account: str
    address: str


@router.get("/sign-in")
def show_sign_in(request: Request, desk: DeskState, next: str = "") -> Response:
    if request.state.person:
        return pages.redirect_to(request, session.next_path(next))
    return show_form(request, desk, 200, next)


@router.post("/sign-in")
def sign_in(request: Request, desk: DeskState, form: Annotated[SignInForm, Form()]) -> Response:
    """Open a session for the right name or e-mail address, password and one-time code."""
    name = pages.blank_nul(form.name).strip()
    found = accounts.read_credentials(desk.engine, name)
    tries = _count_by(request, name, found.name if found else name)
    # where both are the browser, the account's limit stands
    limits = {tries.address: ADDRESS_TRIES, tries.typed: ACCOUNT_TRIES}
    if not accounts.try_sign_in(desk.engine, limits, TRIES_MINUTES, slowed=tries.typed):
        return show_form(request, desk, 429, form.next, TOO_MANY)
    # One account, however it is named: its tries are counted together as well. Past them no answer
    # may tell that both names are of one account: it is the one to a name that nobody has.
    if tries.account != tries.typed and not accounts.try_sign_in(
        desk.engine, {tries.account: ACCOUNT_TRIES}, TRIES_MINUTES, slowed=tries.account
    ):
        found = None
    right = passwords.password_matches(found.password_hash if found else None, form.password)
    if (
        not found
        or not right
        or found.code_secret
        and not take_code(desk.engine, found.id, found.code_secret, form.code)
    ):
        return show_form(request, desk, 401, form.next, WRONG)
    accounts.clear_sign_in(desk.engine, (tries.typed, tries.account), tries.address)
    return enter_desk(request, desk, found.id, session.next_path(form.next), "signed in")


@router.post("/sign-out")
def sign_out(request: Request, desk: DeskState) -> Response:
    accounts.end_session(desk.engine, session.browser_cookie(request))
    return session.drop_cookie(
        request, pages.redirect_to(request, "/editor/sign-in", "You are signed out.")
    )


@router.get("/invitations/{token}")
def show_invitation(request: Request, desk: DeskState, token: str) -> Response:
    try:
        invited = accounts.invited_person(desk.engine, token)
    except accounts.NoInvitation:
        return _no_invitation(request)
    return pages.render_page(request, "invitation.html", invited=invited, fault=None)


@router.post("/invitations/{token}")
def accept_invitation(
    request: Request, desk: DeskState, token: str, password: Password, again: Password
) -> Response:
    """Set the password of the invited person, and sign them in."""
    try:
        invited = accounts.invited_person(desk.engine, token)
        fault = passwords.password_fault(password, invited.name) or (
            "The two passwords differ." if password != again else None
        )
        if fault:
            return pages.render_page(request, "invitation.html", 422, invited=invited, fault=fault)
        id = accounts.accept_invitation(desk.engine, token, passwords.hash_password(password))
    except accounts.NoInvitation:
        return _no_invitation(request)
    return enter_desk(request, desk, id, "/editor/", "accepted an invitation")


def enter_desk(request: Request, desk: State, id: int, path: str, how: str) -> Response:
    """Open a session for a person and lead them to a page. The session that this browser had ends:
    its cookie is a new one."""
    accounts.end_session(desk.engine, session.browser_cookie(request))
    token, name = accounts.open_session(desk.engine, id), accounts.find_by_id(desk.engine, id).name
    accounts.record_action(desk.engine, name, how)
    response = session.set_known(request, pages.redirect_to(request, path), name)
    return session.set_cookie(request, response, token)


def take_code(engine: Engine, id: int, secret: str, code: str) -> bool:
    """Whether `code` is this person's one-time code, for the first time."""
    step = passwords.code_step(secret, code.replace(" ", ""))
    return step is not None and accounts.use_code(engine, id, step)


def show_form(
    request: Request, desk: State, status: int, next: str, fault: str | None = None
) -> Response:
    """The page for signing in, which says what went wrong."""
    issuer = urlsplit(desk.config.oidc_issuer).hostname
    return pages.render_page(
        request, "sign_in.html", status, next=session.next_path(next), fault=fault, issuer=issuer
    )


def _count_by(request: Request, typed: str, name: str) -> Tries:
    """What a try for the account `name` is counted by; where nobody has what was typed, that is
    the name."""
    if known := session.find_known(request, name):  # who guesses elsewhere is no hindrance here
        browser = f"browser {known}"
        return Tries(browser, browser, browser)
    address = f"address {request.client.host if request.client else ''}"
    return Tries(f"typed {typed.casefold()}", f"account {name}", address)


def _no_invitation(request: Request) -> Response:
    return pages.render_page(
        request,
        "fault.html",
        404,
        sentence="This invitation was used, or is too old. Ask for a new one.",
    )
