"""Microsoft Teams: the Bot Framework's REST protocol
(https://learn.microsoft.com/azure/bot-service/rest-api)."""

import html
import re
import time
import urllib.parse

import jwt

from bot.gateway.channels import commands, shape, text

NEEDS = ("public_url", "teams_app_id", "teams_app_password")
METHODS = ("POST",)
ISSUER, SCOPE = "https://api.botframework.com", "https://api.botframework.com/.default"
SKEW = 5 * 60  # seconds that clocks may differ
# seconds until keys are fetched anew, and at least where an unknown one is named
KEYS_KEPT, KEYS_LEAST = 24 * 3600, 60
BRACKETS = str.maketrans("[]", "()")
STYLE = text.Style(
    limit=8000,
    escape=lambda plain: text.unmarked(plain).replace("\\", "∖").replace("](", "] ("),
    bold=lambda written: f"**{written}**",
    italic=lambda written: f"_{written}_",
    link=lambda label, url: _link(label, url),
    source=lambda label, url: _link(label, url),
)
EDIT = "messageUpdate"
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


async def verify(site, call):
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    data = call.json()
    service, channel = shape.dig(data, "serviceUrl"), shape.dig(data, "channelId")
    try:
        key = await _find_key(site, jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            jwt.PyJWK(key, "RS256"),
            ["RS256"],
            audience=site.config.teams_app_id,
            issuer=ISSUER,
            leeway=SKEW,
            options={"require": ["exp", "iss", "aud"], "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise shape.Forged("token") from None
    except shape.Undelivered:
        raise shape.Forged("keys") from None
    if (
        scheme.lower() != "bearer"
        or channel != "msteams"
        or channel not in (shape.dig(key, "endorsements", kind=list) or [])
    ):
        raise shape.Forged("token")
    if (
        service is None
        or claims.get("serviceurl") != service
        or not service.startswith(site.config.teams_service_url.rstrip("/") + "/")
    ):
        raise shape.Forged("address")


async def _find_key(site, id):
    """The key of this id, of those that Microsoft signs with now; raises Undelivered where they
    can't be had, ValueError where it is none."""
    keys, fetched = site.kept.get("teams keys", ({}, float("-inf")))
    age = time.monotonic() - fetched
    if age > KEYS_KEPT or id not in keys and age > KEYS_LEAST:
        try:
            metadata = await shape.ask(site, "GET", site.config.teams_metadata_url)
            found = await shape.ask(
                site, "GET", shape.dig(shape.answer_of(metadata), "jwks_uri") or ""
            )
            keys = {key.get("kid"): key for key in shape.each(shape.answer_of(found), "keys")}
            site.kept["teams keys"] = keys, time.monotonic()
        except shape.Undelivered:
            if id not in keys:
                raise
    if id not in keys:
        raise ValueError("unknown key")
    return keys[id]


def read(site, call):
    data = call.json()
    id, sender, us, place, service = (
        shape.dig(data, *path)
        for path in (
            ("id",),
            ("from", "id"),
            ("recipient", "id"),
            ("conversation", "id"),
            ("serviceUrl",),
        )
    )
    if (
        shape.dig(data, "type") not in ("message", EDIT)
        or None in (id, sender, us, place)
        or sender.startswith("28:")
        or sender == us
    ):
        return [], {}  # 28: another bot
    edited = shape.dig(data, "type") == EDIT
    mentions, personal = _find_mentions(data, us), _is_personal(data)
    code = shape.dig(data, "value", "code")
    if not personal and not mentions and code is None:
        return [], {}  # the team's own talk
    said = _read_words(data, mentions)
    files = [
        part
        for part in shape.each(data, "attachments")
        if not (shape.dig(part, "contentType") or "").startswith(NO_FILES)
    ]
    if not said and not files and (mentions or shape.dig(data, "value", kind=dict)):
        said = "hello"
    return [
        shape.Message(
            id=f"{place} {id}" + (f" {shape.dig(data, 'timestamp')}" if edited else ""),
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
            **({"text": said or None} if code is None else commands.read_button(code, said)),
        )
    ], {}


def _find_mentions(data, us):
    """The mentions of us in a message; where one doesn't say whom it names, our name does."""
    name = shape.dig(data, "recipient", "name")
    found = []
    for entity in shape.each(data, "entities"):
        named = shape.dig(entity, "mentioned", "id")
        said = TAG.sub("", shape.dig(entity, "text") or "")
        by_name = named is None and name and name in (said, shape.dig(entity, "mentioned", "name"))
        if entity.get("type") == "mention" and (named == us or by_name):
            found.append(entity)
    return found


def _is_personal(data):
    kind = shape.dig(data, "conversation", "conversationType")
    is_group = shape.dig(data, "conversation", "isGroup", kind=bool)
    return kind == "personal" or kind is None and not is_group


def _read_words(data, mentions):
    """What a message says: without who is named, and without another message that it quotes."""
    said = AT.sub(" ", QUOTE.sub(" ", shape.dig(data, "text") or ""))
    for mention in mentions:
        if named := shape.dig(mention, "text"):
            said = said.replace(named, " ").replace(html.escape(named, quote=False), " ")
    said = commands.drop_quotes(html.unescape(said))
    for part in shape.each(data, "attachments"):
        marked = shape.dig(part, "content") or ""
        if part.get("contentType") == "text/html" and (not said or REPLY.search(marked)):
            new = html.unescape(TAG.sub(" ", AT.sub(" ", QUOTE.sub(" ", marked))))
            said = new if new.strip() else said
    return re.sub(r"\s+", " ", said).strip()


def render(unit):
    written = text.write(unit, STYLE)
    body = [
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
            "summary": text.cut(" ".join((unit.title or unit.text).split()), 100),
            "attachments": [
                {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
            ],
        }
    ]


async def send(site, address, payload):
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
    response = await shape.ask(
        site,
        "POST",
        f"{address['service'].rstrip('/')}/v3/conversations/{conversation}/activities/{activity}",
        json=body,
        headers={"Authorization": f"Bearer {await _find_token(site)}"},
    )
    code = shape.dig(shape.answer_of(response), "error", "code")
    if response.status_code == 401:
        site.kept.pop("teams token", None)
    if response.status_code in (401, 412):
        raise shape.Undelivered(f"HTTP {response.status_code}")
    if response.status_code >= 400:
        if code in GONE:
            raise shape.Blocked
        raise shape.refused(response, code[:40] if code and code.isalnum() else None)


async def _find_token(site):
    """What shows Teams that we are the app; one is used until shortly before it ends."""
    token, ends = site.kept.get("teams token", ("", 0))
    if time.monotonic() > ends - SKEW:
        asked = time.monotonic()
        fields = {
            "grant_type": "client_credentials",
            "client_id": site.config.teams_app_id,
            "client_secret": site.config.teams_app_password,
            "scope": SCOPE,
        }
        response = await shape.ask(
            site,
            "POST",
            f"{site.config.teams_login_url}/{site.config.teams_tenant}/oauth2/v2.0/token",
            data=fields,
        )
        said = shape.answer_of(response)
        token, lasts = shape.dig(said, "access_token"), shape.dig(said, "expires_in", kind=int)
        if response.status_code >= 400 or not token:
            raise shape.refused(response)
        site.kept["teams token"] = token, asked + (lasts or 0)
    return token


async def check(site):
    await _find_token(site)
    return f"app {site.config.teams_app_id}"


def _link(label, url):
    """A link, with the number of a source before it: brackets don't nest."""
    mark = re.match(r"(?:\[\d+\] )?", label)[0]
    return f"{mark}[{label[len(mark) :].translate(BRACKETS)}]({url.replace('(', '%28').replace(')', '%29')})"  # noqa: E501
