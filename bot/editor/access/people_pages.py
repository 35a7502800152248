"""One's own account; the people of the desk, for admins; the audit log."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.editor.access import passwords, sign_in_pages
from bot.editor.shared import pages, session
from bot.editor.shared.state import DeskState, State
from bot.store import accounts

router = APIRouter()
Line = Annotated[str, StringConstraints(max_length=500)]
Secret = Annotated[str, Field(max_length=500, repr=False)]  # never in a log
Wanted = Annotated[str, Query(max_length=200)]
AUDIT_LINES = 100  # on a page of the log
Password = Annotated[str, Form(max_length=500)]
Role = Literal["reader", "clinician", "editor", "publisher", "admin"]


class PasswordForm(BaseModel):
    """A new password, twice, and the old one."""

    model_config = ConfigDict(frozen=True)
    old: Secret
    password: Secret
    again: Secret


class CodesForm(BaseModel):
    """The secret of one-time codes, with the seal that it was shown with, and a code of it."""

    model_config = ConfigDict(frozen=True)
    secret: Secret
    code: Secret
    seal: Line


class PersonForm(BaseModel):
    """Somebody who is to be invited."""

    model_config = ConfigDict(frozen=True)
    name: Line
    role: Role
    email: Line = ""


@dataclass(frozen=True)
class Invitation:
    """A link that is shown this once, and the name of the person whom it invites."""

    name: str
    link: str


@router.get("/account")
def show_account(request: Request, person: session.Reader) -> Response:
    return _account(request, person)


@router.post("/account/password")
def change_password(
    request: Request,
    desk: DeskState,
    person: session.Reader,
    form: Annotated[PasswordForm, Form()],
) -> Response:
    """Change one's own password; other browsers are signed out."""
    _prove(request, desk, person, form.old)
    fault = passwords.password_fault(form.password, person.name) or (
        "The two new passwords differ." if form.password != form.again else None
    )
    if fault:
        return _account(request, person, fault)
    new = passwords.hash_password(form.password)
    accounts.set_password(desk.engine, person.id, new, session.browser_cookie(request))
    session.record_action(request, "changed the password")
    return pages.redirect_to(
        request, "/editor/account", "The password is changed. Every other browser is signed out."
    )


@router.post("/account/codes")
def begin_codes(
    request: Request, desk: DeskState, person: session.Reader, old: Password
) -> Response:
    """Show a new secret for one-time codes; they are on once a code of it was given."""
    _prove(request, desk, person, old)
    return _account(request, person, secret=passwords.new_secret())


@router.post("/account/codes/on")
def turn_codes_on(
    request: Request,
    desk: DeskState,
    person: session.Reader,
    form: Annotated[CodesForm, Form()],
) -> Response:
    """Turn one-time codes on, by a code of the secret that was shown."""
    if form.seal != _seal(request, person, form.secret):
        raise session.Refused(
            "These one-time codes were not begun here. Begin again; nothing was changed."
        )
    step = passwords.code_step(form.secret, form.code.replace(" ", ""))
    if step is None:
        said = "This code is wrong. Is the clock of your device right? Try the next code."
        return _account(request, person, said, form.secret)
    accounts.set_codes(desk.engine, person.id, form.secret)
    accounts.use_code(desk.engine, person.id, step)
    session.record_action(request, "turned one-time codes on")
    return pages.redirect_to(
        request, "/editor/account", "One-time codes are on: the next sign-in asks for one."
    )


@router.post("/account/codes/off")
def turn_codes_off(
    request: Request, desk: DeskState, person: session.Reader, old: Password
) -> Response:
    _prove(request, desk, person, old)
    accounts.set_codes(desk.engine, person.id, None)
    session.record_action(request, "turned one-time codes off")
    return pages.redirect_to(request, "/editor/account", "One-time codes are off.")


@router.post("/account/others")
def end_other_sessions(request: Request, desk: DeskState, person: session.Reader) -> Response:
    accounts.end_other_sessions(desk.engine, person.id, session.browser_cookie(request))
    session.record_action(request, "signed out elsewhere")
    return pages.redirect_to(request, "/editor/account", "Every other browser is signed out.")


@router.get("/people")
def show_people(request: Request, desk: DeskState, _admin: session.Admin) -> Response:
    return _people(request, desk)


@router.post("/people")
def add_person(
    request: Request,
    desk: DeskState,
    _admin: session.Admin,
    form: Annotated[PersonForm, Form()],
) -> Response:
    """Add a person and show the invitation's link, this once."""
    name, address = form.name.strip(), form.email.strip() or None
    fault = accounts.name_fault(name, address)
    if fault:
        return _people(request, desk, fault)
    try:
        id = accounts.add_person(desk.engine, name, form.role, address)
    except accounts.NameTaken:
        said = "Somebody at the desk has this name or this e-mail address already."
        return _people(request, desk, said)
    session.record_action(request, "added a person", name, form.role)
    link = invitation_link(request, accounts.invite_person(desk.engine, id))
    return _people(request, desk, invitation=Invitation(name, link))


