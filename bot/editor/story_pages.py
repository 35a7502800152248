"""Stories and test conversations as the conversations they are: written, tried with the live
release, saved."""

import dataclasses

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from bot import articles, content, replies, stories
from bot.editor import drafted, files, library, pages, people, story_files

router = APIRouter()
LONGEST_NAME, LONGEST_SAID = 120, 500
TITLES = {"told": "Stories", "tested": "Test conversations"}
OTHERS = (*replies.TALK, *content.OUTCOMES)  # what else than a question can come
WANTED = {"told": OTHERS, "tested": (*OTHERS, content.FALLBACK)}


@router.get("/stories")
async def show_all(request: Request, tried: bool = False):
    """The list; `tried`: each with whether the live release answers as it tells."""
    desk = request.app.state.desk
    listed = await run_in_threadpool(
        lambda: {kind: stories.read(kind, files.read(_path(desk, kind))) for kind in TITLES}
    )
    ends = {}
    for kind, told in listed.items():
        for story in told if tried else ():
            if story.turns:
                judged = stories.judge(
                    kind, story, await desk.rehearse(stories.said(story), story.page or None)
                )
                ends[kind, story.key] = sum(
                    not turn["right"] or bool(turn["missing"]) for turn in judged
                )
    return await run_in_threadpool(
        pages.render,
        request,
        "stories.html",
        listed=listed,
        titles=TITLES,
        ends=ends,
        titled=_titles(desk)[0],
    )


@router.get("/stories/{kind}/new")
def show_new(request: Request, kind: str):
    _path(request.app.state.desk, kind)
    return _page(request, kind, None, stories.Story("", (stories.Turn("", ""),)))


@router.get("/stories/{kind}/{key}")
def show(request: Request, kind: str, key: str):
    return _page(
        request, kind, key, _find(kind, files.read(_path(request.app.state.desk, kind)), key)
    )


@router.post("/stories/{kind}/{key}")
async def change(request: Request, kind: str, key: str):
    """What the pressed button says: a turn moved, added or taken out; the story tried, saved, or
    taken out."""
    people.require(request, "editor")
    desk, form = request.app.state.desk, await request.form()
    path, key = _path(desk, kind), None if key == "new" else key
    then, _, place = str(form.get("then", "")).partition(".")
    if then == "remove" and key:
        return await run_in_threadpool(
            _save, request, kind, key, None, str(form.get("base", "")), path
        )
    story, faults = await run_in_threadpool(_read_form, desk, kind, form)
    story = _arrange(story, then, int(place) if place.isdecimal() else len(story.turns))
    if then in ("try", "try_prepared", "save") and faults:
        return await run_in_threadpool(
            _page, request, kind, key, story, str(form.get("base", "")), 422, faults
        )
    if then == "save":
        return await run_in_threadpool(
            _save, request, kind, key, story, str(form.get("base", "")), path
        )
    judged, by = None, None
    if then in ("try", "try_prepared"):
        by = (
            await run_in_threadpool(drafted.candidate, desk.config)
            if then == "try_prepared"
            else None
        )
        judged = stories.judge(
            kind, story, await desk.rehearse(stories.said(story), story.page or None, by)
        )
    return await run_in_threadpool(
        _page, request, kind, key, story, str(form.get("base", "")), judged=judged, by=by
    )


def _arrange(story, then, place):
    """The story after a turn was moved, added below another, or taken out."""
    turns = list(story.turns)
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


def _read_form(desk, kind, form):
    """(the Story of a form, what is wrong with it)."""
    _, names = _titles(desk)
    turns, faults = [], []
    story = stories.Story(_line(form.get("name"))[:LONGEST_NAME], (), _line(form.get("page")))
    if not story.name:
        faults.append("Give it a name: what it tells, in a few words.")
    if story.page and story.page not in library.read_articles(desk):
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
        if kind == "tested" and not said and "." not in names.get(gets, "."):
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


