"""The articles: their list, each one's particulars and questions, a question's text and phrases
beside what the chat makes of them, history, and new articles from elsewhere."""

import datetime
import itertools
import re
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, UploadFile
from starlette.concurrency import run_in_threadpool

from bot import articles, evidence, history, terms
from bot.editor import files, first_drafts, imports, library, looks, manuscripts, pages, people
from bot.store import past

router = APIRouter()
Field = Annotated[str, Form(max_length=2_000)]
Long = Annotated[str, Form(max_length=60_000)]
Pasted = Annotated[str, Form(max_length=imports.LARGEST_PAGE)]
DAYS = 30  # of which the list counts how often an article was asked
PARTICULARS = [key for key in manuscripts.FRONT if not key.startswith("reviewed_")]
# No article may be named so: it would have no page. What else follows an article in an address has
# a hyphen, and a question's name has none.
PAGES = ("new", "drafts")
EMPTY = {"ask": "", "about": "", "facet": "", "train": [], "test": [], "heading": "", "text": ""}


@router.get("/articles")
def show_all(request: Request):
    desk, today = request.app.state.desk, datetime.datetime.now(datetime.UTC).date()
    asked = past.asked(
        desk.engine, datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS)
    )
    known, listed = library.read_articles(desk), []
    for path in articles.list_files(desk.config.path("data"), "articles/*.md"):
        mine = [counts for name, counts in asked.items() if name.partition(".")[0] == path.stem]
        article = known.get(path.stem)
        listed.append(
            {
                "id": path.stem,
                "article": article,
                "review": article and _review(article, today),
                "asked": sum(times for times, _, _ in mine),
                "votes": sum(votes for _, votes, _ in mine),
                "helpful": sum(helpful for _, _, helpful in mine),
            }
        )
    drafts = [
        (path.stem, _title(path))
        for path in articles.list_files(desk.config.path("data"), ".drafts/*.md")
    ]
    return pages.render(
        request,
        "articles.html",
        listed=listed,
        drafts=drafts,
        days=DAYS,
    )


@router.get("/articles/new")
def show_new(request: Request):
    return pages.render(request, "article_new.html", fault=None, url="", text="")


@router.post("/articles/new")
def make_new(request: Request, file: UploadFile | None = None, text: Pasted = "", url: Field = ""):
    """A draft from a saved page, a Word file, a list of questions and answers, or a pasted text."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    data = file.file.read() if file and file.filename else b""
    try:
        found = (
            imports.from_file(file.filename or "", data, url)
            if data
            else imports.from_text(text, url)
        )
        kinds, names, _ = terms.read(desk.config.path("data"))
        made = first_drafts.draft(
            found,
            person.name,
            datetime.datetime.now(datetime.UTC).date(),
            terms.make_finder(kinds, names),
        )
    except imports.Refused as refused:
        return pages.render(
            request,
            "article_new.html",
            422,
            fault=str(refused),
            url=url,
            text=text if len(text) < 100_000 else "",
        )
    id = _save_new(desk, made, person)
    files.save(
        desk.config,
        files.notes_path(desk.config, id),
        "\n".join(" ".join(note.split()) for note in made.notes),
        person,
        f"Say what the draft {id} lacks",
    )
    people.record(request, "drafted an article", id)
    return pages.redirect(
        request,
        f"/editor/articles/drafts/{id}",
        "The draft is made. What you must see to stands below.",
    )


@router.get("/articles/drafts/{id}")
def show_draft(request: Request, id: str):
    return _show(request, id, True)


@router.get("/articles/{id}")
def show(request: Request, id: str):
    return _show(request, id, False)


@router.post("/articles/drafts/{id}")
async def save_draft(request: Request, id: str):
    return await _save_front(request, id, True)


@router.post("/articles/{id}")
async def save(request: Request, id: str):
    return await _save_front(request, id, False)


@router.post("/articles/drafts/{id}/make-article")
def finish(request: Request, id: str):
    """Make an article of a draft that has no fault, with its evidence."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    draft, path = library.open_article(desk, id, True), files.article_path(desk.config, id)
    faults = _missing(desk, draft)
    if path.is_file():
        faults = [f"There is an article {id} already."]
    if faults:
        return _show(request, id, True, 422, faults)
    why = f"Add the article {id}"
    if draft.ledger_text:
        ledger = files.ledger_path(desk.config, id)
        files.save(desk.config, ledger, draft.ledger_text, person, f"{why}: its evidence")
    files.save(desk.config, path, draft.text, person, why)
    _remove_draft(desk, id, person, f"The draft {id} is an article now")
    people.record(request, "added an article", id)
    return pages.redirect(
        request,
        f"/editor/articles/{id}",
        "It is an article now. Visitors get it once it is published.",
    )


