"""The desk's application: its pages, who may open them, faults as sentences."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy import Engine
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.content import articles, history
from bot.editor.access import people_pages, sign_in_pages, single_sign_on
from bot.editor.articles import (
    article_draft_pages,
    article_pages,
    draft_pages,
    evidence_pages,
    question_pages,
    signing_pages,
)
from bot.editor.insights import (
    conversation_note_pages,
    conversation_pages,
    guide_pages,
    number_pages,
    search_pages,
)
from bot.editor.publishing import hand_edit_pages, publish_pages, shared_copy_pages
from bot.editor.review import (
    act_pages,
    answer_draft_pages,
    draft_match_pages,
    report_pages,
    review_pages,
    waiting,
)
from bot.editor.shared import (
    article_document,
    content_files,
    fault_places,
    first_steps,
    form_texts,
    guide,
    pages,
    session,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, Rehearse, State
from bot.editor.stories import story_pages
from bot.editor.tables import table_pages
from bot.editor.trial import try_pages
from bot.editor.versions import version_pages
from bot.language import encoder
from bot.releases import registry
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store.accounts import NoPerson
from bot.store.conversations import NoConversation
from bot.store.drafts import NoDraft
from bot.store.review_acts import NoAct
from bot.store.votes import NoTicket

# from anybody, and from who is signed in
LARGEST_FORM, LARGEST_UPLOAD = 64 * 1024, 12 * 1024 * 1024
# Every page here is for those who are signed in; who may change something, session.guard_page
# and what a page asks for (session.Publisher ...) say. The first address that fits is taken: those
# with fixed words stand before /articles/{article}, and that before /articles/{article}/{question}.
PARTS = [
    review_pages.router,
    act_pages.router,
    draft_pages.router,
    version_pages.router,
    conversation_pages.router,
    conversation_note_pages.router,
    answer_draft_pages.router,
    report_pages.router,
    evidence_pages.router,
    draft_match_pages.router,
    article_draft_pages.router,
    article_pages.router,
    question_pages.router,
    table_pages.router,
    story_pages.router,
    try_pages.router,
    hand_edit_pages.router,
    shared_copy_pages.router,
    publish_pages.router,
    number_pages.router,
    search_pages.router,
    guide_pages.router,
    people_pages.router,
]
SIGN_IN = "You are not signed in, or were away for too long. Sign in again; nothing was changed."
SECRETS = {"password", "again", "old", "secret", "code"}  # fields whose words no page repeats
SENTENCES = {
    400: "The form could not be read. Go back and try again.",
    404: "There is no such page.",
    405: "This page can't be asked for in this way.",
    413: "This is more than can be sent at once: 12 MB at most.",
    422: "The form could not be read. Go back and try again.",
}


def create_app(config: settings.Settings, engine: Engine, rehearse: Rehearse) -> FastAPI:
    """The application to be mounted at /editor; `await rehearse(said, article, candidate)` asks the
    bot, see bot/conversation/rehearsal.py."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[
            Depends(refuse_nul),
            Depends(session.identify_person),
            Depends(count_waiting),
        ],
        form_limits={
            "max_fields": session.FORM_LIMITS["max_fields"],
            "max_part_size": session.FORM_LIMITS["max_part_size"],
        },
    )
    app.state.desk = State(config, engine, rehearse)
    app.include_router(sign_in_pages.router)
    app.include_router(single_sign_on.router)
    app.include_router(
        signing_pages.router,
        dependencies=[Depends(session.guard_signing), Depends(look_at_history)],
    )
    for router in PARTS:
        app.include_router(
            router, dependencies=[Depends(session.guard_page), Depends(look_at_history)]
        )
    app.add_api_route("/", _show_first, dependencies=[Depends(session.guard_page)])
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    images = settings.ROOT / guide.IMAGES
    app.mount("/guide/images", StaticFiles(directory=images, check_dir=False))
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(Door)
    return app


def refuse_nul(request: Request) -> None:
    """Before every page: no address has a "\\0" in it, which PostgreSQL refuses in every text."""
    if "\0" in request.scope["path"]:
        raise HTTPException(404)


def look_at_history(request: Request, desk: DeskState) -> None:
    """Before every page as a whole: what keeps changes from the history stands on it."""
    if "hx-request" not in request.headers:
        request.state.trouble = history.find_trouble(desk.config)


def count_waiting(request: Request, desk: DeskState) -> None:
    """Before every page as a whole of somebody who is signed in: how much waits, for the menu."""
    if request.state.person and "hx-request" not in request.headers:
        request.state.waiting = {
            **waiting.read_counts(desk),
            **hand_edit_pages.read_counts(desk),
        }


def _show_first(request: Request) -> RedirectResponse:
    return RedirectResponse(first_steps.find_first_page(request), 303)


