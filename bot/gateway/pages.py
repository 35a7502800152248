"""The pages: each article as a publisher would show it, with the chat on it; the widget's files;
the frame version."""

import datetime
import functools
import re
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markdown_it import MarkdownIt

from bot import articles, replies

HERE = Path(__file__).parent
WIDGET = HERE.parent / "widget"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors "
)
FILES = {"widget.js": "text/javascript", "embed.js": "text/javascript"}
DOCUMENTATION = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)  # of a script
router = APIRouter(include_in_schema=False)
templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)
INNER_STAR, KEPT_STAR = re.compile(r"(?<=\w)\*(?=\w)"), "\ue000"
markdown = MarkdownIt("zero").enable(["emphasis", "list", "newline"])


@router.get("/")
async def show_first(request: Request):
    desk = request.app.state.desk
    front = desk.config.front_article
    return _page(
        request, front if front in desk.library.articles else next(iter(desk.library.articles))
    )


@router.get("/articles/{id}")
async def show_article(request: Request, id: str):
    if id not in request.app.state.desk.library.articles:
        raise HTTPException(404)
    return _page(request, id)


@router.get("/style.css")
async def show_style():
    return FileResponse(HERE / "templates" / "style.css", media_type="text/css")


@router.get("/embed")
async def show_frame(request: Request, article: str = ""):
    desk = request.app.state.desk
    starters = replies.starters(desk.library, article)
    inside = templates.get_template("starters.html").render(starters=starters)
    html = (
        (WIDGET / "embed.html").read_text().replace("</symptom-chat>", f"{inside}</symptom-chat>")
    )
    return HTMLResponse(
        html,
        headers={"Content-Security-Policy": POLICY + " ".join(["'self'", *desk.config.origins()])},
    )


@router.get("/api/docs")
async def show_api(request: Request):
    """The visitor API for people, from its own description; nothing of it is fetched from
    elsewhere."""
    html = templates.get_template("api.html").render(api=request.app.openapi())
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY + "'none'"})


@router.get("/{name}")
async def show_widget(name: str):
    if name not in FILES:
        raise HTTPException(404)
    return Response(
        read_script(name),
        media_type=FILES[name],
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"},
    )


@functools.cache
def read_script(name):
    """A script of the widget as visitors get it: without the comments that document it, an eighth
    of what goes over the wire."""
    return DOCUMENTATION.sub("", (WIDGET / name).read_text(encoding="utf-8"))


def _page(request, id):
    library = request.app.state.desk.library
    article = library.articles[id]
    state = article.review_state(datetime.datetime.now(datetime.UTC).date())
    if state == "withdrawn":
        late = library.texts["under_review"]
    else:
        late = (
            replies.fill(library.texts["review_overdue"], date=replies.day(article.review_due()))
            if state == "overdue"
            else None
        )
    sections = (
        []
        if state == "withdrawn"
        else [
            {
                "id": question.name.partition(".")[2],
                "title": question.title,
                "html": _render(f"{question.lead}\n\n{question.more}"),
            }
            for question in article.questions
        ]
    )
    reviewed = (
        replies.fill(
            library.texts["reviewed"],
            reviewed_by=article.reviewed_by,
            reviewed_on=replies.day(article.reviewed_on),
        )
        if article.reviewed_by
        else library.texts["not_reviewed"]
    )
    html = templates.get_template("article.html").render(
        article=article,
        written_on=replies.day(article.written_on),
        articles=library.articles.values(),
        sections=sections,
        told=_told(library, article) if sections else {},
        reviewed=reviewed,
        late=late,
        disclaimer=library.texts["disclaimer"],
        starters=replies.starters(library, id),
        country=request.app.state.desk.config.country,
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY + "'none'"})


def _told(library, article):
    """{n: a source as replies have it, with what it says about each statement of an article}."""
    text = "\n\n".join(f"{question.lead}\n\n{question.more}" for question in article.questions)
    return {source["n"]: source for source in replies.sources_of(library, article, text)}


def _render(text):
    """A section's text as HTML: paragraphs, lists, emphasis, and its source marks as links, each in
    the line of the word before it. A star between letters or digits is one (HLA-B*1502), which
    Markdown doesn't see."""
    shown = markdown.render(INNER_STAR.sub(KEPT_STAR, text)).replace(KEPT_STAR, "*")
    kept = re.sub(r" (?=\[\d+\])", "&nbsp;", shown)
    return articles.MARK.sub(r'<a class="mark" href="#source-\1">[\1]</a>', kept)
