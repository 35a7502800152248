"""A message's way, whatever its channel: stored, screened, understood, answered, stored.

Every accepted message ends in exactly one of "answered and stored" or "refused with a sentence the
visitor can read"; one whose reply needs nothing but the screen, as a danger's, may end as "answered
and not stored" while the database fails (unstored_replies.py)."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
import uuid
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Engine

from bot.content import replies, site_content
from bot.content.reply_model import Reply, ReplyBody
from bot.conversation import (
    admission,
    joint_screening,
    limits,
    metrics,
    rasa_processes,
    redis_limits,
    screening,
    tracing,
    typed_choices,
    unstored_replies,
)
from bot.conversation.rasa_processes import Processes
from bot.domain.messages import IncomingMessage
from bot.domain.reply_kinds import DANGERS, WITHOUT_ANSWER, ReplyKind
from bot.language import word_caches
from bot.privacy import masking
from bot.releases import registry
from bot.releases.registry import NoAnswer
from bot.runtime import logs, settings
from bot.runtime.loops import Running
from bot.safety import danger_screen, verdicts
from bot.safety.rules_file import Screen
from bot.store import engine as store_engine
from bot.store import stored_turns

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)
SESSION_TURNS = 20  # then Rasa begins a fresh session: its cost grows with the length of one
Answered = tuple[list[ReplyBody], int | None]  # replies, and the number of their turn if stored
State = dict[str, Any]  # what a conversation remembers from message to message, as JSON
COMMANDS = (replies.NONE_OF_THESE, typed_choices.FORGET, typed_choices.KEEP)
FORGOTTEN = "forgotten"  # the topic of the reply after which a conversation is gone
MOST_UNSAVED = 10_000  # ends that wait for the database
ASKED = 30  # answered questions that a conversation remembers


class UnknownChoice(ValueError):
    """A choice that was not offered."""


@dataclass(frozen=True)
class LoadedRelease:
    """What the gateway holds of one release, all of it from the same folder."""

    id: str
    library: site_content.SiteContent
    screen: Screen
    listener: screening.Listener | None  # None: dangers are heard by the rules alone
    words: frozenset[str]  # of the release's terms: never a person's name
    pages: dict[Hashable, str] = field(default_factory=dict)  # of its content, as they were made


@dataclass(frozen=True)
class MadeReplies:
    """The replies to a message before they are checked, and the release that they are of; from
    Rasa also what was understood, and the seconds of its stages."""

    replies: list[ReplyBody]
    release: str | None
    understood: dict[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Site:
    """What a message's way needs: settings, database, processes, the live release's content and its
    screen.

    `loaded` is replaced as a whole, in another thread, while messages are answered: whoever needs
    several parts of the release that belong together takes `loaded` once."""

    config: settings.Settings
    engine: Engine
    turnstile: limits.Turnstile
    started: Processes | None = None  # None until Rasa answers
    loaded: LoadedRelease | None = None  # None until the first release is read
    shared: redis_limits.RedisLimits | None = None
    places: tuple[admission.Places, ...] = ()  # of each Rasa
    traces: TracerProvider | None = None  # where a collector is set
    loops: Running | None = None  # None until they are begun
    # token: its messages that are not yet answered
    under_way: dict[str, int] = field(default_factory=dict)
    # something was deleted since the database was scrubbed
    forgotten: asyncio.Event = field(default_factory=asyncio.Event)
    # turn: the reply that its visitor got while the database failed to store its end
    unsaved_replies: dict[int, ReplyBody] = field(default_factory=dict)

    @property
    def processes(self) -> Processes:
        """The processes that were started; raises RuntimeError before that."""
        if self.started is None:
            raise RuntimeError("no process has been started yet")
        return self.started

    @property
    def served(self) -> LoadedRelease:
        """The release that is served; raises RuntimeError before one was read."""
        if self.loaded is None:
            raise RuntimeError("no release has been read yet")
        return self.loaded

    @property
    def release(self) -> str | None:
        """The id of the release that is served; None before one was read."""
        return self.loaded.id if self.loaded else None

    @property
    def library(self) -> site_content.SiteContent:
        """The content that is served."""
        return self.served.library

    @property
    def screen(self) -> Screen:
        """The rules by which dangers are heard."""
        return self.served.screen

    @property
    def words(self) -> frozenset[str]:
        """The words of the release's terms, which are never a person's name."""
        return self.served.words


def read_release(site: Site, id: str) -> None:
    """Load release `id`, and serve it from one moment to the next."""
    folder = registry.folder_of(site.config, id) / "data"
    library, screen = registry.read_content(site.config, id), danger_screen.load_screen(folder)
    opened = site.loaded.listener.encoder if site.loaded and site.loaded.listener else None
    listener = screening.open_listener(site.config, id, screen, opened)
    words = frozenset(word for name in library.names for word in name.split())
    site.loaded = LoadedRelease(id, library, screen, listener, words)


async def handle(
    site: Site, caller: admission.Caller, message: IncomingMessage, verdict: verdicts.Verdict
) -> Answered:
    """The replies to a visitor's message that was screened and not yet masked, and its turn's
    number; `caller`: whose it is.

    Raises stored_turns.NoConversation, stored_turns.OtherMessage, limits.Refused, UnknownChoice;
    stored_turns.StoreDown only where nothing could be said at all."""
    token, masked = message.token, None
    own = site.under_way.get(token, 0)
    site.under_way[token] = own + 1
    try:
        if not verdict.danger:
            admission.check_any(site.places, caller)  # before the conversation is looked up
            if own > limits.MOST_WAITING:
                raise limits.Refused("busy", 2)
        masked = mask_message(site, message)
        return await handle_screened(site, caller, masked, verdict)
    except limits.Refused:
        # another gateway may have answered it, and been killed before it could say so
        if not site.turnstile.locks:
            raise
        masked = masked or mask_message(site, message)
        found = await limits.in_time(
            stored_turns.find_replies, site.engine, token, masked.id, masked.text, masked.choice
        )
        if found:
            return found, None
        raise
    finally:
        site.under_way[token] -= 1
        if not site.under_way[token]:
            del site.under_way[token]


def mask_message(site: Site, message: IncomingMessage) -> IncomingMessage:
    """A message as it may be stored, without personal data."""
    if message.text is None:
        return message
    return replace(message, text=masking.mask_text(message.text, site.words))


async def screen_text(site: Site, text: str | None) -> verdicts.Verdict:
    """The verdicts.Verdict of a text, or of None."""
    if not text:
        return verdicts.NOTHING
    served = site.served
    return await screening.screen_message(served.screen, served.listener, text)


async def mask_and_screen(site: Site, text: str) -> tuple[str, verdicts.Verdict]:
    """(the text as it may be stored, its verdicts.Verdict)."""
    return masking.mask_text(text, site.words), await screen_text(site, text)


async def handle_screened(
    site: Site, caller: admission.Caller, message: IncomingMessage, verdict: verdicts.Verdict
) -> Answered:
    """The replies to a message that was screened and masked, and its turn's number; raises the same
    as `take`."""
    choice = message.choice
    if choice is not None and choice not in COMMANDS and not _is_question(site, choice):
        raise UnknownChoice(choice)
    try:
        if verdict.danger:  # waits for nobody
            return await accept_and_answer(site, message, verdict)
        conversation = await limits.in_time(
            stored_turns.find_conversation, site.engine, message.token
        )
        async with site.turnstile.one(conversation), _rasa_places(site, conversation).one(caller):
            return await accept_and_answer(site, message, verdict)
    except store_engine.StoreDown as error:
        logger.error("%s; a message was answered without it", error)
        reply = reply_unstored(site, verdict, message.country, "database")
        await unstored_replies.note_reply(site.config, message, reply)
        return [reply], None


def _rasa_places(site: Site, conversation: str) -> admission.Places:
    """The Places of the Rasa that a conversation is with."""
    return site.places[rasa_processes.number_of(conversation, len(site.places))]


def reply_unstored(
    site: Site, verdict: verdicts.Verdict, country: str | None, reason: str = "refused"
) -> ReplyBody:
    """The whole reply to a message that can't be stored: the danger's, or a refusal. `reason`: the
    database, or that the message was refused but for its danger."""
    country = country or site.config.country
    said = fixed_reply(site, verdict, country)
    metrics.UNSTORED.labels(reason, "answered" if said else "refused").inc()
    return complete_reply(
        said or add_warning(site, unavailable_reply(site, country), verdict, country)
    )


def fixed_reply(site: Site, verdict: verdicts.Verdict, country: str | None) -> ReplyBody | None:
    """The fixed reply of a verdict that needs nothing but the screen, or None."""
    if verdict.danger:
        return danger_screen.danger_reply(site.screen, verdict.danger, country)
    if verdict.language:
        return danger_screen.decline_language(site.screen, verdict.language, country)
    if verdict.settled:
        return danger_screen.reply_settled(site.screen, country)
    return None


def add_warning(
    site: Site, reply: ReplyBody, verdict: verdicts.Verdict, country: str | None
) -> ReplyBody:
    """A reply, with the sentence for the likely danger where the verdict has one."""
    if verdict.warning is None or verdict.warning not in site.screen.kinds:
        return reply
    return {**reply, "warning": danger_screen.warning_line(site.screen, verdict.warning, country)}


async def screen_with_recent(
    site: Site, earlier: list[stored_turns.Recent], text: str | None, alone: verdicts.Verdict
) -> verdicts.Verdict:
    """The verdict on a text whose own verdict is `alone`, beside what was said shortly before."""
    served = site.served
    return await joint_screening.screen_jointly(
        served.screen, served.listener, earlier, text, alone
    )


async def _accept(
    site: Site, message: IncomingMessage, pool: ThreadPoolExecutor | None = None
) -> stored_turns.Accepted:
    """Store a message as a turn, or find the turn that it has."""
    accepted: stored_turns.Accepted = await limits.in_time(
        stored_turns.accept_message, site.engine, message, pool=pool
    )
    return accepted


async def accept_and_answer(
    site: Site, message: IncomingMessage, verdict: verdicts.Verdict
) -> Answered:
    begun = time.perf_counter()
    accepted = await _accept(site, message, limits.URGENT if verdict.danger else None)
    stored = time.perf_counter()
    logs.begin_turn({"turn": accepted.turn})
    if accepted.is_other and accepted.channel == "web":  # elsewhere the ids are not the visitor's
        verdict = await screen_with_recent(site, accepted.recent, message.text, verdict)
        if verdict.danger:
            return [reply_unstored(site, verdict, accepted.country)], None
        raise stored_turns.OtherMessage(message.id)
    site.unsaved_replies.pop(accepted.turn, None)
    if accepted.outcome:
        metrics.REPEATED.labels(accepted.channel).inc()
        if verdict.danger and accepted.outcome not in DANGERS:  # another text under its id
            return [reply_unstored(site, verdict, accepted.country)], None
        return accepted.replies, accepted.turn
    verdict = await screen_with_recent(site, accepted.recent, message.text, verdict)
    try:
        return await complete_turn(site, message, verdict, accepted, (begun, stored))
    except store_engine.StoreDown as error:
        logger.error("%s; turn %s was answered without it", error, accepted.turn)
        reply = reply_unstored(site, verdict, accepted.country, "database")
        if len(site.unsaved_replies) < MOST_UNSAVED:
            site.unsaved_replies[accepted.turn] = reply
        await unstored_replies.note_reply(
            site.config, replace(message, country=accepted.country), reply
        )
        return [reply], None


async def settle_unanswered(site: Site, before: datetime.datetime) -> int:
    """Give every message whose end could not be stored the end that its visitor was told, and a
    refusal to those received before the moment `before` whose gateway was killed; how many those
    were. Raises stored_turns.StoreDown."""
    for turn, reply in list(site.unsaved_replies.items()):
        await asyncio.to_thread(stored_turns.amend_turn, site.engine, turn, reply)
        site.unsaved_replies.pop(turn, None)
    return await asyncio.to_thread(
        stored_turns.settle_turns, site.engine, before, lambda country: whole_refusal(site, country)
    )


async def complete_turn(
    site: Site,
    message: IncomingMessage,
    verdict: verdicts.Verdict,
    accepted: stored_turns.Accepted,
    moments: tuple[float, float],
) -> Answered:
    """The replies to a stored message, stored as its end; `moments`: when it came, and when it was
    stored, as time.perf_counter has it."""
    country = accepted.country or site.config.country
    choice = message.choice or typed_choice(site, message.text, accepted.state, accepted.number)
    if said := fixed_reply(site, verdict, country):
        made = MadeReplies([said], site.release)
    elif choice == typed_choices.FORGET:
        receipt = await _forget_everywhere(site, message.token)
        return [add_id(forgotten_reply(site, receipt))], None
    elif reply := run_command(site, choice, accepted.state, accepted.article):
        made = MadeReplies([reply], site.release)
    else:
        made = await ask_rasa(site, accepted, message.text, choice)
    answered = time.perf_counter()
    end = await _make_end(site, accepted, message.token, verdict, made)
    if not await limits.in_time(
        stored_turns.finish_turn,
        site.engine,
        accepted,
        end,
        pool=limits.URGENT if verdict.danger else None,
    ):
        accepted = await _accept(site, replace(message, country=country))
        return accepted.replies, accepted.turn  # it was answered elsewhere meanwhile
    _record_turn(site, accepted, end, made.seconds, (*moments, answered, time.perf_counter()))
    return end.replies, accepted.turn


async def _make_end(
    site: Site,
    accepted: stored_turns.Accepted,
    token: str,
    verdict: verdicts.Verdict,
    made: MadeReplies,
) -> stored_turns.TurnEnd:
    """The end of a turn: its replies as they are sent, and its conversation's state after them."""
    found = _complete_replies(site, accepted, verdict, made.replies)
    found = [{**reply, "text": await _fill_placeholders(site, token, reply)} for reply in found]
    first = found[0] = vary_repeated(site, found[0], accepted.state)
    state = next_state(accepted.state, first, made.understood, accepted.number)
    return stored_turns.TurnEnd(
        replies=found,
        outcome=first["kind"],
        state=None if verdict.danger else state,
        question=first.get("question"),
        confidence=(made.understood or {}).get("confidence"),
        understood=made.understood,
        release=made.release,
    )


