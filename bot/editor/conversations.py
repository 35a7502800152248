"""Conversations as the visitor saw them, and a good one as a test conversation."""

import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request

from bot import articles, content, replies, stories
from bot.editor import files, library, pages, people, story_files
from bot.store import conversations

OUTCOMES = (
    "answer",
    "clarify",
    "not_covered",
    "personal_advice",
    "out_of_scope",
    "talk",
    "emergency",
    "crisis",
    "unavailable",
)
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
GOOD = ("answer", "talk", "clarify", "not_covered", "personal_advice", "out_of_scope")
KNOWN = (*replies.TALK, *content.OUTCOMES, content.FALLBACK)
router = APIRouter()


@router.get("/conversations")
def show_conversations(
    request: Request,
    outcome: str = "",
    article: str = "",
    channel: str = "",
    vote: str = "",
    release: str = "",
    since: str = "",
    until: str = "",
    before: str = "",
):
    desk = request.app.state.desk
    until_day = _moment(until)
    wanted = conversations.Filter(
        outcome,
        article,
        channel,
        vote,
        release,
        _moment(since),
        until_day and until_day + datetime.timedelta(days=1),
    )
    found = conversations.listed(desk.engine, wanted, _moment(before), MOST)
    given = {
        "outcome": outcome,
        "article": article,
        "channel": channel,
        "vote": vote,
        "release": release,
        "since": since,
        "until": until,
    }
    channels, releases = conversations.known(desk.engine)
    earlier = (
        urlencode(
            {
                key: value
                for key, value in {**given, "before": found[-1]["at"].isoformat()}.items()
                if value
            }
        )
        if len(found) == MOST
        else None
    )
    return pages.render(
        request,
        "conversations.html",
        conversations=found,
        given=given,
        outcomes=OUTCOMES,
        votes=VOTES,
        channels=channels,
        releases=releases,
        articles=library.read_articles(desk),
        earlier=earlier,
    )


@router.get("/conversations/{id}")
def show_conversation(request: Request, id: str):
    desk = request.app.state.desk
    found = conversations.read(desk.engine, id)
    return pages.render(
        request,
        "conversation.html",
        conversation=found,
        votes=VOTES,
        can_be_story=bool(story_turns(found)),
        articles=library.read_articles(desk),
        questions=library.questions(desk),
    )


@router.post("/conversations/{id}/story")
def make_story(request: Request, id: str, name: Annotated[str, Form(max_length=120)]):
    """Write the conversation into data/conversations.yml, as one that must go so again."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    told = conversations.read(desk.engine, id)
    story = stories.Story(" ".join(name.split()), story_turns(told), told["article"] or "")
    if not story.turns or not story.name:
        raise articles.ContentError(
            ["a test conversation needs a name, and a conversation that was answered to its end"]
        )
    path = files.table_path(desk.config, stories.FILES["tested"])
    base = files.read(path)
    if story.key in [other.key for other in stories.read("tested", base)]:
        raise articles.ContentError(
            [f"a test conversation “{story.name}” is there already; give this one another name"]
        )
    files.save(
        desk.config,
        path,
        story_files.write("tested", base, None, story),
        person,
        f"Tell the story: {story.name}",
        base,
        lambda text: articles.read_yaml(text, path.name)[2],
    )
    people.record(request, "told a story", story.name)
    return pages.redirect(
        request,
        f"/editor/stories/tested/{story.key}",
        f"“{story.name}” is a test conversation now.",
    )


def story_turns(conversation):
    """The stories.Turns of a conversation: what each message got, and what was chosen next; ()
    where it makes no good story: a turn that was not answered, a danger, a text that is deleted."""
    made, turns = [], conversation["turns"]
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        reply = turn["replies"][0] if turn["replies"] else {}
        gets = stories.came(reply) if turn["outcome"] in GOOD and reply else None
        if (
            gets not in KNOWN
            and "." not in (gets or "")
            or not turn["text"]
            and turn["choice"] != gets
        ):
            return ()
        chosen = following and following["choice"] or ""
        offered = [choice["value"] for choice in reply.get("choices") or []]
        made.append(
            stories.Turn(
                " ".join((turn["text"] or "").split()),
                gets,
                (chosen,) if "." in chosen and chosen in offered else (),
            )
        )
    return tuple(made) if any("." in turn.gets for turn in made) else ()


def _moment(text):
    """The moment that a field or a link names, or None."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