@router.post("/articles/drafts/{id}/remove-draft")
def remove_draft(request: Request, id: str):
    desk, person = request.app.state.desk, people.require(request, "editor")
    _text(files.draft_path(desk.config, id))
    _remove_draft(desk, id, person, f"Drop the draft {id}")
    people.record(request, "removed a draft", id)
    return pages.redirect(request, "/editor/articles", "The draft is gone; its history stays.")


@router.get("/articles/{id}/past-changes")
def show_history(request: Request, id: str, commit: str = ""):
    """The changes of an article, newest first; with `commit`, what that one changed."""
    desk = request.app.state.desk
    path = files.article_path(desk.config, id)
    _text(path)
    listed = history.read(desk.config, path)
    shown = None
    if commit:
        place = next(
            (place for place, change in enumerate(listed) if change.commit == commit), None
        )
        if place is None:
            raise HTTPException(404)
        earlier = listed[place + 1 : place + 2]
        before = history.at(desk.config, path, earlier[0].commit) if earlier else ""
        shown = (listed[place], files.difference(before, history.at(desk.config, path, commit)))
    return pages.render(
        request,
        "article_history.html",
        id=id,
        listed=listed,
        shown=shown,
    )


@router.get("/articles/drafts/{id}/{question}")
def show_draft_question(request: Request, id: str, question: str):
    return _show_question(request, id, question, True)


@router.get("/articles/{id}/{question}")
def show_question(request: Request, id: str, question: str):
    return _show_question(request, id, question, False)


@router.post("/articles/drafts/{id}/{question}/look-at")
def look_at_draft(
    request: Request,
    id: str,
    question: str,
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
):
    return _look(
        request, id, question, True, _fields(ask, about, facet, train, test, heading, text)
    )


@router.post("/articles/{id}/{question}/look-at")
def look_at(
    request: Request,
    id: str,
    question: str,
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
):
    """What the chat would make of a question as it is being written, and its faults; nothing is
    saved."""
    return _look(
        request, id, question, False, _fields(ask, about, facet, train, test, heading, text)
    )


@router.post("/articles/drafts/{id}/{question}")
def save_draft_question(
    request: Request,
    id: str,
    question: str,
    base: Field = "",
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
    then: Field = "",
):
    return _save_question(
        request,
        id,
        question,
        True,
        base,
        _fields(ask, about, facet, train, test, heading, text),
        then,
    )


@router.post("/articles/{id}/{question}")
def save_question(
    request: Request,
    id: str,
    question: str,
    base: Field = "",
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
    then: Field = "",
):
    return _save_question(
        request,
        id,
        question,
        False,
        base,
        _fields(ask, about, facet, train, test, heading, text),
        then,
    )


def _save_new(desk, made, person):
    """Save a new draft under the first id that is free, which is given."""
    base = made.id or "article"
    for id in itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2))):
        is_free = id not in PAGES and not files.article_path(desk.config, id).exists()
        path = files.draft_path(desk.config, id)
        if is_free and files.create(
            desk.config, path, made.text, person, f"Draft the article {id}"
        ):
            return id


def _show(request, id, draft, status=200, faults=None):
    desk = request.app.state.desk
    opened = library.open_article(desk, id, draft)
    if faults is None:
        faults = _missing(desk, opened) if draft else looks.faults(desk, opened.path, opened.text)
    base = files.keep(desk.config, opened.text)
    return _front_page(request, id, draft, opened, opened.fields, base, faults, status)


