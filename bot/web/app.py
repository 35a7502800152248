"""The gateway's application: start and graceful end, routes, errors as sentences."""

import asyncio
import functools
import importlib.metadata
import logging
import shutil
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels import catalogue, inbound, outbox_worker
from bot.content import replies, site_content
from bot.conversation import (
    admission,
    limits,
    messages,
    metrics,
    rasa_processes,
    redis_limits,
    rehearsal,
    tracing,
    turns,
)
from bot.domain import countries
from bot.privacy import masking
from bot.releases import registry
from bot.runtime import logs, loops, settings
from bot.store import engine as store_engine
from bot.store import locks, stored_turns
from bot.web import (
    background_tasks,
    body_limit,
    dependencies,
    metrics_page,
    origins,
    pacing,
    public_pages,
    slow_clients,
    visitor_api,
)

logger = logging.getLogger(__name__)
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
LEAST_FREE = 64 * 1024**2  # bytes on the disk
SWITCH_SECONDS = 0.0005  # for which a thread that works may keep the one that answers waiting
CODES = {404: "not_found", 405: "wrong_method"}


Rehearse = Callable[..., Awaitable[list[rehearsal.Rehearsed]]]  # rehearsal.rehearse of a site


def create_app(
    site: turns.Site, editor: ASGIApp, post: outbox_worker.Delivery | None = None
) -> FastAPI:
    """The application of a desk whose processes run; `editor` is the application at /editor, `post`
    the delivery of the messaging channels, where any is on."""
    app = FastAPI(
        title="Pamphlet",
        description="Answers only with what a reviewed article says.",
        version=importlib.metadata.version("pamphlet"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.site = site
    app.state.limits = dependencies.open_call_limits(site)
    app.include_router(visitor_api.router)
    app.add_api_route("/metrics", metrics_page.show_metrics, include_in_schema=False)
    if post:
        app.state.delivery = post
        app.include_router(inbound.channel_router(post.channels))
    app.add_api_route("/health/live", _is_live, include_in_schema=False)
    app.add_api_route("/health/ready", _is_ready, include_in_schema=False)
    app.add_api_route("/editor", lambda: RedirectResponse("/editor/", 308), include_in_schema=False)
    app.mount("/editor", editor)
    app.include_router(public_pages.router)  # the last: it takes every name
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(body_limit.BodyLimit)
    app.add_middleware(
        pacing.Pacing, per_second=dependencies.requests_per_second(site.config), refuse=_refused
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=site.config.origins(),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
        max_age=600,
    )
    app.add_middleware(origins.Origins, config=site.config)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Guard)
    return app


async def serve_gateway(
    config: settings.Settings,
    create_editor: Callable[[settings.Settings, Engine, Rehearse], ASGIApp],
    loading: rasa_processes.Loading,
) -> bool:
    """Start Rasa, serve until a signal, end gracefully.

    `create_editor(config, engine, rehearse)` gives what stands at /editor; `rehearse` is
    rehearsal.rehearse of this site.

    `loading` is what rasa_processes.begin_loading gave: a Rasa of the release that is to be served.
    Raises registry.ReleaseError, processes.NoAnswer or stored_turns.StoreDown where it can't start.
    False where it ended although nobody asked it to."""
    # Long: each step needs those before it, and what is begun is ended in the reverse order.
    logs.configure_logs(config.log_level, config.log_format, "gateway")
    id = loading.rasa.release
    _check_release(config, id)
    engine = store_engine.connect_database(config.database())
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(store_engine.THREADS))
    # the longest; the rest is done beside it
    starting = asyncio.create_task(rasa_processes.start_processes(config, id, loading))
    started, collector, site, post = None, None, None, None
    try:
        await asyncio.to_thread(store_engine.migrate_database, config.database())
        await asyncio.to_thread(masking.load_lists)
        common = redis_limits.RedisLimits(config.redis_url) if config.redis_url else None
        collector = (
            tracing.begin_tracing(config.otel_exporter_otlp_endpoint)
            if config.otel_exporter_otlp_endpoint
            else None
        )
        site = turns.Site(
            config=config,
            engine=engine,
            shared=common,
            turnstile=limits.Turnstile(locks.open_locks(engine), common),
            traces=collector,
            places=tuple(
                admission.Places(config.answer_seconds) for _ in range(config.rasa_processes)
            ),
        )
        await asyncio.to_thread(turns.read_release, site, id)
        started = site.started = await starting
        post = (
            outbox_worker.open_delivery(site, catalogue.enabled_channels(config))
            if catalogue.enabled_channels(config)
            else None
        )
        editor = create_editor(config, engine, functools.partial(rehearsal.rehearse, site))
        server = _make_server(config, create_app(site, editor, post))
        site.loops = loops.begin_loops(
            background_tasks.list_loops(site, functools.partial(_check_release, config), post),
            functools.partial(setattr, server, "should_exit", True),
        )
        _announce(config, id)
        # uvicorn raises it anew when it has drained: what follows would never be done
        signal.signal(signal.SIGTERM, lambda *_: None)
        await server.serve()
        return not site.loops.fallen()
    finally:
        if site and site.loops:
            await loops.stop_loops(site.loops)
        if post:
            await outbox_worker.close_delivery(post)
        if not started:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        else:
            await rasa_processes.stop_processes(started)
        if collector:
            await asyncio.to_thread(collector.shutdown)  # sends what is left
        engine.dispose()


