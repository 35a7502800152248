"""What a message from a messaging app is answered with: a turn, a vote, "more", or a fixed
sentence; as units to show."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from bot.channels import base, commands, rendering
from bot.content import replies
from bot.content.reply_model import ReplyBody
from bot.conversation import admission, limits, metrics, turns
from bot.domain.messages import IncomingMessage
from bot.safety import danger_screen, verdicts
from bot.store import queues as stored
from bot.store import stored_turns, votes
from bot.store.tables import Inbox

MOST_ATTEMPTS = 3  # of answering one message


@dataclass
class Answer:
    """Units to show, and what else one transaction stores with them: the buttons that were
    numbered, changes of the conversation's state; `forgotten`: nothing of it is kept."""

    units: list[rendering.Unit] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    changes: dict[str, bool] = field(default_factory=dict)
    forgotten: bool = False
    danger: bool = False


async def answer_message(
    site: turns.Site,
    channel: base.Channel,
    row: Inbox,
    message: base.JsonObject,
    token: str,
) -> Answer:
    """The Answer to the message of an inbox row. Raises stored_turns.StoreDown, and for a row that
    was
    tried too often nothing but that."""
    texts: rendering.Texts = site.library.texts
    # an app shows all that was said, so it is one conversation as long as texts are kept
    hours = site.config.retention_days * 24
    state = await asyncio.to_thread(
        stored_turns.enter_conversation, site.engine, token, row.channel, hours, message["country"]
    )
    verdict = _read_verdict(site, message)
    danger = verdict.danger
    made = Answer(danger=danger is not None)
    if danger is None and apply_opt_out(made, message, state, site):
        return made
    code = message["code"] or await _numbered(site, channel, row, message["text"])
    choice = None
    # it may be answered, and only what came behind that have failed
    if row.attempts > MOST_ATTEMPTS:
        found = await asyncio.to_thread(
            stored_turns.find_replies, site.engine, token, row.event
        ) or [turns.add_id(turns.unavailable_reply(site, message["country"]))]
    else:
        try:
            if danger is None and code:
                choice, made.units = await _press(site, token, code)
            found = (
                [] if made.units else await _take(site, token, row, message, choice, verdict, hours)
            )
            made.forgotten = any(reply.get("topic") == turns.FORGOTTEN for reply in found)
        except (stored_turns.NoReply, turns.UnknownChoice):
            made.units, found = [rendering.note_unit(texts["old_button"])], []
        except limits.Refused as error:
            urgent = turns.urgent_line(site, message["country"])
            made.units, found = [rendering.note_unit(texts[error.text], emergency=urgent)], []
    made.units = made.units or [
        rendering.reply_unit(reply, texts, site.config.public_url) for reply in found
    ]
    if message.get("files") and danger is None:
        made.units[-1:] = [_tell_of_files(made.units[-1], texts)]
    return _finish(made, site, channel, state)


def _tell_of_files(unit: rendering.Unit, texts: rendering.Texts) -> rendering.Unit:
    """The unit, with the line that pictures and files beside the words weren't looked at; releases
    from before there was one lack it."""
    return replace(unit, small=(*unit.small, *filter(None, [texts.get("words_only")])))


def direct_unit(site: turns.Site, verdict: verdicts.Verdict, country: str | None) -> rendering.Unit:
    """The Unit to show where nothing can be stored."""
    reply = turns.reply_unstored(site, verdict, country, "database")
    return rendering.reply_unit(reply, site.library.texts, site.config.public_url)


def _read_verdict(site: turns.Site, message: base.JsonObject) -> verdicts.Verdict:
    """What was heard in the message's own words; the masked ones may have lost it."""
    if not message["danger"]:
        return verdicts.Verdict(warning=message.get("warning"), language=message.get("language"))
    danger = danger_screen.Danger(**message["danger"])
    if danger_screen.is_known(site.screen, danger):
        return verdicts.Verdict(danger)
    # another release heard it
    return verdicts.Verdict(danger_screen.find_danger(site.screen, message["text"]))


