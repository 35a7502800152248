"""What questions about a detail get from the live release, each on its page: the details that a
sentence of a section tells, and what no section tells (tests/asked/README.md).

python -m benchmarks.passages FILE ...   a table; the same as JSON in var/passages.json"""

import asyncio
import collections
import dataclasses
import json
import sys
from pathlib import Path

from bot.content import articles, passages
from bot.conversation import rasa_processes, rehearsal, turns
from bot.domain.reply_kinds import DANGERS, ReplyKind
from bot.rasa import passage_scores
from bot.releases import registry
from bot.runtime import settings

SURE, UNSURE, ANSWERED = "passage, sure", "passage, unsure", "answered"
# beside them: the section is offered as a choice; another is, or none; nothing is found
COLUMNS = (SURE, UNSURE, ANSWERED, "offered", "asked back", "declined", "small talk", "alarm")
ALIKE = 0.55  # of the words of a sentence and of the quote: the same, reworded
SHOWN = (SURE, UNSURE, ANSWERED)


def name_end(row, reply, texts):
    """What a reply is: one of COLUMNS."""
    kind = reply["kind"]
    if kind == ReplyKind.PASSAGE:
        return SURE if reply["note"] == texts["passage"] else UNSURE
    if kind == ReplyKind.ANSWER:
        return ANSWERED
    offered = {choice["value"] for choice in reply.get("choices") or ()}
    if row["question"] in offered:
        return "offered"
    if kind in DANGERS:
        return "alarm"
    return {ReplyKind.CLARIFY: "asked back", ReplyKind.TALK: "small talk"}.get(kind, "declined")


def find_told(questions, row):
    """The sentences of the page's article that tell what a row asks: its quote's, and, since
    articles are reworded, those that have most words in common with it. [] where none is left."""
    quote = flatten(row["quote"] or "")
    words = set(passage_scores.find_stems(quote))
    sentences = [
        sentence.words
        for question in questions
        if question.name.startswith(f"{row['page']}.")
        for sentence in passages.split_sentences(question)
    ]
    return [said for said in sentences if said in quote or compare_words(said, words) >= ALIKE]


def compare_words(sentence, words):
    """How many words a sentence has in common with others, from 0 to 1 (Dice's coefficient)."""
    own = set(passage_scores.find_stems(sentence))
    return 2 * len(own & words) / max(len(own) + len(words), 1)


def shows_any(told, reply):
    """Whether a reply shows one of the sentences, if only on "More"."""
    shown = flatten(f"{reply['text']} {reply.get('more') or ''}")
    return any(sentence in shown for sentence in told)


def flatten(text):
    """A text without the numbers of sources, signs of lists and line breaks."""
    return " ".join(articles.MARK.sub("", text).split()).replace(" .", ".")


async def ask(config, rows):
    """(the first reply to each row, the content of the release)."""
    live = registry.live_release(config)
    started = await rasa_processes.start_processes(
        dataclasses.replace(config, rasa_processes=1), live
    )
    try:
        desk = turns.Site(config=config, engine=None, turnstile=None, started=started)
        await asyncio.to_thread(turns.read_release, desk, live)
        said = [
            await rehearsal.rehearse(desk, [{"text": row["text"]}], row["page"]) for row in rows
        ]
        return [turn[0]["replies"][0] for turn in said], desk.library
    finally:
        await rasa_processes.stop_processes(started)


def summarize(rows, found, content):
    """{kind of row: {column: %, of those whose text is shown right and wrong: %}}; "gone" are
    details that no sentence tells any longer."""
    figures = {}
    for row, reply in zip(rows, found, strict=True):
        told = find_told(content.questions.values(), row)
        kind = "gone" if row["quote"] and not told else row["kind"]
        got = figures.setdefault(kind, collections.Counter())
        end = name_end(row, reply, content.texts)
        got["messages"] += 1
        got[end] += 1
        if end in SHOWN:
            right = "right" if shows_any(told, reply) else "wrong"
            got[f"{end}: {right}"] += 1
            got[right] += 1
    return {
        kind: {
            name: count if name == "messages" else 100 * count / got["messages"]
            for name, count in got.items()
        }
        for kind, got in figures.items()
    }


def main(paths):
    config = settings.read_settings()
    rows = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]
    figures = summarize(rows, *asyncio.run(ask(config, rows)))
    columns = [
        each
        for name in COLUMNS
        for each in ((f"{name}: right", f"{name}: wrong") if name in SHOWN else (name,))
    ]
    columns = ["right", "wrong", *columns]
    print(f"| | messages | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 2)}")
    for kind, got in figures.items():
        cells = [f"{got.get(column, 0):.1f}" for column in columns]
        print(f"| {kind} | {got['messages']} | {' | '.join(cells)} |")
    (config.path("var") / "passages.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
