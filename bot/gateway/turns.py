"""A message's way, whatever its channel: stored, screened, understood, answered, stored.

Every accepted message ends in exactly one of "answered and stored" or "refused with a sentence the visitor can read".
"""
from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from bot import content, masking, release, replies, safety, settings, store
from bot.gateway import limits, processes

logger = logging.getLogger(__name__)
SESSION_TURNS = 20  # then Rasa begins a fresh session: its cost grows with the length of one
COMMANDS = (replies.NONE_OF_THESE, "forget_me_yes", "forget_me_no")
ASKED = 30  # answered questions that a conversation remembers


class UnknownChoice(ValueError):
    """A choice that was not offered."""


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    value: str


class Source(BaseModel):
    n: int
    title: str
    publisher: str
    url: str


class Number(BaseModel):
    label: str
    number: str
    tel: str


class ArticleOf(BaseModel):
    id: str
    title: str
    url: str
    written_by: str
    written_on: str
    reviewed_by: str | None
    reviewed_on: str | None
    review: str | None
    revision: str


class Feedback(BaseModel):
    ask: str
    reasons: dict[str, str]


class Reply(BaseModel):
    """One reply. `kind` tells which of the other fields it has; an answer has them all."""

    model_config = ConfigDict(extra="forbid")
    id: str
    kind: str
    text: str
    more: str | None = None
    topic: str | None = None
    question: str | None = None
    title: str | None = None
    article: ArticleOf | None = None
    sources: list[Source] | None = None
    disclaimer: str | None = None
    feedback: Feedback | None = None
    choices: list[Choice] | None = None
    numbers: list[Number] | None = None
    confidence: float | None = None


@dataclass
class Desk:
    """What a message's way needs: settings, database, processes, the live release's content and its screen."""

    config: settings.Settings
    engine: object
    turnstile: limits.Turnstile
    processes: processes.Processes | None = None
    release: str | None = None
    library: content.Content | None = None
    screen: safety.Screen | None = None
    words: frozenset[str] = frozenset()  # of the release's terms: never a person's name
    forgotten: asyncio.Event = field(default_factory=asyncio.Event)  # something was deleted since the database was scrubbed


def read_release(desk, id):
    """Take content and screen from release `id`."""
    folder = release.folder_of(desk.config, id) / "data"
    desk.library, desk.screen = content.load(folder), safety.load(folder)
    desk.words = frozenset(word for name in desk.library.names for word in name.split())
    desk.release = id


async def take(desk, token, message, text=None, choice=None):
    """The replies to a visitor's message, and its turn's number.

    Raises store.NoConversation, limits.Refused, UnknownChoice; store.StoreDown only where nothing could be said at all.
    """
    if choice is not None and choice not in COMMANDS and not _is_question(desk, choice):
        raise UnknownChoice(choice)
    danger = safety.screen(desk.screen, text) if text else None
    shown = masking.mask(text, desk.words) if text else None
    try:
        conversation = await asyncio.to_thread(store.find_conversation, desk.engine, token)
        async with desk.turnstile.one(conversation):
            return await _take(desk, token, message, shown, choice, danger)
    except store.StoreDown:
        logger.error("the database is down; a message was answered without it")
        country = desk.config.country
        return [_with_id(safety.reply(desk.screen, danger, country) if danger else unavailable(desk, country))], None