def _make_server(config: settings.Settings, app: FastAPI) -> uvicorn.Server:
    """The HTTP server of an application, as the settings want it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=config.host,
            port=config.port,
            log_config=None,
            forwarded_allow_ips=config.trusted_proxies,
            http=slow_clients.SlowClientProtocol,
            ws="none",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=rasa_processes.DRAIN_SECONDS,
        )
    )


def _announce(config: settings.Settings, id: str) -> None:
    """Tell whoever looks at the terminal or the log that release `id` is served, and where."""
    address = config.address()
    if config.log_format == "text":
        print(
            f"Pamphlet is ready\n  the page with the chat  {address}/\n  the visitor API     "
            f"    {address}/api/docs\n"
            f"  the editors' desk       {address}/editor/",
            flush=True,
        )
    logger.info("ready at %s with release %s", address, id)


def _check_release(config: settings.Settings, id: str) -> None:
    """Raise registry.ReleaseError where release `id` can't be served with these settings."""
    texts, _ = site_content.read_texts(registry.folder_of(config, id) / "data")
    lacking = (
        [key for key in replies.CHANNEL_TEXTS if key not in texts]
        if catalogue.enabled_channels(config)
        else []
    )
    if lacking:
        raise registry.ReleaseError(
            f"release {id} is from before the messaging channels and lacks their texts "
            f"({', '.join(lacking)}); "
            "publish a newer one, or take the channels' settings out"
        )


