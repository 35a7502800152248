"""Review: what visitors asked in vain or nearly, grouped; taught, made a new question, or set aside
with one keystroke."""

import datetime
import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.content import articles, phrases, wording
from bot.domain.faults import Fault
from bot.editor.articles import question_phrases, source_doubts
from bot.editor.insights import conversation_pages
from bot.editor.review import clustering, suggestions, waiting
from bot.editor.shared import (
    content_cache,
    content_files,
    pages,
    phrases_document,
    session,
    vectors,
)
from bot.editor.shared.state import DeskState, State
from bot.privacy.masking import KINDS
from bot.releases import registry
from bot.store import conversations, drafts, review
from bot.store.accounts import Member

GROUPS = 25  # on a page
LONGEST = 300  # characters of a phrase
MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
router = APIRouter()
Texts = Annotated[list[str], Form(max_length=200)]
Name = Annotated[str, StringConstraints(max_length=200)]
Address = Annotated[str, StringConstraints(max_length=2000)]


class TeachForm(BaseModel):
    """The texts of a group, the question that they are to teach (`other`: chosen in the list of all
    questions), the phrases that were ticked, and the page to go `back` to."""

    model_config = ConfigDict(frozen=True)
    text: Annotated[list[str], Field(max_length=200)]
    question: Name = ""
    other: Name = ""
    phrase: Annotated[list[str], Field(max_length=200)] = []
    back: Address = ""


class NewQuestionForm(BaseModel):
    """The texts of a group, of which a question is to begin, the phrases that were ticked or
    mended, and the question that is `nearest`."""

    model_config = ConfigDict(frozen=True)
    text: Annotated[list[str], Field(max_length=200)]
    phrase: Annotated[list[str], Field(max_length=200)] = []
    nearest: Name = ""

    def list_phrases(self) -> list[str]:
        """The question's first phrases: the ticked ones, then the other texts; but for those that
        an editor mended, which stand in their place."""
        is_mended = not set(self.phrase) <= set(self.text)
        wanted = self.phrase if is_mended else [*self.phrase, *self.text]
        return list(dict.fromkeys(filter(None, map(as_phrase, wanted))))


class ReviewQuery(BaseModel):
    """What of the review is shown: its page, and what its messages must hold."""

    text: Name = ""
    article: Name = ""
    channel: Name = ""
    why: Name = ""
    since: Name = ""
    until: Name = ""
    page: Annotated[int, Field(ge=0, lt=2**31)] = 1

    def as_filter(self) -> review.Filter:
        text, article, channel = (
            pages.blank_nul(given) for given in (self.text, self.article, self.channel)
        )
        until = conversation_pages.read_moment(self.until)
        return review.Filter(
            tuple(text.split()),
            article,
            channel,
            self.why,
            conversation_pages.read_moment(self.since),
            until and until + datetime.timedelta(days=1),
        )

    def as_address(self, **changes: object) -> str:
        """The address of this view, or of one that differs in `changes`."""
        given = {**self.model_dump(), **changes}
        empty = ReviewQuery().model_dump()
        query = urlencode({key: value for key, value in given.items() if value != empty[key]})
        return "/editor/review" + (f"?{query}" if query else "")