def apply_opt_out(
    made: Answer, message: base.JsonObject, state: dict[str, Any], site: turns.Site
) -> bool:
    """Whether STOP, START or a fixed sentence settles it; `made` gets what to say and to keep."""
    texts: rendering.Texts = site.library.texts
    word = commands.read_command(message["text"] or "")
    if state.get("stopped"):
        if word not in commands.OPT_IN:
            return bool(message["note"]) or not message.get("warning")
        made.changes["stopped"] = False
        message["text"] = "hello"
    elif word in commands.STOP:
        made.changes["stopped"] = True
        made.units = [] if message.get("answered") else [rendering.note_unit(texts["stopped"])]
        return True
    if message.get("answered"):
        return True
    if word in commands.START:
        message["text"] = "hello"
    if message["note"]:
        words = replies.fill_placeholders(texts[message["note"]], limit="2,000")
        made.units = [
            rendering.note_unit(words, emergency=turns.urgent_line(site, message["country"]))
        ]
    return bool(message["note"])


async def _numbered(
    site: turns.Site, channel: base.Channel, row: Inbox, said: str | None
) -> str | None:
    """The code of the button whose number the message is, of those that the answer before it
    numbered."""
    number = commands.read_number(said or "")
    if channel.STYLE.titles is None or not number:
        return None
    offered = await asyncio.to_thread(stored.read_offered, site.engine, row)
    return offered[number - 1] if number <= len(offered) else None


async def _press(
    site: turns.Site, token: str, code: str
) -> tuple[str | None, list[rendering.Unit]]:
    """(choice to take, units to show) of a button; raises stored_turns.NoReply."""
    id, _, what = code.partition(".")
    reply = await asyncio.to_thread(stored_turns.find_reply, site.engine, token, id)
    texts: rendering.Texts = site.library.texts
    choices = replies.offered_choices(reply)
    if what.isdecimal() and int(what) < len(choices):
        return choices[int(what)]["value"], []
    if what == rendering.MORE and reply.get("more") and reply.get("article"):
        return None, [rendering.rest_unit(reply, texts, site.config.public_url)]
    if not reply.get("feedback"):
        raise stored_turns.NoReply(id)
    names = list(reply["feedback"]["reasons"])
    given = what.removeprefix(rendering.REASON)
    if what not in (rendering.YES, rendering.NO) and not (
        what != given and given.isdecimal() and int(given) < len(names)
    ):
        raise stored_turns.NoReply(id)
    reason = names[int(given)] if what not in (rendering.YES, rendering.NO) else None
    await asyncio.to_thread(votes.store_vote, site.engine, token, id, what == rendering.YES, reason)
    metrics.VOTES.labels("yes" if what == rendering.YES else "no").inc()
    return None, [
        rendering.reasons_unit(reply, texts)
        if what == rendering.NO
        else rendering.note_unit(texts["feedback_thanks"])
    ]


async def _take(
    site: turns.Site,
    token: str,
    row: Inbox,
    message: base.JsonObject,
    choice: str | None,
    verdict: verdicts.Verdict,
    hours: int,
) -> list[ReplyBody]:
    words = message["text"] if choice is None else None
    heard = verdict if choice is None else verdicts.NOTHING
    country = message["country"]
    # the address is the platform's, so each conversation is a caller
    caller = admission.Caller(token, patient=True)
    incoming = IncomingMessage(token, row.event, hours, words, choice, country)
    found, _ = await turns.handle_screened(site, caller, incoming, heard)
    return found


def _finish(made: Answer, site: turns.Site, channel: base.Channel, state: dict[str, Any]) -> Answer:
    """The Answer with the notice before the first, and its buttons numbered through where the
    channel has none."""
    if not state.get("noticed") and not made.danger and made.units and not made.forgotten:
        texts = site.library.texts
        notice = replies.fill_placeholders(
            texts["notice"],
            covered=replies.covered_conditions(site.library),
            days=site.config.retention_days,
        )
        made.units.insert(0, rendering.note_unit(notice))
        made.changes["noticed"] = True
    if channel.STYLE.titles is not None:
        for place, unit in enumerate(made.units):
            made.units[place] = replace(unit, first=len(made.offered) + 1)
            made.offered += [button.code for button in unit.buttons()]
    return made
