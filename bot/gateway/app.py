"""The gateway's application: start and graceful end, routes, errors as sentences."""

import asyncio
import datetime
import functools
import logging
import shutil
import signal
import traceback
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from bot import (
    articles,
    content,
    countries,
    links,
    logs,
    masking,
    publishing,
    release,
    replies,
    store,
)
from bot.gateway import (
    calls,
    channels,
    connections,
    delivery,
    limits,
    metrics,
    pages,
    processes,
    rehearsal,
    shared,
    traces,
    turns,
    visitors,
)
from bot.store import locks

logger = logging.getLogger(__name__)
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
SCRUB_SECONDS = 10
ADVANCE_SECONDS = 3
FETCH_SECONDS = 3  # between looks into the depot
SETTLE_SECONDS, SETTLE_PAUSE = 16, 10  # past ANSWER_SECONDS, no message is on its way any more
LINK_DAYS = 7  # between two rounds of the sources' addresses
LEAST_FREE = 64 * 1024**2  # bytes on the disk
CODES = {404: "not_found", 405: "wrong_method"}


def create_app(desk, editor, post=None):
    """The application of a desk whose processes run; `editor` is the application at /editor, `post`
    the delivery of the messaging channels, where any is on."""
    app = FastAPI(
        title="Pamphlet",
        description="Answers only with what a reviewed article says.",
        version="0.1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.desk = desk
    app.state.messages = limits.Rates(desk.config.messages_per_minute, desk.shared)
    app.state.openings = limits.Rates(desk.config.conversations_per_minute, desk.shared)
    app.state.refused = limits.Rates(desk.config.messages_per_minute)
    app.include_router(visitors.router)
    app.add_api_route("/metrics", metrics.show, include_in_schema=False)
    if post:
        app.state.delivery = post
        app.include_router(calls.router(post.channels))
    app.add_api_route("/health/live", _is_live, include_in_schema=False)
    app.add_api_route("/health/ready", _is_ready, include_in_schema=False)
    app.add_api_route("/editor", lambda: RedirectResponse("/editor/", 308), include_in_schema=False)
    app.mount("/editor", editor)
    app.include_router(pages.router)  # the last: it takes every name
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(limits.BodyLimit)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=desk.config.origins(),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
        max_age=600,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Guard)
    return app


async def serve(config, create_editor, loading):
    """Start Rasa, serve until a signal, end gracefully.

    `create_editor(config, engine, rehearse)` gives what stands at /editor; `rehearse` is
    rehearsal.rehearse of this site.

    `loading` is what processes.begin gave: a Rasa of the release that is to be served. Raises
    release.ReleaseError, processes.NoAnswer or store.StoreDown where it can't start."""
    logs.configure(config.log_level, config.log_format, "gateway")
    id = loading.rasa.release
    _check_release(config, id)
    engine = store.connect(config.database())
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(store.CONNECTIONS))
    # the longest; the rest is done beside it
    starting = asyncio.create_task(processes.start(config, id, loading))
    started, tasks, collector = None, [], None
    try:
        await asyncio.to_thread(store.migrate, config.database())
        await asyncio.to_thread(masking.load)
        common = shared.Shared(config.redis_url) if config.redis_url else None
        collector = (
            traces.begin(config.otel_exporter_otlp_endpoint)
            if config.otel_exporter_otlp_endpoint
            else None
        )
        desk = turns.Desk(
            config=config,
            engine=engine,
            shared=common,
            turnstile=limits.Turnstile(locks.open_locks(engine), common),
            traces=collector,
        )
        await asyncio.to_thread(turns.read_release, desk, id)
        started = desk.processes = await starting
        post = delivery.open_delivery(desk, channels.on(config)) if channels.on(config) else None
        editor = create_editor(config, engine, functools.partial(rehearsal.rehearse, desk))
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(desk, editor, post),
                host=config.host,
                port=config.port,
                log_config=None,
                forwarded_allow_ips=config.trusted_proxies,
                http=connections.Patient,
                ws="none",
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=processes.DRAIN_SECONDS,
            )
        )
        check = functools.partial(_check_release, config)
        tasks = [
            asyncio.create_task(processes.watch(started, check)),
            asyncio.create_task(_follow(desk)),
            asyncio.create_task(retain(desk)),
            asyncio.create_task(_scrub(desk)),
            asyncio.create_task(_settle(desk)),
            asyncio.create_task(_fetch(desk)),
            asyncio.create_task(_publish_in_time(desk)),
            *([asyncio.create_task(check_links(desk))] if config.check_links else []),
            *([asyncio.create_task(delivery.work(post))] if post else []),
        ]
        address = config.address()
        if config.log_format == "text":
            print(
                f"Pamphlet is ready\n  the page with the chat  {address}/\n  the visitor API     "
                f"    {address}/api/docs\n"
                f"  the editors' desk       {address}/editor/",
                flush=True,
            )
        logger.info("ready at %s with release %s", address, id)
        # uvicorn raises it anew when it has drained: what follows would never be done
        signal.signal(signal.SIGTERM, lambda *_: None)
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not started:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            await processes.stop(started)
        if collector:
            await asyncio.to_thread(collector.shutdown)  # sends what is left
        engine.dispose()