def _missing(desk, draft):
    """What keeps a draft from being an article: its own faults, and statements that its ledger
    doesn't hold."""
    found = [
        *looks.faults(desk, draft.path, draft.text),
        *evidence.withdrawn_faults(draft.article),
    ]
    if draft.article.evidence == articles.NOT_HELD:
        return found
    ledger = files.ledger_path(desk.config, draft.path.stem)  # where it will stand
    return [
        *found,
        *draft.faults,
        *evidence.article_faults(draft.article, draft.ledger, ledger),
    ]


def _front_page(request, id, draft, opened, fields, base, faults, status=200, conflict=None):
    bare = {
        question.name.partition(".")[2]: sum(
            not statement.is_held()
            for statement in evidence.of_text(f"{question.lead}\n\n{question.more}", opened.ledger)
        )
        for question in opened.article.questions
    }
    return pages.render(
        request,
        "article.html",
        status,
        id=id,
        draft=draft,
        fields=fields,
        base=base,
        faults=faults,
        conflict=conflict,
        at=_at(id, draft),
        bare=bare,
        figures=evidence.summary(opened.article, opened.ledger),
        notes=_notes(request, id) if draft else [],
    )


async def _save_front(request, id, draft):
    """Save title, people, dates and sources; the questions stay."""
    form = dict(await request.form())
    return await run_in_threadpool(_save_fields, request, id, draft, form)


def _save_fields(request, id, draft, form):
    desk, _person = request.app.state.desk, people.require(request, "editor")
    path, base = _path(desk, id, draft), str(form.get("base", ""))
    now, before = _text(path), files.opened(desk.config, path, base)
    fields = manuscripts.read(now if before is None else before, path.name)
    fields |= {key: _line(str(form[key]))[:500] for key in PARTICULARS if key in form}
    for n in (*fields["sources"], max(fields["sources"], default=0) + 1):
        if f"source.{n}.title" in form:
            fields["sources"][n] = {
                key: _line(str(form.get(f"source.{n}.{key}", "")))[:500]
                for key in manuscripts.SOURCE
            }
    marked, _, mark = str(form.get("mark", "")).partition(".")
    if mark in ("changed", "withdrawn"):
        for n in (n for n in fields["sources"] if str(n) == marked):
            fields["sources"][n][mark] = str(datetime.datetime.now(datetime.UTC).date())
    fields["sources"] = {
        n: source for n, source in fields["sources"].items() if any(source.values())
    }
    new = re.sub(r"[^a-z0-9]+", "_", str(form.get("new", "")).lower()).strip("_")[:60]
    if new and new not in fields["questions"]:
        return pages.redirect(request, f"{_at(id, draft)}/{new}")

    def again(faults, conflict):
        return _front_page(
            request,
            id,
            draft,
            library.open_article(desk, id, draft),
            fields,
            files.keep(desk.config, files.read(path)) if conflict else base,
            faults,
            409 if conflict else 422,
            conflict,
        )

    if before is None:
        return again([], files.Conflict(None, now))
    return _keep(
        request,
        id,
        draft,
        path,
        manuscripts.write(before, fields),
        before,
        f"{id}: particulars",
        again,
        _at(id, draft),
    )


def _show_question(request, id, question, draft):
    desk = request.app.state.desk
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)
    opened = library.open_article(desk, id, draft)
    fields = opened.fields["questions"].get(question, EMPTY)
    base = files.keep(desk.config, opened.text)
    return _question_page(request, id, question, draft, fields, base, 200, new=fields is EMPTY)


def _question_page(
    request, id, question, draft, fields, base, status, faults=(), conflict=None, new=False
):
    desk = request.app.state.desk
    facets = sorted({facet for other in library.questions(desk).values() for facet in other.facets})
    return pages.render(
        request,
        "question.html",
        status,
        id=id,
        question=question,
        draft=draft,
        fields=fields,
        base=base,
        faults=faults,
        conflict=conflict,
        new=new,
        facets=facets,
        at=_at(id, draft),
        look=looks.look(desk, library.open_article(desk, id, draft), question, fields),
        least=(articles.MIN_TRAIN, articles.MIN_TEST),
    )


