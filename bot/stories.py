"""Stories and test conversations as turns of a visitor and the bot, and whether a release goes
through them as they tell.

A story (data/stories.yml) is taught: where a conversation goes as it tells, the questions that it
offers stand first. A test conversation (data/conversations.yml) teaches nothing: it says what must
come."""

import hashlib
from dataclasses import dataclass

from bot import articles, content, replies

FILES = {"told": "stories.yml", "tested": "conversations.yml"}
LISTS = {
    "told": ("stories", "story", "steps"),
    "tested": ("conversations", "conversation", "turns"),
}


@dataclass(frozen=True)
class Turn:
    """What a visitor says ("" for a choice), what it gets (a question's name or an intent's), what
    is offered below it, and whether asking back with the question among the choices will do."""

    says: str
    gets: str
    offers: tuple[str, ...] = ()
    back: bool = False


@dataclass(frozen=True)
class Story:
    """`turns` is None for what is written in a way that can't be shown as turns."""

    name: str
    turns: tuple[Turn, ...] | None
    page: str = ""

    @property
    def key(self):
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


def read(kind, text):
    """The Stories of a file's text, in its order; [] of one that isn't readable."""
    group, name, items = LISTS[kind]
    data = articles.read_yaml(text, FILES[kind])[0] if text.strip() else {}
    listed = (data or {}).get(group)
    return [
        Story(
            str(item.get(name) or ""),
            _turns(kind, item.get(items)),
            str(item.get("page") or "") if kind == "tested" else "",
        )
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
    ]


def said(story):
    """A story's messages, as rehearsal.rehearse takes them."""
    return [{"text": turn.says} if turn.says else {"choice": turn.gets} for turn in story.turns]


def judge(kind, story, rehearsed):
    """Of each turn: {came: what came (a name as Turn.gets), right, missing: the offers that don't
    stand where they must}."""
    judged, asked = [], []
    for turn, got in zip(story.turns, rehearsed, strict=True):
        reply = got["replies"][0]
        end, offered = came(reply), [choice["value"] for choice in reply.get("choices") or []]
        right = end == turn.gets or turn.back and end == content.FALLBACK and turn.gets in offered
        asked.append(end)
        wanted = [name for name in turn.offers if name not in asked]
        there = offered[: len(wanted)] if kind == "told" else offered
        judged.append(
            {
                "came": end,
                "right": right,
                "missing": [name for name in wanted if name not in there],
                "reply": reply,
            }
        )
    return judged


def came(reply):
    """What a reply is, as Turn.gets names it."""
    if reply["kind"] == "answer":
        return (
            replies.ARTICLE_INFO
            if reply["question"].endswith(f".{replies.ARTICLE_INFO}")
            else reply["question"]
        )
    return (
        reply["topic"]
        if reply["kind"] == "talk"
        else content.FALLBACK
        if reply["kind"] == content.CLARIFY
        else reply["kind"]
    )


def action_of(intent):
    """The action that answers an intent, as data/rules.yml has it."""
    if "." in intent:
        return "action_answer"
    return {replies.ARTICLE_INFO: "action_article_info", content.FALLBACK: "action_clarify"}.get(
        intent, "action_talk" if intent in replies.TALK else "action_decline"
    )


def _turns(kind, items):
    """The Turns of a story's items; None where they are more than that."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    if kind == "tested":
        turns = [
            Turn(
                str(item.get("ask") or ""),
                _gets(item),
                _names(item.get("offers")),
                bool(item.get("asked_back")),
            )
            for item in items
        ]
        return (
            None
            if any(
                set(item) - {"ask", "question", "kind", "offers", "asked_back"} for item in items
            )
            else tuple(turns)
        )
    pairs = list(zip(items[::2], items[1::2], strict=False))
    plain = len(items) % 2 == 0 and all(
        isinstance(asked.get("intent"), str)
        and set(asked) <= {"intent", "says"}
        and set(done) <= {"action", "offer"}
        and done.get("action") == action_of(asked["intent"])
        for asked, done in pairs
    )
    return (
        tuple(
            Turn(str(asked.get("says") or ""), asked["intent"], _names(done.get("offer")))
            for asked, done in pairs
        )
        if plain
        else None
    )


def _gets(item):
    gets = item.get("question") or item.get("kind") or ""
    return content.FALLBACK if gets == content.CLARIFY else str(gets)


def _names(listed):
    return tuple(map(str, listed)) if isinstance(listed, list) else ()