def _complete_replies(
    site: Site,
    accepted: stored_turns.Accepted,
    verdict: verdicts.Verdict,
    found: Sequence[ReplyBody],
) -> list[ReplyBody]:
    """Replies with the warning, whom to call and an id each; `unavailable` in the place of what is
    no reply."""
    country = accepted.country or site.config.country
    try:
        found = [add_warning(site, found[0], verdict, country), *found[1:]]
        return [complete_reply(add_help(site, reply, country)) for reply in found]
    except (ValidationError, TypeError):
        logger.error("turn %s got something that is no reply", accepted.turn)
        return [
            complete_reply(add_warning(site, unavailable_reply(site, country), verdict, country))
        ]


def _record_turn(
    site: Site,
    accepted: stored_turns.Accepted,
    end: stored_turns.TurnEnd,
    within: Mapping[str, float],
    moments: tuple[float, float, float, float],
) -> None:
    """Count, trace and log a turn that ended; `within`: the seconds of Rasa's stages, `moments`:
    when the message came, and when it was stored, answered and ended."""
    begun, stored, answered, ended = moments
    metrics.count_turn(
        accepted.channel,
        end.replies[0],
        end.understood,
        {
            "store": stored - begun,
            "understand": answered - stored,
            **within,
            "end": ended - answered,
            "whole": ended - begun,
        },
    )
    if site.traces:
        tracing.record_turn(
            site.traces,
            moments,
            within,
            turn=accepted.turn,
            channel=accepted.channel,
            outcome=end.outcome,
            question=end.question,
            release=end.release,
        )
    logger.info("%s in %.0f ms", end.outcome, 1000 * (ended - begun))


