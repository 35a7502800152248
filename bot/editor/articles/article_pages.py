"""The articles: their list, each one's particulars and questions, a question's text and phrases
beside what the chat makes of them, history, and new articles from elsewhere."""

import datetime
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from bot.content import articles, evidence, history
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.importing import imports
from bot.editor.importing.blocks import Refused
from bot.editor.importing.first_drafts import Draft
from bot.editor.shared import article_document, content_cache, content_files, pages, session
from bot.editor.shared.article_document import ArticleFields, QuestionFields, SourceFields
from bot.editor.shared.state import DeskState, State
from bot.store import past_questions
from bot.store.accounts import Member

router = APIRouter()
Field = Annotated[str, Form(max_length=2_000)]
Long = Annotated[str, Form(max_length=60_000)]
Pasted = Annotated[str, Form(max_length=imports.LARGEST_PAGE)]
DAYS = 30  # of which the list counts how often an article was asked
PARTICULARS = [key for key in article_document.FRONT if not key.startswith("reviewed_")]
# No article may be named so: it would have no page. What else follows an article in an address has
# a hyphen, and a question's name has none.
PAGES = ("new", "drafts")
MARKS: tuple[Literal["changed", "withdrawn"], ...] = ("changed", "withdrawn")  # of a source
EMPTY: QuestionFields = {
    "ask": "",
    "about": "",
    "facet": "",
    "train": [],
    "test": [],
    "heading": "",
    "text": "",
}
# shows a form again: what is wrong with it, and what another editor saved meanwhile
Again = Callable[[Sequence[Fault], content_files.Conflict | None], Response]


@router.get("/articles")
def show_all(
    request: Request,
    desk: DeskState,
) -> Response:
    today = datetime.datetime.now(datetime.UTC).date()
    asked = past_questions.read_question_counts(
        desk.engine, datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS)
    )
    known, listed = content_cache.read_articles(desk), list[dict[str, object]]()
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
    return pages.render_page(
        request,
        "articles.html",
        listed=listed,
        drafts=drafts,
        days=DAYS,
    )


@router.get("/articles/new")
def show_new(
    request: Request,
) -> Response:
    return pages.render_page(request, "article_new.html", fault=None, url="", text="")


@router.post("/articles/new")
def make_new(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    file: UploadFile | None = None,
    text: Pasted = "",
    url: Field = "",
) -> Response:
    """A draft from a saved page, a Word file, a list of questions and answers, or a pasted text."""
    data = file.file.read() if file and file.filename else b""
    try:
        made = imports.make_draft(
            desk.config.path("data"),
            person.name,
            datetime.datetime.now(datetime.UTC).date(),
            data=data,
            name=(file.filename or "") if file else "",
            text=text,
            url=url,
        )
    except Refused as refused:
        return pages.render_page(
            request,
            "article_new.html",
            422,
            fault=str(refused),
            url=url,
            text=text if len(text) < 100_000 else "",
        )
    id = _save_new(desk, made, person)
    content_files.save_file(
        desk.config,
        content_files.notes_path(desk.config, id),
        "\n".join(" ".join(note.split()) for note in made.notes),
        person,
        f"Say what the draft {id} lacks",
    )
    session.record_action(request, "drafted an article", id)
    return pages.redirect_to(
        request,
        f"/editor/articles/drafts/{id}",
        "The draft is made. What you must see to stands below.",
    )


@router.get("/articles/drafts/{id}")
def show_draft(request: Request, desk: DeskState, id: str) -> Response:
    return _show(request, desk, id, True)


@router.get("/articles/{id}")
def show_article(request: Request, desk: DeskState, id: str) -> Response:
    return _show(request, desk, id, False)


@router.post("/articles/drafts/{id}")
async def save_draft(
    request: Request, desk: DeskState, person: session.Editor, id: str
) -> Response:
    return await _save_front(request, desk, person, id, True)


