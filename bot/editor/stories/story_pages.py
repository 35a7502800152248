"""Stories and test conversations as the conversations they are: written, tried with the live
release, saved."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from bot.content import articles, stories, story_ways
from bot.content.stories import Story
from bot.content.story_ways import Way
from bot.domain.faults import Fault
from bot.editor.shared import (
    content_cache,
    content_files,
    fault_places,
    pages,
    session,
    working_copy,
)
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_checks, story_files, story_flow, story_form, story_view
from bot.editor.stories.story_form import StoryForm
from bot.editor.stories.story_view import (
    Shown,
    StoryPage,
    StoryToEdit,
    StoryToRead,
    Trial,
    find_story,
    path_of,
    render_story,
)

router = APIRouter()
PLACE_DIGITS = 4  # at most, of a turn's place in its story
CHANGED = Fault.from_sentence(
    "Another editor changed this meanwhile. Load the page again, and repeat what you did."
)
LEFT = Fault.from_sentence(
    "This story holds more than its form knows, so its file stays as it is. Ask who looks after "
    "the files to change it."
)


@router.get("/stories")
async def show_all(request: Request, desk: DeskState, tried: bool = False) -> Response:
    """The list; `tried`: each with whether the live release answers as it tells."""
    judged = {}
    for kind in story_view.TITLES if tried else ():
        ways = await run_in_threadpool(_list_ways, desk, kind)
        judged[kind] = await _try_ways(desk, kind, ways)
    return await run_in_threadpool(story_view.render_list, request, desk, judged)


@router.get("/stories/{kind}/new")
def show_new(
    page: StoryToRead,
    begins_as: Annotated[str, Query(max_length=12)] = "",
    messages: Annotated[int, Query(ge=1, le=stories.MOST_TURNS)] = 1,
) -> Response:
    """The form of a new story or test conversation; with `begins_as`, of another way from the
    first `messages` of that one."""
    empty = stories.Turn("", "")
    if not begins_as:
        return render_story(page, StoryForm(Story("", (empty,))))
    origin = find_story(page.kind, content_files.read_file(page.path), begins_as)
    if not origin.is_plain or not origin.turns:
        raise articles.ContentError([LEFT])
    story = Story("", (*origin.turns[:messages], empty), origin.page)
    return render_story(page, StoryForm(story, origin=origin))


@router.get("/stories/{kind}/{key}")
async def show_story(page: StoryToRead, tried: bool = False) -> Response:
    """The form of one that there is, with what can be known to go wrong; or, where its form would
    lose some of it, the story as it is; `tried`: with what the live release answers."""
    story, ways = await run_in_threadpool(_open, page)
    if story.is_plain:
        return await run_in_threadpool(_render_known, page, story)
    judged = await _try_ways(page.desk, page.kind, ways) if tried else {}
    return await run_in_threadpool(story_view.render_left, page, story, judged)


def _open(page: StoryPage) -> tuple[Story, list[Way]]:
    """The story that an address names, and the ways that it has a part in."""
    story = find_story(page.kind, content_files.read_file(page.path), page.key)
    return story, [way for way in _list_ways(page.desk, page.kind) if story.key in way.keys]


def _render_known(page: StoryPage, story: Story) -> Response:
    faults = story_checks.find_faults(page.desk, page.kind, story, page.key)
    return render_story(page, StoryForm(story), Shown(faults))


def _list_ways(desk: State, kind: str) -> list[Way]:
    return story_ways.list_ways(kind, content_files.read_file(path_of(desk, kind)))


async def _try_ways(desk: State, kind: str, ways: Iterable[Way]) -> dict[Way, list[stories.Judged]]:
    """How the live release goes each of some ways."""
    judged = {}
    for way in ways:
        said, page = stories.visitor_messages(way.story), way.story.page or None
        judged[way] = stories.judge_story(kind, way.story, await desk.rehearse(said, page))
    return judged


@router.post("/stories/{kind}/{key}")
async def change_story(page: StoryToEdit) -> Response:
    """What the pressed button says: a turn moved, added or taken out; the story tried, saved, or
    taken out."""
    sent = await page.request.form()
    base = str(sent.get("base", ""))
    then, _, place = str(sent.get("then", "")).partition(".")
    await run_in_threadpool(_refuse_left, page)
    if then == "remove" and page.key:
        return await run_in_threadpool(_remove, page, base)
    story, faults = await run_in_threadpool(story_form.read_form, page.desk, page.kind, sent)
    is_place = place.isdecimal() and len(place) <= PLACE_DIGITS  # int() raises for 4,301
    story = story_form.arrange_turns(
        story, then, int(place) if is_place else len(story.turns or ())
    )
    form = StoryForm(story, base)
    if then in ("try", "try_prepared", "save") and faults:
        return await run_in_threadpool(render_story, page, form, Shown(faults), 422)
    if then == "save":
        return await run_in_threadpool(_save, page, form)
    if then in ("try", "try_prepared"):
        trial = await _try_story(page, story, is_prepared=then == "try_prepared")
        known = await run_in_threadpool(
            story_checks.find_faults, page.desk, page.kind, story, page.key
        )
        return await run_in_threadpool(render_story, page, form, Shown(known, trial))
    return await run_in_threadpool(render_story, page, form)


def _refuse_left(page: StoryPage) -> None:
    """Raises articles.ContentError where the form of a story would lose some of it."""
    listed = stories.read_stories(page.kind, content_files.read_file(page.path))
    if any(story.key == page.key and not story.is_plain for story in listed):
        raise articles.ContentError([LEFT])


async def _try_story(page: StoryPage, story: Story, is_prepared: bool) -> Trial:
    """What the live release answers, or the newest candidate."""
    by: str | None = None
    if is_prepared:
        by = await run_in_threadpool(working_copy.newest_candidate, page.desk.config)
    got = await page.desk.rehearse(stories.visitor_messages(story), story.page or None, by)
    return Trial(stories.judge_story(page.kind, story, got), by)


def _save(page: StoryPage, form: StoryForm) -> Response:
    """Save the story and go on; what others saved meanwhile is kept."""
    key, story, kind = page.key, form.story, page.kind
    now = content_files.read_file(page.path)
    before = content_files.read_opened(page.desk.config, page.path, form.base) if key else now
    if before is None:
        return _render_conflict(page, form)
    old = find_story(kind, before, key) if key else None
    if faults := _find_new_faults(page, story, old, now):
        return render_story(page, form, Shown(faults), 422)
    others = list(_offer_alike(old, story, before)) if old and kind == "story" else []
    text = story_files.write_story(kind, before, key, story)
    for other in others:
        text = story_files.write_story(kind, text, other.key, other)
    try:
        why = f"{'changed' if key else 'added'}: {story.name}"
        saved = _write(page, text, before, why)
    except content_files.Conflict:
        return _render_conflict(page, form)
    except articles.ContentError as error:
        shown = fault_places.place_faults(error.faults, own=story_checks.form_fields(kind, story))
        return render_story(page, form, Shown(shown), 422)
    session.record_action(page.request, "changed a story", story.name)
    said = _say_saved(kind, saved, before)
    if others:
        names = ", ".join(f"“{other.name}”" for other in others)
        said += f" What is offered was changed in {names}, too: they begin alike."
    return pages.redirect_to(page.request, f"/editor/stories/{kind}/{story.key}", said)


def _find_new_faults(
    page: StoryPage, story: Story, old: Story | None, now: str
) -> list[ShownFault]:
    """What forbids to save a story in the place of `old` in the text of its file."""
    if old and not old.is_plain:
        return [ShownFault(LEFT.text)]
    taken = {other.key for other in stories.read_stories(page.kind, now)} - {page.key}
    if story.key in taken:
        said = f"There is one named “{story.name}” already; give this one another name."
        return [fault_places.show_here("name", story_form.NAME, said)]
    find = story_checks.find_unlikely
    known = [fault.text for fault in find(page.desk, page.kind, old, page.key)] if old else []
    found = find(page.desk, page.kind, story, page.key)
    return [fault for fault in found if fault.text not in known]


def _offer_alike(old: Story, story: Story, text: str) -> Iterator[Story]:
    """The other stories of a file's text that share messages with `old`, with what `story` offers
    after these in its place: what begins alike can't offer different things."""
    turns = story.turns or ()
    for other in stories.read_stories("story", text):
        if other.key == old.key or not other.is_plain:
            continue
        alike = list(other.turns or ())
        for place in range(min(story_flow.count_shared("story", old, other), len(turns))):
            if turns[place].gets != alike[place].gets:
                break
            alike[place] = dataclasses.replace(alike[place], offers=turns[place].offers)
        if tuple(alike) != other.turns:
            yield dataclasses.replace(other, turns=tuple(alike))


