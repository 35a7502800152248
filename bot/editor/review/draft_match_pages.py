"""Beside a draft: what visitors asked in vain that it now answers, and what it still doesn't."""

from fastapi import APIRouter, Response

from bot.editor.articles import draft_proposals
from bot.editor.articles.page_subject import PageToRead
from bot.editor.review import draft_matches
from bot.editor.shared import pages
from bot.language import encoder

router = APIRouter()


@router.get("/articles/drafts/{draft}/asked-in-vain")
def show_matches(page: PageToRead) -> Response:
    """A part of the draft's page, which comes once the texts are compared."""
    opened, fault = page.open_article(), ""
    proposals = draft_proposals.propose_questions(page.desk, opened)
    try:
        found = draft_matches.match_waiting(page.desk, opened, proposals)
    except encoder.EncoderMissing as missing:
        found, fault = None, str(missing)
    return pages.render_page(
        page.request,
        "draft_matches.html",
        at=page.at,
        proposals=proposals,
        found=found,
        fault=fault,
    )
