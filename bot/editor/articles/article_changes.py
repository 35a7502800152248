"""Changes of an article's text from its forms: saved and merged, or shown again in the form with
what forbids them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

from bot.content import articles, phrases
from bot.domain.faults import Fault
from bot.editor.articles import question_preview
from bot.editor.articles.page_subject import ArticlePage
from bot.editor.shared import content_files, pages, session


@dataclass(frozen=True)
class Change:
    """What an editor makes of an article: the edits of its file, and perhaps of that of its
    phrases. `why`: the sentence of its commit; `to`: the page that comes next; `action`: what the
    log says."""

    edits: Sequence[content_files.Edit]
    why: str
    to: str
    action: str = "changed an article"


@dataclass(frozen=True)
class FilledForm[Fields]:
    """A form as its page shows it. `base`: what names the text that its fields were made of;
    `status`: of the page; `faults`: what is wrong; `conflict`: what another editor saved meanwhile;
    `saved`: whether what was sent is saved all the same."""

    fields: Fields
    base: str
    status: int = 200
    faults: Sequence[Fault] = ()
    conflict: content_files.Conflict | None = None
    saved: bool = False


def save_change(page: ArticlePage, change: Change) -> Response:
    """Save a change and go on to its next page. Raises articles.ContentError and
    content_files.Conflict; nothing is saved then. A draft may have faults."""
    saved = content_files.save_files(
        page.desk.config,
        change.edits,
        page.person,
        change.why,
        lambda texts: [] if page.is_draft else _find_faults(page, texts),
    )
    is_changed = saved.text != change.edits[0].base or len(change.edits) > 1
    if is_changed:
        session.record_action(page.request, change.action, page.id, change.why)
    notice = "Saved." if is_changed else "Nothing was changed."
    if saved.merged:
        notice += " Another editor had saved changes meanwhile; both are in it now."
    return pages.redirect_to(page.request, change.to, notice + saved.outside)


def _find_faults(page: ArticlePage, texts: Mapping[Path, str]) -> list[Fault]:
    """What forbids to save these texts of an article's files; the other is as it is."""
    own = page.phrases_path
    read = phrases.parse(texts[own], own) if own in texts else phrases.read_file(own)
    return question_preview.article_faults(page.desk, page.path, texts[page.path], read)


def refill_form[Fields](
    fields: Fields,
    base: str,
    now: str,
    refusal: articles.ContentError | content_files.Conflict,
) -> FilledForm[Fields]:
    """The form with what was sent, after it was not saved. After a conflict it goes on from `now`,
    which names the files as they are: who saves again, keeps their own version."""
    if isinstance(refusal, articles.ContentError):
        return FilledForm(fields, base, 422, refusal.faults)
    return FilledForm(fields, now, 409, conflict=refusal)
