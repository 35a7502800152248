"""The desk's application: its pages, who may open them, faults as sentences."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.staticfiles import StaticFiles

from bot import articles, encoder, history, release, settings, store
from bot.editor import (
    article_pages,
    conversations,
    drafts,
    entry,
    evidence_pages,
    files,
    manuscripts,
    members,
    numbers,
    pages,
    people,
    publish_pages,
    reports,
    review,
    single_sign_on,
    story_pages,
    table_pages,
    try_pages,
    vectors,
)
from bot.store.accounts import NoPerson
from bot.store.conversations import NoConversation
from bot.store.drafts import NoDraft
from bot.store.votes import NoTicket

# from anybody, and from who is signed in
LARGEST_FORM, LARGEST_UPLOAD = 64 * 1024, 12 * 1024 * 1024
# Every page here is for those who are signed in; who may change something, people.look and
# people.require say.
PARTS = [
    review.router,
    drafts.router,
    conversations.router,
    reports.router,
    evidence_pages.router,
    article_pages.router,
    table_pages.router,
    story_pages.router,
    try_pages.router,
    publish_pages.router,
    numbers.router,
    members.router,
]
SENTENCES = {
    400: "The form could not be read. Go back and try again.",
    404: "There is no such page.",
    405: "This page can't be asked for in this way.",
    413: "This is more than can be sent at once: 12 MB at most.",
    422: "The form could not be read. Go back and try again.",
}


@dataclass
class State:
    """What the pages need: settings and database, and what is kept from page to page."""

    config: settings.Settings
    engine: object
    rehearse: Callable = None  # rehearsal.rehearse of the gateway
    # of what is reviewed, and nothing else
    asked: vectors.Vectors = field(default_factory=vectors.Vectors)
    articles: dict = field(default_factory=dict)  # of library.read_articles
    phrases: vectors.Vectors = field(default_factory=vectors.Vectors)
    counts: numbers.Counts = field(default_factory=numbers.Counts)
    issuer: single_sign_on.Issuer = field(default_factory=single_sign_on.Issuer)


def create_app(config, engine, rehearse):
    """The application to be mounted at /editor; `await rehearse(said, article, candidate)` asks the
    bot, see bot/gateway/rehearsal.py."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(people.look)],
        form_limits=people.FORM_LIMITS,
    )
    app.state.desk = State(config, engine, rehearse)
    app.include_router(entry.router)
    app.include_router(single_sign_on.router)
    for router in PARTS:
        app.include_router(router, dependencies=[Depends(people.guard), Depends(look_at_history)])
    app.add_api_route("/", _show_first, dependencies=[Depends(people.guard)])
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(Door)
    return app


def look_at_history(request: Request):
    """Before every page as a whole: what keeps changes from the history stands on it."""
    if "hx-request" not in request.headers:
        request.state.trouble = history.trouble(request.app.state.desk.config)


def _show_first(request: Request):
    return RedirectResponse("/editor/review", 303)


class Door:
    """ASGI middleware, the desk's outermost: what a browser may load for a page, and how much it
    may send.

    A body is counted while it's read, so an announced length is no promise; only who is signed in
    may send a file."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        largest, read = None, 0

        async def receive_counted():
            nonlocal largest, read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_FORM:
                if largest is None:
                    largest = (
                        LARGEST_UPLOAD if await people.find_person(Request(scope)) else LARGEST_FORM
                    )
                if read > largest:
                    raise HTTPException(413)
            return message

        async def send_secured(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *pages.SECURITY]
            await send(message)

        return await self.app(scope, receive_counted, send_secured)


def _say(request, status, sentence=None):
    return pages.render(
        request, "fault.html", status, sentence=sentence or SENTENCES.get(status, SENTENCES[404])
    )


async def _not_signed_in(request, error):
    if request.method == "GET" and "hx-request" not in request.headers:
        return RedirectResponse(f"/editor/sign-in?{people.next_query(request)}", 303)
    response = _say(
        request,
        401,
        "You are not signed in, or were away for too long. Sign in again; nothing was changed.",
    )
    response.headers["HX-Redirect"] = "/editor/sign-in"
    return response


async def _refused(request, error):
    return _say(request, 403, str(error))


async def _http_error(request, error):
    return _say(request, error.status_code)


async def _bad_form(request, error):
    return _say(request, 422)


async def _no_such(request, error):
    return _say(request, 404)


async def _no_encoder(request, error):
    return _say(request, 503, str(error))


async def _no_answer(request, error):
    return _say(
        request,
        503,
        "The bot does not answer just now. Wait a moment and try again; nothing was changed.",
    )


async def _no_release(request, error):
    return _say(
        request,
        503,
        "The prepared release can’t be started. Prepare another on the page Publish; nothing was "
        "changed.",
    )


async def _content_faults(request, error):
    return pages.render(
        request,
        "fault.html",
        422,
        sentence="This can't be saved yet; nothing was changed.",
        faults=[fault.removeprefix(f"{settings.ROOT}/") for fault in error.faults],
    )


async def _unreadable(request, error):
    return pages.render(
        request,
        "fault.html",
        422,
        sentence="This file can't be shown. Ask who looks after the files to mend it:",
        faults=error.faults,
    )


async def _failed(request, error):
    return _say(
        request,
        500,
        "Something went wrong here, and the service's log says where. Nothing was changed, or "
        "only a part of it: look before you repeat it.",
    )


async def _store_down(request, error):
    return _say(
        request,
        503,
        "The database does not answer. Wait a moment and try again; nothing was changed.",
    )


HANDLERS = {
    people.NotSignedIn: _not_signed_in,
    files.NoFile: _no_such,
    history.NoCommit: _no_such,
    people.Refused: _refused,
    AnyHTTPException: _http_error,
    RequestValidationError: _bad_form,
    NoPerson: _no_such,
    NoDraft: _no_such,
    NoTicket: _no_such,
    NoConversation: _no_such,
    encoder.EncoderMissing: _no_encoder,
    store.StoreDown: _store_down,
    release.NoAnswer: _no_answer,
    release.ReleaseError: _no_release,
    articles.ContentError: _content_faults,
    manuscripts.Unreadable: _unreadable,
    Exception: _failed,
}
