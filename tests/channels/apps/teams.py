"""Microsoft Teams, as the Bot Framework's REST reference describes it
(https://learn.microsoft.com/azure/bot-service/rest-api)."""

import html
import json
import re
import time
import urllib.parse

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.channels.apps import Call, button_of, ids
from tests.channels.platforms import Refused, Sent

NAME = "teams"
SIGNED_BY = ("Authorization",)
APP, PASSWORD, TENANT, US = "app-0001", "app-password", "tenant-1", "28:app-0001"
KEYS = {
    name: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for name in ("k1", "k2", "unendorsed", "strange")
}
SHOWN = ["k1", "unendorsed"]  # the keys that Microsoft says it signs with now
TOKENS = {"last": "t0"}  # the one that our login gave out last
base = {}


def settings(url):
    base["service"] = f"{url}/teams/emea/"
    return {
        "TEAMS_APP_ID": APP,
        "TEAMS_APP_PASSWORD": PASSWORD,
        "TEAMS_TENANT": TENANT,
        "TEAMS_LOGIN_URL": f"{url}/teams/login",
        "TEAMS_METADATA_URL": f"{url}/teams/metadata",
        "TEAMS_SERVICE_URL": f"{url}/teams",
    }


def token(kid="k1", algorithm="RS256", key=None, without=(), **changes):
    now = int(time.time())
    claims = {
        "serviceurl": base["service"],
        "nbf": now - 10,
        "exp": now + 3600,
        "iss": "https://api.botframework.com",
        "aud": APP,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if name not in without}
    return jwt.encode(claims, key or KEYS.get(kid, KEYS["k1"]), algorithm, headers={"kid": kid})


def call(data, bearer=None):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Call(
        {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {bearer or token()}",
        },
        body,
    )


def activity(person, id=None, **content):
    return {
        "type": "message",
        "id": f"{id or next(ids)}",
        "timestamp": "2026-11-24T10:00:00.000Z",
        "serviceUrl": base["service"],
        "channelId": "msteams",
        "from": {"id": f"29:{person}", "name": "Ada", "aadObjectId": "x"},
        "recipient": {"id": US, "name": "Pamphlet"},
        "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": f"a:{person}"},
        "channelData": {"tenant": {"id": TENANT}},
        "locale": "en-GB",
        **content,
    }


def write(person, text, id=None):
    return call(activity(person, id, text=html.escape(text, quote=False), textFormat="plain"))


def in_channel(person, text, mentioned=US, thread="1790000000000", **content):
    """A message in a team's channel that names the bot."""
    conversation = {
        "isGroup": True,
        "conversationType": "channel",
        "tenantId": TENANT,
        "id": f"19:{person}@thread.tacv2;messageid={thread}",
    }
    mention = {
        "type": "mention",
        "mentioned": {"id": mentioned, "name": "Pamphlet"},
        "text": "<at>Pamphlet</at>",
    }
    return activity(
        person,
        text=f"<at>Pamphlet</at>&nbsp;{text}\n",
        conversation=conversation,
        entities=[mention],
        **content,
    )


def press(person, sent, title):
    return call(activity(person, value={"code": button_of(sent, title)}, replyToId="1"))


def take(platform, request):
    path = urllib.parse.unquote(request.path)
    if path == "metadata":
        return 200, {
            "issuer": "https://api.botframework.com",
            "jwks_uri": f"{platform.url}/teams/keys",
        }
    if path == "keys":
        return 200, {
            "keys": [
                {
                    **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[kid].public_key())),
                    "kid": kid,
                    "use": "sig",
                    "endorsements": ["webchat"] if kid == "unendorsed" else ["msteams", "webchat"],
                }
                for kid in SHOWN
            ]
        }
    if path == f"login/{TENANT}/oauth2/v2.0/token":
        form = request.form()
        expected = {
            "grant_type": "client_credentials",
            "client_id": APP,
            "client_secret": PASSWORD,
            "scope": "https://api.botframework.com/.default",
        }
        if form != expected:
            raise Refused(401, {"error": "invalid_client"})
        TOKENS["last"] = f"t{next(ids)}"
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKENS["last"]}
    if request.headers.get("authorization") != f"Bearer {TOKENS['last']}":
        raise Refused(
            401,
            {
                "error": {
                    "code": "Unauthorized",
                    "message": "Authorization has been denied for this request.",
                }
            },
        )
    _, conversation, answered = re.fullmatch(
        "(emea/v3/conversations)/(.*)/activities/(.*)", path
    ).groups()
    body = request.json()
    need(
        body["type"] == "message"
        and body["from"] == {"id": US}
        and body["conversation"] == {"id": conversation},
        "BadSyntax",
    )
    need(
        body["replyToId"] == answered
        and body["recipient"]["id"].startswith("29:")
        and len(request.body) < 28_000,
        "BadSyntax",
    )
    [attachment] = body["attachments"]
    need(
        attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        and attachment["content"]["type"] == "AdaptiveCard",
        "BadSyntax",
    )
    parts = attachment["content"]["body"]
    actions = [
        action for part in parts if part["type"] == "ActionSet" for action in part["actions"]
    ]
    need(
        all(1 <= len(part["actions"]) <= 6 for part in parts if part["type"] == "ActionSet"),
        "BadSyntax",
    )
    need(
        all(
            action["type"] == "Action.Submit" and action["title"] and action["data"]["code"]
            for action in actions
        ),
        "BadSyntax",
    )
    blocks = [
        part["text"] for part in parts if part["type"] == "TextBlock" and part["wrap"] is True
    ]
    need(blocks and all(blocks), "BadSyntax")
    shown = re.sub(r"\[([^\[\]]+)\]\(https?://[^()\s]+\)", r"\1", "\n\n".join(blocks))
    person = (
        body["recipient"]["id"].removeprefix("29:")
        if conversation.startswith("a:")
        else conversation
    )
    platform.sent.append(
        Sent(
            NAME,
            person,
            shown,
            [(action["title"], action["data"]["code"]) for action in actions],
            body,
        )
    )
    return 201, {"id": f"{next(ids)}"}


