"""The history of an article, a table or the stories: who changed what and when, side by side; and
a version brought back, as a change of its own."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from bot.content import articles, history, phrases
from bot.content.history import Change
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.articles.page_subject import ArticlePage, PageToEdit, PageToRead
from bot.editor.importing.blocks import Refused
from bot.editor.shared import (
    article_document,
    content_files,
    fault_places,
    pages,
    phrases_document,
    session,
)
from bot.editor.shared.content_files import Edit, Saved
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import State
from bot.editor.stories import story_form, story_pages, story_view
from bot.editor.stories.story_view import StoryPage, StoryToEdit, StoryToRead
from bot.editor.tables import table_files, table_pages
from bot.editor.tables.table_pages import TablePage, TableToEdit, TableToRead
from bot.editor.versions import file_parts

router = APIRouter()
MOST = 500  # changes that are listed
NAME = re.compile(r"\b[a-z]\w*\.[a-z]\w*\b")  # of a question
Commit = Annotated[str, Form(max_length=64)]
MERGED = " What was saved since the history was opened is in it, too."
REFUSED = "This version can’t be brought back as it was; nothing was changed."
CHANGED = (
    "The same lines were changed since the history was opened, or on the server. Nothing was "
    "changed; look at the history again."
)
LATER = "What came later stays in the history."
ARTICLE_STAYS = (
    f"The whole article becomes as it was after this change. {LATER} Its evidence and phrases stay "
    f"as they are now (of a question that comes back, as they were), and it counts as not reviewed "
    f"until it is signed anew."
)
TABLE_STAYS = f"All rows become as they were after this change. {LATER}"
STORIES_STAY = f"All of them become as they were after this change. {LATER}"


@dataclass(frozen=True)
class Subject:
    """What a history is of: its title, its page, the `address` of its history, its files, of which
    the first is the one that is brought back, and in a sentence what becomes of the rest."""

    desk: State
    title: str
    page: str
    address: str
    files: tuple[Path, ...]
    rest: str


@dataclass(frozen=True)
class Past:
    """A version that is to be brought back: its text, that of the `newest` version which its editor
    saw, and `why` it comes, for the history."""

    text: str
    newest: str
    why: str


@router.get("/articles/{article}/past-changes")
def show_of_article(page: PageToRead, commit: str = "") -> Response:
    """The changes of an article, of its phrases, evidence and signatures."""
    return _render(page.request, _find_article(page), commit)


@router.get("/tables/{name}/past-changes")
def show_of_table(table: TableToRead, commit: str = "") -> Response:
    """The changes of a table."""
    return _render(table.request, _find_table(table), commit)


@router.get("/stories/{kind}/past-changes")
def show_of_stories(page: StoryToRead, commit: str = "") -> Response:
    """The changes of all stories, or of all test conversations."""
    return _render(page.request, _find_stories(page), commit)


@router.post("/articles/{article}/past-changes")
def bring_back_article(page: PageToEdit, commit: Commit, newest: Commit) -> Response:
    """Save an article as it was after `commit`, unsigned: its reviewer has not seen it beside
    today's evidence. Its phrases stay, but for those of questions that come or go. `newest`: the
    last change that its history showed; what was saved after that is kept."""
    subject = _find_article(page)
    past, desk, own = _find_past(subject, commit, newest), page.desk, page.phrases_path
    now, then = content_files.read_file(own), history.read_revision(desk.config, own, commit)
    edits = [Edit(page.path, past.text, past.newest)]
    fitted = _fit_phrases(page.id, past.text, now, then)
    edits += [Edit(own, fitted, now)] if fitted != now else []
    return _bring_back(
        page.request,
        subject,
        past.why,
        lambda: content_files.save_files(
            desk.config,
            edits,
            page.person,
            past.why,
            lambda texts: question_preview.article_faults(
                desk, page.path, texts[page.path], phrases.parse(texts.get(own, now), own)
            ),
        ),
    )


@router.post("/tables/{name}/past-changes")
def bring_back_table(table: TableToEdit, commit: Commit, newest: Commit) -> Response:
    """Put the rows of a version in place of a table's, checked as those of a file are."""
    subject, config = _find_table(table), table.desk.config
    past = _find_past(subject, commit, newest)

    def save() -> Saved:
        listed = enumerate(table_files.rows_of(table.name, past.text), 2)
        rows = [table_files.Row(place, cells) for place, cells in listed]
        folder, newest_text = config.path("data"), past.newest
        text = table_files.change_rows(folder, table.name, newest_text, rows)
        path = subject.files[0]
        return content_files.save_file(config, path, text, table.person, past.why, newest_text)

    return _bring_back(table.request, subject, past.why, save)


@router.post("/stories/{kind}/past-changes")
def bring_back_stories(page: StoryToEdit, commit: Commit, newest: Commit) -> Response:
    """Save all stories, or all test conversations, as they were after `commit`."""
    subject = _find_stories(page)
    past = _find_past(subject, commit, newest)
    return _bring_back(
        page.request,
        subject,
        past.why,
        lambda: story_pages.save_text(page, past.text, past.newest, past.why),
    )


