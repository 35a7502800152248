"""The gateway's application: routes, errors as sentences, start and graceful end."""

import asyncio
import contextlib
import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot import release, replies, store
from bot.gateway import limits, pages, processes, turns, visitors

logger = logging.getLogger(__name__)
SECURITY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
CODES = {404: "not_found", 405: "wrong_method"}


def create_app(config):
    """The application for these settings. Starting it starts Rasa and the actions; ending it ends them."""
    app = FastAPI(title="Pamphlet", description="Answers only with what a reviewed article says.", version="0.1",
                  docs_url="/api/docs", redoc_url=None, openapi_url="/api/openapi.json",
                  lifespan=lambda app: _live(app, config))
    app.include_router(visitors.router)
    app.include_router(pages.router)
    app.add_api_route("/health/live", _is_live, include_in_schema=False)
    app.add_api_route("/health/ready", _is_ready, include_in_schema=False)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(limits.BodyLimit)
    app.add_middleware(CORSMiddleware, allow_origins=config.origins(), allow_methods=["GET", "POST", "DELETE"],
                       allow_headers=["Authorization", "Content-Type"], max_age=600)
    app.middleware("http")(_secure)
    # /health and /api come before the pages' catch-all route
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") == "/{name}")
    return app


@contextlib.asynccontextmanager
async def _live(app, config):
    engine = store.connect(config.database())
    started = await processes.start(config)
    desk = turns.Desk(config=config, engine=engine, processes=started, turnstile=limits.Turnstile())
    turns.read_release(desk, started.rasa.release)
    app.state.desk = desk
    app.state.messages = limits.Rates(config.messages_per_minute)
    app.state.openings = limits.Rates(config.conversations_per_minute)
    tasks = [asyncio.create_task(processes.watch(started)), asyncio.create_task(_follow(desk))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await processes.stop(started)
        engine.dispose()


async def _follow(desk):
    """Take the content of whatever release Rasa serves."""
    while True:
        await asyncio.sleep(0.5)
        if desk.processes.rasa and desk.processes.rasa.release != desk.release:
            await asyncio.to_thread(turns.read_release, desk, desk.processes.rasa.release)


async def _secure(request, call_next):
    response = await call_next(request)
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    return response


async def _is_live():
    return {"live": True}


async def _is_ready(request: Request):
    """Ready: a trained release is served, and the database answers."""
    desk, faults = request.app.state.desk, []
    if desk.processes.rasa is None or desk.processes.rasa.process.poll() is not None:
        faults.append("Rasa is not running")
    if desk.processes.actions.poll() is not None:
        faults.append("the action server is not running")
    try:
        await asyncio.to_thread(store.ping, desk.engine)
    except store.StoreDown:
        faults.append("the database does not answer")
    return JSONResponse({"ready": not faults, "faults": faults, "release": desk.release}, 503 if faults else 200)


def _error(request, status, code, key, headers=None, **values):
    """An error as the visitor API gives it: a code for programs, a sentence for people."""
    message = replies.fill(request.app.state.desk.content.texts[key], **values)
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def _bad_text(request, error):
    return _error(request, 422, str(error), str(error), limit=f"{visitors.LONGEST_TEXT:,}")


async def _bad_request(request, error):
    return _error(request, 422, "wrong_request", "wrong_request")


async def _no_conversation(request, error):
    return _error(request, 401, "session_ended", "session_ended", {"WWW-Authenticate": "Bearer"})


async def _no_reply(request, error):
    return _error(request, 404, "no_reply", "wrong_request")


async def _refused(request, error):
    return _error(request, 429, error.text, error.text, {"Retry-After": str(max(1, round(error.seconds)))})


async def _store_down(request, error):
    desk = request.app.state.desk
    logger.error("%s", error)
    body = turns.unavailable(desk, None)
    return JSONResponse({"error": {"code": "unavailable", "message": body["text"], "numbers": body["numbers"]}}, 503, {"Retry-After": "10"})


async def _http_error(request, error):
    return _error(request, error.status_code, CODES.get(error.status_code, "wrong_request"), "wrong_request", error.headers)


async def _fault(request, error):
    logger.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__, exc_info=_without_values(error))
    body = turns.unavailable(request.app.state.desk, None)
    return JSONResponse({"error": {"code": "unavailable", "message": body["text"], "numbers": body["numbers"]}}, 500)


def _without_values(error):
    """The place of an error, without its message: that may hold a visitor's words."""
    return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)


HANDLERS = {
    visitors.BadText: _bad_text, RequestValidationError: _bad_request, turns.UnknownChoice: _bad_request,
    store.NoConversation: _no_conversation, store.NoReply: _no_reply, limits.Refused: _refused,
    store.StoreDown: _store_down, HTTPException: _http_error, Exception: _fault,
}
