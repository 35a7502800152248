"""Review: what visitors asked in vain or nearly, grouped; taught, made a new question, or set aside
with one keystroke."""

import re
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.content import articles, wording
from bot.domain.faults import Fault
from bot.editor.articles import source_doubts
from bot.editor.review import clustering
from bot.editor.shared import article_document, content_cache, content_files, pages, session
from bot.editor.shared.state import DeskState, State
from bot.privacy.masking import KINDS
from bot.releases import registry
from bot.store import drafts, review
from bot.store.accounts import Member

GROUPS = 25  # on a page
LONGEST = 300  # characters of a phrase
MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
router = APIRouter()
Texts = Annotated[list[str], Form(max_length=200)]
Name = Annotated[str, StringConstraints(max_length=200)]


class TeachForm(BaseModel):
    """The texts of a group, the question that they are to teach (`other`: chosen in the list of all
    questions), and the phrases that were ticked."""

    model_config = ConfigDict(frozen=True)
    text: Annotated[list[str], Field(max_length=200)]
    question: Name = ""
    other: Name = ""
    phrase: Annotated[list[str], Field(max_length=200)] = []


@router.get("/review")
def show_review(request: Request, desk: DeskState, page: pages.Asked = 1) -> Response:
    found = clustering.read_groups(desk)
    if found is None:
        return pages.render_page(request, "review_waiting.html")
    shown, aside = found
    last = max(1, -(-len(shown) // GROUPS))
    page = min(max(1, page), last)
    return pages.render_page(
        request,
        "review.html",
        doubts=source_doubts.list_doubts(desk),
        links=source_doubts.list_moved_links(desk),
        groups=shown[(page - 1) * GROUPS : page * GROUPS],
        total=len(shown),
        aside=len(aside),
        page=page,
        last=last,
        questions=content_cache.read_questions(desk),
        wordings=clustering.WORDINGS,
    )


@router.get("/review/aside")
def show_aside(request: Request, desk: DeskState) -> Response:
    found = clustering.read_groups(desk)
    return (
        pages.render_page(request, "review_waiting.html")
        if found is None
        else pages.render_page(request, "review_aside.html", wordings=found[1])
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
        [clustering.key_of(desk, text) for text in form.text],
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
    return _done(request, f"{said}. Visitors get it with the next release.")


@router.post("/review/aside")
def set_aside(request: Request, desk: DeskState, person: session.Editor, text: Texts) -> Response:
    """Show a group no longer."""
    review.set_aside(desk.engine, [clustering.key_of(desk, text) for text in text], person.name)
    session.record_action(request, "set aside", detail=wording.counted(len(text), "wording"))
    return _done(request, "Set aside. It stays so, also when it's asked again.")


@router.post("/review/back")
def bring_back(request: Request, desk: DeskState, text: Texts) -> Response:
    review.bring_back(desk.engine, [clustering.key_of(desk, text) for text in text])
    session.record_action(request, "brought back", detail=wording.counted(len(text), "wording"))
    return pages.redirect_to(request, "/editor/review/aside", "It stands in the review again.")


@router.post("/review/question")
def draft_question(
    request: Request,
    desk: DeskState,
    person: session.Editor,
    text: Texts,
    nearest: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Begin a new question with the group's wordings as its phrases."""
    phrases = list(dict.fromkeys(filter(None, map(as_phrase, text))))
    ask = phrases[0][:1].upper() + phrases[0][1:].rstrip("?.! ") + "?" if phrases else ""
    article = nearest.partition(".")[0] if nearest in content_cache.read_questions(desk) else ""
    draft = {
        "article": article,
        "id": "",
        "ask": ask,
        "facet": "",
        "about": "",
        "heading": ask,
        "text": "",
        "train": phrases,
        "test": [],
    }
    id = drafts.add_draft(desk.engine, article or None, ask or "A new question", draft, person.name)
    review.set_aside(
        desk.engine,
        [clustering.key_of(desk, text) for text in text],
        person.name,
        registry.live_release(desk.config) or "0",
    )
    session.record_action(request, "began a question", detail=f"draft {id}")
    begun = f"A draft was begun with {wording.counted(len(phrases), 'phrase')}."
    return _done(request, begun, f"/editor/drafts/{id}")


def add_phrases(desk: State, person: Member, question: str, phrases: Iterable[str]) -> list[str]:
    """The phrases that were added to a question's `train`, in its article's file and history;
    raises articles.ContentError."""
    known = content_cache.read_questions(desk)
    faults: list[str] = []
    new: list[str] = []
    places = {
        articles.normalise_phrase(phrase): other.name
        for other in known.values()
        for phrase in (*other.train, *other.test)
    }
    for phrase in phrases:
        place = places.get(articles.normalise_phrase(phrase))
        if not articles.normalise_phrase(phrase) or len(phrase) > LONGEST:
            faults.append(
                f"“{phrase[:80]}” can't be a phrase: it is empty, or over {LONGEST} characters"
            )
        elif place not in (None, question):
            faults.append(
                f"“{phrase}” is a phrase of {place} already. If it belongs here, delete it there "
                f"first."
            )
        elif place is None and articles.normalise_phrase(phrase) not in map(
            articles.normalise_phrase, new
        ):
            new.append(phrase)
    if faults:
        raise articles.ContentError([Fault.from_sentence(said) for said in faults])
    if new:
        article, _, id = question.partition(".")
        path = content_files.article_path(desk.config, article)
        base = content_files.read_file(path)
        fields = article_document.read_document(base, path)
        fields["questions"][id]["train"] = [*fields["questions"][id]["train"], *new]
        content_files.save_file(
            desk.config,
            path,
            article_document.write_document(base, fields),
            person,
            f"Teach {question} {wording.counted(len(new), 'phrase')} of the review",
            base=base,
            check=lambda text: articles.read_article(text, path)[1],
        )
    return new


def as_phrase(text: str) -> str:
    """A visitor's masked text as a phrase: one line, without the masks."""
    return " ".join(MASK.sub(" ", text).split())


def _done(request: Request, said: str, path: str = "/editor/review") -> Response:
    """After a keystroke: the group goes from the page, and the sentence is said; without scripts,
    the page anew."""
    if "hx-request" not in request.headers:
        return pages.redirect_to(request, path, said)
    response = pages.render_page(request, "said.html", said=said)
    if path != "/editor/review":
        response.headers["HX-Redirect"] = path
    return response
