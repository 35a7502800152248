"""What conversations of other hands get from the live release (tests/asked/README.md).

python -m benchmarks.talks FILE ...   a table, first and later turns apart; the same as JSON in
var/talks.json; each turn with what it got in var/talks.jsonl"""

import asyncio
import collections
import dataclasses
import json
import sys
from pathlib import Path

from bot.content import site_content
from bot.conversation import rasa_processes, rehearsal, turns
from bot.domain.reply_kinds import DANGERS, ReplyKind
from bot.releases import registry
from bot.runtime import settings

COLUMNS = ("right", "asked back", "asked back without", "declined", "wrong", "talk", "alarm")
# the kinds of reply that are right where no question answers a turn
KINDS = {
    "talk": (ReplyKind.TALK,),
    "decision": (ReplyKind.PERSONAL_ADVICE,),
    "missing": (ReplyKind.NOT_COVERED, ReplyKind.CLARIFY),
    "other_condition": (ReplyKind.NOT_COVERED,),
    "not_health": (ReplyKind.OUT_OF_SCOPE, ReplyKind.TALK),
    "unclear": (ReplyKind.CLARIFY, ReplyKind.OUT_OF_SCOPE, ReplyKind.TALK),
}


def tell(turn, reply):
    """What a visitor gets at a turn: one of COLUMNS."""
    kind = reply["kind"]
    if kind in DANGERS:
        return "alarm"
    if kind in KINDS.get(turn.get("kind"), ()):
        return "right"
    wanted = turn.get("question") or ()
    wanted = {wanted} if isinstance(wanted, str) else set(wanted)
    if kind == ReplyKind.ANSWER:
        beside = {choice["value"] for choice in reply.get("instead") or ()}
        if reply["question"] in wanted:
            return "right"
        return "asked back" if wanted & beside else "wrong"
    if kind == site_content.CLARIFY:
        offered = {choice["value"] for choice in reply.get("choices") or ()}
        return "asked back" if wanted & offered else "asked back without"
    return "declined" if kind in site_content.OUTCOMES else "talk"


async def talk(config, conversations):
    """Of each conversation, the first reply to each of its turns."""
    started = await rasa_processes.start_processes(
        dataclasses.replace(config, rasa_processes=1), registry.live_release(config)
    )
    try:
        desk = turns.Site(config=config, engine=None, turnstile=None, started=started)
        await asyncio.to_thread(turns.read_release, desk, registry.live_release(config))
        found = []
        for conversation in conversations:
            said = [{"text": turn["text"]} for turn in conversation["turns"]]
            rehearsed = await rehearsal.rehearse(desk, said, conversation["page"])
            found.append([turn["replies"][0] for turn in rehearsed])
        return found
    finally:
        await rasa_processes.stop_processes(started)


def summarize(rows):
    """{place of the turn: {what it got: share in percent, "turns": how many}}."""
    places = {
        "first turns": [row for row in rows if row["number"] == 0],
        "later turns": [row for row in rows if row["number"] > 0],
        "later turns, a question": [r for r in rows if r["number"] > 0 and not r["kind"]],
        "later turns, none": [r for r in rows if r["number"] > 0 and r["kind"]],
    }
    shares = {}
    for place, listed in places.items():
        got = collections.Counter(row["got"] for row in listed)
        shares[place] = {what: 100 * got[what] / max(got.total(), 1) for what in COLUMNS}
        shares[place]["turns"] = got.total()
    return shares


def main(paths):
    config = settings.read_settings()
    conversations = [
        json.loads(line) for path in paths for line in Path(path).read_text().splitlines()
    ]
    rows = [
        {
            "page": conversation["page"],
            "number": number,
            "text": turn["text"],
            "kind": turn.get("kind"),
            "wanted": turn.get("question"),
            "got": tell(turn, reply),
            "reply": reply["kind"],
            "question": reply.get("question"),
            "said": reply["text"],
            "choices": [choice["value"] for choice in reply.get("choices") or ()],
        }
        for conversation, replied in zip(
            conversations, asyncio.run(talk(config, conversations)), strict=True
        )
        for number, (turn, reply) in enumerate(zip(conversation["turns"], replied, strict=True))
    ]
    figures = summarize(rows)
    print(f"| | turns | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 2)}")
    for place, got in figures.items():
        cells = [f"{got[column]:.1f}" for column in COLUMNS]
        print(f"| {place} | {got['turns']} | {' | '.join(cells)} |")
    var = config.path("var")
    (var / "talks.json").write_text(json.dumps(figures, indent=1) + "\n")
    (var / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main(sys.argv[1:])