async def ask_rasa(
    site: Site, accepted: stored_turns.Accepted, text: str | None, choice: str | None
) -> MadeReplies:
    """The replies of Rasa, or `unavailable`."""
    sender = f"{accepted.conversation}.{accepted.number // SESSION_TURNS}"
    intent, metadata = rasa_request(accepted.state, accepted.number, accepted.article, choice)
    try:
        sent, used = await rasa_processes.send_message(
            site.processes,
            accepted.conversation,
            sender,
            text or choice or "",
            intent,
            {**metadata, "turn": accepted.turn},
        )
        _rasa_places(site, accepted.conversation).count_answer()
        return MadeReplies(sent["replies"], used, sent["understood"], sent["seconds"])
    except NoAnswer as error:
        _rasa_places(site, accepted.conversation).count_failure()
        logger.error("turn %s: %s", accepted.turn, error)
        return MadeReplies([unavailable_reply(site, accepted.country)], site.release)


def rasa_request(
    state: State, number: int, article: str | None, choice: str | None
) -> tuple[str | None, dict[str, Any]]:
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


def next_state(
    state: State, reply: ReplyBody, understood: dict[str, Any] | None, number: int
) -> State:
    """A conversation's state after this first reply to its message `number`."""
    state = {**state, "last": typed_choices.remember_reply(state.get("last"), number, reply)}
    if understood and understood.get("topic"):
        state = {**state, "topic": understood["topic"]}
    if reply["kind"] == ReplyKind.ANSWER:
        state = {**state, "asked": [*state.get("asked", []), reply["question"]][-ASKED:]}
    return state


