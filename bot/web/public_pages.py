"""The pages: a list of the articles with search, each article as a publisher would show it with the
chat on it, the site's own pages; the widget's files; the frame version."""

import datetime
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markdown_it import MarkdownIt

from bot.content import articles, replies, sign_offs, site_content
from bot.conversation import turns
from bot.runtime import settings
from bot.web import origins, search_engines, site_pages
from bot.web.dependencies import ServedSite, get_site

HERE = Path(__file__).parent
WIDGET = HERE.parent / "widget"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors "
)
KEPT = "public, max-age=60, stale-if-error=86400"  # a withdrawn article is gone within a minute
SCRIPTS = {
    "widget.js": WIDGET / "widget.js",
    "embed.js": WIDGET / "embed.js",
    "search.js": HERE / "templates" / "search.js",
}
FILES = tuple(name for name, path in SCRIPTS.items() if path.parent == WIDGET)
UNREAD = re.compile(  # by a browser: a script's comments on lines of their own, and indents
    r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n|^[ \t]+", re.MULTILINE | re.DOTALL
)
TRIED = ("site", "article", "country", "mode", "theme")  # in a snippet at /try-embed
MOST_IN_HEADER = 12  # articles that the header lists
MOST_MADE = 64  # pages that are kept as they were made, some 150 KB each
router = APIRouter(include_in_schema=False)
get = functools.partial(router.api_route, methods=["GET", "HEAD"])
templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)
INNER_STAR, KEPT_STAR = re.compile(r"(?<=\w)\*(?=\w)"), "\ue000"
markdown = MarkdownIt("zero").enable(["emphasis", "list", "newline"])


@get("/")
async def show_first(request: Request, site: ServedSite) -> Response:
    if site.config.front_article in site.library.articles:
        return _show_article(request, site, site.config.front_article)
    return _made_once(request, site, "front.html", "/", lambda: _list_values(site.library))


@get("/articles/{id}")
async def show_article(request: Request, site: ServedSite, id: str) -> Response:
    if id not in site.library.articles:
        raise HTTPException(404)
    return _show_article(request, site, id)


def _show_article(request: Request, site: turns.Site, id: str) -> Response:
    path = f"/articles/{id}"
    return _made_once(
        request, site, "article.html", path, lambda: _article_values(request, site, id)
    )


@get("/style.css")
async def show_style(request: Request) -> Response:
    return _kept(request, (HERE / "templates" / "style.css").read_bytes(), "text/css")


@get("/embed")
async def show_frame(request: Request, site: ServedSite, article: str = "") -> Response:
    starters = replies.starter_choices(site.library, article)
    inside = templates.get_template("starters.html").render(starters=starters)
    html = (WIDGET / "embed.html").read_text(encoding="utf-8")
    html = html.replace("</symptom-chat>", f"{inside}</symptom-chat>").replace(
        "<symptom-chat ", f'<symptom-chat days="{site.config.retention_days}" '
    )
    ancestors = " ".join(["'self'", *site.config.origins()])
    return _kept(request, html, "text/html", {"Content-Security-Policy": POLICY + ancestors})


@get("/try-embed")
async def try_embed(request: Request, site: ServedSite) -> Response:
    """A page that tries a snippet: what to put on a site, whether that site may, and the chat as it
    is then."""
    given = {name: request.query_params.get(name, "")[:100].strip() for name in TRIED}
    asked = given.pop("site")
    attributes = {name: value for name, value in given.items() if value}
    if attributes.get("article") not in site.library.articles:
        attributes.pop("article", None)
    origin, verdict = _judge_site(asked, site.config)
    return _page(
        request,
        site,
        "try.html",
        path="/try-embed",
        policy=POLICY.replace("form-action 'none'", "form-action 'self'") + "'none'",
        articles=site.library.articles.values(),
        asked=asked,
        given=given,
        attributes=attributes,
        origin=origin,
        verdict=verdict,
        server=_base(request, site),
        starters=replies.starter_choices(site.library, attributes.get("article")),
    )


def _judge_site(asked: str, config: settings.Settings) -> tuple[str, str]:
    """(the site as a browser names it, why it may not embed the chat); empty without a site."""
    try:
        read = settings.read_origins(asked)[:1]
    except settings.SettingsError as error:
        return "", f"{error}"
    return (read[0][1], origins.explain_refusal(read[0][1], config)) if read else ("", "")


