"""The pages of stories and test conversations, as they are shown."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response

from bot.content import stories, story_ways
from bot.content.stories import Story
from bot.content.story_ways import Way
from bot.editor.shared import content_cache, content_files, pages, session, working_copy
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_checks, story_files, story_flow, story_form
from bot.editor.stories.story_flow import Drawing, Flow
from bot.editor.stories.story_form import StoryForm
from bot.store.accounts import Member

TITLES = {"story": "Stories", "test_conversation": "Test conversations"}
type Judgements = Mapping[Way, Sequence[stories.Judged]]


@dataclasses.dataclass(frozen=True)
class StoryPage:
    """What a request is about: the stories or the test conversations, and the one of `key` (None: a
    new one), with the desk that serves it and the person who asks."""

    request: Request
    desk: State
    person: Member
    kind: str
    key: str | None

    @property
    def path(self) -> Path:
        """Their file; raises HTTPException for a kind that there is not."""
        return path_of(self.desk, self.kind)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What came where a story was tried. `by`: the candidate that answered; None: what is live."""

    judged: list[stories.Judged]
    by: str | None


@dataclasses.dataclass(frozen=True)
class Shown:
    """What a page shows of its form: what is wrong with it, and what came where it was tried."""

    faults: Sequence[ShownFault] = ()
    trial: Trial | None = None


NOTHING = Shown()


@dataclasses.dataclass(frozen=True)
class Card:
    """Stories that begin alike, drawn as one `flow`; None for one that can't be drawn."""

    stories: list[Story]
    flow: Flow | None


async def _for_reader(
    request: Request, desk: DeskState, person: session.Reader, kind: str
) -> StoryPage:
    return StoryPage(request, desk, person, kind, _read_key(request))


async def _for_editor(
    request: Request, desk: DeskState, person: session.Editor, kind: str
) -> StoryPage:
    return StoryPage(request, desk, person, kind, _read_key(request))


def _read_key(request: Request) -> str | None:
    """The key of the story that an address names; None for a new one."""
    key: str = request.path_params.get("key", "new")
    return None if key == "new" else key


StoryToRead = Annotated[StoryPage, Depends(_for_reader)]
StoryToEdit = Annotated[StoryPage, Depends(_for_editor)]


def path_of(desk: State, kind: str) -> Path:
    """The file of the stories or test conversations; raises HTTPException for another kind."""
    if kind not in TITLES:
        raise HTTPException(404)
    return content_files.table_path(desk.config, stories.FILES[kind])


def find_story(kind: str, text: str, key: str | None) -> Story:
    """The story of a key in a file's text; raises HTTPException where there is none."""
    story = next((story for story in stories.read_stories(kind, text) if story.key == key), None)
    if story is None:
        raise HTTPException(404)
    return story


def render_list(request: Request, desk: State, tried: Mapping[str, Judgements]) -> Response:
    """The list of both kinds; `tried`: {kind: how its ways went}, of what was tried."""
    cards = {kind: _list_cards(desk, kind, tried.get(kind, {})) for kind in TITLES}
    told = content_files.read_file(path_of(desk, "story"))
    counts = {kind: _count_wrong(judged) for kind, judged in tried.items()}
    return pages.render_page(
        request,
        "stories.html",
        cards=cards,
        headings=TITLES,
        counts=counts,
        contradicting=story_checks.list_contradicting(desk, told),
        titles=story_form.list_wordings(desk)[0],
    )


def _count_wrong(judged: Judgements) -> dict[str, tuple[int, int]]:
    """{key: (messages that came otherwise than told, all)} of stories that were tried."""
    wrong, told = Counter[str](), Counter[str]()
    for way, turns in judged.items():
        for key in way.keys:
            told[key] += len(turns)
            wrong[key] += sum(not each["right"] or bool(each["missing"]) for each in turns)
    return {key: (wrong[key], told[key]) for key in told}


def _list_cards(desk: State, kind: str, judged: Judgements) -> list[Card]:
    """The stories of a kind, those that begin alike on one card, in the order of their file."""
    text = content_files.read_file(path_of(desk, kind))
    listed = {story.key: story for story in stories.read_stories(kind, text)}
    cards = []
    for flow in _draw_flows(kind, text, judged):
        own = [listed.pop(key) for key in list(listed) if key in flow.keys]
        cards += [Card(own, flow)] if own else []
    return cards + [Card([story], None) for story in listed.values()]


def _draw_flows(kind: str, text: str, judged: Judgements) -> list[Flow]:
    plain = frozenset(story.key for story in stories.read_stories(kind, text) if story.is_plain)
    return story_flow.draw_flows(Drawing(kind, plain, judged), story_ways.list_ways(kind, text))


def render_story(
    page: StoryPage, form: StoryForm, shown: Shown = NOTHING, status: int = 200
) -> Response:
    """The form of a story, beside what begins as it does."""
    desk, kind = page.desk, page.kind
    text = content_files.read_file(page.path)
    titles, names = story_form.list_wordings(desk)
    wanted = story_form.WANTED[kind]
    trial = shown.trial
    return pages.render_page(
        page.request,
        "story.html",
        status,
        kind=kind,
        key=page.key,
        story=form.story,
        titles=titles,
        faults=shown.faults,
        judged=trial and trial.judged,
        base=form.base or content_files.keep_opened(desk.config, text),
        wordings=[wording for wording, name in names.items() if "." in name or name in wanted],
        articles=content_cache.read_articles(desk),
        most=stories.MOST_OFFERS,
        most_turns=stories.MOST_TURNS,
        by=trial and trial.by,
        prepared=working_copy.newest_candidate(desk.config),
        origin=form.origin,
        shared=_list_shared(kind, text, page.key),
        flows=_flows_of(kind, text, page.key or (form.origin.key if form.origin else None), {}),
    )


def _list_shared(kind: str, text: str, key: str | None) -> list[tuple[Story, int]]:
    """[(another story, how many messages it shares with the one of `key` from the beginning)]."""
    listed = stories.read_stories(kind, text)
    own = next((story for story in listed if story.key == key), None)
    if own is None:
        return []
    counts = [
        (other, story_flow.count_shared(kind, own, other))
        for other in listed
        if other.key != key and other.turns
    ]
    return [(other, count) for other, count in counts if count]


def _flows_of(kind: str, text: str, key: str | None, judged: Judgements) -> list[Flow]:
    """The flows in which a story has a part."""
    return [flow for flow in _draw_flows(kind, text, judged) if key in flow.keys]


def render_left(page: StoryPage, story: Story, judged: Judgements) -> Response:
    """The page of a story that its form does not know in full: its file stays as it is."""
    text = content_files.read_file(page.path)
    return pages.render_page(
        page.request,
        "story_left.html",
        kind=page.kind,
        key=story.key,
        story=story,
        lines=story_files.read_lines(page.kind, text, story.key),
        titles=story_form.list_wordings(page.desk)[0],
        flows=_flows_of(page.kind, text, story.key, judged),
    )