def typed_choice(site: Site, text: str | None, state: State, number: int) -> str | None:
    """The choice that a text takes of the reply before it, or None."""
    return (
        typed_choices.read_choice(site.library, text, state.get("last"), number) if text else None
    )


def vary_repeated(site: Site, reply: ReplyBody, state: State) -> ReplyBody:
    """A reply, in other words where it is a refusal that would repeat the one before it."""
    repeated = typed_choices.fingerprint(reply) == (state.get("last") or {}).get("said")
    return replies.vary_refusal(site.library, reply) if repeated else reply


def run_command(
    site: Site, command: str | None, state: State, article: str | None
) -> ReplyBody | None:
    """The reply to a command that needs nothing but the conversation's state; None for what isn't
    one."""
    texts, last = site.library.texts, state.get("last")
    if last and command in typed_choices.COMMANDS:  # each refers to the reply before it
        today = datetime.datetime.now(datetime.UTC).date()
        return typed_choices.run_command(site.library, command, last, today, state.get("asked", []))
    if command == typed_choices.KEEP:
        return {"kind": ReplyKind.TALK, "topic": "forget_me", "text": texts["forget_me_kept"]}
    if command == replies.NONE_OF_THESE:
        spoken_of = (state.get("topic") or {}).get("article") or article
        return {
            "kind": ReplyKind.TALK,
            "topic": command,
            "text": texts["none_of_these_reply"],
            "choices": replies.starter_choices(site.library, spoken_of),
        }
    return None