class Guard:
    """ASGI middleware, the outermost: the security headers, and a sentence in place of a fault.

    Of a fault the log gets the kind and the place; its message may hold a visitor's words.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def send_secured(message: Message) -> None:
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
                _name_place(scope["path"]),
                type(error).__name__,
                place.filename,
                place.lineno,
            )
            if not begun:
                response = _unavailable(scope, 500)
                await response(scope, receive, send_secured)


def _name_place(path: str) -> str:
    """A path as a log may hold it: what stands behind its second part may be an invitation."""
    parts = path.split("/")
    return "/".join([*parts[:3], "…"]) if len(parts) > 3 else path


async def _is_live(site: dependencies.ServedSite) -> JSONResponse:
    """Live: it answers, and every loop of its runs."""
    fallen = site.loops.fallen() if site.loops else []
    if fallen:
        return JSONResponse(
            {"live": False, "faults": [f"{name} has ended" for name in fallen]}, 503
        )
    return JSONResponse({"live": True})


async def _is_ready(site: dependencies.ServedSite) -> JSONResponse:
    """Ready: a trained release is served, the database answers, the disk has room."""
    faults = []
    if not any(rasa.runs() for rasa in site.processes.rasas):
        faults.append("Rasa is not running")
    try:
        await limits.in_time(store_engine.ping_database, site.engine)
    except store_engine.StoreDown:
        faults.append("the database does not answer")
    if shutil.disk_usage(site.config.path("var")).free < LEAST_FREE:
        faults.append("the disk is full")
    return JSONResponse(
        {"ready": not faults, "faults": faults, "release": site.release}, 503 if faults else 200
    )


def _error(
    request: Request,
    status: int,
    code: str,
    key: str,
    headers: Mapping[str, str] | None = None,
    otherwise: str = "too_many",
    **values: str,
) -> JSONResponse:
    """An error as the visitor API gives it: a code for programs, a sentence for people, and whom to
    call in an emergency."""
    site = dependencies.get_site(request)
    texts = site.library.texts
    # a release from before "overloaded" has no such text
    message = replies.fill_placeholders(texts.get(key, texts[otherwise]), **values)
    error: dict[str, Any] = {"code": code, "message": message}
    if urgent := turns.urgent_line(site, _country(request.scope)):
        error["emergency"] = urgent
    return JSONResponse({"error": error}, status, headers)


def _country(scope: Scope) -> str | None:
    """Where the visitor says to be, in a request that says it."""
    return countries.country_code(scope.get("state", {}).get("country"))


async def _bad_text(request: Request, error: messages.BadText) -> JSONResponse:
    return _error(request, 422, str(error), str(error), limit=f"{messages.LONGEST_TEXT:,}")


async def _bad_request(request: Request, error: Exception) -> JSONResponse:
    return _error(request, 422, "wrong_request", "wrong_request")


async def _no_conversation(request: Request, error: stored_turns.NoConversation) -> JSONResponse:
    return _error(request, 401, "session_ended", "session_ended", {"WWW-Authenticate": "Bearer"})


async def _other_message(request: Request, error: stored_turns.OtherMessage) -> JSONResponse:
    # a release from before it had the words
    return _error(request, 409, "other_message", "other_message", otherwise="wrong_request")


async def _no_reply(request: Request, error: stored_turns.NoReply) -> JSONResponse:
    return _error(request, 404, "no_reply", "wrong_request")


async def _refused(request: Request, error: limits.Refused) -> JSONResponse:
    metrics.REFUSED.labels(error.text).inc()
    return _error(
        request, 429, error.text, error.text, {"Retry-After": str(max(1, round(error.seconds)))}
    )


async def _store_down(request: Request, error: store_engine.StoreDown) -> JSONResponse:
    logger.error("%s", error)
    return _unavailable(request.scope, 503)


async def _http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404 and public_pages.wants_page(request):
        return public_pages.show_missing(request)
    return _error(
        request,
        error.status_code,
        CODES.get(error.status_code, "wrong_request"),
        "wrong_request",
        error.headers,
    )


def _unavailable(scope: Scope, status: int) -> JSONResponse:
    reply = turns.unavailable_reply(scope["app"].state.site, _country(scope))
    error = {"code": "unavailable", "message": reply["text"], "numbers": reply["numbers"]}
    return JSONResponse({"error": error}, status, {"Retry-After": "10"})


# each takes a request and the exception that it is named beside
HANDLERS: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    messages.BadText: _bad_text,
    RequestValidationError: _bad_request,
    turns.UnknownChoice: _bad_request,
    stored_turns.NoConversation: _no_conversation,
    stored_turns.NoReply: _no_reply,
    stored_turns.OtherMessage: _other_message,
    limits.Refused: _refused,
    store_engine.StoreDown: _store_down,
    HTTPException: _http_error,
}
