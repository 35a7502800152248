"""A conversation that editors try: answered as a visitor's, by the live release or a candidate, and stored nowhere."""

import uuid

from bot import replies, safety
from bot.gateway import processes, turns


async def rehearse(desk, said, article=None, candidate=None):
    """What each message of a conversation gets: [{heard, danger, replies, understood, explained, release}].

    `said`: [{"text"} or {"choice"}]; `heard`: the text as it is after masking; `explained`: how a text was understood
    (processes.explain), None for a choice or a danger. Raises release.NoAnswer, release.ReleaseError.
    """
    sender, state, found = f"rehearsal-{uuid.uuid4().hex}", {}, []
    rasa = await processes.try_out(desk.processes, candidate) if candidate else processes.pick(desk.processes, sender)
    try:
        for number, message in enumerate(said):
            turn = await _take(desk, rasa, sender, number, message, state, article)
            state = turns.follow(state, turn["replies"][0], turn["understood"])
            found.append(turn)
    finally:
        await processes.forget(desk.processes, [sender])
    return found


async def _take(desk, rasa, sender, number, message, state, article):
    text, choice = message.get("text"), message.get("choice")
    heard, danger = turns.hear(desk, text) if text else (None, None)
    turn = {"heard": heard, "danger": danger, "understood": None, "explained": None, "release": rasa.release}
    if danger:
        return {**turn, "replies": [turns.with_id(safety.reply(desk.screen, danger, desk.config.country))]}
    intent, metadata = turns.told(state, number, article, choice)
    sent = await processes.ask(desk.processes, rasa, sender, heard or choice, intent, metadata)
    explained = await processes.explain(desk.processes, rasa, heard, metadata) if heard else None
    filled = [turns.with_id({**reply, "text": replies.fill(reply["text"], days=desk.config.retention_days)}) for reply in sent["replies"]]
    return {**turn, "replies": filled, "understood": sent["understood"], "explained": explained}
