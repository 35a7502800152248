"""Stories and test conversations as the conversations they are: written, tried with the live
release, saved."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from bot.content import articles, stories
from bot.content.stories import Story
from bot.domain.faults import Fault, Field
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
from bot.editor.stories import story_files, story_form
from bot.editor.stories.story_form import StoryForm
from bot.store.accounts import Member

router = APIRouter()
TITLES = {"story": "Stories", "test_conversation": "Test conversations"}
PLACE_DIGITS = 4  # at most, of a turn's place in its story
CHANGED = Fault.from_sentence(
    "Another editor changed this meanwhile. Load the page again, and repeat what you did."
)


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
        return _path(self.desk, self.kind)


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


@dataclasses.dataclass(frozen=True)
class Trial:
    """What came where a story was tried. `by`: the candidate that answered; None: what is live."""

    judged: list[stories.Judged]
    by: str | None


@router.get("/stories")
async def show_all(request: Request, desk: DeskState, tried: bool = False) -> Response:
    """The list; `tried`: each with whether the live release answers as it tells."""
    listed = await run_in_threadpool(
        lambda: {
            kind: stories.read_stories(kind, content_files.read_file(_path(desk, kind)))
            for kind in TITLES
        }
    )
    ends = {}
    for kind, kept in listed.items():
        for story in kept if tried else ():
            if story.turns:
                judged = stories.judge_story(
                    kind,
                    story,
                    await desk.rehearse(stories.visitor_messages(story), story.page or None),
                )
                ends[kind, story.key] = sum(
                    not turn["right"] or bool(turn["missing"]) for turn in judged
                )
    return await run_in_threadpool(
        pages.render_page,
        request,
        "stories.html",
        listed=listed,
        titles=TITLES,
        ends=ends,
        titled=story_form.list_wordings(desk)[0],
    )


@router.get("/stories/{kind}/new")
def show_new(page: StoryToRead) -> Response:
    """The form of a new story or test conversation."""
    return _render(page, StoryForm(stories.Story("", (stories.Turn("", ""),))))


@router.get("/stories/{kind}/{key}")
def show_story(page: StoryToRead) -> Response:
    """The form of one that there is."""
    story = _find(page.kind, content_files.read_file(page.path), page.key)
    return _render(page, StoryForm(story))


@router.post("/stories/{kind}/{key}")
async def change_story(page: StoryToEdit) -> Response:
    """What the pressed button says: a turn moved, added or taken out; the story tried, saved, or
    taken out."""
    _path(page.desk, page.kind)
    sent = await page.request.form()
    base = str(sent.get("base", ""))
    then, _, place = str(sent.get("then", "")).partition(".")
    if then == "remove" and page.key:
        return await run_in_threadpool(_remove, page, base)
    story, faults = await run_in_threadpool(story_form.read_form, page.desk, page.kind, sent)
    is_place = place.isdecimal() and len(place) <= PLACE_DIGITS  # int() raises for 4,301
    story = story_form.arrange_turns(
        story, then, int(place) if is_place else len(story.turns or ())
    )
    form = StoryForm(story, base)
    if then in ("try", "try_prepared", "save") and faults:
        return await run_in_threadpool(_render, page, form, 422, faults)
    if then == "save":
        return await run_in_threadpool(_save, page, form)
    trial = None
    if then in ("try", "try_prepared"):
        trial = await _try_story(page, story, is_prepared=then == "try_prepared")
    return await run_in_threadpool(_render, page, form, trial=trial)


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
    if key:
        _find(kind, before, key)
    taken = {other.key for other in stories.read_stories(kind, now)} - {key}
    if story.key in taken:
        said = f"There is one named “{story.name}” already; give this one another name."
        faults = [fault_places.show_here("name", story_form.NAME, said)]
        return _render(page, form, 422, faults)
    why = f"{'changed' if key else 'added'}: {story.name}"
    try:
        saved = _write(page, story, before, why)
    except content_files.Conflict:
        return _render_conflict(page, form)
    except articles.ContentError as error:
        return _render(page, form, 422, _place_faults(page, story, error.faults))
    session.record_action(page.request, "changed a story", story.name)
    said = _say_saved(kind, saved, before)
    return pages.redirect_to(page.request, f"/editor/stories/{kind}/{story.key}", said)


def _remove(page: StoryPage, base: str) -> Response:
    """Take a story out and go on; what others saved meanwhile is kept."""
    before = content_files.read_opened(page.desk.config, page.path, base)
    if before is None:
        raise articles.ContentError([CHANGED])
    name = _find(page.kind, before, page.key).name
    try:
        saved = _write(page, None, before, f"taken out: {name}")
    except content_files.Conflict:
        raise articles.ContentError([CHANGED]) from None
    session.record_action(page.request, "changed a story", name)
    said = _say_saved(page.kind, saved, before)
    return pages.redirect_to(page.request, "/editor/stories", said)


def _write(page: StoryPage, story: Story | None, before: str, why: str) -> content_files.Saved:
    """Save a story in the place of the page's (a new one: below the others), or take that out where
    it is None. Raises content_files.Conflict, and articles.ContentError with the faults that are
    new."""
    desk, path, kind = page.desk, page.path, page.kind
    now = content_files.read_file(path)
    known = set(content_cache.read_questions(desk)) | set(content_cache.OUTCOMES)
    old = set(story_files.story_faults(kind, now, known)) if now else set()
    return content_files.save_file(
        desk.config,
        path,
        story_files.write_story(kind, before, page.key, story),
        page.person,
        f"{'Story' if kind == 'story' else 'Test conversation'} {why}",
        before,
        lambda text: [
            fault for fault in story_files.story_faults(kind, text, known) if fault not in old
        ],
    )


def _say_saved(kind: str, saved: content_files.Saved, before: str) -> str:
    """What a page says after a story of the text `before` was saved."""
    said = "Nothing was changed." if saved.text == before else "Saved."
    if saved.merged:
        said += " Another editor had saved changes meanwhile; both are in it now."
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
    return _render(opened, StoryForm(form.story), 409, [ShownFault(said)])


def _place_faults(page: StoryPage, story: Story, faults: Iterable[Fault]) -> list[ShownFault]:
    """The faults of a story's file for its form."""
    group, _, items = stories.LISTS[page.kind]
    steps = 2 if page.kind == "story" else 1  # of a message: the second is what is offered
    own: dict[Field, tuple[str, str]] = {}
    for place in range(len(story.turns or ()) * steps):
        key = "offer" if place % steps else "gets"
        shown = story_form.show_turn(place // steps + 1, key, "")
        own[group, story.name, items, place] = shown.name, shown.label
    return fault_places.place_faults(faults, own=own)


def _render(
    page: StoryPage,
    form: StoryForm,
    status: int = 200,
    faults: Sequence[ShownFault] = (),
    trial: Trial | None = None,
) -> Response:
    desk = page.desk
    text = content_files.read_file(page.path)
    titles, names = story_form.list_wordings(desk)
    wanted = story_form.WANTED[page.kind]
    wordings = [wording for wording, name in names.items() if "." in name or name in wanted]
    return pages.render_page(
        page.request,
        "story.html",
        status,
        kind=page.kind,
        key=page.key,
        story=form.story,
        titles=titles,
        faults=faults,
        judged=trial and trial.judged,
        base=form.base or content_files.keep_opened(desk.config, text),
        wordings=wordings,
        articles=content_cache.read_articles(desk),
        most=story_files.MOST_OFFERS,
        by=trial and trial.by,
        prepared=working_copy.newest_candidate(desk.config),
    )


def _find(kind: str, text: str, key: str | None) -> Story:
    story = next((story for story in stories.read_stories(kind, text) if story.key == key), None)
    if story is None:
        raise HTTPException(404)
    return story


def _path(desk: State, kind: str) -> Path:
    if kind not in TITLES:
        raise HTTPException(404)
    return content_files.table_path(desk.config, stories.FILES[kind])