def forgotten_reply(site: Site, receipt: str) -> ReplyBody:
    """The reply to somebody whose conversation was deleted."""
    text = replies.fill_placeholders(site.library.texts["forget_me_done"], receipt=receipt)
    return {"kind": ReplyKind.TALK, "topic": FORGOTTEN, "text": text}


async def forget_conversation(site: Site, token: str) -> str:
    """Delete a conversation everywhere, once the message that it waits for is answered; its
    receipt."""
    conversation = await limits.in_time(stored_turns.find_conversation, site.engine, token)
    async with site.turnstile.one(conversation):
        return await _forget_everywhere(site, token)


async def _forget_everywhere(site: Site, token: str) -> str:
    conversation, count, receipt = await limits.in_time(
        stored_turns.forget_conversation, site.engine, token
    )
    site.forgotten.set()
    word_caches.clear_caches()
    await rasa_processes.forget_sessions(
        site.processes,
        [f"{conversation}.{session}" for session in range(count // SESSION_TURNS + 1)],
    )
    return receipt


async def _fill_placeholders(site: Site, token: str, reply: ReplyBody) -> str:
    """A reply's text with what only the gateway knows: for how long texts are kept, and what is
    stored of this visitor."""
    text = replies.fill_placeholders(reply["text"], days=site.config.retention_days)
    if reply.get("topic") == "about_me":
        stored = await limits.in_time(stored_turns.count_stored, site.engine, token)
        text = replies.fill_placeholders(
            text,
            messages=stored["messages"],
            votes=stored["votes"],
            since=f"{stored['since']:%d %B %Y}".lstrip("0"),
        )
    return text


def whole_refusal(site: Site, country: str | None) -> ReplyBody:
    """`unavailable` as a whole reply."""
    return complete_reply(unavailable_reply(site, country))


def complete_reply(reply: ReplyBody) -> ReplyBody:
    """A reply of ours as it is stored and sent."""
    return Reply(**add_id(reply)).model_dump(exclude_unset=True)


def unavailable_reply(site: Site, country: str | None) -> ReplyBody:
    """Something behind is down; the emergency numbers all the same."""
    texts = site.library.texts
    return {
        "kind": ReplyKind.UNAVAILABLE,
        "text": replies.fill_placeholders(texts["unavailable"], emergency=texts["emergency_hint"]),
        "numbers": _help_numbers(site, ("emergency",), country or site.config.country),
    }


def add_help(site: Site, reply: ReplyBody, country: str | None) -> ReplyBody:
    """A reply with whom to talk to, for somebody in distress, and the line that tells whom to call
    in an emergency, for one that gives no answer; that not beside a warning."""
    if reply.get("topic") == replies.DISTRESS:
        reply = {**reply, "numbers": _help_numbers(site, ("crisis",), country)}
    elif reply["kind"] not in WITHOUT_ANSWER or reply.get("language"):
        return reply
    urgent = None if reply.get("warning") else urgent_line(site, country)
    return {**reply, "emergency": urgent} if urgent else reply


def urgent_line(site: Site, country: str | None) -> dict[str, Any] | None:
    """The small line {text, numbers} that tells whom to call in an emergency; None where the
    release is from before it had the words."""
    country = country or site.config.country
    words = site.library.texts.get("emergency_line")
    if not words:
        return None
    return {
        "text": replies.fill_placeholders(
            words, emergency=danger_screen.first_number(site.screen, country)
        ),
        "numbers": _help_numbers(site, ("emergency",), country),
    }


def _help_numbers(site: Site, kinds: Sequence[str], country: str | None) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in line.items() if key != "line"}
        for line in danger_screen.emergency_numbers(site.screen, country, kinds)
    ]


def _is_question(site: Site, name: str) -> bool:
    article, _, id = name.partition(".")
    return (
        name in site.library.questions
        or id == replies.ARTICLE_INFO
        and article in site.library.articles
    )


def add_id(reply: ReplyBody) -> ReplyBody:
    """A reply with an id of its own."""
    return {**reply, "id": uuid.uuid4().hex}
