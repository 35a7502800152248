"""Mattermost, as https://developers.mattermost.com/integrate and https://api.mattermost.com
describe it."""

import json
import re
import urllib.parse

from tests.channels.apps import Call, ids
from tests.channels.platforms import Refused, Sent

NAME = "mattermost"
SIGNED_BY = ()  # nothing is signed: its token stands in the body
TOKEN, HOOK, COMMAND, BOT = (
    "bot-access-token",
    "hooktokenhooktokenhooktoke",
    "commandtokencommandtokenco",
    "botbotbotbotbotbotbotbotbo",
)
PLAIN = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|])")
posts = {}  # by id: those that the bot or a person wrote
base = {}


def settings(url):
    base["url"] = url
    return {
        "MATTERMOST_URL": f"{url}/mattermost",
        "MATTERMOST_TOKEN": TOKEN,
        "MATTERMOST_CALL_TOKENS": f"{COMMAND} {HOOK}",
    }


def call(data):
    return Call(
        {"Content-Type": "application/json"},
        data if isinstance(data, bytes) else json.dumps(data).encode(),
    )


def form(fields):
    return Call(
        {"Content-Type": "application/x-www-form-urlencoded"},
        urllib.parse.urlencode(fields).encode(),
    )


def hook(person, text, id=None, token=HOOK, root="", props=None, **more):
    """A post in a channel, and what the outgoing webhook says of it."""
    id = f"post{id or next(ids)}"
    posts[id] = {
        "id": id,
        "root_id": root,
        "channel_id": f"channel{person}",
        "user_id": f"user{person}",
        "message": text,
        "props": props or {},
    }
    return call(
        {
            "token": token,
            "team_id": "T",
            "team_domain": "clinic",
            "channel_id": f"channel{person}",
            "channel_name": "help",
            "timestamp": 1790000000000,
            "user_id": f"user{person}",
            "user_name": "ada",
            "post_id": id,
            "text": f"@pamphlet {text}",
            "trigger_word": "@pamphlet",
            "file_ids": "",
            **more,
        }
    )


def write(person, text, id=None):
    return hook(person, text, id)


def command(person, text, **more):
    return form(
        {
            "token": COMMAND,
            "team_id": "T",
            "channel_id": "C9",
            "user_id": f"user{person}",
            "command": "/pamphlet",
            "text": text,
            "trigger_id": f"{next(ids)}",
            "response_url": "https://evil.example/",
            **more,
        }
    )


def press(person, sent, title, **changes):
    """Mattermost gives a pressed button's context back; nobody else has seen it."""
    actions = [
        action
        for attachment in sent.payload["props"]["attachments"]
        for action in attachment["actions"]
    ]
    context = next(
        action["integration"]["context"] for action in actions if action["name"] == title
    )
    return call(
        {
            "user_id": f"user{person}",
            "user_name": "ada",
            "channel_id": sent.payload["channel_id"],
            "team_id": "T",
            "type": "button",
            "post_id": sent.payload["post"],
            "trigger_id": f"{next(ids)}",
            "data_source": "",
            "context": {**context, **changes},
        }
    )


def take(platform, request):
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise Refused(401, {"id": "api.context.session_expired.app_error", "status_code": 401})
    path = request.path.removeprefix("api/v4/")
    if path == "users/me":
        return 200, {"id": BOT, "username": "pamphlet", "is_bot": True}
    if request.method == "GET":
        if path.removeprefix("posts/") not in posts:
            raise Refused(404, {"id": "app.post.get.app_error", "status_code": 404})
        return 200, posts[path.removeprefix("posts/")]
    body = request.json()
    if path == "channels/direct":
        need(
            len(body) == 2 and body[0] == BOT,
            "api.channel.create_direct_channel.invalid_user.app_error",
        )
        return 201, {"id": f"direct{body[1].removeprefix('user')}"}
    need(path == "posts" and body.get("channel_id"), "api.context.invalid_param.app_error")
    need(0 < len(body["message"]) <= 16383, "model.post.is_valid.msg.app_error")
    root = body.get("root_id", "")
    need(
        not root or not posts[root]["root_id"] and posts[root]["channel_id"] == body["channel_id"],
        "api.post.create_post.root_id.app_error",
    )
    actions = [
        action
        for attachment in body["props"].get("attachments", [])
        for action in attachment["actions"]
    ]
    need(
        all(
            re.fullmatch("[A-Za-z0-9]+", action["id"])
            and action["name"]
            and action["type"] == "button"
            for action in actions
        ),
        "actions",
    )
    need(
        all(action["integration"]["url"].endswith("/channels/mattermost") for action in actions),
        "integration",
    )
    need(
        all(len(attachment["actions"]) <= 5 for attachment in body["props"].get("attachments", [])),
        "actions",
    )
    id = f"post{next(ids)}"
    posts[id] = {
        "id": id,
        "root_id": root,
        "channel_id": body["channel_id"],
        "user_id": BOT,
        "props": {"from_bot": "true"},
    }
    shown = PLAIN.sub(
        r"\1", re.sub(r"(?<!\\)\[((?:\\.|[^\\\]])*)\]\([^()\s]+\)", r"\1", body["message"])
    )
    person = re.sub(
        "^(channel|direct)",
        lambda match: "" if match[1] == "channel" else "direct ",
        body["channel_id"],
    )
    platform.sent.append(
        Sent(
            NAME,
            person,
            shown,
            [(action["name"], action["integration"]["context"]["code"]) for action in actions],
            {**body, "post": id},
        )
    )
    return 201, posts[id]


def need(holds, id):
    if not holds:
        raise Refused(400, {"id": id, "message": "refused", "status_code": 400})


def odd(person):
    only_text = "I can only read text"
    gone = hook(person, "hello")
    posts.pop(json.loads(gone.body)["post_id"])
    return {
        "a file": (hook(person, "", file_ids="f1"), only_text),
        "a file beside a danger": (hook(person, "i want to kill myself", file_ids="f1"), "116 123"),
        "another bot": (hook(person, "hello", props={"from_bot": "true"}), None),
        "an incoming webhook": (hook(person, "hello", props={"from_webhook": "true"}), None),
        "a post that was deleted": (gone, None),
        "nothing": (call({"token": HOOK}), None),
        "no post": (
            call({"token": HOOK, "user_id": "u", "channel_id": "c", "text": "hello"}),
            None,
        ),
    }


def forged(person):
    said = json.loads(hook(person, "hello").body)
    found = {
        f"a token that is {name}": call({**said, "token": token})
        for name, token in {
            "empty": "",
            "cut": HOOK[:-1],
            "another": "x" * len(HOOK),
            "twice as long": HOOK * 2,
            "both": f"{COMMAND} {HOOK}",
            "a list": [HOOK],
        }.items()
    }
    button = {
        "user_id": f"user{person}",
        "channel_id": f"channel{person}",
        "post_id": "p",
        "trigger_id": "1",
        "token": HOOK,
    }
    return found | {
        "no token": call({name: value for name, value in said.items() if name != "token"}),
        "an unsigned button": call({**button, "context": {"code": "a.y", "direct": False}}),
        "a wrongly signed button": call(
            {**button, "context": {"code": "a.y", "direct": False, "signature": "0" * 64}}
        ),
        "a command without a token": command(person, "hello", token=""),
        "nothing": call({}),
        "no object": call(b"[1, null]"),
        "no JSON": call(b"\xff{"),
    }
