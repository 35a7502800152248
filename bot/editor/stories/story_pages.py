"""Stories and test conversations as the conversations they are: written, tried with the live
release, saved."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from bot.content import articles, replies, site_content, stories
from bot.content.stories import Story
from bot.domain.faults import Fault
from bot.editor.shared import content_cache, content_files, pages, session, working_copy
from bot.editor.shared.state import DeskState, State
from bot.editor.stories import story_files
from bot.store.accounts import Member

router = APIRouter()
LONGEST_NAME, LONGEST_SAID = 120, 500
TITLES = {"story": "Stories", "test_conversation": "Test conversations"}
OTHERS = (*replies.TALK, *site_content.OUTCOMES)  # what else than a question can come
WANTED = {"story": OTHERS, "test_conversation": (*OTHERS, site_content.FALLBACK)}
CHANGED = Fault.from_sentence(
    "Another editor changed this meanwhile. Load the page again, and repeat what you did."
)


@dataclasses.dataclass(frozen=True)
class StoryForm:
    """A story or test conversation as its form has it. `key`: that of the story of the file that it
    changes (None: it is new); `base`: what names the file as it was opened (empty: as it is)."""

    kind: str
    story: Story
    key: str | None = None
    base: str = ""


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
        titled=_titles(desk)[0],
    )


@router.get("/stories/{kind}/new")
def show_new(request: Request, desk: DeskState, kind: str) -> Response:
    _path(desk, kind)
    return _page(request, desk, StoryForm(kind, stories.Story("", (stories.Turn("", ""),))))


@router.get("/stories/{kind}/{key}")
def show_story(request: Request, desk: DeskState, kind: str, key: str) -> Response:
    story = _find(kind, content_files.read_file(_path(desk, kind)), key)
    return _page(request, desk, StoryForm(kind, story, key))


@router.post("/stories/{kind}/{key}")
async def change_story(
    request: Request, desk: DeskState, person: session.Editor, kind: str, key: str
) -> Response:
    """What the pressed button says: a turn moved, added or taken out; the story tried, saved, or
    taken out."""
    sent = await request.form()
    changed, base = None if key == "new" else key, str(sent.get("base", ""))
    _path(desk, kind)
    then, _, place = str(sent.get("then", "")).partition(".")
    if then == "remove" and changed:
        return await run_in_threadpool(_remove, request, desk, person, kind, changed, base)
    story, faults = await run_in_threadpool(_read_form, desk, kind, sent)
    story = _arrange(story, then, int(place) if place.isdecimal() else len(story.turns or ()))
    form = StoryForm(kind, story, changed, base)
    if then in ("try", "try_prepared", "save") and faults:
        return await run_in_threadpool(_page, request, desk, form, 422, faults)
    if then == "save":
        return await run_in_threadpool(_save, request, desk, person, form)
    judged, by = None, None
    if then in ("try", "try_prepared"):
        by = (
            await run_in_threadpool(working_copy.newest_candidate, desk.config)
            if then == "try_prepared"
            else None
        )
        judged = stories.judge_story(
            kind,
            story,
            await desk.rehearse(stories.visitor_messages(story), story.page or None, by),
        )
    return await run_in_threadpool(_page, request, desk, form, judged=judged, by=by)


def _arrange(story: Story, then: str, place: int) -> Story:
    """The story after a turn was moved, added below another, or taken out."""
    turns = list(story.turns or ())
    if then in ("up", "down", "out") and not 0 <= place < len(turns):
        return story
    if then == "up" and place:
        turns.insert(place - 1, turns.pop(place))
    elif then == "down":
        turns.insert(place + 1, turns.pop(place))
    elif then == "out":
        turns.pop(place)
    elif then == "add" and len(turns) < story_files.MOST_TURNS:
        turns.insert(place + 1, stories.Turn("", ""))
    return dataclasses.replace(story, turns=tuple(turns))


def _read_form(desk: State, kind: str, form: FormData) -> tuple[Story, list[str]]:
    """(the Story of a form, what is wrong with it)."""
    _, names = _titles(desk)
    turns: list[stories.Turn] = []
    faults: list[str] = []
    story = stories.Story(_line(form.get("name"))[:LONGEST_NAME], (), _line(form.get("page")))
    if not story.name:
        faults.append("Give it a name: what it tells, in a few words.")
    if story.page and story.page not in content_cache.read_articles(desk):
        faults.append("The page is none of the articles; choose one, or none.")
        story = dataclasses.replace(story, page="")
    for number, place in enumerate(form.getlist("turn")[: story_files.MOST_TURNS], 1):
        said, gets = (
            _line(form.get(f"says.{place}"))[:LONGEST_SAID],
            _line(form.get(f"gets.{place}")),
        )
        offers = [
            _line(offer)
            for offer in form.getlist(f"offer.{place}")[: story_files.MOST_OFFERS]
            if _line(offer)
        ]
        unknown = [wording for wording in (gets, *offers) if wording and wording not in names]
        faults += [
            f"Message {number}: no question is worded “{wording[:200]}”. Choose one of the list."
            for wording in unknown
        ]
        if not gets:
            faults.append(f"Message {number}: choose what the bot answers.")
        elif gets in names and "." not in names[gets] and names[gets] not in WANTED[kind]:
            faults.append(f"Message {number}: “{gets}” can’t come in a story.")
        if kind == "test_conversation" and not said and "." not in names.get(gets, "."):
            faults.append(f"Message {number}: write what the visitor says.")
        faults += [
            f"Message {number}: “{offer}” can’t be offered, it is no question."
            for offer in offers
            if "." not in names.get(offer, ".")
        ]
        turns.append(
            stories.Turn(
                said,
                names.get(gets, gets),
                tuple(dict.fromkeys(names.get(offer, offer) for offer in offers)),
                f"back.{place}" in form and "." in names.get(gets, ""),
            )
        )
    if not turns:
        faults.append("Add a message: what the visitor says, and what the bot answers.")
    return dataclasses.replace(story, turns=tuple(turns)), faults


def _save(request: Request, desk: State, person: Member, form: StoryForm) -> Response:
    """Save the story and go on; what others saved meanwhile is kept."""
    path, key, story = _path(desk, form.kind), form.key, form.story
    now = content_files.read_file(path)
    before = content_files.read_opened(desk.config, path, form.base) if key else now
    if before is None:
        return _conflict(request, desk, form)
    if key:
        _find(form.kind, before, key)
    taken = {other.key for other in stories.read_stories(form.kind, now)} - {key}
    if story.key in taken:
        said = f"There is one named “{story.name}” already; give this one another name."
        return _page(request, desk, form, 422, [said])
    why = f"{'changed' if key else 'added'}: {story.name}"
    try:
        saved = _write(desk, person, form.kind, key, story, before, why)
    except content_files.Conflict:
        return _conflict(request, desk, form)
    except articles.ContentError as error:
        return _page(request, desk, form, 422, [str(fault) for fault in error.faults])
    session.record_action(request, "changed a story", story.name)
    said = _say_saved(form.kind, saved, before)
    return pages.redirect_to(request, f"/editor/stories/{form.kind}/{story.key}", said)


def _remove(
    request: Request, desk: State, person: Member, kind: str, key: str, base: str
) -> Response:
    """Take a story out and go on; what others saved meanwhile is kept."""
    before = content_files.read_opened(desk.config, _path(desk, kind), base)
    if before is None:
        raise articles.ContentError([CHANGED])
    name = _find(kind, before, key).name
    try:
        saved = _write(desk, person, kind, key, None, before, f"taken out: {name}")
    except content_files.Conflict:
        raise articles.ContentError([CHANGED]) from None
    session.record_action(request, "changed a story", name)
    return pages.redirect_to(request, "/editor/stories", _say_saved(kind, saved, before))


def _write(
    desk: State,
    person: Member,
    kind: str,
    key: str | None,
    story: Story | None,
    before: str,
    why: str,
) -> content_files.Saved:
    """Save a story in the place of the one that `key` names (None: below the others), or take that
    out. Raises content_files.Conflict, and articles.ContentError with the faults that are new."""
    path = _path(desk, kind)
    now = content_files.read_file(path)
    known = set(content_cache.read_questions(desk)) | set(content_cache.OUTCOMES)
    old = set(story_files.story_faults(kind, now, known)) if now else set()
    return content_files.save_file(
        desk.config,
        path,
        story_files.write_story(kind, before, key, story),
        person,
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


def _conflict(request: Request, desk: State, form: StoryForm) -> Response:
    """The page where another editor changed the same story: one's own version in the form, to be
    saved again."""
    now = content_files.read_file(_path(desk, form.kind))
    there = form.key in {other.key for other in stories.read_stories(form.kind, now)}
    said = (
        "Another editor changed this meanwhile. Nothing of yours is saved yet; it is in the "
        "form. Look at theirs in another window, and "
        "save again to keep yours."
        if there
        else "Another editor renamed it or took it out meanwhile. Yours is in the form; save it "
        "to add it anew."
    )
    opened = StoryForm(form.kind, form.story, form.key if there else None)
    return _page(request, desk, opened, 409, [said])


def _page(
    request: Request,
    desk: State,
    form: StoryForm,
    status: int = 200,
    faults: Sequence[str] = (),
    judged: list[stories.Judged] | None = None,
    by: str | None = None,
) -> HTMLResponse:
    titles, names = _titles(desk)
    text = content_files.read_file(_path(desk, form.kind))
    wanted = WANTED[form.kind]
    wordings = [wording for wording, name in names.items() if "." in name or name in wanted]
    return pages.render_page(
        request,
        "story.html",
        status,
        kind=form.kind,
        key=form.key,
        story=form.story,
        titles=titles,
        faults=faults,
        judged=judged,
        base=form.base or content_files.keep_opened(desk.config, text),
        wordings=wordings,
        articles=content_cache.read_articles(desk),
        most=story_files.MOST_OFFERS,
        by=by,
        prepared=working_copy.newest_candidate(desk.config),
    )


def _titles(desk: State) -> tuple[dict[str, str], dict[str, str]]:
    """({name: its wording}, {wording: name}) of questions and of what else can come; a wording of
    two questions is told apart."""
    known = content_cache.read_questions(desk)
    names: dict[str, str] = {}
    asked = [question.ask for question in known.values()]
    for name, question in known.items():
        other = (
            f" ({name.partition('.')[0].replace('_', ' ')})"
            if asked.count(question.ask) > 1
            else ""
        )
        names[question.ask + other] = name
    names |= {wording: name for name, wording in content_cache.OUTCOMES.items()}
    return {name: wording for wording, name in names.items()}, names


def _find(kind: str, text: str, key: str) -> Story:
    story = next((story for story in stories.read_stories(kind, text) if story.key == key), None)
    if story is None:
        raise HTTPException(404)
    return story


def _path(desk: State, kind: str) -> Path:
    if kind not in TITLES:
        raise HTTPException(404)
    return content_files.table_path(desk.config, stories.FILES[kind])


def _line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
