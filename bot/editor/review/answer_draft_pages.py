"""A new question begun of an answer, or of a passage that was quoted in the place of one, that a
visitor voted on: it shows which question is missing."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Form, HTTPException, Request, Response

from bot.content import articles
from bot.editor.articles.draft_pages import Fields
from bot.editor.review import draft_matches, teaching, waiting
from bot.editor.shared import content_cache, pages, session, vectors
from bot.editor.shared.state import DeskState, State
from bot.language import encoder
from bot.store import conversations, drafts
from bot.store.conversations import ReadTurn
from bot.store.tables import JsonObject

MOST = 20  # wordings that a draft begins with
router = APIRouter()


@router.post("/conversations/{id}/question")
def begin_question(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    id: str,
    reply: Annotated[str, Form()] = "",
) -> Response:
    """Begin a draft in the article of an answer: what it said as the first draft of the new answer,
    and what visitors asked in nearly these words as phrases."""
    turn, answer = _find_answer(conversations.read_conversation(desk.engine, id)["turns"], reply)
    text = turn["text"] or ""
    own = list(dict.fromkeys(filter(None, map(teaching.as_phrase, [text, *find_near(desk, text)]))))
    ask = teaching.word_question(own)
    article = _find_section(answer).partition(".")[0]
    if article not in content_cache.read_articles(desk):
        article = ""
    fields: Fields = {
        "article": article,
        "id": "",
        "ask": ask,
        "facet": "",
        "about": "",
        "heading": ask,
        "text": answer["text"],
        "train": own,
        "test": [],
    }
    title = ask or "A new question"
    draft = drafts.add_draft(desk.engine, article or None, title, {**fields}, person.name)
    session.record_action(request, "began a question", detail=f"draft {draft}")
    return pages.redirect_to(
        request,
        f"/editor/drafts/{draft}",
        "A draft was begun of what the visitor got. Write the answer anew where it does not fit, "
        "and take out the phrases that ask something else.",
    )


def _find_answer(turns: list[ReadTurn], reply: str) -> tuple[ReadTurn, JsonObject]:
    """The turn and the answer of an article that this reply is; raises HTTPException where there
    is none to what a visitor wrote."""
    for turn in turns:
        for body in turn["replies"]:
            if body["id"] == reply and _find_section(body) and turn["text"]:
                return turn, body
    raise HTTPException(404)


def _find_section(reply: JsonObject) -> str:
    """The question in whose section the words of a reply stand; "" for what is no article's."""
    found: str = reply.get("section") or reply.get("question") or ""
    return found


def find_near(desk: State, text: str) -> list[str]:
    """Up to MOST wordings that wait in the review and mean nearly the same, the nearest first; none
    while they are being compared."""
    shown, _ = waiting.read_waiting(desk)
    try:
        found = vectors.read_vectors(desk, desk.asked, list(shown))
        if not found:
            return []
        asked = vectors.encode_text(desk, articles.normalise_phrase(text))
    except encoder.EncoderMissing:  # takes nothing else away
        return []
    cosines = np.stack([found[each] for each in shown]) @ asked
    near = sorted(zip(cosines.tolist(), shown.values(), strict=True), key=lambda each: -each[0])
    return [wording.text for cosine, wording in near[:MOST] if cosine >= draft_matches.ANSWERS]
