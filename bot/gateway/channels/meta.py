"""What WhatsApp and Messenger share: Meta's signature, its first call, and the errors of its Graph
API."""

from bot.gateway.channels import shape

# https://developers.facebook.com/docs/graph-api/guides/error-handling and the error codes of the
# Cloud API
BUSY = (1, 2, 4, 17, 32, 341, 613, 1200, 80007, 80008, 130429, 131000, 131016, 131048, 131056)
BUSY += (131057, 133004, 133016)


def verify(call, secret, word):
    """Nothing, or Forged: `secret` signs calls, `word` comes with the first."""
    if call.method == "GET":
        query = call.query()
        if query.get("hub.mode") != "subscribe" or not shape.same(
            query.get("hub.verify_token"), word
        ):
            raise shape.Forged("token")
    elif not shape.same(
        call.headers.get("x-hub-signature-256"), f"sha256={shape.sign_bytes(secret, call.body)}"
    ):
        raise shape.Forged("signature")


def challenge(call):
    """What Meta wants to read in the answer to its first call; None in any other."""
    return call.query().get("hub.challenge", "")[:200] if call.method == "GET" else None


async def send(site, token, path, body, gone):
    """Post to the Graph API; raises Undelivered, or Blocked for the error codes in `gone`."""
    response = await shape.ask(
        site,
        "POST",
        f"{site.config.meta_url}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
    )
    if response.status_code >= 400:
        code = shape.dig(shape.answer_of(response), "error", "code", kind=int)
        if code in gone:
            raise shape.Blocked
        if code in BUSY:
            raise shape.Undelivered(f"code {code}")
        raise shape.refused(response, code)


async def check(site, token, path, field):
    """A field of the thing at a path; raises Undelivered."""
    response = await shape.ask(
        site,
        "GET",
        f"{site.config.meta_url}/{path}",
        params={"fields": field},
        headers={"Authorization": f"Bearer {token}"},
    )
    if response.status_code >= 400:
        raise shape.refused(
            response, shape.dig(shape.answer_of(response), "error", "code", kind=int)
        )
    return str(shape.answer_of(response).get(field))
