"""Stories and test conversations as turns of a visitor and the bot, and whether a release goes
through them as they tell.

A story (data/stories.yml) is taught: where a conversation goes as it tells, the questions that it
offers stand first. A test conversation (data/conversations.yml) teaches nothing: it says what must
come."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from bot.content import articles, replies, site_content
from bot.content.replies import Reply
from bot.domain.reply_kinds import ReplyKind

FILES = {"story": "stories.yml", "test_conversation": "conversations.yml"}
LISTS = {
    "story": ("stories", "story", "steps"),
    "test_conversation": ("conversations", "conversation", "turns"),
}


@dataclass(frozen=True)
class Turn:
    """What a visitor says ("" for a choice), what it gets (a question's name or an intent's), what
    is offered below it, and whether asking back with the question among the choices will do."""

    says: str
    gets: str
    offers: tuple[str, ...] = ()
    back: bool = False


class Judged(TypedDict):
    """How a turn went: what `came` (a name as Turn.gets), whether that is right, the offers that
    don't stand where they must, and the whole reply."""

    came: str
    right: bool
    missing: list[str]
    reply: Reply


@dataclass(frozen=True)
class Story:
    """`turns` is None for what is written in a way that can't be shown as turns."""

    name: str
    turns: tuple[Turn, ...] | None
    page: str = ""

    @property
    def key(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


def read_stories(kind: str, text: str) -> list[Story]:
    """The Stories of a file's text, in its order; [] of one that isn't readable."""
    group, name, items = LISTS[kind]
    data = articles.read_yaml(text, FILES[kind])[0] if text.strip() else {}
    listed = (data or {}).get(group)
    return [
        Story(
            str(item.get(name) or ""),
            _turns(kind, item.get(items)),
            str(item.get("page") or "") if kind == "test_conversation" else "",
        )
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
    ]


def visitor_messages(story: Story) -> list[dict[str, str]]:
    """A story's messages, as rehearsal.rehearse takes them."""
    return [
        {"text": turn.says} if turn.says else {"choice": turn.gets} for turn in story.turns or ()
    ]


def judge_story(kind: str, story: Story, rehearsed: Iterable[Mapping[str, Any]]) -> list[Judged]:
    """How each turn of a story went."""
    judged: list[Judged] = []
    asked: list[str] = []
    for turn, got in zip(story.turns or (), rehearsed, strict=True):
        reply = got["replies"][0]
        end, offered = name_reply(reply), [choice["value"] for choice in reply.get("choices") or []]
        instead = [choice["value"] for choice in reply.get("instead") or []]
        meant = offered if end == site_content.FALLBACK else instead
        right = end == turn.gets or turn.back and turn.gets in meant
        asked.append(end)
        wanted = [name for name in turn.offers if name not in asked]
        there = offered[: len(wanted)] if kind == "story" else offered
        judged.append(
            {
                "came": end,
                "right": right,
                "missing": [name for name in wanted if name not in there],
                "reply": reply,
            }
        )
    return judged


def name_reply(reply: Reply) -> str:
    """What a reply is, as Turn.gets names it."""
    if reply["kind"] == ReplyKind.ANSWER:
        return (
            replies.ARTICLE_INFO
            if reply["question"].endswith(f".{replies.ARTICLE_INFO}")
            else reply["question"]
        )
    return (
        reply["topic"]
        if reply["kind"] == ReplyKind.TALK
        else site_content.FALLBACK
        if reply["kind"] == ReplyKind.CLARIFY
        else reply["kind"]
    )


def action_of(intent: str) -> str:
    """The action that answers an intent, as data/rules.yml has it."""
    if "." in intent:
        return "action_answer"
    return {
        replies.ARTICLE_INFO: "action_article_info",
        site_content.FALLBACK: "action_clarify",
    }.get(intent, "action_talk" if intent in replies.TALK else "action_decline")


def _turns(kind: str, items: object) -> tuple[Turn, ...] | None:
    """The Turns of a story's items; None where they are more than that."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    if kind == "test_conversation":
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


def _gets(item: Mapping[str, Any]) -> str:
    gets = item.get("question") or item.get("kind") or ""
    return site_content.FALLBACK if gets == site_content.CLARIFY else str(gets)


def _names(listed: object) -> tuple[str, ...]:
    return tuple(map(str, listed)) if isinstance(listed, list) else ()