@router.post("/articles/{id}")
async def save_article(
    request: Request, desk: DeskState, person: session.Editor, id: str
) -> Response:
    return await _save_front(request, desk, person, id, False)


@router.post("/articles/drafts/{id}/make-article")
def finish_draft(request: Request, desk: DeskState, person: session.Editor, id: str) -> Response:
    """Make an article of a draft that has no fault, with its evidence."""
    draft, path = (
        content_cache.open_article(desk, id, True),
        content_files.article_path(desk.config, id),
    )
    faults = _missing(desk, draft)
    if path.is_file():
        faults = [Fault.from_sentence(f"There is an article {id} already.")]
    if faults:
        return _show(request, desk, id, True, 422, faults)
    why = f"Add the article {id}"
    if draft.ledger_text:
        ledger = content_files.ledger_path(desk.config, id)
        content_files.save_file(
            desk.config, ledger, draft.ledger_text, person, f"{why}: its evidence"
        )
    content_files.save_file(desk.config, path, draft.text, person, why)
    _remove_draft(desk, id, person, f"The draft {id} is an article now")
    session.record_action(request, "added an article", id)
    return pages.redirect_to(
        request,
        f"/editor/articles/{id}",
        "It is an article now. Visitors get it once it is published.",
    )


@router.post("/articles/drafts/{id}/remove-draft")
def remove_draft(request: Request, desk: DeskState, person: session.Editor, id: str) -> Response:
    _text(content_files.draft_path(desk.config, id))
    _remove_draft(desk, id, person, f"Drop the draft {id}")
    session.record_action(request, "removed a draft", id)
    return pages.redirect_to(request, "/editor/articles", "The draft is gone; its history stays.")


@router.get("/articles/{id}/past-changes")
def show_history(request: Request, desk: DeskState, id: str, commit: str = "") -> Response:
    """The changes of an article, newest first; with `commit`, what that one changed."""
    path = content_files.article_path(desk.config, id)
    _text(path)
    listed = history.read_changes(desk.config, path)
    shown = None
    if commit:
        place = next(
            (place for place, change in enumerate(listed) if change.commit == commit), None
        )
        if place is None:
            raise HTTPException(404)
        earlier = listed[place + 1 : place + 2]
        before = history.read_revision(desk.config, path, earlier[0].commit) if earlier else ""
        shown = (
            listed[place],
            content_files.text_difference(before, history.read_revision(desk.config, path, commit)),
        )
    return pages.render_page(
        request,
        "article_history.html",
        id=id,
        listed=listed,
        shown=shown,
    )


@router.get("/articles/drafts/{id}/{question}")
def show_draft_question(request: Request, desk: DeskState, id: str, question: str) -> Response:
    return _show_question(request, desk, id, question, True)


@router.get("/articles/{id}/{question}")
def show_question(request: Request, desk: DeskState, id: str, question: str) -> Response:
    return _show_question(request, desk, id, question, False)


@router.post("/articles/drafts/{id}/{question}/look-at")
def look_at_draft(
    request: Request,
    desk: DeskState,
    id: str,
    question: str,
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
) -> Response:
    return _look(
        request, desk, id, question, True, _fields(ask, about, facet, train, test, heading, text)
    )


@router.post("/articles/{id}/{question}/look-at")
def look_at(
    request: Request,
    desk: DeskState,
    id: str,
    question: str,
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Long = "",
    train: Long = "",
    test: Long = "",
) -> Response:
    """What the chat would make of a question as it is being written, and its faults; nothing is
    saved."""
    return _look(
        request, desk, id, question, False, _fields(ask, about, facet, train, test, heading, text)
    )


@router.post("/articles/drafts/{id}/{question}")
def save_draft_question(
    request: Request,
    desk: DeskState,
    person: session.Editor,
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
) -> Response:
    return _save_question(
        request,
        desk,
        person,
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
    desk: DeskState,
    person: session.Editor,
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
) -> Response:
    return _save_question(
        request,
        desk,
        person,
        id,
        question,
        False,
        base,
        _fields(ask, about, facet, train, test, heading, text),
        then,
    )