@router.get("/review")
def show_review(
    request: Request, desk: DeskState, query: Annotated[ReviewQuery, Query()]
) -> Response:
    wanted = query.as_filter()
    found = clustering.read_groups(desk, wanted)
    last = max(1, -(-len(found.groups) // GROUPS)) if found else 1
    page = min(max(1, query.page), last)
    shown = found.groups[(page - 1) * GROUPS : page * GROUPS] if found else []
    # begun at once, also while the texts are still being encoded
    suggested = clustering.suggest_for(desk, shown) if shown or found is None else []
    if found is None or suggested is None:
        return pages.render_page(request, "review_waiting.html", again=query.as_address())
    whole = wanted == review.EVERYTHING
    return pages.render_page(
        request,
        "review.html",
        doubts=source_doubts.list_doubts(desk) if whole else [],
        links=source_doubts.list_moved_links(desk) if whole else (None, []),
        found=found,
        groups=list(zip(shown, suggested, strict=True)),
        page=page,
        last=last,
        address=query.as_address,
        given=query.model_dump(exclude={"page"}),
        whole=whole,
        questions=content_cache.read_questions(desk),
        articles=content_cache.read_articles(desk),
        channels=conversations.known_channels(desk.engine),
        reasons=review.REASONS,
    )


@router.get("/review/aside")
def show_aside(request: Request, desk: DeskState) -> Response:
    _, aside = waiting.read_waiting(desk)
    return pages.render_page(request, "review_aside.html", wordings=list(aside.values()))


@router.get("/review/teach/{turn}")
def show_teaching(
    request: Request, desk: DeskState, _person: session.Editor, turn: pages.Number
) -> Response:
    """The form that teaches one message of a conversation."""
    try:
        asked = review.read_asked(desk.engine, turn)
    except review.NoText:
        raise HTTPException(404) from None
    ranking = review.read_rankings(desk.engine, [turn]).get(turn, [])
    vector = vectors.encode_text(desk, articles.normalise_phrase(asked["text"]))
    suggested = suggestions.suggest_questions(desk, [(vector, dict(ranking))])
    return pages.render_page(
        request,
        "teach.html",
        asked=asked,
        phrase=as_phrase(asked["text"])[:LONGEST],
        longest=LONGEST,
        suggested=suggested[0] if suggested is not None else None,
        questions=content_cache.read_questions(desk),
    )


@router.post("/review/teach")
def teach_phrases(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    form: Annotated[TeachForm, Form()],
) -> Response:
    """Add the ticked phrases (the first text, where none is ticked) to a question; the group is
    done with."""
    known, question = content_cache.read_questions(desk), form.question or form.other
    if question not in known:
        said = f"{question or 'nothing'} is no question of an article: choose one of the list"
        raise articles.ContentError([Fault.from_sentence(said)])
    wanted = [as_phrase(text) for text in form.phrase or form.text[:1]]
    added = add_phrases(desk, person, question, wanted)
    review.set_aside(
        desk.engine,
        [waiting.key_of(desk, text) for text in form.text],
        person.name,
        registry.live_release(desk.config) or "0",
    )
    session.record_action(
        request, "taught phrases", question, wording.counted(len(added), "phrase")
    )
    said = (
        f"Taught: “{added[0]}” is a phrase of “{known[question].ask}” now"
        if added
        else f"“{known[question].ask}” has this phrase already"
    )
    waiting.take_away(desk, len(form.text))
    return _done(request, desk, f"{said}. Visitors get it with the next release.", form.back)


@router.post("/review/aside")
def set_aside(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    text: Texts,
    back: Annotated[Address, Form()] = "",
) -> Response:
    """Show a group no longer."""
    review.set_aside(desk.engine, [waiting.key_of(desk, text) for text in text], person.name)
    session.record_action(request, "set aside", detail=wording.counted(len(text), "wording"))
    waiting.take_away(desk, len(text))
    return _done(request, desk, "Set aside. It stays so, also when it's asked again.", back)


@router.post("/review/back")
def bring_back(request: Request, desk: DeskState, text: Texts) -> Response:
    review.bring_back(desk.engine, [waiting.key_of(desk, text) for text in text])
    waiting.take_away(desk, 0)
    session.record_action(request, "brought back", detail=wording.counted(len(text), "wording"))
    return pages.redirect_to(request, "/editor/review/aside", "It stands in the review again.")


@router.post("/review/question")
def draft_question(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    form: Annotated[NewQuestionForm, Form()],
) -> Response:
    """Begin a new question with the group's wordings as its phrases."""
    own = form.list_phrases()
    ask = own[0][:1].upper() + own[0][1:].rstrip("?.! ") + "?" if own else ""
    known = content_cache.read_questions(desk)
    article = form.nearest.partition(".")[0] if form.nearest in known else ""
    draft = {
        "article": article,
        "id": "",
        "ask": ask,
        "facet": "",
        "about": "",
        "heading": ask,
        "text": "",
        "train": own,
        "test": [],
    }
    id = drafts.add_draft(desk.engine, article or None, ask or "A new question", draft, person.name)
    review.set_aside(
        desk.engine,
        [waiting.key_of(desk, text) for text in form.text],
        person.name,
        registry.live_release(desk.config) or "0",
    )
    session.record_action(request, "began a question", detail=f"draft {id}")
    begun = f"A draft was begun with {wording.counted(len(own), 'phrase')}."
    waiting.take_away(desk, len(form.text))
    response = _done(request, desk, begun, f"/editor/drafts/{id}")
    if "hx-request" in request.headers:
        response.headers["HX-Redirect"] = f"/editor/drafts/{id}"
    return response


def add_phrases(desk: State, person: Member, question: str, wanted: Iterable[str]) -> list[str]:
    """The phrases that were added to those that teach a question, in their file and its history;
    raises articles.ContentError."""
    article, _, id = question.partition(".")
    known = content_cache.read_articles(desk)[article]
    own = content_files.phrases_path(desk.config, article)
    base = content_files.read_file(own)
    lists = phrases_document.read_phrases(base, own).get(id, {"train": [], "test": []})
    said = {articles.normalise_phrase(phrase) for listed in lists.values() for phrase in listed}
    common = phrases.list_common(article, question_phrases.read_elsewhere(desk, known).asked)
    said |= {form for form, asks in common.items() if asks == question}
    new = {articles.normalise_phrase(phrase): phrase for phrase in wanted}
    added = [phrase for form, phrase in new.items() if form not in said]
    if added:
        content_files.save_file(
            desk.config,
            own,
            phrases_document.write_phrases(
                base, article, id, {**lists, "train": [*lists["train"], *added]}
            ),
            person,
            f"Teach {question} {wording.counted(len(added), 'phrase')} of the review",
            base=base,
            check=lambda text: question_phrases.find_faults(desk, known, phrases.parse(text, own)),
        )
    return added


def as_phrase(text: str) -> str:
    """A visitor's masked text as a phrase: one line, without the masks."""
    return " ".join(MASK.sub(" ", pages.blank_nul(text)).split())


def _done(request: Request, desk: State, said: str, back: str) -> Response:
    """After a keystroke: the group goes from the page, the sentence is said, and the menu's number
    is new; without scripts, the page `back`, or the review."""
    if "hx-request" not in request.headers:
        return pages.redirect_to(request, session.next_path(back or "/editor/review"), said)
    return pages.render_page(request, "said.html", said=said, waiting=desk.waiting.count)
