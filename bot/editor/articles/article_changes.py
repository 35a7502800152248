"""Changes of an article's text from its forms: saved and merged, or shown again in the form with
what forbids them."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Response

from bot.content import articles
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.articles.page_subject import ArticlePage
from bot.editor.shared import content_files, pages, session


@dataclass(frozen=True)
class Change:
    """What an editor makes of an article. `before`: the text that `text` was made of; `why`: the
    sentence of its commit; `to`: the page that comes next."""

    text: str
    before: str
    why: str
    to: str


@dataclass(frozen=True)
class FilledForm[Fields]:
    """A form as its page shows it. `base`: what names the text that its fields were made of;
    `status`: of the page; `faults`: what is wrong; `conflict`: what another editor saved
    meanwhile."""

    fields: Fields
    base: str
    status: int = 200
    faults: Sequence[Fault] = ()
    conflict: content_files.Conflict | None = None


def save_change(page: ArticlePage, change: Change) -> Response:
    """Save a change and go on to its next page. Raises articles.ContentError and
    content_files.Conflict; nothing is saved then. A draft may have faults."""
    path = page.path
    saved = content_files.save_file(
        page.desk.config,
        path,
        change.text,
        page.person,
        change.why,
        change.before,
        lambda text: (
            [] if page.is_draft else question_preview.article_faults(page.desk, path, text)
        ),
    )
    session.record_action(page.request, "changed an article", page.id, change.why)
    notice = "Saved." if saved.text != change.before else "Nothing was changed."
    if saved.merged:
        notice += " Another editor had saved changes meanwhile; both are in it now."
    return pages.redirect_to(page.request, change.to, notice)


def refill_form[Fields](
    page: ArticlePage,
    fields: Fields,
    base: str,
    refusal: articles.ContentError | content_files.Conflict,
) -> FilledForm[Fields]:
    """The form with what was sent, after it was not saved. After a conflict it goes on from the
    text as it is now: who saves again, keeps their own version."""
    if isinstance(refusal, articles.ContentError):
        return FilledForm(fields, base, 422, refusal.faults)
    now = content_files.read_file(page.path)
    base = content_files.keep_opened(page.desk.config, now)
    return FilledForm(fields, base, 409, conflict=refusal)
