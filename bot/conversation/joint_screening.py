"""Messages of a few minutes heard together: "she's on the floor", "shaking all over", "its been 10
min". A danger is raised once; a later message raises again only where it is a danger itself, or
tells that it goes on or gets worse.

A mere doubt about all together raises nothing: of 75 told dangers no one more was heard by it, and
28 of 51 warnings in 160 ordinary conversations came from it (2026-11-29)."""

from bot.conversation import screening
from bot.safety import danger_screen, net, verdicts
from bot.safety.rules_file import Screen
from bot.store import stored_turns

# how much a message must add to what stood before it, in the net's scores: chosen on
# tests/safety/talks_open.jsonl (2026-11-28), where 0 to 0.8 do alike
ADDS = 0.8
# Where no message by itself is this much like a danger, they aren't heard together: it loses none
# of the same talks, and 99.8 % of the articles' phrases stay below (2026-11-28)
LIKE = -3.0
LONGEST = 4_000  # signs of all together, the newest


async def screen_jointly(
    rules: Screen,
    listener: screening.Listener | None,
    earlier: list[stored_turns.Recent],
    text: str | None,
    alone: verdicts.Verdict,
) -> verdicts.Verdict:
    """The Verdict of a text whose own one is `alone`, heard together with the `earlier` ones of
    its conversation (stored_turns.Recent), by rules and net; raises nothing."""
    if not earlier or not text or alone.language:
        return alone
    alarmed = any(turn.danger for turn in earlier)
    settled = danger_screen.is_settled(rules, text)
    if alarmed and settled and _may_settle(alone):
        asks = text.rstrip().endswith("?")
        return verdicts.NOTHING if asks and not alone.danger else verdicts.Verdict(settled=True)
    if alone.danger or settled:
        return alone
    if listener and not alarmed:
        texts = [*(turn.text for turn in earlier), text]
        if await screening.ask_net(_are_far, listener, texts) is True:
            return alone
    return await _hear_whole(rules, listener, earlier, text, alone, alarmed)


async def _hear_whole(
    rules: Screen,
    listener: screening.Listener | None,
    earlier: list[stored_turns.Recent],
    text: str,
    alone: verdicts.Verdict,
    alarmed: bool,
) -> verdicts.Verdict:
    """As `screen_together`, of messages that may tell a danger together."""
    before = ". ".join(turn.text for turn in earlier)[-LONGEST:]
    whole = f"{before}. {text}"[-LONGEST:]
    by_rules = danger_screen.find_danger(rules, whole)
    is_new = by_rules is not None and by_rules != danger_screen.find_danger(rules, before)
    if alarmed and by_rules and (is_new or danger_screen.is_going_on(rules, text)):
        return verdicts.Verdict(by_rules)
    by_rules = by_rules if is_new else None  # else it stood there before
    reading = await _read(listener, before, whole) if listener else screening.UNHEARD
    if reading is screening.UNHEARD:
        return verdicts.Verdict(by_rules) if by_rules else alone
    if reading is None:
        return alone
    heard = verdicts.decide_verdict(rules, whole, by_rules, reading)
    return heard if heard.danger else alone


def _are_far(listener: screening.Listener, texts: list[str]) -> bool:
    return max(map(listener.rate, texts)) < LIKE


def _may_settle(alone: verdicts.Verdict) -> bool:
    """Whether "help is there" may take back what else was heard in a message: never what a rule
    hears, but the wish for an ambulance."""
    return (
        alone.danger is None
        or alone.danger.flag.startswith(danger_screen.LEARNED)
        or alone.danger.flag == "rescue"
    )


async def _read(
    listener: screening.Listener, before: str, whole: str
) -> net.Reading | screening.Unheard | None:
    """The net's Reading of all together, where the last message adds to it; else None."""

    def read() -> net.Reading | None:
        reading = listener.read(whole)
        return reading if reading.score - listener.rate(before) >= ADDS else None

    return await screening.ask_net(read)
