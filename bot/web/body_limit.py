"""How large a request may be: refused before it is read."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
LARGEST_CALL = 1024 * 1024  # of a messaging platform, which may send many messages at once


class BodyLimit:
    """ASGI middleware: refuses bodies that are too large, announced or not, and compressed ones,
    before they are read.

    The desk at /editor counts its own: who is signed in may send it a file.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/editor/"):
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return await _refusal(415, "Please send the message as it is, not compressed.")(
                scope, receive, send
            )
        largest = LARGEST_CALL if scope["path"].startswith("/channels/") else LARGEST_BODY
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > largest:
            return await _refusal(
                413, "That is more than can be sent at once. Please send one short message."
            )(scope, receive, send)
        body, more = b"", scope["method"] in ("POST", "PUT", "PATCH", "DELETE")
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return None
            body += part.get("body", b"")
            more = part.get("more_body", False)
            if len(body) > largest:
                return await _refusal(
                    413, "That is more than can be sent at once. Please send one short message."
                )(scope, receive, send)
        given = False

        async def read() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, read, send)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse(
        {"error": {"code": "too_large" if status == 413 else "compressed", "message": message}},
        status,
    )
