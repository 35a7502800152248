"""An article as it was before: brought back from its history, as a change of its own."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from bot.content import articles, history, phrases
from bot.editor.articles import question_preview
from bot.editor.shared import (
    article_document,
    content_files,
    fault_places,
    pages,
    phrases_document,
    session,
)
from bot.editor.shared.state import DeskState

router = APIRouter()
Commit = Annotated[str, Form(max_length=64)]
MERGED = " What was saved since the history was opened is in it, too."


@router.post("/articles/{article}/past-changes")
def bring_back(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    article: str,
    commit: Commit,
    newest: Commit,
) -> Response:
    """Save an article as it was after `commit`, unsigned: its reviewer has not seen it beside
    today's evidence. Its phrases stay, but for those of questions that come or go. `newest`: the
    last change that its history showed; what was saved after that is kept."""
    config, path = desk.config, content_files.article_path(desk.config, article)
    own = content_files.phrases_path(config, article)
    if not path.is_file():
        raise content_files.NoFile(path.name)
    listed = {change.commit: change for change in history.read_changes(config, path, own)}
    if commit not in listed or newest not in listed:
        raise HTTPException(404)
    text, base = (history.read_revision(config, path, each) for each in (commit, newest))
    if not text:  # it was taken away then
        raise HTTPException(404)
    why = f"{article}: brought back as it was after “{listed[commit].why}” ({commit[:7]})"
    now = content_files.read_file(own)
    edits = [content_files.Edit(path, text, base)]
    fitted = _fit_phrases(article, text, now, history.read_revision(config, own, commit))
    edits += [content_files.Edit(own, fitted, now)] if fitted != now else []
    try:
        saved = content_files.save_files(
            config,
            edits,
            person,
            why,
            lambda texts: question_preview.article_faults(
                desk, path, texts[path], phrases.parse(texts.get(own, now), own)
            ),
        )
    except articles.ContentError as error:
        said = "This version can’t be brought back as it was; nothing was changed."
        faults = fault_places.place_faults(error.faults)
        return pages.render_page(request, "fault.html", 422, sentence=said, faults=faults)
    except content_files.Conflict:
        said = (
            "The same lines were changed since the history was opened, or on the server. Nothing "
            "was changed; look at the history again."
        )
        return pages.render_page(request, "fault.html", 409, sentence=said)
    session.record_action(request, "brought an article back", article, why)
    said = "Brought back. Visitors get it once it is published."
    said += MERGED if saved.merged else ""
    return pages.redirect_to(request, f"/editor/articles/{article}", said)


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