def need(holds, code):
    if not holds:
        raise Refused(400, {"error": {"code": code, "message": "refused"}})


def odd(person):
    only_text = "I can only read text"
    picture = {"contentType": "image/*", "contentUrl": "https://smba.trafficmanager.net/x"}
    rich = {"contentType": "text/html", "content": "<p>hello</p>"}
    card = {
        "conversation": {
            "conversationType": "groupChat",
            "isGroup": True,
            "id": f"19:{person}@thread.v2",
        }
    }
    return {
        "a picture": (call(activity(person, attachments=[picture])), only_text),
        "a picture beside a danger": (
            call(activity(person, text="i want to kill myself", attachments=[picture])),
            "116 123",
        ),
        "a danger with marks": (
            call(activity(person, text="i want to kill myself", attachments=[rich])),
            "116 123",
        ),
        "an edit": (
            call(activity(person, text="what causes myoclonus", type="messageUpdate")),
            None,
        ),
        "a deletion": (call(activity(person, type="messageDelete")), None),
        "a reaction": (
            call(activity(person, type="messageReaction", reactionsAdded=[{"type": "like"}])),
            None,
        ),
        "typing": (call(activity(person, type="typing")), None),
        "the app is installed": (
            call(activity(person, type="installationUpdate", action="add")),
            None,
        ),
        "a new member": (
            call(activity(person, type="conversationUpdate", membersAdded=[{"id": US}])),
            None,
        ),
        "an invoke": (
            call(activity(person, type="invoke", name="composeExtension/query", value={})),
            None,
        ),
        "another bot": (
            call(activity(person, text="hello", **{"from": {"id": f"28:{person}"}})),
            None,
        ),
        "our own message": (call(activity(person, text="hello", **{"from": {"id": US}})), None),
        "a team's own talk": (
            call(activity(person, text="can myoclonus be prevented", **card)),
            None,
        ),
        "somebody else is named": (
            call(in_channel(person, "can you help", mentioned="29:other")),
            None,
        ),
        "a field is missing": (
            call({"serviceUrl": base["service"], "channelId": "msteams", "type": "message"}),
            None,
        ),
    }


def forged(person):
    said = activity(person, text="hello")
    now, elsewhere = int(time.time()), "https://evil.example/"
    inside = "http://169.254.169.254/"
    found = {
        "another app's": token(aud="app-0002"),
        "a list of apps": token(aud=[APP, "app-0002"]),
        "another issuer": token(iss="https://evil.example"),
        "over": token(exp=now - 301),
        "of the future": token(nbf=now + 400),
        "without an end": token(without=["exp"]),
        "without an audience": token(without=["aud"]),
        "without an issuer": token(without=["iss"]),
        "another key under our name": token(key=KEYS["strange"]),
        "an unknown key": token("strange"),
        "a key for another channel": token("unendorsed"),
        "unsigned": jwt.encode({"aud": APP}, None, "none"),
        "signed with a word": token(algorithm="HS256", key="k" * 32),
        "another address": token(serviceurl=elsewhere),
        "no address": token(without=["serviceurl"]),
        "no token": "x",
    }
    service = base["service"].replace("/teams/", "/teamsters/")
    return {name: call(said, bearer) for name, bearer in found.items()} | {
        "an address inside": call({**said, "serviceUrl": inside}, token(serviceurl=inside)),
        "a longer address": call({**said, "serviceUrl": service}, token(serviceurl=service)),
        "another scheme": Call({"Authorization": f"Basic {token()}"}, call(said).body),
        "another channel": call({**said, "channelId": "webchat"}),
        "nothing": call({}),
        "no object": call(b"[1, null]"),
        "no JSON": call(b"\xff{"),
    }
