"""Search: articles, questions, phrases and visitors' messages that hold the words looked for."""

from fastapi import APIRouter, Request, Response

from bot.editor.insights import desk_search
from bot.editor.shared import content_cache, pages, session
from bot.editor.shared.state import DeskState
from bot.store import message_search

router = APIRouter()
MOST = 20  # of each kind
LONGEST = 200  # characters of what is looked for


@router.get("/search")
def show_search(
    request: Request, desk: DeskState, person: session.Reader, words: str = ""
) -> Response:
    """At most MOST of each kind; the messages only to those who may read conversations."""
    asked = " ".join(pages.blank_nul(words)[:LONGEST].split())
    wanted, known = desk_search.split_words(asked), content_cache.read_articles(desk)
    listed: list[tuple[str, list[desk_search.Hit]]] = []
    if wanted:
        listed = [
            ("Articles", desk_search.find_articles(known, wanted, MOST + 1)),
            ("Questions", desk_search.find_questions(known, wanted, MOST + 1)),
            ("Phrases", desk_search.find_phrases(known, wanted, MOST + 1)),
        ]
    messages = None
    if wanted and person.may(pages.least_role("/editor/conversations")):
        messages = message_search.find_messages(desk.engine, wanted, MOST + 1)
    return pages.render_page(
        request, "search.html", asked=asked, listed=listed, messages=messages, most=MOST
    )
