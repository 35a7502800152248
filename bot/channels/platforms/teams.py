"""Microsoft Teams: the Bot Framework's REST protocol
(https://learn.microsoft.com/azure/bot-service/rest-api)."""

import html
import re
import time
import urllib.parse

import jwt

from bot.channels import base, commands, rendering

NEEDS = ("public_url", "teams_app_id", "teams_app_password")
METHODS = ("POST",)
ISSUER, SCOPE = "https://api.botframework.com", "https://api.botframework.com/.default"
SKEW = 5 * 60  # seconds that clocks may differ
# seconds until keys are fetched anew, and at least where an unknown one is named
KEYS_KEPT, KEYS_LEAST = 24 * 3600, 60
BRACKETS = str.maketrans("[]", "()")
STYLE = rendering.Style(
    limit=8000,
    escape=lambda plain: rendering.remove_marks(plain).replace("\\", "∖").replace("](", "] ("),
    bold=lambda written: f"**{written}**",
    italic=lambda written: f"_{written}_",
    link=lambda label, url: _link(label, url),
    source=lambda label, url: _link(label, url),
)
EDIT = "messageUpdate"
# of a message, who sends it, who we are, where it stands, and where it is answered
IDS = (("id",), ("from", "id"), ("recipient", "id"), ("conversation", "id"), ("serviceUrl",))
ACTIONS = 6  # that Teams shows in a row
AT = re.compile(
    r"<at\b[^>]*>.*?</at>|<span\b[^>]*schema\.skype\.com/Mention[^>]*>.*?</span>", re.DOTALL | re.I
)
# another message that this one answers, as HTML and as a mark in the text
QUOTE = re.compile(r"<blockquote\b.*?</blockquote>|<quoted\b[^>]*/>", re.DOTALL | re.IGNORECASE)
REPLY = re.compile(r"<blockquote\b[^>]*schema\.skype\.com/Reply", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
# attachments that are no file: the text once more, quotes, previews of links
NO_FILES = (
    "text/html",
    "messageReference",
    "application/vnd.microsoft.card",
    "application/vnd.microsoft.teams.card",
)
GONE = (
    "ConversationBlockedByUser",
    "BotNotInConversationRoster",
    "BotDisabledByAdmin",
    "ConversationNotFound",
    "ActivityNotFoundInConversation",
)


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    data = call.json()
    service, channel = base.dig(data, "serviceUrl"), base.dig(data, "channelId")
    try:
        key = await _find_key(context, jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            jwt.PyJWK(key, "RS256"),
            ["RS256"],
            audience=context.config.teams_app_id,
            issuer=ISSUER,
            leeway=SKEW,
            options={"require": ["exp", "iss", "aud"], "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise base.Forged("token") from None
    except base.Undelivered:
        raise base.Forged("keys") from None
    if (
        scheme.lower() != "bearer"
        or channel != "msteams"
        or channel not in (base.dig(key, "endorsements", kind=list) or [])
    ):
        raise base.Forged("token")
    if (
        service is None
        or claims.get("serviceurl") != service
        or not service.startswith(context.config.teams_service_url.rstrip("/") + "/")
    ):
        raise base.Forged("address")


async def _find_key(context: base.ChannelContext, id: str | None) -> base.JsonObject:
    """The key of this id, of those that Microsoft signs with now; raises Undelivered where they
    can't be had, ValueError where it is none."""
    keys: dict[str | None, base.JsonObject]
    keys, fetched = context.kept.get("teams keys", ({}, float("-inf")))
    age = time.monotonic() - fetched
    if age > KEYS_KEPT or id not in keys and age > KEYS_LEAST:
        try:
            metadata = await base.ask_platform(context, "GET", context.config.teams_metadata_url)
            found = await base.ask_platform(
                context, "GET", base.dig(base.answer_of(metadata), "jwks_uri") or ""
            )
            keys = {key.get("kid"): key for key in base.objects_at(base.answer_of(found), "keys")}
            context.kept["teams keys"] = keys, time.monotonic()
        except base.Undelivered:
            if id not in keys:
                raise
    if id not in keys:
        raise ValueError("unknown key")
    return keys[id]


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    data = call.json()
    id, sender, us, place, service = (base.dig(data, *path) for path in IDS)
    if (
        base.dig(data, "type") not in ("message", EDIT)
        or id is None
        or sender is None
        or us is None
        or place is None
        or sender.startswith("28:")
        or sender == us
    ):
        return [], {}  # 28: another bot
    edited = base.dig(data, "type") == EDIT
    mentions, personal = _find_mentions(data, us), _is_personal(data)
    code = base.dig(data, "value", "code")
    if not personal and not mentions and code is None:
        return [], {}  # the team's own talk
    said = _read_words(data, mentions)
    files = [
        part
        for part in base.objects_at(data, "attachments")
        if not (base.dig(part, "contentType") or "").startswith(NO_FILES)
    ]
    pressed = base.dig(data, "value", kind=dict)
    if not said and not files and (mentions or pressed):
        said = "hello"
    words: commands.Words = (
        {"text": said or None} if code is None else commands.read_button(code, said)
    )
    return [
        base.Message(
            id=f"{place} {id}" + (f" {base.dig(data, 'timestamp')}" if edited else ""),
            edited=edited,
            visitor=place if personal else f"{place} {sender}",
            address={
                "service": service,
                "conversation": place,
                "activity": id,
                "us": us,
                "them": sender,
            },
            files=bool(files),
            **words,
        )
    ], {}


def _find_mentions(data: object, us: str) -> list[base.JsonObject]:
    """The mentions of us in a message; where one doesn't say whom it names, our name does."""
    name = base.dig(data, "recipient", "name")
    found = []
    for entity in base.objects_at(data, "entities"):
        named = base.dig(entity, "mentioned", "id")
        said = TAG.sub("", base.dig(entity, "text") or "")
        by_name = named is None and name and name in (said, base.dig(entity, "mentioned", "name"))
        if entity.get("type") == "mention" and (named == us or by_name):
            found.append(entity)
    return found


def _is_personal(data: object) -> bool:
    kind = base.dig(data, "conversation", "conversationType")
    is_group = base.dig(data, "conversation", "isGroup", kind=bool)
    return kind == "personal" or kind is None and not is_group


def _read_words(data: object, mentions: list[base.JsonObject]) -> str:
    """What a message says: without who is named, and without another message that it quotes."""
    said = AT.sub(" ", QUOTE.sub(" ", base.dig(data, "text") or ""))
    for mention in mentions:
        if named := base.dig(mention, "text"):
            said = said.replace(named, " ").replace(html.escape(named, quote=False), " ")
    said = commands.drop_quotes(html.unescape(said))
    for part in base.objects_at(data, "attachments"):
        marked = base.dig(part, "content") or ""
        if part.get("contentType") == "text/html" and (not said or REPLY.search(marked)):
            new = html.unescape(TAG.sub(" ", AT.sub(" ", QUOTE.sub(" ", marked))))
            said = new if new.strip() else said
    return re.sub(r"\s+", " ", said).strip()


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    written = rendering.write_unit(unit, STYLE)
    body: list[base.JsonObject] = [
        {"type": "TextBlock", "text": paragraph.replace("\n", "\n\n"), "wrap": True}
        for paragraph in written.split("\n\n")
    ]
    for group in (unit.votes, unit.choices):
        body += [
            {
                "type": "ActionSet",
                "actions": [
                    {"type": "Action.Submit", "title": button.title, "data": {"code": button.code}}
                    for button in group[start : start + ACTIONS]
                ],
            }
            for start in range(0, len(group), ACTIONS)
        ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    return [
        {
            "type": "message",
            "summary": rendering.cut_title(" ".join((unit.title or unit.text).split()), 100),
            "attachments": [
                {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
            ],
        }
    ]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    conversation, activity = (
        urllib.parse.quote(address[name], safe="") for name in ("conversation", "activity")
    )
    body = {
        **payload,
        "from": {"id": address["us"]},
        "recipient": {"id": address["them"]},
        "conversation": {"id": address["conversation"]},
        "replyToId": address["activity"],
    }
    response = await base.ask_platform(
        context,
        "POST",
        f"{address['service'].rstrip('/')}/v3/conversations/{conversation}/activities/{activity}",
        json=body,
        headers={"Authorization": f"Bearer {await _find_token(context)}"},
    )
    code = base.dig(base.answer_of(response), "error", "code")
    if response.status_code == 401:
        context.kept.pop("teams token", None)
    if response.status_code in (401, 412):
        raise base.Undelivered(f"HTTP {response.status_code}")
    if response.status_code >= 400:
        if code in GONE:
            raise base.Blocked
        raise base.refused_for_good(response, code[:40] if code and code.isalnum() else None)


async def _find_token(context: base.ChannelContext) -> str:
    """What shows Teams that we are the app; one is used until shortly before it ends."""
    token: str | None
    token, ends = context.kept.get("teams token", ("", 0))
    if time.monotonic() > ends - SKEW:
        asked = time.monotonic()
        fields = {
            "grant_type": "client_credentials",
            "client_id": context.config.teams_app_id,
            "client_secret": context.config.teams_app_password,
            "scope": SCOPE,
        }
        response = await base.ask_platform(
            context,
            "POST",
            f"{context.config.teams_login_url}/{context.config.teams_tenant}/oauth2/v2.0/token",
            data=fields,
        )
        said = base.answer_of(response)
        token, lasts = (
            base.dig(said, "access_token"),
            base.dig(said, "expires_in", kind=int),
        )
        if response.status_code >= 400 or not token:
            raise base.refused_for_good(response)
        context.kept["teams token"] = token, asked + (lasts or 0)
    return token


async def check(context: base.ChannelContext) -> str:
    await _find_token(context)
    return f"app {context.config.teams_app_id}"


def _link(label: str, url: str) -> str:
    """A link, with the number of a source before it: brackets don't nest."""
    numbered = re.match(r"\[\d+\] ", label)
    mark = numbered[0] if numbered else ""
    return f"{mark}[{label[len(mark) :].translate(BRACKETS)}]({url.replace('(', '%28').replace(')', '%29')})"  # noqa: E501
