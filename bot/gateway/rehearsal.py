"""A conversation that editors try, or that a candidate is tested with: answered as a visitor's, and
stored nowhere."""

import asyncio
import dataclasses
import hashlib
import uuid
from pathlib import Path

from bot import content, release, replies, settings, store, stories
from bot.gateway import processes, together, turns, typed
from bot.safety import verdicts

# code that decides how a story goes
DECIDING = (
    "actions/__init__.py",
    "bot/replies.py",
    "bot/stories.py",
    "bot/gateway/rehearsal.py",
    "bot/gateway/typed.py",
)


def check_stories(config, id, progress):
    """Where candidate `id` goes otherwise than its stories and test conversations tell, a sentence
    each. Raises release.NoAnswer.

    Its Rasa and actions are started for it. What the same archive did with the same stories isn't
    done again."""
    data, found = release.folder_of(config, id) / "data", []
    told = [
        (kind, story)
        for kind, text in _texts(data).items()
        for story in stories.read(kind, text)
        if story.turns
    ]
    if told:
        archive = release.read_manifest(config, id)["files"][release.ARCHIVE]
        parts = [
            archive,
            *_texts(data).values(),
            *((settings.ROOT / name).read_text() for name in DECIDING),
        ]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        found = release.read_kept(config, "told", key)
        if found is None:
            progress("loading the stories", 0.0)
            found = asyncio.run(_go_through(config, id, told, progress))
            release.keep(config, "told", key, found)
    progress("told the stories", 1.0)
    return found


def _texts(data):
    """{kind: text} of the files of stories in a content folder."""
    paths = {kind: Path(data, name) for kind, name in stories.FILES.items()}
    return {
        kind: path.read_text(encoding="utf-8") for kind, path in paths.items() if path.is_file()
    }


async def _go_through(config, id, told, progress):
    started, found = await processes.start(dataclasses.replace(config, rasa_processes=1), id), []
    try:
        desk = turns.Desk(config=config, engine=None, turnstile=None, processes=started)
        await asyncio.to_thread(turns.read_release, desk, id)
        for done, (kind, story) in enumerate(told, 1):
            judged = stories.judge(
                kind, story, await rehearse(desk, stories.said(story), story.page or None)
            )
            for number, (turn, got) in enumerate(zip(story.turns, judged, strict=True), 1):
                where = f"{stories.FILES[kind]}, “{story.name}”, message {number} ({turn.says or turn.gets})"  # noqa: E501
                if not got["right"]:
                    ended = (
                        "is asked back"
                        if got["came"] == content.FALLBACK
                        else f"gets {got['came']}"
                    )
                    found.append(f"{where} {ended}; {turn.gets} is told")
                elif got["missing"]:
                    found.append(
                        f"{where} does not offer {', '.join(got['missing'])} where it is told to"
                    )
            progress("telling the stories", done / len(told))
    finally:
        await processes.stop(started)
    return found


async def rehearse(desk, said, article=None, candidate=None):
    """What each message of a conversation gets: [{heard, danger, replies, understood, explained,
    release}].

    `said`: [{"text"} or {"choice"}]; `heard`: the text as it is after masking; `explained`: how a
    text was understood (processes.explain), None for a choice or a danger. Raises release.NoAnswer,
    release.ReleaseError."""
    sender, state, found = f"rehearsal-{uuid.uuid4().hex}", {}, []
    rasa = (
        await processes.try_out(desk.processes, candidate)
        if candidate
        else processes.pick(desk.processes, sender)
    )
    try:
        for number, message in enumerate(said):
            earlier = [
                store.Recent(turn["heard"], turn["danger"] is not None)
                for turn in found[-store.MOST_RECENT :]
                if turn["heard"]
            ]
            turn = await _take(desk, rasa, sender, number, message, state, article, earlier)
            state = turns.follow(state, turn["replies"][0], turn["understood"], number)
            found.append(turn)
    finally:
        await processes.forget(desk.processes, [sender])
    return found


async def _take(desk, rasa, sender, number, message, state, article, earlier):
    text, choice = message.get("text"), message.get("choice")
    heard, verdict = await turns.hear(desk, text) if text else (None, verdicts.NOTHING)
    verdict = await together.screen_together(desk.screen, desk.listener, earlier, heard, verdict)
    danger = verdict.danger
    turn = {
        "heard": heard,
        "danger": danger,
        "understood": None,
        "explained": None,
        "release": rasa.release,
    }
    if said := turns.said_of(desk, verdict, desk.config.country):
        return {**turn, "replies": [turns.with_id(said)]}
    choice = choice or turns.typed_choice(desk, heard, state, number)
    if reply := _obey(desk, choice, state, article):
        return {**turn, "replies": [turns.with_id(reply)]}
    intent, metadata = turns.told(state, number, article, choice)
    sent = await processes.ask(desk.processes, rasa, sender, heard or choice, intent, metadata)
    explained = await processes.explain(desk.processes, rasa, heard, metadata) if heard else None
    filled = [
        turns.with_id(
            {**reply, "text": replies.fill(reply["text"], days=desk.config.retention_days)}
        )
        for reply in sent["replies"]
    ]
    filled[0] = turns.vary(desk, filled[0], state)
    filled[0] = turns.warned(desk, filled[0], verdict, desk.config.country)
    filled = [turns.with_help(desk, reply, desk.config.country) for reply in filled]
    return {**turn, "replies": filled, "understood": sent["understood"], "explained": explained}


def _obey(desk, choice, state, article):
    """As turns.obey; to delete what isn't stored takes no more than to say so."""
    if choice == typed.FORGET:
        return turns.say_forgotten(desk, "none")
    return turns.obey(desk, choice, state, article)