class Door:
    """ASGI middleware, the desk's outermost: what a browser may load for a page, and how much it
    may send.

    A body is counted while it's read, so an announced length is no promise; only who is signed in
    may send a file or a long text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest: int | None = None
        read = 0

        async def receive_counted() -> Message:
            nonlocal largest, read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_FORM:
                if largest is None:
                    largest = (
                        LARGEST_UPLOAD
                        if await session.find_person(Request(scope))
                        else LARGEST_FORM
                    )
                if read > largest:
                    # FastAPI lets no other exception through while it reads
                    raise HTTPException(413 if largest == LARGEST_UPLOAD else 401)
            return message

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *pages.SECURITY]
            await send(message)

        await self.app(scope, receive_counted, send_secured)


def _say(request: Request, status: int, sentence: str | None = None) -> Response:
    return pages.render_page(
        request, "fault.html", status, sentence=sentence or SENTENCES.get(status, SENTENCES[404])
    )


async def _not_signed_in(request: Request, error: session.NotSignedIn) -> Response:
    """To the sign-in page, and from there to the page that was asked for, or to the form's."""
    to = f"/editor/sign-in?{session.next_query(request)}"
    if "hx-request" in request.headers:
        response = _say(request, 401, SIGN_IN)
        response.headers["HX-Redirect"] = to
        return response
    if request.method == "GET":
        return RedirectResponse(to, 303)
    if session.form_page(request):
        return pages.redirect_to(request, to, SIGN_IN)
    return _say(request, 401, SIGN_IN)


async def _refused(request: Request, error: session.Refused) -> Response:
    return _say(request, 403, str(error))


async def _http_error(request: Request, error: AnyHTTPException) -> Response:
    if error.status_code == 401:
        return await _not_signed_in(request, session.NotSignedIn())
    return _say(request, error.status_code)


async def _bad_form(request: Request, error: RequestValidationError) -> Response:
    """A form that can't be read; an address with a number that nothing can have is no page."""
    faults = error.errors()
    if any(
        fault["loc"][0] == "path" and fault["type"] in ("less_than", "greater_than_equal")
        for fault in faults
    ):
        return _say(request, 404)
    too_long = [
        fault_places.show_at_form(
            session.form_page(request),
            str(fault["loc"][-1]),
            form_texts.say_too_long(fault["input"], fault["ctx"]["max_length"]),
        )
        for fault in faults
        if fault["type"] == "string_too_long" and not SECRETS & {*fault["loc"]}
    ]
    return _say_faults(request, too_long) if too_long else _say(request, 422)


async def _too_long(request: Request, error: form_texts.TooLong) -> Response:
    form = session.form_page(request)
    return _say_faults(request, [fault_places.show_at_form(form, error.name, str(error))])


def _say_faults(request: Request, faults: Sequence[ShownFault]) -> Response:
    """What keeps a form from being saved, with the way back to it."""
    return pages.render_page(
        request,
        "fault.html",
        422,
        sentence="This can't be saved yet; nothing was changed.",
        faults=faults,
        back=session.form_page(request),
    )


async def _no_such(request: Request, error: LookupError) -> Response:
    return _say(request, 404)


async def _no_encoder(request: Request, error: encoder.EncoderMissing) -> Response:
    return _say(request, 503, str(error))


async def _no_answer(request: Request, error: registry.NoAnswer) -> Response:
    return _say(
        request,
        503,
        "The bot does not answer just now. Wait a moment and try again; nothing was changed.",
    )


async def _no_release(request: Request, error: registry.ReleaseError) -> Response:
    return _say(
        request,
        503,
        "The prepared release can’t be started. Prepare another on the page Publish; nothing was "
        "changed.",
    )


async def _content_faults(request: Request, error: articles.ContentError) -> Response:
    return _say_faults(request, fault_places.place_faults(error.faults))


async def _unreadable(request: Request, error: article_document.Unreadable) -> Response:
    return pages.render_page(
        request,
        "fault.html",
        422,
        sentence="This can't be shown. Ask who looks after the files to mend it:",
        faults=fault_places.place_faults(error.faults),
    )


async def _failed(request: Request, error: Exception) -> Response:
    return _say(
        request,
        500,
        "Something went wrong here, and the service's log says where. Nothing was changed, or "
        "only a part of it: look before you repeat it.",
    )


async def _store_down(request: Request, error: store_engine.StoreDown) -> Response:
    return _say(
        request,
        503,
        "The database does not answer. Wait a moment and try again; nothing was changed.",
    )


# Any: each takes the error that it stands beside
HANDLERS: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    session.NotSignedIn: _not_signed_in,
    content_files.NoFile: _no_such,
    history.NoCommit: _no_such,
    session.Refused: _refused,
    AnyHTTPException: _http_error,
    RequestValidationError: _bad_form,
    form_texts.TooLong: _too_long,
    NoPerson: _no_such,
    NoDraft: _no_such,
    NoAct: _no_such,
    NoTicket: _no_such,
    NoConversation: _no_such,
    encoder.EncoderMissing: _no_encoder,
    store_engine.StoreDown: _store_down,
    registry.NoAnswer: _no_answer,
    registry.ReleaseError: _no_release,
    articles.ContentError: _content_faults,
    article_document.Unreadable: _unreadable,
    Exception: _failed,
}