@router.post("/people/{id}/invitation")
def invite_again(
    request: Request, desk: DeskState, _admin: session.Admin, id: pages.Number
) -> Response:
    """A new invitation: for a lost password, or for who has left and comes back."""
    name = accounts.find_by_id(desk.engine, id).name
    link = invitation_link(request, accounts.invite_person(desk.engine, id))
    session.record_action(request, "invited again", name)
    return _people(request, desk, invitation=Invitation(name, link))


@router.post("/people/{id}/role")
def change_role(
    request: Request,
    desk: DeskState,
    admin: session.Admin,
    id: pages.Number,
    role: Annotated[Role, Form()],
) -> Response:
    name = accounts.find_by_id(desk.engine, id).name
    if id == admin.id:
        raise session.Refused(
            "Nobody changes their own role: another admin can, or `bot people role` on the server."
        )
    accounts.change_role(desk.engine, id, role)
    session.record_action(request, "changed a role", name, role)
    return pages.redirect_to(request, "/editor/people", f"{name} is {role} now.")


@router.post("/people/{id}/dismissal")
def dismiss_person(
    request: Request, desk: DeskState, admin: session.Admin, id: pages.Number
) -> Response:
    name = accounts.find_by_id(desk.engine, id).name
    if id == admin.id:
        raise session.Refused(
            "Nobody dismisses themselves: another admin can, or `bot people remove` on the server."
        )
    accounts.dismiss_person(desk.engine, id)
    session.record_action(request, "dismissed a person", name)
    return pages.redirect_to(request, "/editor/people", f"{name} can no longer enter.")


@router.get("/audit")
def show_audit(
    request: Request,
    desk: DeskState,
    _person: session.Publisher,
    before: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    who: Wanted = "",
    action: Wanted = "",
    day: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The log, newest first; what `who` did, what was done (`action`), and on which `day`."""
    who, action = pages.blank_nul(who), pages.blank_nul(action)
    wanted = accounts.AuditFilter(who, action, _read_day(day))
    entries = accounts.read_audit(desk.engine, before, AUDIT_LINES, wanted)
    people, actions = accounts.list_audited(desk.engine)
    return pages.render_page(
        request,
        "audit.html",
        entries=entries,
        wanted=wanted,
        people=people,
        actions=actions,
        earlier=urlencode(
            {"who": who, "action": action, "day": wanted.day or "", "before": entries[-1]["id"]}
        )
        if len(entries) == AUDIT_LINES
        else "",
    )


def _read_day(text: str) -> datetime.date | None:
    """A day as a form's field has it; None where it is empty, or none that has a next one."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < datetime.date.max else None


def invitation_link(request: Request, token: str) -> str:
    """The link of an invitation, as it is sent to the person."""
    return session.page_address(request, f"/editor/invitations/{token}")


def _prove(request: Request, desk: State, person: accounts.Member, password: str) -> None:
    """Raises session.Refused where this is not the person's own password, however the session was
    got at."""
    account = (
        f"session {session.browser_cookie(request)}"  # who guesses elsewhere is no hindrance here
    )
    if not accounts.try_sign_in(
        desk.engine, {account: sign_in_pages.ACCOUNT_TRIES}, sign_in_pages.TRIES_MINUTES
    ):
        raise session.Refused(sign_in_pages.TOO_MANY)
    found = accounts.read_credentials(desk.engine, id=person.id)
    if not passwords.password_matches(found.password_hash if found else None, password):
        raise session.Refused(
            "This is not your password. Go back and try again; nothing was changed."
        )
    accounts.clear_sign_in(desk.engine, [account], account)


def _seal(request: Request, person: accounts.Member, secret: str) -> str:
    return session.keyed_hash(
        request, f"codes {person.id} {session.browser_cookie(request)} {secret}"
    )


def _account(
    request: Request, person: accounts.Member, fault: str | None = None, secret: str | None = None
) -> Response:
    return pages.render_page(
        request,
        "account.html",
        422 if fault else 200,
        fault=fault,
        secret=secret,
        seal=secret and _seal(request, person, secret),
        app_link=secret and passwords.app_link(secret, person.name),
    )


def _people(
    request: Request,
    desk: State,
    fault: str | None = None,
    invitation: Invitation | None = None,
) -> Response:
    return pages.render_page(
        request,
        "people.html",
        422 if fault else 200,
        fault=fault,
        link=invitation and invitation.link,
        invited=invitation and invitation.name,
        is_sure=bool(desk.config.public_url),
        roles=accounts.ROLES,
        members=accounts.list_people(desk.engine),
        hours=accounts.INVITATION_HOURS,
    )
