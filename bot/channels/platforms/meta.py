"""What WhatsApp and Messenger share: Meta's signature, its first call, and the errors of its Graph
API."""

from collections.abc import Container

from bot.channels import base

# https://developers.facebook.com/docs/graph-api/guides/error-handling and the error codes of the
# Cloud API
BUSY: tuple[int, ...]
BUSY = (1, 2, 4, 17, 32, 341, 613, 1200, 80007, 80008, 130429, 131000, 131016, 131048, 131056)
BUSY += (131057, 133004, 133016)


def verify_meta(call: base.PlatformCall, secret: str, word: str) -> None:
    """Nothing, or Forged: `secret` signs calls, `word` comes with the first."""
    if call.method == "GET":
        query = call.query()
        if query.get("hub.mode") != "subscribe" or not base.is_same_secret(
            query.get("hub.verify_token"), word
        ):
            raise base.Forged("token")
    elif not base.is_same_secret(
        call.headers.get("x-hub-signature-256"), f"sha256={base.sign_bytes(secret, call.body)}"
    ):
        raise base.Forged("signature")


def read_challenge(call: base.PlatformCall) -> str | None:
    """What Meta wants to read in the answer to its first call; None in any other."""
    return call.query().get("hub.challenge", "")[:200] if call.method == "GET" else None


async def send_to_graph(
    context: base.ChannelContext,
    token: str,
    path: str,
    body: base.JsonObject,
    gone: Container[object],
) -> None:
    """Post to the Graph API; raises Undelivered, or Blocked for the error codes in `gone`."""
    response = await base.ask_platform(
        context,
        "POST",
        f"{context.config.meta_url}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
    )
    if response.status_code >= 400:
        code = base.dig(base.answer_of(response), "error", "code", kind=int)
        if code in gone:
            raise base.Blocked
        if code in BUSY:
            raise base.Undelivered(f"code {code}")
        raise base.refused_for_good(response, code)


async def check_credentials(context: base.ChannelContext, token: str, path: str, field: str) -> str:
    """A field of the thing at a path; raises Undelivered."""
    response = await base.ask_platform(
        context,
        "GET",
        f"{context.config.meta_url}/{path}",
        params={"fields": field},
        headers={"Authorization": f"Bearer {token}"},
    )
    if response.status_code >= 400:
        raise base.refused_for_good(
            response, base.dig(base.answer_of(response), "error", "code", kind=int)
        )
    return str(base.answer_of(response).get(field))