def _save(request, kind, key, story, base, path):
    """Save the story (None: take it out) and go on; what others saved meanwhile is kept."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    now = files.read(path)
    before = files.opened(desk.config, path, base) if key else now
    if before is None:
        return _conflict(request, kind, key, story)
    if key:
        _find(kind, before, key)
    taken = {other.key for other in stories.read(kind, now)} - {key}
    if story and story.key in taken:
        return _page(
            request,
            kind,
            key,
            story,
            base,
            422,
            [f"There is one named “{story.name}” already; give this one another name."],
        )
    known = set(library.questions(desk)) | set(library.OUTCOMES)
    old = set(story_files.faults(kind, now, known)) if now else set()
    title = (story or _find(kind, before, key)).name
    what = f"{'Story' if kind == 'told' else 'Test conversation'} {'taken out' if story is None else 'changed' if key else 'added'}: {title}"  # noqa: E501
    try:
        saved = files.save(
            desk.config,
            path,
            story_files.write(kind, before, key, story),
            person,
            what,
            before,
            lambda text: [
                fault for fault in story_files.faults(kind, text, known) if fault not in old
            ],
        )
    except files.Conflict:
        return _conflict(request, kind, key, story)
    except articles.ContentError as error:
        if story is None:
            raise
        return _page(request, kind, key, story, base, 422, error.faults)
    people.record(request, "changed a story", title)
    said = "Nothing was changed." if saved.text == before else "Saved."
    if saved.merged:
        said += " Another editor had saved changes meanwhile; both are in it now."
    if kind == "told" and saved.text != before:
        said += " What it offers reaches visitors once it is published."
    return pages.redirect(
        request, f"/editor/stories/{kind}/{story.key}" if story else "/editor/stories", said
    )


def _conflict(request, kind, key, story):
    """The page where another editor changed the same story: one's own version in the form, to be
    saved again."""
    desk = request.app.state.desk
    if story is None:
        raise articles.ContentError(
            ["Another editor changed this meanwhile. Load the page again, and repeat what you did."]
        )
    there = key in {other.key for other in stories.read(kind, files.read(_path(desk, kind)))}
    said = (
        "Another editor changed this meanwhile. Nothing of yours is saved yet; it is in the "
        "form. Look at theirs in another window, and "
        "save again to keep yours."
        if there
        else "Another editor renamed it or took it out meanwhile. Yours is in the form; save it "
        "to add it anew."
    )
    return _page(request, kind, key if there else None, story, status=409, faults=[said])


def _page(request, kind, key, story, base=None, status=200, faults=(), judged=None, by=None):
    desk = request.app.state.desk
    titles, names = _titles(desk)
    text = files.read(_path(desk, kind))
    wordings = [wording for wording, name in names.items() if "." in name or name in WANTED[kind]]
    return pages.render(
        request,
        "story.html",
        status,
        kind=kind,
        key=key,
        story=story,
        titles=titles,
        faults=faults,
        judged=judged,
        base=base or files.keep(desk.config, text),
        wordings=wordings,
        articles=library.read_articles(desk),
        most=story_files.MOST_OFFERS,
        by=by,
        prepared=drafted.candidate(desk.config),
    )


def _titles(desk):
    """({name: its wording}, {wording: name}) of questions and of what else can come; a wording of
    two questions is told apart."""
    known, names = library.questions(desk), {}
    asked = [question.ask for question in known.values()]
    for name, question in known.items():
        other = (
            f" ({name.partition('.')[0].replace('_', ' ')})"
            if asked.count(question.ask) > 1
            else ""
        )
        names[question.ask + other] = name
    names |= {wording: name for name, wording in library.OUTCOMES.items()}
    return {name: wording for wording, name in names.items()}, names


def _find(kind, text, key):
    story = next((story for story in stories.read(kind, text) if story.key == key), None)
    if story is None:
        raise HTTPException(404)
    return story


def _path(desk, kind):
    if kind not in TITLES:
        raise HTTPException(404)
    return files.table_path(desk.config, stories.FILES[kind])


def _line(value):
    return " ".join(value.split()) if isinstance(value, str) else ""
