"""Signing in and out, and taking up an invitation: the only pages for those who are not signed
in."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request

from bot.editor import pages, passwords, people
from bot.store import accounts

TRIES_MINUTES, ACCOUNT_TRIES, ADDRESS_TRIES = 15, 5, 20
WRONG = "The name, the password or the one-time code is wrong."
TOO_MANY = f"There were too many tries. Wait {TRIES_MINUTES} minutes, then try again."
router = APIRouter()
Field = Annotated[str, Form(max_length=500)]


@router.get("/sign-in")
def show_sign_in(request: Request, next: str = ""):
    if request.state.person:
        return pages.redirect(request, people.next_path(next))
    return show_form(request, 200, next)


@router.post("/sign-in")
def sign_in(request: Request, name: Field, password: Field, code: Field = "", next: Field = ""):
    """Open a session for the right name, password and one-time code."""
    engine, name = request.app.state.desk.engine, name.strip()
    account, address = f"account {name}", f"address {request.client.host if request.client else ''}"
    if not accounts.try_sign_in(
        engine, {account: ACCOUNT_TRIES, address: ADDRESS_TRIES}, TRIES_MINUTES
    ):
        return show_form(request, 429, next, TOO_MANY)
    found = accounts.read_credentials(engine, name)
    right = passwords.matches(found and found.password_hash, password)
    if not right or found.code_secret and not take_code(engine, found.id, found.code_secret, code):
        return show_form(request, 401, next, WRONG)
    accounts.clear_sign_in(engine, account, address)
    return enter(request, found.id, people.next_path(next), "signed in")


@router.post("/sign-out")
def sign_out(request: Request):
    accounts.end_session(request.app.state.desk.engine, people.browser(request))
    return people.drop_cookie(
        request, pages.redirect(request, "/editor/sign-in", "You are signed out.")
    )


@router.get("/invitations/{token}")
def show_invitation(request: Request, token: str):
    try:
        invited = accounts.invited(request.app.state.desk.engine, token)
    except accounts.NoInvitation:
        return _no_invitation(request)
    return pages.render(request, "invitation.html", invited=invited, fault=None)


@router.post("/invitations/{token}")
def accept_invitation(request: Request, token: str, password: Field, again: Field):
    """Set the password of the invited person, and sign them in."""
    engine = request.app.state.desk.engine
    try:
        invited = accounts.invited(engine, token)
        fault = passwords.fault(password, invited.name) or (
            "The two passwords differ." if password != again else None
        )
        if fault:
            return pages.render(request, "invitation.html", 422, invited=invited, fault=fault)
        id = accounts.accept(engine, token, passwords.hash(password))
    except accounts.NoInvitation:
        return _no_invitation(request)
    return enter(request, id, "/editor/", "accepted an invitation")


def enter(request, id, path, how):
    """Open a session for a person and lead them to a page. The session that this browser had ends:
    its cookie is a new one."""
    engine = request.app.state.desk.engine
    accounts.end_session(engine, people.browser(request))
    token = accounts.open_session(engine, id)
    accounts.record(engine, accounts.find_by_id(engine, id).name, how)
    return people.set_cookie(request, pages.redirect(request, path), token)


def take_code(engine, id, secret, code):
    """Whether `code` is this person's one-time code, for the first time."""
    step = passwords.code_step(secret, code.replace(" ", ""))
    return step is not None and accounts.use_code(engine, id, step)


def show_form(request, status, next, fault=None):
    """The page for signing in, which says what went wrong."""
    issuer = urlsplit(request.app.state.desk.config.oidc_issuer).hostname
    return pages.render(
        request, "sign_in.html", status, next=people.next_path(next), fault=fault, issuer=issuer
    )


def _no_invitation(request):
    return pages.render(
        request,
        "fault.html",
        404,
        sentence="This invitation was used, or is too old. Ask for a new one.",
    )