def _check_release(config, id):
    """Raise release.ReleaseError where release `id` can't be served with these settings."""
    texts, _ = content.read_texts(release.folder_of(config, id) / "data")
    lacking = (
        [key for key in replies.CHANNEL_TEXTS if key not in texts] if channels.on(config) else []
    )
    if lacking:
        raise release.ReleaseError(
            f"release {id} is from before the messaging channels and lacks their texts "
            f"({', '.join(lacking)}); "
            "publish a newer one, or take the channels' settings out"
        )


async def _follow(desk):
    """Take the content of whatever release Rasa serves; always in the same thread, for each keeps
    room for what it once held."""
    loop, reader = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    while True:
        await asyncio.sleep(0.5)
        if desk.processes.release != desk.release:
            try:
                await loop.run_in_executor(reader, turns.read_release, desk, desk.processes.release)
            except (articles.ContentError, OSError) as error:
                logger.error(
                    "the content of release %s can't be read (%s); that of %s is served on",
                    desk.processes.release,
                    error,
                    desk.release,
                )
                await asyncio.sleep(10)


async def _fetch(desk):
    """Take the release that is live in the depot, where hosts share one."""
    pause = FETCH_SECONDS
    while desk.config.releases_url:
        await asyncio.sleep(pause)
        try:
            await asyncio.to_thread(release.fetch, desk.config)
            pause = FETCH_SECONDS
        except release.ReleaseError as error:
            pause = min(2 * pause, 60)
            logger.error(
                "%s; release %s is served on; trying again in %s s", error, desk.release, pause
            )


async def _settle(desk):
    """Give an end to the messages that have none in the database, to be read on resuming."""
    while True:
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            seconds=desk.config.answer_seconds + SETTLE_SECONDS
        )
        try:
            if count := await turns.settle(desk, before):
                logger.error("%s messages were left without an answer; they were refused", count)
        except store.StoreDown as error:
            logger.error(
                "%s; messages without an answer are looked for again in %s s", error, SETTLE_PAUSE
            )
        await asyncio.sleep(SETTLE_PAUSE)


async def retain(desk, pause=24 * 3600):
    """Delete texts past their days at once, and again every `pause` seconds; after a failure,
    sooner."""
    while True:
        try:
            if await asyncio.to_thread(store.clear, desk.engine, desk.config.kept_since()):
                desk.forgotten.set()
            wait = pause
        except store.StoreDown as error:
            logger.error("old texts could not be deleted (%s); trying again in 10 minutes", error)
            wait = min(600, pause)
        await asyncio.sleep(wait)


async def check_links(desk, pause=3600):
    """Ask every source's address once a week, in a thread of its own; whether it is time is looked
    at every `pause` seconds, a first time after one."""
    while True:
        await asyncio.sleep(pause)
        last = links.kept(desk.config)[0]
        today = datetime.datetime.now(datetime.UTC).date()
        if last and last + datetime.timedelta(days=LINK_DAYS) > today:
            continue
        try:
            await asyncio.to_thread(_check_links, desk.config)
        except OSError as error:
            logger.error("the sources' addresses could not be asked: %s", error)


def _check_links(config):
    links.keep(config, links.ask(links.listed(config.path("data")), about=config.public_url))


