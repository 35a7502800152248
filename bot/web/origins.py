"""Sites that embed the chat: which may, and why another may not."""

import logging
import re
import urllib.parse

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.runtime.settings import Settings

logger = logging.getLogger(__name__)
FORM = re.compile(r"null|https?://[A-Za-z0-9.:\[\]-]{1,200}")  # as browsers send it
MOST = 100  # refused origins that are named in the log; who knows what calls


class Origins:
    """ASGI middleware: names each refused origin in the log once, with the reason."""

    def __init__(self, app: ASGIApp, config: Settings) -> None:
        self.app = app
        self.config = config
        self.named: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            headers = dict(scope["headers"])
            origin = headers.get(b"origin", b"").decode("latin-1")
            own = f"{scope['scheme']}://{headers.get(b'host', b'').decode('latin-1')}"
            known = origin in self.named or len(self.named) >= MOST
            if not known and FORM.fullmatch(origin):
                reason = explain_refusal(origin, self.config, own)
                if reason:
                    self.named.add(origin)
                    logger.warning("the chat on %r was refused: %s", origin, reason)
        await self.app(scope, receive, send)


def explain_refusal(origin: str, config: Settings, own: str = "") -> str:
    """Why pages of this origin can't call the chat, and what to do; empty where they can."""
    allowed = config.origins()
    if origin in (own, config.public_url.rstrip("/"), *allowed) or "*" in allowed:
        return ""
    if origin == "null":
        return (
            "a page in a sandbox or a file has no origin; give the iframe "
            'sandbox="allow-scripts allow-same-origin"'
        )
    asked = urllib.parse.urlsplit(origin)
    for other in allowed:
        parts = urllib.parse.urlsplit(other)
        if parts.hostname == asked.hostname and parts.scheme != asked.scheme:
            return f"ALLOWED_ORIGINS has {other}; name {origin} too"
        if parts.hostname == asked.hostname:
            return f"ALLOWED_ORIGINS has {other}, with another port; name {origin} too"
        if asked.hostname and f"www.{parts.hostname}" == asked.hostname:
            return f"ALLOWED_ORIGINS has {other}, without www; name {origin} too"
        if parts.hostname == f"www.{asked.hostname}":
            return f"ALLOWED_ORIGINS has {other}, with www; name {origin} too"
    return f"ALLOWED_ORIGINS doesn't name it; add {origin}, and start anew"
