"""Review: what visitors asked in vain or nearly, grouped; taught, made a new question, or set aside
with one keystroke."""

import re
from typing import Annotated

from fastapi import APIRouter, Form, Request

from bot import articles, release, wording
from bot.editor import evidence_pages, files, groups, library, manuscripts, pages, people
from bot.masking import KINDS
from bot.store import drafts, review

GROUPS = 25  # on a page
LONGEST = 300  # characters of a phrase
MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
router = APIRouter()
Texts = Annotated[list[str], Form(max_length=200)]
Name = Annotated[str, Form(max_length=200)]


@router.get("/review")
def show_review(request: Request, page: int = 1):
    desk = request.app.state.desk
    found = groups.read(desk)
    if found is None:
        return pages.render(request, "review_waiting.html")
    shown, aside = found
    last = max(1, -(-len(shown) // GROUPS))
    page = min(max(1, page), last)
    return pages.render(
        request,
        "review.html",
        doubts=evidence_pages.in_doubt(desk),
        links=evidence_pages.moved_links(desk),
        groups=shown[(page - 1) * GROUPS : page * GROUPS],
        total=len(shown),
        aside=len(aside),
        page=page,
        last=last,
        questions=library.questions(desk),
        wordings=groups.WORDINGS,
    )


@router.get("/review/aside")
def show_aside(request: Request):
    found = groups.read(request.app.state.desk)
    return (
        pages.render(request, "review_waiting.html")
        if found is None
        else pages.render(request, "review_aside.html", wordings=found[1])
    )


@router.post("/review/teach")
def teach(request: Request, text: Texts, question: Name = "", other: Name = "", phrase: Texts = ()):
    """Add the ticked phrases (the first text, where none is ticked) to a question; the group of
    `text` is done with."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    known, question = library.questions(desk), question or other
    if question not in known:
        raise articles.ContentError(
            [f"{question or 'nothing'} is no question of an article: choose one of the list"]
        )
    wanted = [as_phrase(text) for text in phrase or text[:1]]
    added = add_phrases(desk, person, question, wanted)
    review.set_aside(
        desk.engine,
        [groups.key_of(desk, text) for text in text],
        person.name,
        release.live(desk.config) or "0",
    )
    people.record(request, "taught phrases", question, wording.counted(len(added), "phrase"))
    said = (
        f"Taught: “{added[0]}” is a phrase of “{known[question].ask}” now"
        if added
        else f"“{known[question].ask}” has this phrase already"
    )
    return _done(request, f"{said}. Visitors get it with the next release.")


@router.post("/review/aside")
def set_aside(request: Request, text: Texts):
    """Show a group no longer."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    review.set_aside(desk.engine, [groups.key_of(desk, text) for text in text], person.name)
    people.record(request, "set aside", detail=wording.counted(len(text), "wording"))
    return _done(request, "Set aside. It stays so, also when it's asked again.")


@router.post("/review/back")
def bring_back(request: Request, text: Texts):
    desk = request.app.state.desk
    review.bring_back(desk.engine, [groups.key_of(desk, text) for text in text])
    people.record(request, "brought back", detail=wording.counted(len(text), "wording"))
    return pages.redirect(request, "/editor/review/aside", "It stands in the review again.")


@router.post("/review/question")
def draft_question(request: Request, text: Texts, nearest: Name = ""):
    """Begin a new question with the group's wordings as its phrases."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    phrases = list(dict.fromkeys(filter(None, map(as_phrase, text))))
    ask = phrases[0][:1].upper() + phrases[0][1:].rstrip("?.! ") + "?" if phrases else ""
    article = nearest.partition(".")[0] if nearest in library.questions(desk) else ""
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
    id = drafts.add(desk.engine, article or None, ask or "A new question", draft, person.name)
    review.set_aside(
        desk.engine,
        [groups.key_of(desk, text) for text in text],
        person.name,
        release.live(desk.config) or "0",
    )
    people.record(request, "began a question", detail=f"draft {id}")
    begun = f"A draft was begun with {wording.counted(len(phrases), 'phrase')}."
    return _done(request, begun, f"/editor/drafts/{id}")


def add_phrases(desk, person, question, phrases):
    """The phrases that were added to a question's `train`, in its article's file and history;
    raises articles.ContentError."""
    known, faults, new = library.questions(desk), [], []
    places = {
        articles.normalise(phrase): other.name
        for other in known.values()
        for phrase in (*other.train, *other.test)
    }
    for phrase in phrases:
        place = places.get(articles.normalise(phrase))
        if not articles.normalise(phrase) or len(phrase) > LONGEST:
            faults.append(
                f"“{phrase[:80]}” can't be a phrase: it is empty, or over {LONGEST} characters"
            )
        elif place not in (None, question):
            faults.append(
                f"“{phrase}” is a phrase of {place} already. If it belongs here, delete it there "
                f"first."
            )
        elif place is None and articles.normalise(phrase) not in map(articles.normalise, new):
            new.append(phrase)
    if faults:
        raise articles.ContentError(faults)
    if new:
        article, _, id = question.partition(".")
        path = files.article_path(desk.config, article)
        base = files.read(path)
        fields = manuscripts.read(base, path)
        fields["questions"][id]["train"] = [*fields["questions"][id]["train"], *new]
        files.save(
            desk.config,
            path,
            manuscripts.write(base, fields),
            person,
            f"Teach {question} {wording.counted(len(new), 'phrase')} of the review",
            base=base,
            check=lambda text: articles.read(text, path)[1],
        )
    return new


def as_phrase(text):
    """A visitor's masked text as a phrase: one line, without the masks."""
    return " ".join(MASK.sub(" ", text).split())


def _done(request, said, path="/editor/review"):
    """After a keystroke: the group goes from the page, and the sentence is said; without scripts,
    the page anew."""
    if "hx-request" not in request.headers:
        return pages.redirect(request, path, said)
    response = pages.render(request, "said.html", said=said)
    if path != "/editor/review":
        response.headers["HX-Redirect"] = path
    return response