def _save_new(desk: State, made: Draft, person: Member) -> str:
    """Save a new draft under the first id that is free, which is given."""
    base = made.id or "article"
    free = (
        id
        for id in itertools.chain([base], (f"{base}_{n}" for n in itertools.count(2)))
        if id not in PAGES and not content_files.article_path(desk.config, id).exists()
    )
    return next(
        id
        for id in free
        if content_files.create_file(
            desk.config,
            content_files.draft_path(desk.config, id),
            made.text,
            person,
            f"Draft the article {id}",
        )
    )


def _show(
    request: Request,
    desk: State,
    id: str,
    draft: bool,
    status: int = 200,
    faults: list[Fault] | None = None,
) -> Response:
    opened = content_cache.open_article(desk, id, draft)
    if faults is None:
        faults = (
            _missing(desk, opened)
            if draft
            else question_preview.article_faults(desk, opened.path, opened.text)
        )
    base = content_files.keep_opened(desk.config, opened.text)
    return _front_page(request, desk, id, draft, opened, opened.fields, base, faults, status)


def _missing(desk: State, draft: content_cache.Opened) -> list[Fault]:
    """What keeps a draft from being an article: its own faults, and statements that its ledger
    doesn't hold."""
    found = [
        *question_preview.article_faults(desk, draft.path, draft.text),
        *evidence.withdrawn_faults(draft.article),
    ]
    if draft.article.evidence == articles.NOT_HELD:
        return found
    ledger = content_files.ledger_path(desk.config, draft.path.stem)  # where it will stand
    return [
        *found,
        *draft.faults,
        *evidence.article_faults(draft.article, draft.ledger, ledger),
    ]


def _front_page(
    request: Request,
    desk: State,
    id: str,
    draft: bool,
    opened: content_cache.Opened,
    fields: ArticleFields,
    base: str,
    faults: Sequence[Fault],
    status: int = 200,
    conflict: content_files.Conflict | None = None,
) -> Response:
    bare = {
        question.name.partition(".")[2]: sum(
            not statement.is_held()
            for statement in evidence.of_text(f"{question.lead}\n\n{question.more}", opened.ledger)
        )
        for question in opened.article.questions
    }
    return pages.render_page(
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
        figures=evidence.summarise_evidence(opened.article, opened.ledger),
        notes=_notes(desk, id) if draft else [],
    )


async def _save_front(
    request: Request, desk: State, person: Member, id: str, draft: bool
) -> Response:
    """Save title, people, dates and sources; the questions stay."""
    form = dict(await request.form())
    return await run_in_threadpool(_save_fields, request, desk, person, id, draft, form)


def _save_fields(
    request: Request, desk: State, person: Member, id: str, draft: bool, form: Mapping[str, object]
) -> Response:
    path, base = _path(desk, id, draft), str(form.get("base", ""))
    now, before = _text(path), content_files.read_opened(desk.config, path, base)
    fields = article_document.read_document(now if before is None else before, path.name)
    for key in PARTICULARS:
        if key in form:
            fields[key] = _short(form[key])
    fields["sources"] = _change_sources(fields["sources"], form)
    new = re.sub(r"[^a-z0-9]+", "_", str(form.get("new", "")).lower()).strip("_")[:60]
    if new and new not in fields["questions"]:
        return pages.redirect_to(request, f"{_at(id, draft)}/{new}")

    def again(faults: Sequence[Fault], conflict: content_files.Conflict | None) -> Response:
        return _front_page(
            request,
            desk,
            id,
            draft,
            content_cache.open_article(desk, id, draft),
            fields,
            content_files.keep_opened(desk.config, content_files.read_file(path))
            if conflict
            else base,
            faults,
            409 if conflict else 422,
            conflict,
        )

    if before is None:
        return again([], content_files.Conflict(None, now))
    return _keep(
        request,
        desk,
        person,
        id,
        draft,
        path,
        article_document.write_document(before, fields),
        before,
        f"{id}: particulars",
        again,
        _at(id, draft),
    )