def _remove(page: StoryPage, base: str) -> Response:
    """Take a story out and go on; what others saved meanwhile is kept."""
    before = content_files.read_opened(page.desk.config, page.path, base)
    if before is None:
        raise articles.ContentError([CHANGED])
    story = find_story(page.kind, before, page.key)
    text = story_files.write_story(page.kind, before, page.key, None)
    try:
        saved = _write(page, text, before, f"taken out: {story.name}")
    except content_files.Conflict:
        raise articles.ContentError([CHANGED]) from None
    session.record_action(page.request, "changed a story", story.name)
    said = _say_saved(page.kind, saved, before)
    return pages.redirect_to(page.request, "/editor/stories", said)


def _write(page: StoryPage, text: str, before: str, why: str) -> content_files.Saved:
    """Save as save_text does; `why`: what was done to which story."""
    title = "Story" if page.kind == "story" else "Test conversation"
    return save_text(page, text, before, f"{title} {why}")


def save_text(page: StoryPage, text: str, before: str, why: str) -> content_files.Saved:
    """Save the text of the stories' file, which was made of `before`. Raises
    content_files.Conflict, and articles.ContentError with the faults that are new."""
    desk, path, kind = page.desk, page.path, page.kind
    now = content_files.read_file(path)
    known = set(content_cache.read_questions(desk)) | set(content_cache.OUTCOMES)
    rules = story_checks.read_rules(desk)
    listed = story_files.story_faults(kind, now, known, rules) if now else []
    old = {(fault.field, fault.text) for fault in listed}
    return content_files.save_file(
        desk.config,
        path,
        text,
        page.person,
        why,
        before,
        lambda text: [
            fault
            for fault in story_files.story_faults(kind, text, known, rules)
            if (fault.field, fault.text) not in old
        ],
    )


def _say_saved(kind: str, saved: content_files.Saved, before: str) -> str:
    """What a page says after a story of the text `before` was saved."""
    said = "Nothing was changed." if saved.text == before else "Saved."
    if saved.merged:
        said += " Another editor had saved changes meanwhile; both are in it now."
    said += saved.outside
    if kind == "story" and saved.text != before:
        said += " What it offers reaches visitors once it is published."
    return said


def _render_conflict(page: StoryPage, form: StoryForm) -> Response:
    """The page where another editor changed the same story: one's own version in the form, to be
    saved again."""
    now = content_files.read_file(page.path)
    there = page.key in {other.key for other in stories.read_stories(page.kind, now)}
    said = (
        "Another editor changed this meanwhile. Nothing of yours is saved yet; it is in the "
        "form. Look at theirs in another window, and "
        "save again to keep yours."
        if there
        else "Another editor renamed it or took it out meanwhile. Yours is in the form; save it "
        "to add it anew."
    )
    opened = page if there else dataclasses.replace(page, key=None)
    return render_story(opened, StoryForm(form.story), Shown([ShownFault(said)]), 409)
