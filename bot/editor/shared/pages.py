"""Pages from templates: what every page is given, and what a browser may load for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path as InPath
from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bot.content import wording
from bot.editor.shared import first_steps, guide, page_help, session

# a row's number in an address, and one behind "?": what a database can look for
Number = Annotated[int, InPath(ge=0, lt=2**31)]
Asked = Annotated[int, Query(ge=0, lt=2**31)]
HERE = Path(__file__).parent
STATIC = HERE / "static"
# the cookies of what the next page says once, and of the act in the review that it can undo
NOTICE, UNDO = "notice", "undo"
LONGEST_NOTICE = 700  # signs
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
# The menu: (title, path, least role). A page of its own is a line of its own. How much waits there,
# `request.state.waiting` says, by path.
MENU = [
    ("Review", "/editor/review", "reader"),
    ("Conversations", "/editor/conversations", "reader"),
    ("Reports", "/editor/reports", "reader"),
    ("Articles", "/editor/articles", "reader"),
    ("Signing", "/editor/reviews", "reader"),
    ("Terms and texts", "/editor/tables/terms", "reader"),
    ("Stories", "/editor/stories", "reader"),
    ("Try", "/editor/try", "reader"),
    ("Publish", "/editor/publish", "reader"),
    ("Numbers", "/editor/numbers", "reader"),
    ("People", "/editor/people", "admin"),
    ("Log", "/editor/audit", "publisher"),
]
FORM_TOKEN = Markup('<input type="hidden" name="csrf" value="{}">')


def least_role(path: str) -> str:
    """The role that a page of the menu takes, at least."""
    return next(role for _, at, role in MENU if at == path)


def blank_nul(text: str) -> str:
    """A text with blanks in place of "\\0", which PostgreSQL refuses in every text."""
    return text.replace("\0", " ")


templates = Environment(
    loader=FileSystemLoader(sorted(HERE.parent.glob("*/templates"))),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters["moment"] = lambda at: f"{at:%Y-%m-%d %H:%M}"
templates.filters["day"] = lambda at: f"{at.day} {at:%B %Y}"
templates.filters["counted"] = wording.counted
templates.filters["duration"] = wording.duration
templates.globals["zip"] = zip


def render_page(
    request: Request, template: str, status: int = 200, /, **values: object
) -> HTMLResponse:
    """The page made of a template and `values`. Every template has `person` (or None), `path`,
    `menu`, `notice`, `undo` (the act in the review that the notice is of), `trouble` (what keeps
    changes from the history), `refused` (whether a form comes back unsaved) and, for each form that
    is sent, `form_token()` too; what htmx sends has the token from base.html.

    Whatever a value holds is text: markup in it is shown, not obeyed.
    """
    person = getattr(request.state, "person", None)
    waiting: Mapping[str, int] = getattr(request.state, "waiting", {})
    path, csrf = request.url.path, session.csrf_token(request)
    html = templates.get_template(template).render(
        person=person,
        path=path,
        csrf=csrf,
        form_token=lambda: FORM_TOKEN.format(csrf),
        refused=status in (409, 422),
        notice=unquote(request.cookies.get(NOTICE, "")),
        undo=_read_undo(request),
        trouble=getattr(request.state, "trouble", None) if person else None,
        menu=[
            (title, at, _room_of(path) == _room_of(at), waiting.get(at))
            for title, at, role in MENU
            if person and person.may(role)
        ],
        help=page_help.find_help(_room_of(path)) if person else None,
        first_steps=lambda: first_steps.read_steps(request),
        find_section=guide.find_section,
        **values,
    )
    # a file's name may hold bytes that are no text
    response = session.set_cookie(request, HTMLResponse(html.encode("utf-8", "replace"), status))
    for name in (NOTICE, UNDO):
        if name in request.cookies:
            response.delete_cookie(name, path="/editor")
    return response


def keep_notice(request: Request, response: Response) -> Response:
    """The response, after which the next page says once more what this one said: of a page that
    only waits for another."""
    for name in (NOTICE, UNDO):
        if name in request.cookies:
            _set_said(request, response, name, request.cookies[name])
    return response


def _read_undo(request: Request) -> int | None:
    said = request.cookies.get(UNDO, "")
    return int(said) if said.isdecimal() and len(said) < 10 else None


def _room_of(path: str) -> str:
    """The part of the desk that a path leads to: `tables` of /editor/tables/texts."""
    return path.removeprefix("/editor/").partition("/")[0]


def redirect_to(
    request: Request, path: str, notice: str = "", undo: int | None = None
) -> RedirectResponse:
    """To another page of the desk, which says `notice` once, and offers to `undo` an act in the
    review; after whatever was changed."""
    response = RedirectResponse(path, 303)
    said = {NOTICE: quote(notice[:LONGEST_NOTICE]), UNDO: "" if undo is None else str(undo)}
    for name, value in said.items():
        if value:
            _set_said(request, response, name, value)
    return response


def _set_said(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=60,
        path="/editor",
        secure=session.is_secure(request),
        httponly=True,
        samesite="lax",
    )
