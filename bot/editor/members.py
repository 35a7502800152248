"""One's own account; the people of the desk, for admins; the audit log."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request

from bot.editor import entry, pages, passwords, people
from bot.store import accounts

router = APIRouter()
Field = Annotated[str, Form(max_length=500)]
Role = Annotated[Literal["reader", "editor", "publisher", "admin"], Form()]


@router.get("/account")
def show_account(request: Request):
    return _account(request)


@router.post("/account/password")
def change_password(request: Request, old: Field, password: Field, again: Field):
    engine, person = request.app.state.desk.engine, people.require(request, "reader")
    _prove(request, old)
    fault = passwords.fault(password, person.name) or (
        "The two new passwords differ." if password != again else None
    )
    if fault:
        return _account(request, 422, fault=fault)
    accounts.set_password(engine, person.id, passwords.hash(password), people.browser(request))
    people.record(request, "changed the password")
    return pages.redirect(
        request, "/editor/account", "The password is changed. Every other browser is signed out."
    )


@router.post("/account/codes")
def begin_codes(request: Request, old: Field):
    """Show a new secret for one-time codes; they are on once a code of it was given."""
    _prove(request, old)
    return _account(request, secret=passwords.new_secret())


@router.post("/account/codes/on")
def turn_codes_on(request: Request, secret: Field, code: Field, seal: Field):
    engine, person = request.app.state.desk.engine, people.require(request, "reader")
    if seal != _seal(request, secret):
        raise people.Refused(
            "These one-time codes were not begun here. Begin again; nothing was changed."
        )
    step = passwords.code_step(secret, code.replace(" ", ""))
    if step is None:
        return _account(
            request,
            422,
            secret=secret,
            fault="This code is wrong. Is the clock of your device right? Try the next code.",
        )
    accounts.set_codes(engine, person.id, secret)
    accounts.use_code(engine, person.id, step)
    people.record(request, "turned one-time codes on")
    return pages.redirect(
        request, "/editor/account", "One-time codes are on: the next sign-in asks for one."
    )


@router.post("/account/codes/off")
def turn_codes_off(request: Request, old: Field):
    _prove(request, old)
    accounts.set_codes(request.app.state.desk.engine, request.state.person.id, None)
    people.record(request, "turned one-time codes off")
    return pages.redirect(request, "/editor/account", "One-time codes are off.")


@router.post("/account/others")
def end_other_sessions(request: Request):
    accounts.end_other_sessions(
        request.app.state.desk.engine, request.state.person.id, people.browser(request)
    )
    people.record(request, "signed out elsewhere")
    return pages.redirect(request, "/editor/account", "Every other browser is signed out.")


@router.get("/people")
def show_people(request: Request):
    people.require(request, "admin")
    return _people(request)


@router.post("/people")
def add_person(request: Request, name: Field, role: Role, email: Field = ""):
    """Add a person and show the invitation's link, this once."""
    people.require(request, "admin")
    engine, name, email = request.app.state.desk.engine, name.strip(), email.strip() or None
    fault = accounts.name_fault(name, email)
    if fault:
        return _people(request, 422, fault=fault)
    try:
        id = accounts.add(engine, name, role, email)
    except accounts.NameTaken:
        return _people(
            request, 422, fault="Somebody at the desk has this name or this e-mail address already."
        )
    people.record(request, "added a person", name, role)
    return _people(
        request, link=invitation_link(request, accounts.invite(engine, id)), invited=name
    )


@router.post("/people/{id}/invitation")
def invite_again(request: Request, id: int):
    """A new invitation: for a lost password, or for who has left and comes back."""
    people.require(request, "admin")
    engine = request.app.state.desk.engine
    name = accounts.find_by_id(engine, id).name
    token = accounts.invite(engine, id)
    people.record(request, "invited again", name)
    return _people(request, link=invitation_link(request, token), invited=name)


@router.post("/people/{id}/role")
def change_role(request: Request, id: int, role: Role):
    admin = people.require(request, "admin")
    engine = request.app.state.desk.engine
    name = accounts.find_by_id(engine, id).name
    if id == admin.id:
        raise people.Refused(
            "Nobody changes their own role: another admin can, or `bot people role` on the server."
        )
    accounts.change_role(engine, id, role)
    people.record(request, "changed a role", name, role)
    return pages.redirect(request, "/editor/people", f"{name} is {role} now.")


@router.post("/people/{id}/dismissal")
def dismiss(request: Request, id: int):
    admin = people.require(request, "admin")
    engine = request.app.state.desk.engine
    name = accounts.find_by_id(engine, id).name
    if id == admin.id:
        raise people.Refused(
            "Nobody dismisses themselves: another admin can, or `bot people remove` on the server."
        )
    accounts.dismiss(engine, id)
    people.record(request, "dismissed a person", name)
    return pages.redirect(request, "/editor/people", f"{name} can no longer enter.")


@router.get("/audit")
def show_audit(request: Request, before: int | None = None):
    people.require(request, "publisher")
    return pages.render(
        request,
        "audit.html",
        entries=accounts.read_audit(request.app.state.desk.engine, before, most=100),
    )


def invitation_link(request, token):
    """The link of an invitation, as it is sent to the person."""
    return people.address(request, f"/editor/invitations/{token}")


def _prove(request, password):
    """Raises people.Refused where this is not the person's own password, however the session was
    got at."""
    engine, person = request.app.state.desk.engine, people.require(request, "reader")
    account = f"account {person.name}"
    if not accounts.try_sign_in(engine, {account: entry.ACCOUNT_TRIES}, entry.TRIES_MINUTES):
        raise people.Refused(entry.TOO_MANY)
    if not passwords.matches(
        accounts.read_credentials(engine, id=person.id).password_hash, password
    ):
        raise people.Refused(
            "This is not your password. Go back and try again; nothing was changed."
        )
    accounts.clear_sign_in(engine, account, account)


def _seal(request, secret):
    return people.sign(
        request, f"codes {request.state.person.id} {people.browser(request)} {secret}"
    )


def _account(request, status=200, fault=None, secret=None):
    return pages.render(
        request,
        "account.html",
        status,
        fault=fault,
        secret=secret,
        seal=secret and _seal(request, secret),
        app_link=secret and passwords.app_link(secret, request.state.person.name),
    )


def _people(request, status=200, fault=None, link=None, invited=None):
    return pages.render(
        request,
        "people.html",
        status,
        fault=fault,
        link=link,
        invited=invited,
        roles=accounts.ROLES,
        members=accounts.listed(request.app.state.desk.engine),
        hours=accounts.INVITATION_HOURS,
    )
