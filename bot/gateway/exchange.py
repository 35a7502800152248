"""What a message from a messaging app is answered with: a turn, a vote, "more", or a fixed
sentence; as units to show."""

import asyncio
from dataclasses import dataclass, field, replace

from bot import replies, safety, store
from bot.gateway import limits, metrics, turns
from bot.gateway.channels import commands, text
from bot.safety import verdicts
from bot.store import delivery as stored
from bot.store import votes

MOST_ATTEMPTS = 3  # of answering one message


@dataclass
class Answer:
    """Units to show, and what else one transaction stores with them: the buttons that were
    numbered, changes of the conversation's state; `forgotten`: nothing of it is kept."""

    units: list = field(default_factory=list)
    offered: list = field(default_factory=list)
    changes: dict = field(default_factory=dict)
    forgotten: bool = False
    danger: bool = False


async def answer(desk, channel, row, token):
    """The Answer to a row of Inbox. Raises store.StoreDown, and for a row that was tried too often
    nothing but that."""
    message, texts = row.message, desk.library.texts
    # an app shows all that was said, so it is one conversation as long as texts are kept
    hours = desk.config.retention_days * 24
    state = await asyncio.to_thread(
        store.enter_conversation, desk.engine, token, row.channel, hours, message["country"]
    )
    verdict = _read_verdict(desk, message)
    danger = verdict.danger
    made = Answer(danger=danger is not None)
    if danger is None and _is_settled(made, message, state, desk):
        return made
    code = message["code"] or await _numbered(desk, channel, row)
    choice = None
    # it may be answered, and only what came behind that have failed
    if row.attempts > MOST_ATTEMPTS:
        found = await asyncio.to_thread(store.find_replies, desk.engine, token, row.event) or [
            turns.with_id(turns.unavailable(desk, message["country"]))
        ]
    else:
        try:
            if danger is None and code:
                choice, made.units = await _press(desk, token, code)
            found = (
                [] if made.units else await _take(desk, token, row, message, choice, verdict, hours)
            )
            made.forgotten = any(reply.get("topic") == turns.FORGOTTEN for reply in found)
        except (store.NoReply, turns.UnknownChoice):
            made.units, found = [text.note(texts["old_button"])], []
        except limits.Refused as error:
            urgent = turns.urgent_line(desk, message["country"])
            made.units, found = [text.note(texts[error.text], emergency=urgent)], []
    made.units = made.units or [text.unit(reply, texts, desk.config.public_url) for reply in found]
    if message.get("files") and danger is None:
        made.units[-1:] = [_tell_of_files(made.units[-1], texts)]
    return _finish(made, desk, channel, state)


def _tell_of_files(unit, texts):
    """The unit, with the line that pictures and files beside the words weren't looked at; releases
    from before there was one lack it."""
    return replace(unit, small=(*unit.small, *filter(None, [texts.get("words_only")])))


def direct(desk, verdict, country):
    """The Unit to show where nothing can be stored."""
    reply = turns.say_unstored(desk, verdict, country)
    return text.unit(reply, desk.library.texts, desk.config.public_url)


def _read_verdict(desk, message):
    """What was heard in the message's own words; the masked ones may have lost it."""
    if not message["danger"]:
        return verdicts.Verdict(warning=message.get("warning"), language=message.get("language"))
    danger = safety.Danger(**message["danger"])
    if not safety.is_known(desk.screen, danger):  # heard by another release
        danger = safety.screen(desk.screen, message["text"])
    return verdicts.Verdict(danger)


def _is_settled(made, message, state, desk):
    """Whether STOP, START or a fixed sentence settles it; `made` gets what to say and to keep."""
    texts = desk.library.texts
    word = commands.read_command(message["text"] or "")
    if state.get("stopped"):
        if word not in commands.OPT_IN:
            return bool(message["note"]) or not message.get("warning")
        made.changes["stopped"] = False
        message["text"] = "hello"
    elif word in commands.STOP:
        made.changes["stopped"] = True
        made.units = [] if message.get("answered") else [text.note(texts["stopped"])]
        return True
    if message.get("answered"):
        return True
    if word in commands.START:
        message["text"] = "hello"
    if message["note"]:
        words = replies.fill(texts[message["note"]], limit="2,000")
        made.units = [text.note(words, emergency=turns.urgent_line(desk, message["country"]))]
    return bool(message["note"])


async def _numbered(desk, channel, row):
    """The code of the button whose number the message is, of those that the answer before it
    numbered."""
    number = commands.read_number(row.message["text"] or "")
    if channel.STYLE.titles is None or not number:
        return None
    offered = await asyncio.to_thread(stored.read_offered, desk.engine, row)
    return offered[number - 1] if number <= len(offered) else None


async def _press(desk, token, code):
    """(choice to take, units to show) of a button; raises store.NoReply."""
    id, _, what = code.partition(".")
    reply = await asyncio.to_thread(store.find_reply, desk.engine, token, id)
    texts, choices = desk.library.texts, reply.get("choices") or []
    if what.isdecimal() and int(what) < len(choices):
        return choices[int(what)]["value"], []
    if what == text.MORE and reply.get("more") and reply.get("article"):
        return None, [text.rest(reply, texts, desk.config.public_url)]
    if not reply.get("feedback"):
        raise store.NoReply(id)
    names = list(reply["feedback"]["reasons"])
    given = what.removeprefix(text.REASON)
    if what not in (text.YES, text.NO) and not (
        what != given and given.isdecimal() and int(given) < len(names)
    ):
        raise store.NoReply(id)
    reason = names[int(given)] if what not in (text.YES, text.NO) else None
    await asyncio.to_thread(votes.vote, desk.engine, token, id, what == text.YES, reason)
    metrics.VOTES.labels("yes" if what == text.YES else "no").inc()
    return None, [
        text.reasons(reply, texts) if what == text.NO else text.note(texts["feedback_thanks"])
    ]


async def _take(desk, token, row, message, choice, verdict, hours):
    words = message["text"] if choice is None else None
    heard = verdict if choice is None else verdicts.NOTHING
    country = message["country"]
    found, _ = await turns.answer(desk, token, row.event, words, choice, heard, hours, country)
    return found


def _finish(made, desk, channel, state):
    """The Answer with the notice before the first, and its buttons numbered through where the
    channel has none."""
    if not state.get("noticed") and not made.danger and made.units and not made.forgotten:
        texts = desk.library.texts
        notice = replies.fill(
            texts["notice"], covered=replies.covered(desk.library), days=desk.config.retention_days
        )
        made.units.insert(0, text.note(notice))
        made.changes["noticed"] = True
    if channel.STYLE.titles is not None:
        for place, unit in enumerate(made.units):
            made.units[place] = replace(unit, first=len(made.offered) + 1)
            made.offered += [button.code for button in unit.buttons()]
    return made
