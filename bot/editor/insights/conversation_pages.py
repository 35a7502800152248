"""Conversations as the visitor saw them, with the editors' tags and note; a good one as a test
conversation."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BaseModel

from bot.content import articles, replies, site_content, stories
from bot.domain.faults import Fault
from bot.domain.reply_kinds import DANGERS, REPEATABLE, Colour, ReplyKind
from bot.editor.shared import content_cache, content_files, pages, session
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_files
from bot.store import conversation_notes, conversations

VOTES = {
    "yes": "helpful",
    "no": "not helpful",
    "inaccurate": "inaccurate",
    "out_of_date": "out of date",
    "unclear": "unclear",
    "not_what_was_asked": "not what was asked",
    "other": "something else",
}
MOST = 40
KNOWN = (*replies.TALK, *site_content.OUTCOMES, site_content.FALLBACK, site_content.PASSAGE)
router = APIRouter()


class ListQuery(BaseModel):
    """Which conversations the list shows: those with a turn of all that is named, before a
    moment."""

    outcome: str = ""
    article: str = ""
    channel: str = ""
    vote: str = ""
    release: str = ""
    tag: str = ""
    since: str = ""
    until: str = ""
    before: str = ""


@dataclass(frozen=True)
class Unsaved:
    """What an editor typed on a conversation that was not saved, and why: it comes back in its
    form."""

    status: int = 200
    tag: str = ""
    note: str | None = None
    faults: Sequence[ShownFault] = ()


NOTHING_UNSAVED = Unsaved()


@router.get("/conversations")
def show_conversations(
    request: Request, desk: DeskState, query: Annotated[ListQuery, Query()]
) -> Response:
    before = read_moment(query.before)
    found = conversations.list_conversations(desk.engine, _read_filter(query), before, MOST)
    given = query.model_dump(exclude={"before"})
    channels, releases = conversations.known_filters(desk.engine)
    ids = [each["id"] for each in found]
    earlier = None
    if len(found) == MOST:
        further = {**given, "before": found[-1]["at"].isoformat()}
        earlier = urlencode({key: value for key, value in further.items() if value})
    return pages.render_page(
        request,
        "conversations.html",
        conversations=found,
        tags=conversation_notes.read_tags(desk.engine, ids),
        noted=conversation_notes.find_noted(desk.engine, ids),
        known_tags=conversation_notes.list_tags(desk.engine),
        given=given,
        outcomes=tuple(ReplyKind),
        alarming=[kind for kind in ReplyKind if kind.about.colour == Colour.BAD],
        votes=VOTES,
        channels=channels,
        releases=releases,
        articles=content_cache.read_articles(desk),
        earlier=earlier,
    )


def _read_filter(query: ListQuery) -> conversations.Filter:
    until = read_moment(query.until)
    return conversations.Filter(
        pages.blank_nul(query.outcome),
        pages.blank_nul(query.article),
        pages.blank_nul(query.channel),
        pages.blank_nul(query.vote),
        pages.blank_nul(query.release),
        pages.blank_nul(query.tag),
        read_moment(query.since),
        until and until + datetime.timedelta(days=1),
    )


@router.get("/conversations/{id}")
def show_conversation(request: Request, desk: DeskState, id: str) -> Response:
    return render_conversation(request, desk, id)


def render_conversation(
    request: Request, desk: State, id: str, unsaved: Unsaved = NOTHING_UNSAVED
) -> Response:
    """The page of a conversation; raises conversations.NoConversation."""
    found = conversations.read_conversation(desk.engine, id)
    return pages.render_page(
        request,
        "conversation.html",
        unsaved.status,
        conversation=found,
        unsaved=unsaved,
        has_texts=any(turn["text"] or turn["choice"] for turn in found["turns"]),
        tags=conversation_notes.read_tags(desk.engine, [id]).get(id, []),
        note=conversation_notes.read_note(desk.engine, id),
        known_tags=conversation_notes.list_tags(desk.engine),
        votes=VOTES,
        can_be_story=bool(story_turns(found)),
        dangers=DANGERS,
        articles=content_cache.read_articles(desk),
        questions=content_cache.read_questions(desk),
    )


@router.post("/conversations/{id}/story")
def make_story(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: str,
    name: Annotated[str, Form(max_length=120)],
) -> Response:
    """Write the conversation into data/conversations.yml, as one that must go so again."""
    conversation = conversations.read_conversation(desk.engine, id)
    story = stories.Story(
        " ".join(name.split()), story_turns(conversation), conversation["article"] or ""
    )
    if not story.turns or not story.name:
        said = "a test conversation needs a name, and a conversation that was answered to its end"
        raise articles.ContentError([Fault.from_sentence(said)])
    path = content_files.table_path(desk.config, stories.FILES["test_conversation"])
    base = content_files.read_file(path)
    if story.key in [other.key for other in stories.read_stories("test_conversation", base)]:
        said = f"a test conversation “{story.name}” is there already; give this one another name"
        raise articles.ContentError([Fault.from_sentence(said)])
    content_files.save_file(
        desk.config,
        path,
        story_files.write_story("test_conversation", base, None, story),
        person,
        f"Tell the story: {story.name}",
        base,
        lambda text: articles.read_yaml(text, path.name)[2],
    )
    session.record_action(request, "told a story", story.name)
    return pages.redirect_to(
        request,
        f"/editor/stories/test_conversation/{story.key}",
        f"“{story.name}” is a test conversation now.",
    )


def story_turns(conversation: conversations.ReadConversation) -> tuple[stories.Turn, ...]:
    """The stories.Turns of a conversation: what each message got, and what was chosen next; ()
    where it makes no good story: a turn that was not answered, a danger, a text that is deleted."""
    made: list[stories.Turn] = []
    turns = conversation["turns"]
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        reply = turn["replies"][0] if turn["replies"] else {}
        gets = stories.name_reply(reply) if turn["outcome"] in REPEATABLE and reply else None
        if (
            gets is None
            or gets not in KNOWN
            and "." not in gets
            or not turn["text"]
            and turn["choice"] != gets
        ):
            return ()
        chosen = following and following["choice"] or ""
        offered = [choice["value"] for choice in replies.offered_choices(reply)]
        made.append(
            stories.Turn(
                " ".join((turn["text"] or "").split()),
                gets,
                (chosen,) if "." in chosen and chosen in offered else (),
            )
        )
    return tuple(made) if any("." in turn.gets for turn in made) else ()


def read_moment(text: str) -> datetime.datetime | None:
    """The moment that a field or a link names; None where it names none, or none that a day can
    follow."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not datetime.MINYEAR < moment.year < datetime.MAXYEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