async def _take(desk, token, message, text, choice, danger):
    accepted = await asyncio.to_thread(store.accept, desk.engine, token, message, text, choice, desk.config.conversation_hours)
    if accepted.outcome:
        return accepted.replies, accepted.turn
    state, understood, used = accepted.state, None, desk.release
    if danger:
        found = [safety.reply(desk.screen, danger, accepted.country or desk.config.country)]
    elif choice in COMMANDS:
        found = [await _obey(desk, token, accepted, choice)]
        if choice == "forget_me_yes":
            return [_with_id(reply) for reply in found], None
    else:
        found, understood, used = await _ask(desk, accepted, text, choice)
    try:
        found = [Reply(**_with_id(reply)).model_dump(exclude_unset=True) for reply in found]
    except (ValidationError, TypeError):
        logger.error("turn %s got something that is no reply", accepted.turn)
        found = [_with_id(unavailable(desk, accepted.country))]
    found = [{**reply, "text": await _fill(desk, token, reply)} for reply in found]
    first = found[0]
    if understood and understood.get("topic"):
        state = {**state, "topic": understood["topic"]}
    if first["kind"] == "answer":
        state = {**state, "asked": [*state.get("asked", []), first["question"]][-ASKED:]}
    await asyncio.to_thread(store.finish, desk.engine, accepted, found, first["kind"], state, first.get("question"),
                            (understood or {}).get("confidence"), understood, used)
    return found, accepted.turn


async def _ask(desk, accepted, text, choice):
    """(replies, understood, release) of Rasa, or `unavailable`."""
    sender = f"{accepted.conversation}.{accepted.number // SESSION_TURNS}"
    intent, article = choice, accepted.article
    if choice and choice.endswith(f".{replies.ARTICLE_INFO}"):
        article, intent = choice.split(".")
    metadata = {"turn": accepted.turn, "number": accepted.number, "article": article, "topic": accepted.state.get("topic"),
                "asked": accepted.state.get("asked", [])}
    try:
        sent, used = await processes.send(desk.processes, sender, text or choice, intent, metadata)
        return sent["replies"], sent["understood"], used
    except processes.NoAnswer as error:
        logger.error("turn %s: %s", accepted.turn, error)
        return [unavailable(desk, accepted.country)], None, desk.release


async def _obey(desk, token, accepted, command):
    texts = desk.library.texts
    if command == "forget_me_yes":
        receipt = await _forget(desk, token)
        return {"kind": "talk", "topic": "forget_me", "text": replies.fill(texts["forget_me_done"], receipt=receipt)}
    if command == "forget_me_no":
        return {"kind": "talk", "topic": "forget_me", "text": texts["forget_me_kept"]}
    return {"kind": "talk", "topic": command, "text": texts["none_of_these_reply"],
            "choices": replies.starters(desk.library, accepted.article)}


async def forget(desk, token):
    """Delete a conversation everywhere, once the message that it waits for is answered; its receipt."""
    conversation = await asyncio.to_thread(store.find_conversation, desk.engine, token)
    async with desk.turnstile.one(conversation):
        return await _forget(desk, token)


async def _forget(desk, token):
    conversation, count, receipt = await asyncio.to_thread(store.forget, desk.engine, token)
    desk.forgotten.set()
    await processes.forget(desk.processes, [f"{conversation}.{session}" for session in range(count // SESSION_TURNS + 1)])
    return receipt


async def _fill(desk, token, reply):
    """A reply's text with what only the gateway knows: for how long texts are kept, and what is stored of this visitor."""
    text = replies.fill(reply["text"], days=desk.config.retention_days)
    if reply.get("topic") == "about_me":
        stored = await asyncio.to_thread(store.count, desk.engine, token)
        text = replies.fill(text, messages=stored["messages"], votes=stored["votes"], since=f"{stored['since']:%d %B %Y}".lstrip("0"))
    return text


def unavailable(desk, country):
    """Something behind is down; the emergency numbers all the same."""
    texts = desk.library.texts
    lines = safety.numbers(desk.screen, country or desk.config.country)
    return {"kind": "unavailable", "text": replies.fill(texts["unavailable"], emergency=texts["emergency_hint"]),
            "numbers": [{key: line[key] for key in ("label", "number", "tel")} for line in lines if line["line"] == "emergency"]}


def _is_question(desk, name):
    article, _, id = name.partition(".")
    return name in desk.library.questions or id == replies.ARTICLE_INFO and article in desk.library.articles


def _with_id(reply):
    return {"id": uuid.uuid4().hex, **reply}