async def _scrub(desk):
    """Clear the database's files of what was deleted, at most every SCRUB_SECONDS."""
    while True:
        await desk.forgotten.wait()
        desk.forgotten.clear()
        try:
            await asyncio.to_thread(store.scrub, desk.engine)
        except store.StoreDown as error:
            logger.error(
                "deleted texts may still stand in the database's files (%s); trying again", error
            )
            desk.forgotten.set()
        await asyncio.sleep(SCRUB_SECONDS)


async def _publish_in_time(desk):
    """Bring scheduled publications live when their time has come."""
    while True:
        await asyncio.sleep(ADVANCE_SECONDS)
        try:
            await asyncio.to_thread(publishing.advance, desk.config, desk.engine)
        except (store.StoreDown, release.ReleaseError, OSError) as error:
            logger.error("scheduled publications could not be looked after: %s", error)


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
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in SECURITY if pair[0] not in names),
                ]
            await send(message)

        try:
            return await self.app(scope, receive, send_secured)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(
                "%s %s failed: %s at %s:%s",
                scope["method"],
                scope["path"],
                type(error).__name__,
                place.filename,
                place.lineno,
            )
            if not begun:
                response = _unavailable(scope, 500)
                await response(scope, receive, send_secured)


async def _is_live():
    return {"live": True}


async def _is_ready(request: Request):
    """Ready: a trained release is served, the database answers, the disk has room."""
    desk, faults = request.app.state.desk, []
    if not any(rasa.runs() for rasa in desk.processes.rasas):
        faults.append("Rasa is not running")
    try:
        await limits.in_time(store.ping, desk.engine)
    except store.StoreDown:
        faults.append("the database does not answer")
    if shutil.disk_usage(desk.config.path("var")).free < LEAST_FREE:
        faults.append("the disk is full")
    return JSONResponse(
        {"ready": not faults, "faults": faults, "release": desk.release}, 503 if faults else 200
    )


def _error(request, status, code, key, headers=None, **values):
    """An error as the visitor API gives it: a code for programs, a sentence for people, and whom to
    call in an emergency."""
    texts = request.app.state.desk.library.texts
    # a release from before "overloaded" has no such text
    message = replies.fill(texts.get(key, texts["too_many"]), **values)
    error = {"code": code, "message": message}
    if urgent := turns.urgent_line(request.app.state.desk, _country(request.scope)):
        error["emergency"] = urgent
    return JSONResponse({"error": error}, status, headers)


def _country(scope):
    """Where the visitor says to be, in a request that says it."""
    return countries.normalise(scope.get("state", {}).get("country"))


async def _bad_text(request, error):
    return _error(request, 422, str(error), str(error), limit=f"{visitors.LONGEST_TEXT:,}")


async def _bad_request(request, error):
    return _error(request, 422, "wrong_request", "wrong_request")


async def _no_conversation(request, error):
    return _error(request, 401, "session_ended", "session_ended", {"WWW-Authenticate": "Bearer"})


async def _no_reply(request, error):
    return _error(request, 404, "no_reply", "wrong_request")


async def _refused(request, error):
    metrics.REFUSED.labels(error.text).inc()
    return _error(
        request, 429, error.text, error.text, {"Retry-After": str(max(1, round(error.seconds)))}
    )


async def _store_down(request, error):
    logger.error("%s", error)
    return _unavailable(request.scope, 503)


async def _http_error(request, error):
    return _error(
        request,
        error.status_code,
        CODES.get(error.status_code, "wrong_request"),
        "wrong_request",
        error.headers,
    )


def _unavailable(scope, status):
    reply = turns.unavailable(scope["app"].state.desk, _country(scope))
    error = {"code": "unavailable", "message": reply["text"], "numbers": reply["numbers"]}
    return JSONResponse({"error": error}, status, {"Retry-After": "10"})


HANDLERS = {
    visitors.BadText: _bad_text,
    RequestValidationError: _bad_request,
    turns.UnknownChoice: _bad_request,
    store.NoConversation: _no_conversation,
    store.NoReply: _no_reply,
    limits.Refused: _refused,
    store.StoreDown: _store_down,
    HTTPException: _http_error,
}
