"""A conversation that editors try, or that a candidate is tested with: answered as a visitor's, and
stored nowhere."""

import asyncio
import dataclasses
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from sqlalchemy import create_engine

from bot.content import replies, site_content, stories, story_ways
from bot.content.reply_model import ReplyBody
from bot.conversation import limits, rasa_processes, turns, typed_choices
from bot.language import vector_cache
from bot.releases import registry, steps
from bot.runtime import code_hash, settings
from bot.safety import danger_screen, verdicts
from bot.store import stored_turns

Progress = Callable[[str, float], object]  # what is done, and how much of it


class Rehearsed(TypedDict):
    """What a message of a rehearsed conversation gets. `heard`: the text as it is after masking;
    `explained`: how a text was understood (rasa_processes.explain_text), None for a choice or a
    danger."""

    heard: str | None
    danger: danger_screen.Danger | None
    replies: list[ReplyBody]
    understood: dict[str, Any] | None
    explained: dict[str, Any] | None
    release: str


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """A conversation that is rehearsed: the Rasa that it is with, its name there, and the article
    on whose page it is held."""

    rasa: rasa_processes.Rasa
    sender: str
    article: str | None


def check_stories(config: settings.Settings, id: str, progress: Progress) -> list[str]:
    """Where candidate `id` goes otherwise than its stories and test conversations tell, a sentence
    each. Raises registry.NoAnswer.

    Its Rasa and actions are started for it. Only where no file of the release, of the code and of
    the encoder differs from when they were last told is it not done again."""
    data = registry.folder_of(config, id) / "data"
    found: list[str] = []
    listed = [
        (kind, way.story)
        for kind, text in _texts(data).items()
        for way in story_ways.list_ways(kind, text)
    ]
    if listed:
        key = _hash_all(config, id)
        kept: list[str] | None = registry.read_kept(config, "rehearsals", key)
        if kept is None:
            progress(steps.STORIES, 0.0)
            kept = asyncio.run(_go_through(config, id, listed, progress))
            registry.keep_result(config, "rehearsals", key, kept)
        found = kept
    progress(steps.STORIES, 1.0)
    return found


def _hash_all(config: settings.Settings, id: str) -> str:
    """A hash of all that decides how the stories of release `id` go."""
    files = registry.read_manifest(config, id)["files"]
    parts = [code_hash.hash_project(), vector_cache.encoder_hash(config.path("models") / "encoder")]
    return hashlib.sha256(json.dumps([parts, files], sort_keys=True).encode()).hexdigest()[:16]


def _texts(data: Path) -> dict[str, str]:
    """{kind: text} of the files of stories in a content folder."""
    paths = {kind: Path(data, name) for kind, name in stories.FILES.items()}
    return {
        kind: path.read_text(encoding="utf-8") for kind, path in paths.items() if path.is_file()
    }


async def _go_through(
    config: settings.Settings, id: str, listed: list[tuple[str, stories.Story]], progress: Progress
) -> list[str]:
    started = await rasa_processes.start_processes(
        dataclasses.replace(config, rasa_processes=1), id
    )
    found = []
    try:
        site = turns.Site(
            config=config,
            engine=create_engine("sqlite://"),  # never connected to: nothing is stored
            turnstile=limits.Turnstile(None),
            started=started,
        )
        await asyncio.to_thread(turns.read_release, site, id)
        for done, (kind, story) in enumerate(listed, 1):
            judged = stories.judge_story(
                kind,
                story,
                await rehearse(site, stories.visitor_messages(story), story.page or None),
            )
            for number, (turn, got) in enumerate(zip(story.turns or (), judged, strict=True), 1):
                where = f"{stories.FILES[kind]}, “{story.name}”, message {number} ({turn.says or turn.gets})"  # noqa: E501
                if not got["right"]:
                    ended = (
                        "is asked back"
                        if got["came"] == site_content.FALLBACK
                        else f"gets {got['came']}"
                    )
                    found.append(f"{where} {ended}; {turn.gets} is told")
                elif got["missing"]:
                    found.append(
                        f"{where} does not offer {', '.join(got['missing'])} where it is told to"
                    )
            progress(steps.STORIES, done / len(listed))
    finally:
        await rasa_processes.stop_processes(started)
    return found


async def rehearse(
    site: turns.Site,
    said: Sequence[Mapping[str, str]],
    article: str | None = None,
    candidate: str | None = None,
) -> list[Rehearsed]:
    """What each message of a conversation gets, with the live release or a candidate.

    `said`: [{"text"} or {"choice"}]. Raises registry.NoAnswer, registry.ReleaseError."""
    sender = f"rehearsal-{uuid.uuid4().hex}"
    state: turns.State = {}
    found: list[Rehearsed] = []
    rasa = (
        await rasa_processes.try_out(site.processes, candidate)
        if candidate
        else rasa_processes.pick_rasa(site.processes, sender)
    )
    rehearsal = Rehearsal(rasa, sender, article)
    try:
        for number, message in enumerate(said):
            earlier = [
                stored_turns.Recent(turn["heard"], turn["danger"] is not None)
                for turn in found[-stored_turns.MOST_RECENT :]
                if turn["heard"]
            ]
            turn = await _take(site, rehearsal, number, message, state, earlier)
            state = turns.next_state(state, turn["replies"][0], turn["understood"], number)
            found.append(turn)
    finally:
        await rasa_processes.forget_sessions(site.processes, [sender])
    return found


async def _take(
    site: turns.Site,
    rehearsal: Rehearsal,
    number: int,
    message: Mapping[str, str],
    state: turns.State,
    earlier: list[stored_turns.Recent],
) -> Rehearsed:
    text, choice = message.get("text"), message.get("choice")
    heard, verdict = await turns.mask_and_screen(site, text) if text else (None, verdicts.NOTHING)
    verdict = await turns.screen_with_recent(site, earlier, heard, verdict)
    danger = verdict.danger
    turn: Rehearsed = {
        "replies": [],
        "heard": heard,
        "danger": danger,
        "understood": None,
        "explained": None,
        "release": rehearsal.rasa.release,
    }
    if said := turns.fixed_reply(site, verdict, site.config.country):
        return {**turn, "replies": [turns.add_id(said)]}
    choice = choice or turns.typed_choice(site, heard, state, number)
    if reply := _obey(site, choice, state, rehearsal.article):
        return {**turn, "replies": [turns.add_id(reply)]}
    intent, metadata = turns.rasa_request(state, number, rehearsal.article, choice)
    sent = await rasa_processes.ask_rasa(
        site.processes, rehearsal.rasa, rehearsal.sender, heard or choice or "", intent, metadata
    )
    explained = (
        await rasa_processes.explain_text(site.processes, rehearsal.rasa, heard, metadata)
        if heard
        else None
    )
    filled = [
        turns.add_id(
            {
                **reply,
                "text": replies.fill_placeholders(reply["text"], days=site.config.retention_days),
            }
        )
        for reply in sent["replies"]
    ]
    filled[0] = turns.vary_repeated(site, filled[0], state)
    filled[0] = turns.add_warning(site, filled[0], verdict, site.config.country)
    filled = [turns.add_help(site, reply, site.config.country) for reply in filled]
    return {**turn, "replies": filled, "understood": sent["understood"], "explained": explained}


def _obey(
    site: turns.Site, choice: str | None, state: turns.State, article: str | None
) -> ReplyBody | None:
    """As turns.run_command; to delete what isn't stored takes no more than to say so."""
    if choice == typed_choices.FORGET:
        return turns.forgotten_reply(site, "none")
    return turns.run_command(site, choice, state, article)
