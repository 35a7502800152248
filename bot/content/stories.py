"""Stories and test conversations as turns of a visitor and the bot, and whether a release goes
through them as they tell.

A story (data/stories.yml) is taught: where a conversation goes as it tells, the questions that it
offers stand first. A test conversation (data/conversations.yml) teaches nothing: it says what must
come."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
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
MOST_TURNS, MOST_OFFERS = 30, 3  # of a story that the desk can change


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
    """`turns` is None for what is written in a way that can't be shown as turns; `is_plain` is
    whether it holds no more than the desk writes."""

    name: str
    turns: tuple[Turn, ...] | None
    page: str = ""
    is_plain: bool = True

    @property
    def key(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


def read_stories(kind: str, text: str) -> list[Story]:
    """The Stories of a file's text, in its order; [] of one that isn't readable."""
    group, name, items = LISTS[kind]
    data = articles.read_yaml(text, FILES[kind])[0] if text.strip() else {}
    listed = (data or {}).get(group)
    return [
        Story(str(item.get(name) or ""), turns, _page(kind, item), _is_plain(kind, item, turns))
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
        for turns in [_turns(kind, item.get(items))]
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


def read_steps(items: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...] | None:
    """The Turns of a story's steps; None where they are more than questions and answers."""
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


def _is_plain(kind: str, item: Mapping[str, Any], turns: Sequence[Turn] | None) -> bool:
    """Whether a story is its name, where it is asked, and then so many turns as the desk shows."""
    _, name, items = LISTS[kind]
    known = {name, items} | ({"page"} if kind == "test_conversation" else set())
    return (
        turns is not None
        and len(turns) <= MOST_TURNS
        and all(len(turn.offers) <= MOST_OFFERS for turn in turns)
        and set(item) <= known
        and list(item)[-1] == items
    )


def _page(kind: str, item: Mapping[str, Any]) -> str:
    return str(item.get("page") or "") if kind == "test_conversation" else ""


def _turns(kind: str, items: object) -> tuple[Turn, ...] | None:
    """The Turns of a story's items; None where they are more than that."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    return read_steps(items) if kind == "story" else _read_turns(items)


def _read_turns(items: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...] | None:
    """The Turns of a test conversation; None where they hold more than the desk knows."""
    turns = [
        Turn(
            str(item.get("ask") or ""),
            _gets(item),
            _names(item.get("offers")),
            bool(item.get("asked_back")),
        )
        for item in items
    ]
    known = {"ask", "question", "kind", "offers", "asked_back"}
    return None if any(set(item) - known for item in items) else tuple(turns)


def _gets(item: Mapping[str, Any]) -> str:
    gets = item.get("question") or item.get("kind") or ""
    return site_content.FALLBACK if gets == site_content.CLARIFY else str(gets)


def _names(listed: object) -> tuple[str, ...]:
    return tuple(map(str, listed)) if isinstance(listed, list) else ()
