"""An article as it was before: brought back from its history, as a change of its own."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from bot.content import articles, history
from bot.editor.articles import question_preview
from bot.editor.shared import content_files, pages, session
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
    today's evidence. `newest`: the last change that its history showed; what was saved after that
    is kept."""
    path = content_files.article_path(desk.config, article)
    if not path.is_file():
        raise content_files.NoFile(path.name)
    listed = {change.commit: change for change in history.read_changes(desk.config, path)}
    if commit not in listed or newest not in listed:
        raise HTTPException(404)
    text, base = (history.read_revision(desk.config, path, each) for each in (commit, newest))
    if not text:  # it was taken away then
        raise HTTPException(404)
    why = f"{article}: brought back as it was after “{listed[commit].why}” ({commit[:7]})"
    try:
        saved = content_files.save_file(
            desk.config,
            path,
            text,
            person,
            why,
            base,
            lambda new: question_preview.article_faults(desk, path, new),
        )
    except articles.ContentError as error:
        said = "This version can’t be brought back as it was; nothing was changed."
        faults = [pages.name_file(fault) for fault in error.faults]
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