@get("/api/docs")
async def show_api(request: Request, site: ServedSite) -> Response:
    """The visitor API for people, from its own description; nothing of it is fetched from
    elsewhere."""
    return _page(request, site, "api.html", path="/api/docs", api=request.app.openapi())


@get("/sitemap.xml")
async def show_sitemap(request: Request, site: ServedSite) -> Response:
    listed = [article for article in site.library.articles.values() if not article.url]
    pages = site_pages.read_site(site.config).pages
    made = search_engines.write_sitemap(_base(request, site), listed, pages)
    return _kept(request, made, "application/xml")


@get("/robots.txt")
async def show_robots(request: Request, site: ServedSite) -> Response:
    return _kept(request, search_engines.write_robots(_base(request, site)), "text/plain")


@get("/{name}")
async def show_file(request: Request, site: ServedSite, name: str) -> Response:
    """A script, a file of the site's look, or a page of its own."""
    config = site.config
    if name in SCRIPTS:
        anywhere = {"Access-Control-Allow-Origin": "*"}
        return _kept(request, read_script(name), "text/javascript", anywhere)
    if name == site_pages.ICON or name in site_pages.LOGOS or name == site_pages.COLOURS:
        path = config.path("pages") / name
        path = path if path.is_file() else HERE / "templates" / name
        if path.is_file():
            kind = {
                site_pages.COLOURS: "text/css",
                site_pages.ICON: "image/svg+xml",
                **site_pages.LOGOS,
            }[name]
            return _kept(request, path.read_bytes(), kind)
    if page := site_pages.read_page(config, name):
        return _page(request, site, "own.html", path=f"/{name}", page=page)
    raise HTTPException(404)


def show_missing(request: Request) -> Response:
    """What a browser gets where there is no page: a sentence, and the search."""
    site = get_site(request)
    values = _list_values(site.library)
    return _page(request, site, "missing.html", 404, path="", **values)


def wants_page(request: Request) -> bool:
    """Whether it was a browser that asked, for a page."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        "/api/"
    )


@functools.cache
def read_script(name: str) -> str:
    """A script as visitors get it: without comments and indents, an eighth of what goes over the
    wire."""
    return UNREAD.sub("", SCRIPTS[name].read_text(encoding="utf-8"))


def _article_values(request: Request, site: turns.Site, id: str) -> dict[str, Any]:
    """What the page of an article shows."""
    library = site.library
    article = library.articles[id]
    today = datetime.datetime.now(datetime.UTC).date()
    shown = [
        question
        for question in article.questions
        if library.review_of(question.name).timeliness(today) != "withdrawn"
    ]
    sections = _sections(library, article, today) if shown else []
    config = site.config
    url = article.url or f"{_base(request, site)}/articles/{id}"
    return {
        "canonical": url,
        "description": search_engines.describe_article(article),
        "structured": search_engines.structured_data(
            article, shown, _holding(library.reviews_of(id), today), url, config.site_name
        ),
        "article": article,
        "written_on": replies.format_day(article.written_on),
        "sections": sections,
        "cited": _cited_sources(library, article, shown),
        "reviewed": replies.describe_reviews(library, id),
        "late": replies.late_note(library, id, today) if shown else library.texts["under_review"],
        "disclaimer": library.texts["disclaimer"],
        "starters": replies.starter_choices(library, id),
    }


def _sections(
    library: site_content.SiteContent, article: articles.Article, today: datetime.date
) -> list[dict[str, str]]:
    """An article's sections as the page shows them: {id, title, html, reviewed}; `reviewed`: what
    holds of this one, where it isn't the same of all. One whose review is too late is not shown."""
    reviews = {question.name: library.review_of(question.name) for question in article.questions}
    said = {name: replies.describe_review(library, review) for name, review in reviews.items()}
    is_same = len(set(said.values())) == 1
    return [
        {
            "id": question.name.partition(".")[2],
            "title": question.ask,
            "html": _render(
                library.texts["under_review"]
                if reviews[question.name].timeliness(today) == "withdrawn"
                else f"{question.lead}\n\n{question.more}"
            ),
            "reviewed": "" if is_same else said[question.name],
        }
        for question in article.questions
    ]


