"""What the stand-ins of WhatsApp and Messenger share."""

import hashlib
import hmac
import json

from tests.channels.apps import Call
from tests.channels.platforms import Refused

VERSION = "v23.0"


def settings(url):
    return {"META_URL": f"{url}/meta/{VERSION}"}


def call(secret, data):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Call(
        {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}, body
    )


def need(holds, what, code=100):
    if not holds:
        raise Refused(
            400,
            {
                "error": {
                    "message": f"(#{code}) {what}",
                    "type": "OAuthException",
                    "code": code,
                    "fbtrace_id": "x",
                }
            },
        )


def need_token(request, token):
    if request.headers.get("authorization") != f"Bearer {token}":
        raise Refused(
            401,
            {
                "error": {
                    "message": "Error validating access token",
                    "type": "OAuthException",
                    "code": 190,
                }
            },
        )


def take(platform, request):
    """Both are called at one address."""
    from tests.channels.apps import messenger, whatsapp

    path = request.path.removeprefix(f"{VERSION}/")
    return (whatsapp if path.startswith(whatsapp.PHONE) else messenger).take(
        platform, request, path
    )