def _find_article(page: ArticlePage) -> Subject:
    """Raises content_files.NoFile where there is none."""
    page.read_text()
    config, id = page.desk.config, page.id
    beside = (content_files.ledger_path(config, id), content_files.reviews_path(config, id))
    title, files = page.open_article().article.title, (page.path, page.phrases_path, *beside)
    address = f"{page.at}/past-changes"
    return Subject(page.desk, title, page.at, address, files, ARTICLE_STAYS)


def _find_table(table: TablePage) -> Subject:
    """Raises HTTPException where there is none."""
    table.read_text()
    path = content_files.table_path(table.desk.config, f"{table.name}.yml")
    title, at = table_pages.TITLES[table.name], f"/editor/tables/{table.name}"
    return Subject(table.desk, title, at, f"{at}/past-changes", (path,), TABLE_STAYS)


def _find_stories(page: StoryPage) -> Subject:
    """Raises HTTPException for a kind that there is not."""
    path, title = page.path, story_view.TITLES[page.kind]
    address = f"/editor/stories/{page.kind}/past-changes"
    return Subject(page.desk, title, "/editor/stories", address, (path,), STORIES_STAY)


def _render(request: Request, subject: Subject, commit: str) -> Response:
    """The changes, newest first, and what one of them changed: the newest, or `commit`."""
    config, path = subject.desk.config, subject.files[0]
    titles = story_form.list_wordings(subject.desk)[0]
    listed = history.read_changes(config, *subject.files, most=MOST)
    place = next((at for at, change in enumerate(listed) if change.commit == commit), None)
    if commit and place is None:
        raise HTTPException(404)
    then = history.read_revision(config, path, listed[place].commit) if place else ""
    return pages.render_page(
        request,
        "history.html",
        subject=subject,
        listed=listed,
        say=lambda why: NAME.sub(lambda found: _word(titles, found[0]), why),
        most=MOST,
        shown=listed[place or 0] if listed else None,
        changed=_compare(subject, listed, place or 0, titles) if listed else [],
        returns=bool(then and then != content_files.read_file(path)),
    )


def _word(titles: file_parts.Titles, name: str) -> str:
    """A question's name as its wording, where there is such a question now."""
    return f"“{titles[name]}”" if name in titles else name


def _compare(
    subject: Subject, listed: Sequence[Change], place: int, titles: file_parts.Titles
) -> list[file_parts.Changed]:
    """What the change at a place of the list changed in the subject's files."""
    config, found = subject.desk.config, list[file_parts.Changed]()
    earlier = listed[place + 1].commit if place + 1 < len(listed) else ""
    for path in subject.files:
        after = history.read_revision(config, path, listed[place].commit)
        before = history.read_revision(config, path, earlier) if earlier else ""
        name = str(path.relative_to(config.path("data")))
        found += file_parts.compare_versions(name, before, after, titles)
    return found


def _find_past(subject: Subject, commit: str, newest: str) -> Past:
    """Raises HTTPException for what is no change of the subject, and where it was taken away
    then."""
    config, path = subject.desk.config, subject.files[0]
    changes = history.read_changes(config, *subject.files, most=MOST)
    listed = {change.commit: change for change in changes}
    if commit not in listed or newest not in listed:
        raise HTTPException(404)
    text, base = (history.read_revision(config, path, each) for each in (commit, newest))
    if not text:
        raise HTTPException(404)
    why = f"{path.stem}: brought back as it was after “{listed[commit].why}” ({commit[:7]})"
    return Past(text, base, why)


def _bring_back(
    request: Request, subject: Subject, why: str, save: Callable[[], Saved]
) -> Response:
    """Save a version and go on to its page, or say what forbids it."""
    try:
        saved = save()
    except articles.ContentError as error:
        return _refuse(request, 422, REFUSED, fault_places.place_faults(error.faults))
    except table_files.RowFaults as error:
        rows = [Fault.from_sentence(table_files.say_with_row(fault)) for fault in error.faults]
        return _refuse(request, 422, REFUSED, fault_places.place_faults(rows))
    except Refused as error:
        return _refuse(request, 422, REFUSED, [ShownFault(str(error))])
    except content_files.Conflict:
        return _refuse(request, 409, CHANGED)
    session.record_action(request, "brought a version back", subject.files[0].stem, why)
    said = "Brought back. Visitors get it once it is published."
    said += (MERGED if saved.merged else "") + saved.outside
    return pages.redirect_to(request, subject.page, said)


def _refuse(
    request: Request, status: int, sentence: str, faults: Sequence[ShownFault] = ()
) -> Response:
    return pages.render_page(request, "fault.html", status, sentence=sentence, faults=faults)


def _fit_phrases(article: str, text: str, now: str, then: str) -> str:
    """The phrases of an article as they are `now`, for its text of before: without those of
    questions that it has not, and for those that it has again, with the phrases of `then`."""
    try:
        wanted = article_document.read_document(text)["questions"]
        kept = phrases_document.read_phrases(now, article)
        old = phrases_document.read_phrases(then, article)
    except article_document.Unreadable:  # which the check tells
        return now
    for question in kept.keys() - wanted.keys():
        now = phrases_document.write_phrases(now, article, question, {})
    for question in old.keys() & wanted.keys() - kept.keys():
        now = phrases_document.write_phrases(now, article, question, old[question])
    return now