def _change_sources(
    before: Mapping[int, SourceFields], form: Mapping[str, object]
) -> dict[int, SourceFields]:
    """The sources as a form has them, one of them marked where its button says so; without those
    whose fields are empty."""
    sources = dict(before)
    for n in (*before, max(before, default=0) + 1):
        if f"source.{n}.title" in form:
            sources[n] = _source(form, n)
    marked, _, wanted = str(form.get("mark", "")).partition(".")
    for mark in (mark for mark in MARKS if mark == wanted):
        for source in (source for n, source in sources.items() if str(n) == marked):
            source[mark] = str(datetime.datetime.now(datetime.UTC).date())
    return {n: source for n, source in sources.items() if any(source.values())}


def _source(form: Mapping[str, object], n: int) -> SourceFields:
    """Source `n` as a form has it."""
    return {
        "title": _short(form.get(f"source.{n}.title", "")),
        "publisher": _short(form.get(f"source.{n}.publisher", "")),
        "url": _short(form.get(f"source.{n}.url", "")),
        "date": _short(form.get(f"source.{n}.date", "")),
        "changed": _short(form.get(f"source.{n}.changed", "")),
        "withdrawn": _short(form.get(f"source.{n}.withdrawn", "")),
    }


def _short(field: object) -> str:
    """A field of a form as one line."""
    return _line(str(field))[:500]


def _show_question(request: Request, desk: State, id: str, question: str, draft: bool) -> Response:
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)
    opened = content_cache.open_article(desk, id, draft)
    fields = opened.fields["questions"].get(question, EMPTY)
    base = content_files.keep_opened(desk.config, opened.text)
    return _question_page(
        request, desk, id, question, draft, fields, base, 200, new=fields is EMPTY
    )


def _question_page(
    request: Request,
    desk: State,
    id: str,
    question: str,
    draft: bool,
    fields: QuestionFields,
    base: str,
    status: int,
    faults: Sequence[Fault] = (),
    conflict: list[list[content_files.Row]] | None = None,
    new: bool = False,
) -> Response:
    facets = sorted(
        {facet for other in content_cache.read_questions(desk).values() for facet in other.facets}
    )
    return pages.render_page(
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
        look=question_preview.preview_question(
            desk, content_cache.open_article(desk, id, draft), question, fields
        ),
        least=(articles.MIN_TRAIN, articles.MIN_TEST),
    )


def _save_question(
    request: Request,
    desk: State,
    person: Member,
    id: str,
    question: str,
    draft: bool,
    base: str,
    fields: QuestionFields,
    then: str,
) -> Response:
    if not articles.ID.match(question) or question == articles.MADE_BY_US:
        raise HTTPException(404)
    path = _path(desk, id, draft)
    now, before = _text(path), content_files.read_opened(desk.config, path, base)

    def again(faults: Sequence[Fault], conflict: content_files.Conflict | None) -> Response:
        return _question_page(
            request,
            desk,
            id,
            question,
            draft,
            fields,
            content_files.keep_opened(desk.config, content_files.read_file(path))
            if conflict
            else base,
            409 if conflict else 422,
            faults,
            _theirs(conflict, path, question, fields) if conflict else None,
        )

    if before is None:
        return again([], content_files.Conflict(None, now))
    at = _at(id, draft)
    return _keep(
        request,
        desk,
        person,
        id,
        draft,
        path,
        _write_question(before, path, question, None if then == "remove" else fields),
        before,
        f"{id}.{question}: {'taken out' if then == 'remove' else 'changed'}",
        again,
        at if then == "remove" else f"{at}/{question}",
    )


def _write_question(before: str, path: Path, question: str, fields: QuestionFields | None) -> str:
    """An article's text with these fields of a question; without the question, where None."""
    manuscript = article_document.read_document(before, path.name)
    if fields is None:
        manuscript["questions"].pop(question, None)
    else:
        manuscript["questions"][question] = fields
    return article_document.write_document(before, manuscript)


