"""Drafts of questions: written in peace, put into their article once nothing is missing."""

from typing import Annotated

from fastapi import APIRouter, Form, Request

from bot import articles
from bot.editor import files, library, manuscripts, pages, people
from bot.store import drafts

router = APIRouter()
Field = Annotated[str, Form(max_length=500)]
Text = Annotated[str, Form(max_length=30_000)]
PHRASES = ("train", "test")


@router.get("/drafts")
def show_drafts(request: Request):
    return pages.render(request, "drafts.html", drafts=drafts.listed(request.app.state.desk.engine))


@router.get("/drafts/{id}")
def show_draft(request: Request, id: int):
    title, fields = drafts.read(request.app.state.desk.engine, id)
    return _page(request, id, title, fields)


@router.post("/drafts/{id}")
def save_draft(
    request: Request,
    id: int,
    article: Field = "",
    name: Field = "",
    ask: Field = "",
    facet: Field = "",
    about: Field = "",
    heading: Field = "",
    text: Text = "",
    train: Text = "",
    test: Text = "",
    then: Field = "",
):
    """Save a draft; `then` "put" puts it into its article as well, or says what is still
    missing."""
    desk, person = request.app.state.desk, people.require(request, "editor")
    fields = {
        "article": article,
        "id": name.strip(),
        "ask": " ".join(ask.split()),
        "facet": " ".join(facet.split()),
        "about": " ".join(about.split()),
        "heading": " ".join(heading.split()),
        "text": files.tidy(text).strip("\n"),
        "train": _lines(train),
        "test": _lines(test),
    }
    title = fields["ask"] or "A new question"
    drafts.change(desk.engine, id, article or None, title, fields, person.name)
    if then != "put":
        return pages.redirect(request, f"/editor/drafts/{id}", "The draft is saved.")
    faults = put(desk, person, fields)
    if faults:
        return _page(request, id, title, fields, 422, faults)
    drafts.remove(desk.engine, id)
    people.record(request, "added a question", f"{article}.{fields['id']}")
    return pages.redirect(
        request,
        "/editor/drafts",
        f"“{title}” stands in its article now. Visitors get it with the next release.",
    )


@router.post("/drafts/{id}/removal")
def remove_draft(request: Request, id: int):
    drafts.remove(request.app.state.desk.engine, id)
    people.record(request, "removed a draft", str(id))
    return pages.redirect(request, "/editor/drafts", "The draft is gone.")


def put(desk, person, fields):
    """Write a draft's question into its article; the faults that forbid it, as sentences for its
    form."""
    known = library.read_articles(desk)
    if fields["article"] not in known:
        return ["Choose the article that answers it."]
    if not articles.ID.match(fields["id"]):
        return ["Give it a short name of small letters, digits and _, as side_effects."]
    path = files.article_path(desk.config, fields["article"])
    base = files.read(path)
    manuscript = manuscripts.read(base, path)
    if fields["id"] in manuscript["questions"]:
        return [
            f"{fields['article']} has a question {fields['id']} already: give this one another "
            f"name."
        ]
    places = {
        articles.normalise(phrase): name
        for name, question in library.questions(desk).items()
        for phrase in (*question.train, *question.test)
    }
    faults = [
        f"“{phrase}” is a phrase of {places[articles.normalise(phrase)]} already."
        for part in PHRASES
        for phrase in fields[part]
        if articles.normalise(phrase) in places
    ]
    question = {key: fields[key] for key in ("ask", "facet", "about", "heading", "text", *PHRASES)}
    manuscript["questions"][fields["id"]] = question
    written = manuscripts.write(base, manuscript)
    faults += [
        fault.rpartition(f"{path}:")[2].partition(": ")[2] or fault
        for fault in articles.read(written, path)[1]
    ]
    if not faults:
        files.save(
            desk.config,
            path,
            written,
            person,
            f"Add the question {fields['article']}.{fields['id']}",
            base=base,
            check=lambda text: articles.read(text, path)[1],
        )
    return faults


def _page(request, id, title, fields, status=200, faults=()):
    desk = request.app.state.desk
    known = library.read_articles(desk)
    facets = sorted(
        {
            facet
            for article in known.values()
            for question in article.questions
            for facet in question.facets
        }
    )
    return pages.render(
        request,
        "draft.html",
        status,
        id=id,
        title=title,
        fields=fields,
        faults=faults,
        articles=known,
        facets=facets,
        least={"train": articles.MIN_TRAIN, "test": articles.MIN_TEST},
    )


def _lines(text):
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
