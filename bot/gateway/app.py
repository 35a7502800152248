"""The gateway's application: start and graceful end, routes, errors as sentences."""

import asyncio
import logging
import traceback

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot import logs, masking, replies, store
from bot.gateway import limits, pages, processes, turns, visitors

logger = logging.getLogger(__name__)
SECURITY = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"cache-control", b"no-store"))
SCRUB_SECONDS = 10
CODES = {404: "not_found", 405: "wrong_method"}


def create_app(desk):
    """The application of a desk whose processes run."""
    app = FastAPI(title="Pamphlet", description="Answers only with what a reviewed article says.", version="0.1",
                  docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.desk = desk
    app.state.messages = limits.Rates(desk.config.messages_per_minute)
    app.state.openings = limits.Rates(desk.config.conversations_per_minute)
    app.include_router(visitors.router)
    app.include_router(pages.router)
    app.add_api_route("/health/live", _is_live, include_in_schema=False)
    app.add_api_route("/health/ready", _is_ready, include_in_schema=False)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(limits.BodyLimit)
    app.add_middleware(CORSMiddleware, allow_origins=desk.config.origins(), allow_methods=["GET", "POST", "DELETE"],
                       allow_headers=["Authorization", "Content-Type"], expose_headers=["Retry-After"], max_age=600)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Guard)
    # /health and /api come before the pages' catch-all route
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") == "/{name}")
    return app


async def serve(config):
    """Start Rasa and the actions, serve until a signal, end gracefully.

    Raises release.ReleaseError, processes.NoAnswer or store.StoreDown where it can't start.
    """
    logs.configure(config.log_level)
    id = processes.live_release(config)
    engine = store.connect(config.database())
    starting = asyncio.create_task(processes.start(config, id))  # the longest; the rest is done beside it
    started, tasks = None, []
    try:
        await asyncio.to_thread(store.migrate, config.database())
        await asyncio.to_thread(masking.load)
        desk = turns.Desk(config=config, engine=engine, turnstile=limits.Turnstile())
        await asyncio.to_thread(turns.read_release, desk, id)
        started = desk.processes = await starting
        server = uvicorn.Server(uvicorn.Config(
            create_app(desk), host=config.host, port=config.port, log_config=None, lifespan="off", server_header=False,
            timeout_graceful_shutdown=processes.DRAIN_SECONDS))
        tasks = [asyncio.create_task(processes.watch(started)), asyncio.create_task(_follow(desk)),
                 asyncio.create_task(retain(desk)), asyncio.create_task(_scrub(desk))]
        address = f"http://{config.host}:{config.port}"
        print(f"Pamphlet is ready\n  the page with the chat  {address}/\n  the visitor API         {address}/api/docs", flush=True)
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        if not started:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            await processes.stop(started)
        engine.dispose()


async def _follow(desk):
    """Take the content of whatever release Rasa serves."""
    while True:
        await asyncio.sleep(0.5)
        if desk.processes.rasa and desk.processes.rasa.release != desk.release:
            await asyncio.to_thread(turns.read_release, desk, desk.processes.rasa.release)


async def retain(desk, pause=24 * 3600):
    """Delete texts past their days at once, and again every `pause` seconds; after a failure, sooner."""
    while True:
        try:
            if await asyncio.to_thread(store.clear, desk.engine, desk.config.kept_since()):
                desk.forgotten.set()
            wait = pause
        except store.StoreDown as error:
            logger.error("old texts could not be deleted (%s); trying again in 10 minutes", error)
            wait = min(600, pause)
        await asyncio.sleep(wait)


async def _scrub(desk):
    """Clear the database's files of what was deleted, at most every SCRUB_SECONDS."""
    while True:
        await desk.forgotten.wait()
        desk.forgotten.clear()
        try:
            await asyncio.to_thread(store.scrub, desk.engine)
        except store.StoreDown as error:
            logger.error("deleted texts may still stand in the database's files (%s); trying again", error)
            desk.forgotten.set()
        await asyncio.sleep(SCRUB_SECONDS)


class Guard:
    """ASGI middleware, the outermost: the security headers, and a sentence in place of a fault.

    Of a fault the log gets the kind and the place; its message may hold a visitor's words.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def send_secured(message):
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                names = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in SECURITY if pair[0] not in names)]
            await send(message)

        try:
            return await self.app(scope, receive, send_secured)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("%s %s failed: %s at %s:%s", scope["method"], scope["path"], type(error).__name__, place.filename, place.lineno)
            if not begun:
                response = _unavailable(scope["app"].state.desk, 500)
                await response(scope, receive, send_secured)


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
    message = replies.fill(request.app.state.desk.library.texts[key], **values)
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
    logger.error("%s", error)
    return _unavailable(request.app.state.desk, 503)


async def _http_error(request, error):
    return _error(request, error.status_code, CODES.get(error.status_code, "wrong_request"), "wrong_request", error.headers)


def _unavailable(desk, status):
    reply = turns.unavailable(desk, None)
    error = {"code": "unavailable", "message": reply["text"], "numbers": reply["numbers"]}
    return JSONResponse({"error": error}, status, {"Retry-After": "10"})


HANDLERS = {
    visitors.BadText: _bad_text, RequestValidationError: _bad_request, turns.UnknownChoice: _bad_request,
    store.NoConversation: _no_conversation, store.NoReply: _no_reply, limits.Refused: _refused,
    store.StoreDown: _store_down, HTTPException: _http_error,
}
