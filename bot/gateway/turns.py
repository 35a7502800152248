"""A message's way, whatever its channel: stored, screened, understood, answered, stored.

Every accepted message ends in exactly one of "answered and stored" or "refused with a sentence the
visitor can read"."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
import uuid
from dataclasses import dataclass, field

from pydantic import ValidationError

from bot import content, logs, masking, release, replies, safety, settings, store
from bot.gateway import limits, metrics, processes, screening, shared, together, traces, typed
from bot.reply_model import Reply
from bot.safety import verdicts

logger = logging.getLogger(__name__)
SESSION_TURNS = 20  # then Rasa begins a fresh session: its cost grows with the length of one
COMMANDS = (replies.NONE_OF_THESE, typed.FORGET, typed.KEEP)
FORGOTTEN = "forgotten"  # the topic of the reply after which a conversation is gone
MOST_UNDER_WAY = 32  # for each Rasa: what it answers in about a second on a slow core
MOST_TOLD = 10_000  # ends that wait for the database
ASKED = 30  # answered questions that a conversation remembers


class UnknownChoice(ValueError):
    """A choice that was not offered."""


@dataclass
class Desk:
    """What a message's way needs: settings, database, processes, the live release's content and its
    screen."""

    config: settings.Settings
    engine: object
    turnstile: limits.Turnstile
    processes: processes.Processes | None = None
    release: str | None = None
    library: content.Content | None = None
    screen: safety.Screen | None = None
    listener: screening.Listener | None = None  # None: dangers are heard by the rules alone
    words: frozenset[str] = frozenset()  # of the release's terms: never a person's name
    shared: shared.Shared | None = None
    traces: object = None  # what traces.begin gave, where a collector is set
    under_way: dict = field(default_factory=dict)  # token: its messages that Rasa shall answer
    # something was deleted since the database was scrubbed
    forgotten: asyncio.Event = field(default_factory=asyncio.Event)
    # turn: the reply that its visitor got while the database failed to store its end
    told: dict = field(default_factory=dict)


def read_release(desk, id):
    """Take content and screen from release `id`."""
    folder = release.folder_of(desk.config, id) / "data"
    library, screen = release.read_content(desk.config, id), safety.load(folder)
    opened = desk.listener and desk.listener.encoder
    listener = screening.open_listener(desk.config, id, screen, opened)
    desk.library, desk.screen, desk.listener = library, screen, listener
    desk.words = frozenset(word for name in desk.library.names for word in name.split())
    desk.release = id


async def take(desk, token, message, text, choice, country, verdict):
    """The replies to a visitor's message that was screened, and its turn's number; `country`: where
    its visitor is, as far as they say.

    Raises store.NoConversation, limits.Refused, UnknownChoice; store.StoreDown only where nothing
    could be said at all."""
    full = sum(desk.under_way.values()) >= MOST_UNDER_WAY * desk.config.rasa_processes
    # the turnstile would refuse as much, but has to look the conversation up first
    own = desk.under_way.get(token, 0)
    if (full or own > limits.MOST_WAITING) and not verdict.danger:
        if desk.turnstile.locks and (
            found := await limits.in_time(store.find_replies, desk.engine, token, message)
        ):
            return found, None  # another gateway answered it, and was killed before it could say so
        raise limits.Refused("overloaded" if full else "busy", 2)
    desk.under_way[token] = own + 1
    try:
        shown = masking.mask(text, desk.words) if text else None
        hours = desk.config.conversation_hours
        return await answer(desk, token, message, shown, choice, verdict, hours, country)
    finally:
        desk.under_way[token] -= 1
        if not desk.under_way[token]:
            del desk.under_way[token]


async def screen(desk, text):
    """The verdicts.Verdict of a text, or of None."""
    if not text:
        return verdicts.NOTHING
    return await screening.screen(desk.screen, desk.listener, text)


async def hear(desk, text):
    """(the text as it may be stored, its verdicts.Verdict)."""
    return masking.mask(text, desk.words), await screen(desk, text)


async def answer(desk, token, message, text, choice, verdict, hours, country=None):
    """As `take`, of a message that was heard; its conversation ends when it is unused for so many
    hours."""
    if choice is not None and choice not in COMMANDS and not _is_question(desk, choice):
        raise UnknownChoice(choice)
    try:
        if verdict.danger:  # waits for nobody
            return await _take(desk, token, message, text, choice, verdict, hours, country)
        conversation = await limits.in_time(store.find_conversation, desk.engine, token)
        async with desk.turnstile.one(conversation):
            return await _take(desk, token, message, text, choice, verdict, hours, country)
    except store.StoreDown as error:
        logger.error("%s; a message was answered without it", error)
        metrics.UNSTORED.inc()
        return [say_unstored(desk, verdict, country)], None


def say_unstored(desk, verdict, country):
    """The whole reply to a message that can't be stored: the danger's, or a refusal."""
    country = country or desk.config.country
    if said := said_of(desk, verdict, country):
        return whole(said)
    return whole(warned(desk, unavailable(desk, country), verdict, country))


def said_of(desk, verdict, country):
    """The fixed reply of a verdict that needs nothing but the screen, or None."""
    if verdict.danger:
        return safety.reply(desk.screen, verdict.danger, country)
    if verdict.language:
        return safety.decline_language(desk.screen, verdict.language, country)
    if verdict.settled:
        return safety.reply_settled(desk.screen, country)
    return None


def warned(desk, reply, verdict, country):
    """A reply, with the sentence for the likely danger where the verdict has one."""
    if verdict.warning not in desk.screen.kinds:
        return reply
    return {**reply, "warning": safety.warn(desk.screen, verdict.warning, country)}


async def _take(desk, token, message, text, choice, verdict, hours, country):
    begun = time.perf_counter()
    accepted = await limits.in_time(
        store.accept, desk.engine, token, message, text, choice, hours, country
    )
    stored = time.perf_counter()
    logs.begin_turn({"turn": accepted.turn})
    desk.told.pop(accepted.turn, None)
    if accepted.outcome:
        metrics.REPEATED.labels(accepted.channel).inc()
        if verdict.danger and accepted.outcome not in store.DANGERS:  # another text under its id
            return [say_unstored(desk, verdict, accepted.country)], None
        return accepted.replies, accepted.turn
    verdict = await together.screen_together(
        desk.screen, desk.listener, accepted.recent, text, verdict
    )
    try:
        return await _end(
            desk, token, message, text, choice, verdict, hours, accepted, begun, stored
        )
    except store.StoreDown as error:
        logger.error("%s; turn %s was answered without it", error, accepted.turn)
        told = say_unstored(desk, verdict, accepted.country)
        if len(desk.told) < MOST_TOLD:
            desk.told[accepted.turn] = told
        return [told], None


async def settle(desk, before):
    """Give every message whose end could not be stored the end that its visitor was told, and a
    refusal to those received before the moment `before` whose gateway was killed; how many those
    were. Raises store.StoreDown."""
    for turn, reply in list(desk.told.items()):
        await asyncio.to_thread(store.amend, desk.engine, turn, reply)
        desk.told.pop(turn, None)
    return await asyncio.to_thread(
        store.settle, desk.engine, before, lambda country: refusal(desk, country)
    )


async def _end(desk, token, message, text, choice, verdict, hours, accepted, begun, stored):
    """The replies to a stored message, stored as its end."""
    state, understood, used, within = accepted.state, None, desk.release, {}
    country = accepted.country or desk.config.country
    choice = choice or typed_choice(desk, text, state, accepted.number)
    if said := said_of(desk, verdict, country):
        found = [said]
    elif choice == typed.FORGET:
        receipt = await _forget(desk, token)
        return [with_id(say_forgotten(desk, receipt))], None
    elif reply := obey(desk, choice, state, accepted.article):
        found = [reply]
    else:
        found, understood, used, within = await _ask(desk, accepted, text, choice)
    answered = time.perf_counter()
    try:
        found = [warned(desk, found[0], verdict, country), *found[1:]]
        found = [with_help(desk, reply, country) for reply in found]
        found = [Reply(**with_id(reply)).model_dump(exclude_unset=True) for reply in found]
    except (ValidationError, TypeError):
        logger.error("turn %s got something that is no reply", accepted.turn)
        found = [whole(warned(desk, unavailable(desk, country), verdict, country))]
    found = [{**reply, "text": await _fill(desk, token, reply)} for reply in found]
    found[0] = vary(desk, found[0], state)
    first = found[0]
    state = follow(state, first, understood, accepted.number)
    if not await limits.in_time(
        store.finish,
        desk.engine,
        accepted,
        found,
        first["kind"],
        None if verdict.danger else state,
        first.get("question"),
        (understood or {}).get("confidence"),
        understood,
        used,
    ):
        accepted = await limits.in_time(
            store.accept, desk.engine, token, message, text, choice, hours, country
        )
        return accepted.replies, accepted.turn  # it was answered elsewhere meanwhile
    ended = time.perf_counter()
    metrics.count_turn(
        accepted.channel,
        first,
        understood,
        {
            "store": stored - begun,
            "understand": answered - stored,
            **within,
            "end": ended - answered,
            "whole": ended - begun,
        },
    )
    if desk.traces:
        traces.record(
            desk.traces,
            (begun, stored, answered, ended),
            within,
            turn=accepted.turn,
            channel=accepted.channel,
            outcome=first["kind"],
            question=first.get("question"),
            release=used,
        )
    logger.info("%s in %.0f ms", first["kind"], 1000 * (ended - begun))
    return found, accepted.turn


async def _ask(desk, accepted, text, choice):
    """(replies, understood, release, the seconds of Rasa's stages) of Rasa, or `unavailable`."""
    sender = f"{accepted.conversation}.{accepted.number // SESSION_TURNS}"
    intent, metadata = told(accepted.state, accepted.number, accepted.article, choice)
    try:
        sent, used = await processes.send(
            desk.processes,
            accepted.conversation,
            sender,
            text or choice,
            intent,
            {**metadata, "turn": accepted.turn},
        )
        return sent["replies"], sent["understood"], used, sent["seconds"]
    except processes.NoAnswer as error:
        logger.error("turn %s: %s", accepted.turn, error)
        return [unavailable(desk, accepted.country)], None, desk.release, {}


def told(state, number, article, choice):
    """(the choice as an intent or None, the metadata) with which a message goes to Rasa: what it
    may refer to."""
    intent = choice
    if choice and choice.endswith(f".{replies.ARTICLE_INFO}"):
        article, intent = choice.split(".")
    return intent, {
        "number": number,
        "article": article,
        "topic": state.get("topic"),
        "asked": state.get("asked", []),
    }


def follow(state, reply, understood, number):
    """A conversation's state after this first reply to its message `number`."""
    state = {**state, "last": typed.remember(state.get("last"), number, reply)}
    if understood and understood.get("topic"):
        state = {**state, "topic": understood["topic"]}
    if reply["kind"] == "answer":
        state = {**state, "asked": [*state.get("asked", []), reply["question"]][-ASKED:]}
    return state


def typed_choice(desk, text, state, number):
    """The choice that a text takes of the reply before it, or None."""
    return typed.read_choice(desk.library, text, state.get("last"), number) if text else None


def vary(desk, reply, state):
    """A reply, in other words where it is a refusal that would repeat the one before it."""
    repeated = typed.print_of(reply) == (state.get("last") or {}).get("said")
    return replies.vary(desk.library, reply) if repeated else reply


def obey(desk, command, state, article):
    """The reply to a command that needs nothing but the conversation's state; None for what isn't
    one."""
    texts, last = desk.library.texts, state.get("last")
    if command in typed.COMMANDS:
        today = datetime.datetime.now(datetime.UTC).date()
        return typed.obey(desk.library, command, last, today, state.get("asked", []))
    if command == typed.KEEP:
        return {"kind": "talk", "topic": "forget_me", "text": texts["forget_me_kept"]}
    if command == replies.NONE_OF_THESE:
        spoken_of = (state.get("topic") or {}).get("article") or article
        return {
            "kind": "talk",
            "topic": command,
            "text": texts["none_of_these_reply"],
            "choices": replies.starters(desk.library, spoken_of),
        }
    return None


def say_forgotten(desk, receipt):
    """The reply to somebody whose conversation was deleted."""
    text = replies.fill(desk.library.texts["forget_me_done"], receipt=receipt)
    return {"kind": "talk", "topic": FORGOTTEN, "text": text}


async def forget(desk, token):
    """Delete a conversation everywhere, once the message that it waits for is answered; its
    receipt."""
    conversation = await limits.in_time(store.find_conversation, desk.engine, token)
    async with desk.turnstile.one(conversation):
        return await _forget(desk, token)


async def _forget(desk, token):
    conversation, count, receipt = await limits.in_time(store.forget, desk.engine, token)
    desk.forgotten.set()
    await processes.forget(
        desk.processes,
        [f"{conversation}.{session}" for session in range(count // SESSION_TURNS + 1)],
    )
    return receipt


async def _fill(desk, token, reply):
    """A reply's text with what only the gateway knows: for how long texts are kept, and what is
    stored of this visitor."""
    text = replies.fill(reply["text"], days=desk.config.retention_days)
    if reply.get("topic") == "about_me":
        stored = await limits.in_time(store.count, desk.engine, token)
        text = replies.fill(
            text,
            messages=stored["messages"],
            votes=stored["votes"],
            since=f"{stored['since']:%d %B %Y}".lstrip("0"),
        )
    return text


def refusal(desk, country):
    """`unavailable` as a whole reply."""
    return whole(unavailable(desk, country))


def whole(reply):
    """A reply of ours as it is stored and sent."""
    return Reply(**with_id(reply)).model_dump(exclude_unset=True)


def unavailable(desk, country):
    """Something behind is down; the emergency numbers all the same."""
    texts = desk.library.texts
    return {
        "kind": "unavailable",
        "text": replies.fill(texts["unavailable"], emergency=texts["emergency_hint"]),
        "numbers": _numbers(desk, ("emergency",), country or desk.config.country),
    }


def with_help(desk, reply, country):
    """A reply with whom to talk to, for somebody in distress, and the line that tells whom to call
    in an emergency, for one that gives no answer; that not beside a warning."""
    if reply.get("topic") == replies.DISTRESS:
        reply = {**reply, "numbers": _numbers(desk, ("crisis",), country)}
    elif reply["kind"] not in replies.EMPTY_HANDED or reply.get("language"):
        return reply
    urgent = None if reply.get("warning") else urgent_line(desk, country)
    return {**reply, "emergency": urgent} if urgent else reply


def urgent_line(desk, country):
    """The small line {text, numbers} that tells whom to call in an emergency; None where the
    release is from before it had the words."""
    country = country or desk.config.country
    words = desk.library.texts.get("emergency_line")
    if not words:
        return None
    return {
        "text": replies.fill(words, emergency=safety.first_number(desk.screen, country)),
        "numbers": _numbers(desk, ("emergency",), country),
    }


def _numbers(desk, kinds, country):
    return [
        {key: value for key, value in line.items() if key != "line"}
        for line in safety.numbers(desk.screen, country, kinds)
    ]


def _is_question(desk, name):
    article, _, id = name.partition(".")
    return (
        name in desk.library.questions
        or id == replies.ARTICLE_INFO
        and article in desk.library.articles
    )


def with_id(reply):
    """A reply with an id of its own."""
    return {**reply, "id": uuid.uuid4().hex}
