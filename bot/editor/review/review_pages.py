"""Review: what visitors asked in vain or nearly, by topic and meaning; taught, made a new question,
or set aside with one keystroke."""

import itertools
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from bot.content import articles, wording
from bot.domain.faults import Fault
from bot.editor.articles import source_doubts
from bot.editor.review import (
    act_pages,
    clustering,
    expected_answers,
    suggestions,
    teaching,
    topics,
    waiting,
)
from bot.editor.review.review_forms import (
    NewQuestionForm,
    ReviewQuery,
    TeachForm,
    TickedGroup,
    WordingsForm,
)
from bot.editor.shared import content_cache, pages, session, vectors
from bot.editor.shared.state import DeskState, State
from bot.releases import registry
from bot.store import conversations, drafts, review, review_acts
from bot.store.review_acts import Did, NewAct

GROUPS = 25  # on a page
MOST_TEXTS = 100  # of a group, that are done with at once
router = APIRouter()


@dataclass(frozen=True)
class Card:
    """A group as it is shown, with the questions that are suggested for it."""

    group: clustering.Group
    suggested: list[suggestions.Suggestion]

    @property
    def texts(self) -> list[str]:
        """What is done with."""
        return [each.text for each in self.group.wordings[:MOST_TEXTS]]

    @property
    def pages(self) -> list[str]:
        """The articles beside which it was asked, "" for none."""
        asked = [page for each in self.group.wordings for page in each.beside]
        return list(dict.fromkeys(asked))

    def as_marked(self) -> str:
        """What its form sends where it is marked to be done with beside others."""
        texts = self.texts
        return TickedGroup(text=texts, phrase=texts[:1], beside=self.pages).model_dump_json()


@router.get("/review")
def show_review(
    request: Request, desk: DeskState, query: Annotated[ReviewQuery, Query()]
) -> Response:
    wanted = query.as_filter()
    found = clustering.read_groups(desk, wanted)
    sorted_ = topics.sort_topics(desk, found.groups) if found else []
    last = max(1, -(-len(sorted_) // GROUPS))
    number = min(max(1, query.page), last)
    shown = sorted_[(number - 1) * GROUPS : number * GROUPS]
    groups = [group for group, _ in shown]
    # begun at once, also while the texts are still being encoded
    suggested = clustering.suggest_for(desk, groups) if shown or found is None else []
    if found is None or suggested is None:
        page = pages.render_page(request, "review_waiting.html", again=query.as_address())
        return pages.keep_notice(request, page)
    whole = wanted == review.EVERYTHING
    cards = [
        (name, Card(group, near)) for (group, name), near in zip(shown, suggested, strict=True)
    ]
    return pages.render_page(
        request,
        "review.html",
        doubts=source_doubts.list_doubts(desk) if whole else [],
        links=source_doubts.list_moved_links(desk) if whole else (None, []),
        found=found,
        topics=topics.count_topics(sorted_),
        blocks=[
            (name, [card for _, card in each])
            for name, each in itertools.groupby(cards, key=lambda card: card[0])
        ],
        page=number,
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
        phrase=teaching.as_phrase(asked["text"])[: teaching.LONGEST],
        longest=teaching.LONGEST,
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
    """Add the chosen phrases to a question; the groups are done with."""
    known, question = content_cache.read_questions(desk), form.question or form.other
    if question not in known:
        said = f"{question or 'nothing'} is no question of an article: choose one of the list"
        raise articles.ContentError([Fault.from_sentence(said)])
    texts, wanted = _require_texts(form), [teaching.as_phrase(each) for each in form.list_chosen()]
    added = teaching.add_phrases(desk, person, question, wanted)
    act = review_acts.record_act(
        desk.engine,
        NewAct(
            Did.TAUGHT,
            person.name,
            _keys(desk, texts),
            registry.live_release(desk.config) or "0",
            question,
            _keys(desk, added),
        ),
    )
    session.record_action(
        request, "taught phrases", question, wording.counted(len(added), "phrase")
    )
    waiting.take_away(desk, len(texts))
    said = _say_taught(added, known[question].ask)
    expected = expected_answers.describe(desk, question, added or wanted, form.list_pages())
    return act_pages.say_done(request, desk, act_pages.Done(act, said, expected), form.back)


@router.post("/review/aside")
def set_aside(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    form: Annotated[WordingsForm, Form()],
) -> Response:
    """Show groups no longer."""
    texts = _require_texts(form)
    new = NewAct(Did.SET_ASIDE, person.name, _keys(desk, texts))
    act = review_acts.record_act(desk.engine, new)
    session.record_action(request, "set aside", detail=wording.counted(len(texts), "wording"))
    waiting.take_away(desk, len(texts))
    many = "" if len(form.group) < 2 else f": {wording.counted(len(form.group), 'group')}"
    said = f"Set aside{many}. It stays so, also when it's asked again."
    return act_pages.say_done(request, desk, act_pages.Done(act, said), form.back)


@router.post("/review/back")
def bring_back(
    request: Request, desk: DeskState, form: Annotated[WordingsForm, Form()]
) -> Response:
    review_acts.bring_back(desk.engine, _keys(desk, _require_texts(form)))
    waiting.take_away(desk, 0)
    session.record_action(
        request, "brought back", detail=wording.counted(len(form.text), "wording")
    )
    return pages.redirect_to(request, "/editor/review/aside", "It stands in the review again.")


@router.post("/review/question")
def draft_question(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    form: Annotated[NewQuestionForm, Form()],
) -> Response:
    """Begin a new question with the groups' wordings as its phrases."""
    texts, own = _require_texts(form), form.list_phrases()
    ask = teaching.word_question(own)
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
    hidden = registry.live_release(desk.config) or "0"
    new = NewAct(Did.BEGAN, person.name, _keys(desk, texts), hidden)
    act = review_acts.record_act(desk.engine, new)
    session.record_action(request, "began a question", detail=f"draft {id}")
    begun = f"A draft was begun with {wording.counted(len(own), 'phrase')}."
    waiting.take_away(desk, len(texts))
    page = f"/editor/drafts/{id}"
    response = act_pages.say_done(request, desk, act_pages.Done(act, begun), page)
    if "hx-request" in request.headers:
        response.headers["HX-Redirect"] = page
    return response


def _say_taught(added: list[str], ask: str) -> str:
    if not added:
        return f"“{ask}” has this phrase already."
    if len(added) == 1:
        return f"Taught: “{added[0]}” is a phrase of “{ask}” now."
    return f"Taught: “{added[0]}” and {len(added) - 1} more are phrases of “{ask}” now."


def _require_texts(form: WordingsForm) -> list[str]:
    """The texts of a form; raises articles.ContentError where nothing was ticked."""
    texts = form.list_texts()
    if not texts:
        said = "nothing is marked: mark the groups that it is for"
        raise articles.ContentError([Fault.from_sentence(said)])
    return texts


def _keys(desk: State, texts: list[str]) -> tuple[str, ...]:
    return tuple(waiting.key_of(desk, text) for text in texts)