def _holding(reviews: Iterable[sign_offs.Review], today: datetime.date) -> list[sign_offs.SignOff]:
    """The sign-offs of an article, where each of its answers has one that was made here, holds and
    is in time."""
    found: list[sign_offs.SignOff] = []
    for review in reviews:
        signed, is_late = review.sign_off, review.timeliness(today) != "current"
        if signed is None or signed.imported or is_late or review.state != sign_offs.State.SIGNED:
            return []
        found.append(signed)
    return found


def _made_once(
    request: Request,
    site: turns.Site,
    template: str,
    path: str,
    values: Callable[[], dict[str, Any]],
) -> Response:
    """A page that is the same for all visitors: made anew for another release, day, address of the
    site, or state of the site's own files, for it takes some 12 ms of the one thread."""
    today = datetime.datetime.now(datetime.UTC).date()
    key = (template, path, _base(request, site), today, site_pages.state_of(site.config))
    made = site.served.pages
    if key not in made:
        if len(made) >= MOST_MADE:
            made.clear()
        made[key] = _render_page(request, site, template, path, values())
    return _kept(request, made[key], "text/html", {"Content-Security-Policy": POLICY + "'none'"})


def _page(
    request: Request,
    site: turns.Site,
    template: str,
    status: int = 200,
    *,
    path: str,
    policy: str = POLICY + "'none'",
    **values: object,
) -> Response:
    """A page of the site in its frame: header, skip links, footer."""
    html = _render_page(request, site, template, path, values)
    headers = {"Content-Security-Policy": policy}
    if status != 200:
        return Response(html, status, headers | {"Cache-Control": "no-store"}, "text/html")
    return _kept(request, html, "text/html", headers)


def _render_page(
    request: Request, site: turns.Site, template: str, path: str, values: Mapping[str, object]
) -> str:
    listed = list(site.library.articles.values())
    return templates.get_template(template).render(
        site=site_pages.read_site(site.config),
        listed=listed if 1 < len(listed) <= MOST_IN_HEADER else [],
        path=path,
        country=site.config.country,
        days=site.config.retention_days,
        **({"canonical": f"{_base(request, site)}{path}"} | dict(values)),
    )


def _kept(
    request: Request, body: str | bytes, kind: str, headers: dict[str, str] | None = None
) -> Response:
    """A response that browsers and a CDN may keep for a minute, and then ask whether it is still
    the same."""
    body = body.encode() if isinstance(body, str) else body
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": KEPT, **(headers or {})}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _base(request: Request, site: turns.Site) -> str:
    """Where visitors reach this site, without a slash at its end."""
    said = site.config.public_url or str(request.base_url)
    return said.rstrip("/")


def _list_values(library: site_content.SiteContent) -> dict[str, Any]:
    """What a page with the list of the articles shows."""
    return {"entries": _entries(library), "starters": replies.starter_choices(library)}


def _entries(library: site_content.SiteContent) -> list[dict[str, Any]]:
    """Each article with its questions, for the list and the search; of a withdrawn one, none."""
    today = datetime.datetime.now(datetime.UTC).date()
    gone = {
        id
        for id in library.articles
        if all(each.timeliness(today) == "withdrawn" for each in library.reviews_of(id))
    }
    return [
        {
            "id": article.id,
            "title": article.title,
            "about": article.about,
            "description": search_engines.describe_article(article),
            "questions": []
            if article.id in gone
            else [
                {"id": question.name.partition(".")[2], "ask": question.ask}
                for question in article.questions
            ],
        }
        for article in library.articles.values()
    ]


def _cited_sources(
    library: site_content.SiteContent,
    article: articles.Article,
    shown: Iterable[articles.Question],
) -> dict[int, dict[str, Any]]:
    """{n: a source as replies have it, with what it says about each statement of the answers that
    an article shows}."""
    text = "\n\n".join(f"{question.lead}\n\n{question.more}" for question in shown)
    return {source["n"]: source for source in replies.sources_of(library, article, text)}


def _render(text: str) -> str:
    """A section's text as HTML: paragraphs, lists, emphasis, and its source marks as links, each in
    the line of the word before it. A star between letters or digits is one (HLA-B*1502), which
    Markdown doesn't see."""
    shown = markdown.render(INNER_STAR.sub(KEPT_STAR, text)).replace(KEPT_STAR, "*")
    kept = re.sub(r" (?=\[\d+\])", "&nbsp;", shown)
    return articles.MARK.sub(r'<a class="mark" href="#source-\1">[\1]</a>', kept)