def _keep(
    request: Request,
    desk: State,
    person: Member,
    id: str,
    draft: bool,
    path: Path,
    text: str,
    before: str,
    why: str,
    again: Again,
    to: str,
) -> Response:
    """Save and go on to the page `to`; where it can't be saved, `again(faults, conflict)` shows the
    form with what was written."""
    try:
        saved = content_files.save_file(
            desk.config,
            path,
            text,
            person,
            why,
            before,
            (lambda new: [])
            if draft
            else lambda new: question_preview.article_faults(desk, path, new),
        )
    except articles.ContentError as error:
        return again(error.faults, None)
    except content_files.Conflict as conflict:
        return again([], conflict)
    session.record_action(request, "changed an article", id, why)
    notice = "Saved." if saved.text != before else "Nothing was changed."
    if saved.merged:
        notice += " Another editor had saved changes meanwhile; both are in it now."
    return pages.redirect_to(request, to, notice)


def _theirs(
    conflict: content_files.Conflict, path: Path, question: str, fields: QuestionFields
) -> list[list[content_files.Row]]:
    """What another editor made of this question: the groups of a difference from it to one's
    own."""
    theirs = article_document.read_document(conflict.theirs, path.name)["questions"].get(
        question, EMPTY
    )
    lines = [
        [each["ask"], each["heading"], *each["text"].split("\n"), *each["train"], *each["test"]]
        for each in (theirs, fields)
    ]
    before, after = ("\n".join(said) for said in lines)
    return content_files.text_difference(before, after)


def _look(
    request: Request, desk: State, id: str, question: str, draft: bool, fields: QuestionFields
) -> Response:
    look = question_preview.preview_question(
        desk, content_cache.open_article(desk, id, draft), question, fields
    )
    return pages.render_page(
        request, "question_look.html", look=look, question=question, id=id, at=_at(id, draft)
    )


def _fields(
    ask: str, about: str, facet: str, train: str, test: str, heading: str, text: str
) -> QuestionFields:
    return {
        "ask": _line(ask),
        "about": _line(about),
        "facet": _line(facet),
        "heading": _line(heading),
        "text": content_files.tidy_text(text).strip("\n"),
        "train": _lines(train),
        "test": _lines(test),
    }


def _lines(text: str) -> list[str]:
    return [_line(line) for line in text.splitlines() if line.strip()]


def _line(text: str) -> str:
    """A text as one line."""
    return " ".join(text.split())


def _at(id: str, draft: bool) -> str:
    """The page of an article or of a draft."""
    return f"/editor/articles/{'drafts/' if draft else ''}{id}"


def _path(desk: State, id: str, draft: bool) -> Path:
    return (
        content_files.draft_path(desk.config, id)
        if draft
        else content_files.article_path(desk.config, id)
    )


def _text(path: Path) -> str:
    if not path.is_file():
        raise content_files.NoFile(path.name)
    return content_files.read_file(path)


def _remove_draft(desk: State, id: str, person: Member, why: str) -> None:
    """Take a draft away, with its evidence and what was to be seen to in it."""
    draft, ledger = (
        content_files.draft_path(desk.config, id),
        content_files.ledger_path(desk.config, id, True),
    )
    content_files.remove_files(
        desk.config, [draft, ledger, content_files.notes_path(desk.config, id)], person, why
    )


def _notes(desk: State, id: str) -> list[str]:
    """What the editor of a draft must see to, as its import found it."""
    return content_files.read_file(content_files.notes_path(desk.config, id)).splitlines()


def _review(article: articles.Article, today: datetime.date) -> tuple[str, str]:
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


def _title(path: Path) -> str:
    try:
        return article_document.read_document(content_files.read_file(path), path.name)["title"]
    except article_document.Unreadable:
        return path.stem