def _save_question(request, id, question, draft, base, fields, then):
    desk, _person = request.app.state.desk, people.require(request, "editor")
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)
    path = _path(desk, id, draft)
    now, before = _text(path), files.opened(desk.config, path, base)

    def again(faults, conflict):
        return _question_page(
            request,
            id,
            question,
            draft,
            fields,
            files.keep(desk.config, files.read(path)) if conflict else base,
            409 if conflict else 422,
            faults,
            conflict and _theirs(conflict, path, question, fields),
        )

    if before is None:
        return again([], files.Conflict(None, now))
    manuscript = manuscripts.read(before, path.name)
    if then == "remove":
        manuscript["questions"].pop(question, None)
    else:
        manuscript["questions"][question] = fields
    text = manuscripts.write(before, manuscript)
    at = _at(id, draft)
    return _keep(
        request,
        id,
        draft,
        path,
        text,
        before,
        f"{id}.{question}: {'taken out' if then == 'remove' else 'changed'}",
        again,
        at if then == "remove" else f"{at}/{question}",
    )


def _keep(request, id, draft, path, text, before, why, again, to):
    """Save and go on to the page `to`; where it can't be saved, `again(faults, conflict)` shows the
    form with what was written."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    try:
        saved = files.save(
            desk.config,
            path,
            text,
            person,
            why,
            before,
            (lambda new: []) if draft else lambda new: looks.faults(desk, path, new),
        )
    except articles.ContentError as error:
        return again(error.faults, None)
    except files.Conflict as conflict:
        return again([], conflict)
    people.record(request, "changed an article", id, why)
    notice = "Saved." if saved.text != before else "Nothing was changed."
    if saved.merged:
        notice += " Another editor had saved changes meanwhile; both are in it now."
    return pages.redirect(request, to, notice)


def _theirs(conflict, path, question, fields):
    """What another editor made of this question: the groups of a difference from it to one's
    own."""
    theirs = manuscripts.read(conflict.theirs, path.name)["questions"].get(question, EMPTY)
    lines = [
        [each["ask"], each["heading"], *each["text"].split("\n"), *each["train"], *each["test"]]
        for each in (theirs, fields)
    ]
    return files.difference(*("\n".join(said) for said in lines))


def _look(request, id, question, draft, fields):
    desk = request.app.state.desk
    look = looks.look(desk, library.open_article(desk, id, draft), question, fields)
    return pages.render(
        request, "question_look.html", look=look, question=question, id=id, at=_at(id, draft)
    )


def _fields(ask, about, facet, train, test, heading, text):
    return {
        "ask": _line(ask),
        "about": _line(about),
        "facet": _line(facet),
        "heading": _line(heading),
        "text": files.tidy(text).strip("\n"),
        "train": _lines(train),
        "test": _lines(test),
    }


def _lines(text):
    return [_line(line) for line in text.splitlines() if line.strip()]


def _line(text):
    """A text as one line."""
    return " ".join(text.split())


def _at(id, draft):
    """The page of an article or of a draft."""
    return f"/editor/articles/{'drafts/' if draft else ''}{id}"


def _path(desk, id, draft):
    return files.draft_path(desk.config, id) if draft else files.article_path(desk.config, id)


def _text(path):
    if not path.is_file():
        raise files.NoFile(path.name)
    return files.read(path)


def _remove_draft(desk, id, person, why):
    """Take a draft away, with its evidence and what was to be seen to in it."""
    draft, ledger = files.draft_path(desk.config, id), files.ledger_path(desk.config, id, True)
    files.remove(desk.config, [draft, ledger, files.notes_path(desk.config, id)], person, why)


def _notes(request, id):
    """What the editor of a draft must see to, as its import found it."""
    return files.read(files.notes_path(request.app.state.desk.config, id)).splitlines()


def _review(article, today):
    """(state, sentence) of an article's review."""
    if not article.reviewed_by:
        return "none", "not reviewed yet"
    state = article.review_state(today)
    said = {
        "current": f"reviewed by {article.reviewed_by}, due {article.review_due()}",
        "overdue": f"review was due {article.review_due()}",
        "withdrawn": f"withdrawn: review was due {article.review_due()}",
    }[state]
    return state, said


def _title(path):
    try:
        return manuscripts.read(files.read(path), path.name)["title"]
    except manuscripts.Unreadable:
        return path.stem
