"""The pages without a browser: what they hold for readers, search engines, a CDN and a site's own
look."""

import asyncio
import dataclasses
import datetime
import html
import json
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from bot.content import sign_offs, site_content
from bot.runtime import settings
from bot.safety import danger_screen
from bot.web import app, public_pages

LIBRARY = site_content.load_content(settings.ROOT / "data")
SCREEN = danger_screen.load_screen(settings.ROOT / "data")
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Site:
    """The pages of these settings, called without a server."""

    def __init__(self, library=LIBRARY, **given):
        config = dataclasses.replace(
            settings.Settings(), **{"public_url": "https://chat.example.org/", **given}
        )
        made = FastAPI()
        made.state.site = SimpleNamespace(
            config=config, library=library, screen=SCREEN, served=SimpleNamespace(pages={})
        )
        made.include_router(public_pages.router)
        made.add_exception_handler(HTTPException, app._http_error)
        made.add_middleware(app.Guard)
        self.transport = httpx.ASGITransport(made)

    async def call(self, path, method="GET", **headers):
        async with httpx.AsyncClient(transport=self.transport, base_url="http://own") as client:
            return await client.request(method, path, headers=headers)


@pytest.fixture
def get():
    """get(path, ...) gives the response of a site with these settings."""

    def call(path, method="GET", headers=None, library=LIBRARY, **given):
        return asyncio.run(Site(library, **given).call(path, method, **(headers or {})))

    return call


def changed(**values):
    """The library with another myoclonus article."""
    article = dataclasses.replace(LIBRARY.articles["myoclonus"], **values)
    return dataclasses.replace(LIBRARY, articles={**LIBRARY.articles, "myoclonus": article})


def library_with(signed):
    """The library with sign-offs of the article about myoclonus."""
    return dataclasses.replace(LIBRARY, signed={"myoclonus": signed})


def structured(page):
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return {node["@type"]: node for node in json.loads(found)["@graph"]}


def test_headings_are_the_questions(get):
    for article in LIBRARY.articles.values():
        page = get(f"/articles/{article.id}").text
        headings = re.findall(r'<section id="(\w+)">\s*<h2>(.*?) <a', page)
        assert headings[: len(article.questions)] == [
            (
                question.name.split(".")[1],
                html.escape(question.ask, quote=False).replace("'", "&#39;"),
            )
            for question in article.questions
        ]
        assert all(question.ask.endswith("?") for question in article.questions)


def test_each_section_has_an_address_of_its_own(get):
    page = get("/articles/myoclonus").text
    assert 'href="#causes" aria-label="Link to: What causes myoclonus?"' in page


def test_titles_name_the_site_and_descriptions_are_the_articles_own(get):
    seen = set()
    for id, article in LIBRARY.articles.items():
        page = get(f"/articles/{id}", site_name="Calm & Clear").text
        assert f"<title>{article.title} | Calm & Clear</title>" in html.unescape(page)
        (description,) = re.findall(r'<meta name="description" content="(.*?)">', page)
        assert 40 < len(html.unescape(description)) <= 320 and "[" not in description
        assert description.endswith(".")
        seen.add(description)
    assert len(seen) == len(LIBRARY.articles)


def test_a_page_tells_search_engines_what_it_is(get):
    page = get("/articles/myoclonus").text
    article, url = LIBRARY.articles["myoclonus"], "https://chat.example.org/articles/myoclonus"
    assert f'<link rel="canonical" href="{url}">' in page
    for name, value in (("type", "article"), ("url", url), ("title", article.title)):
        assert f'<meta property="og:{name}" content="{value}">' in page
    nodes = structured(page)
    assert nodes["MedicalWebPage"]["url"] == url
    assert nodes["MedicalWebPage"]["datePublished"] == article.written_on.isoformat()
    assert "reviewedBy" not in nodes["MedicalWebPage"], "nobody has reviewed it"
    asked = nodes["FAQPage"]["mainEntity"]
    assert [each["name"] for each in asked] == [question.ask for question in article.questions]
    assert all(not re.search(r"\[\d", each["acceptedAnswer"]["text"]) for each in asked)
    assert asked[0]["acceptedAnswer"]["url"] == f"{url}#what_is_myoclonus"


def test_a_review_is_told_with_its_day(get):
    day = datetime.date(2026, 11, 20)
    article = LIBRARY.articles["myoclonus"]
    signed = tuple(
        sign_offs.SignOff(
            question.name.partition(".")[2], sign_offs.text_mark(article, question), "Dr. A", day
        )
        for question in article.questions
    )
    page = get("/articles/myoclonus", library=library_with(signed)).text
    assert structured(page)["MedicalWebPage"]["reviewedBy"] == [
        {"@type": "Person", "name": "Dr. A"}
    ]
    assert structured(page)["MedicalWebPage"]["lastReviewed"] == "2026-11-20"
    assert page.count("Reviewed by Dr. A on 20 November 2026") == 1
    taken_over = tuple(dataclasses.replace(each, imported=True) for each in signed)
    page = get("/articles/myoclonus", library=library_with(taken_over)).text
    assert "reviewedBy" not in structured(page)["MedicalWebPage"] and "by earlier records" in page
    partly = get("/articles/myoclonus", library=library_with(signed[:1])).text
    assert "reviewedBy" not in structured(partly)["MedicalWebPage"]
    count = len(article.questions)
    assert f"1 of {count} answers reviewed by a clinician" in partly
    assert partly.count("Reviewed by Dr. A on 20 November 2026") == 1
    assert partly.count("Not yet reviewed by a clinician") == count - 1


def test_a_withdrawn_answer_is_told_nowhere_on_its_page_and_the_others_are(get):
    article = LIBRARY.articles["myoclonus"]
    old = datetime.date(2020, 1, 1)
    signed = tuple(
        sign_offs.SignOff(
            question.name.partition(".")[2],
            sign_offs.text_mark(article, question),
            "Dr. A",
            old if question.name == "myoclonus.prevention" else article.written_on,
        )
        for question in article.questions
    )
    page = get("/articles/myoclonus", library=library_with(signed)).text
    asked = [each["name"] for each in structured(page)["FAQPage"]["mainEntity"]]
    assert len(asked) == len(article.questions) - 1 and "Can myoclonus be prevented?" not in asked
    lead = LIBRARY.questions["myoclonus.prevention"].lead.split(". ")[0]
    assert lead not in html.unescape(page) and page.count("under review") == 1


def test_a_withdrawn_article_gives_no_answers_to_search_engines_either(get):
    library = changed(written_on=datetime.date(2020, 1, 1))
    page = get("/articles/myoclonus", library=library).text
    assert set(structured(page)) == {"MedicalWebPage"}
    assert "Can myoclonus be prevented?" not in get("/", library=library).text


def test_words_of_an_article_cannot_end_the_structured_data(get):
    page = get("/articles/myoclonus", library=changed(title="</script><b>bold</b>")).text
    assert "</script><b>" not in page
    assert structured(page)["MedicalWebPage"]["name"] == "</script><b>bold</b>"


def test_an_article_that_stands_on_the_publishers_site_has_its_canonical_address_there(get):
    url = "https://publisher.example/myoclonus"
    library = changed(url=url)
    assert (
        f'<link rel="canonical" href="{url}">' in get("/articles/myoclonus", library=library).text
    )
    assert "/articles/myoclonus<" not in get("/sitemap.xml", library=library).text


def test_the_front_page_lists_every_article_with_its_questions(get):
    page = html.unescape(get("/").text)
    for article in LIBRARY.articles.values():
        assert f'<a href="/articles/{article.id}">{article.title}</a>' in page
        for question in article.questions:
            assert f'href="/articles/{article.id}#{question.name.split(".")[1]}"' in page
    assert 'id="search"' in page and "<form" not in page, "what is typed is sent nowhere"


def test_the_front_page_can_be_an_article(get):
    assert 'article="hiccups"' in get("/", front_article="hiccups").text
    assert "What would you like to know?" in get("/", front_article="gone").text


def test_the_sitemap_and_robots_name_the_pages_at_the_public_address(get):
    tree = ElementTree.fromstring(get("/sitemap.xml").text)
    named = [loc.text for loc in tree.iter(f"{MAP}loc")]
    base = "https://chat.example.org"
    assert named[0] == f"{base}/" and f"{base}/privacy" in named
    assert {f"{base}/articles/{id}" for id in LIBRARY.articles} <= set(named)
    robots = get("/robots.txt").text
    assert f"Sitemap: {base}/sitemap.xml" in robots and "Disallow: /editor/" in robots


@pytest.mark.parametrize(
    "path",
    ["/", "/articles/myoclonus", "/nonsense", "/about", "/embed?article=myoclonus", "/try-embed"]
    + ["/api/docs"],
)
def test_its_markup_is_what_a_validator_asks_for(get, path):
    """What html-validate 10 had found, of its recommended rules."""
    markup = get(path, headers=BROWSER).text
    assert markup.startswith("<!DOCTYPE html>")
    assert [line for line in markup.splitlines() if line != line.rstrip()] == []
    assert re.findall(r"<button(?![^>]* type=)", markup) == []


@pytest.mark.parametrize("path", ["/articles/none", "/nonsense", "/a/b", "/logo.svg"])
def test_a_browser_gets_a_page_where_there_is_none_with_the_search(get, path):
    answer = get(path, headers=BROWSER)
    assert answer.status_code == 404 and answer.headers["cache-control"] == "no-store"
    assert "This page is not here" in answer.text and 'id="search"' in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize(
    "path",
    ["/", "/articles/myoclonus", "/style.css", "/widget.js", "/search.js", "/favicon.svg", "/embed"]
    + ["/sitemap.xml", "/robots.txt", "/about"],
)
def test_a_cdn_may_keep_it_and_asks_whether_it_is_the_same(get, path):
    first = get(path)
    assert first.status_code == 200
    assert "max-age=60" in first.headers["cache-control"]
    assert "public" in first.headers["cache-control"]
    again = get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = get(path, headers={"If-None-Match": 'W/"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert get(path, "HEAD").status_code == 200


def test_what_has_changed_has_another_tag(get):
    path = "/articles/myoclonus"
    before, after = get(path), get(path, library=changed(title="Another title"))
    assert before.headers["etag"] != after.headers["etag"]


def test_the_footer_has_the_pages_of_the_site(get):
    page = get("/articles/myoclonus").text
    footer = page.partition("<footer>")[2]
    assert re.findall(r'<a href="/(\w+)"', footer) == ["about", "authors", "privacy", "contact"]
    about = get("/privacy", retention_days=7).text
    assert "<h1>Privacy</h1>" in about and "kept for 7 days" in about
    assert "<title>Privacy | Pamphlet</title>" in about


def test_a_site_brings_its_own_look_and_texts(get, tmp_path):
    (tmp_path / "about.md").write_text(
        "# About us\n\nWe are {site}. <b>x</b> [we](https://a.example)"
    )
    (tmp_path / "footer.md").write_text("Registered charity 1.")
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "theme.css").write_text(":root { --link: #800 }")
    (tmp_path / "favicon.svg").write_text("<svg id='own'/>")
    own = {"pages": str(tmp_path), "site_name": "Acme"}
    page = get("/articles/myoclonus", **own).text
    assert 'href="/about"' in page and 'href="/privacy"' not in page
    assert '<img src="/logo.svg"' in page and 'href="/theme.css"' in page
    assert "Registered charity 1." in page
    about = get("/about", **own).text
    assert "We are Acme. &lt;b&gt;x&lt;/b&gt;" in about and 'href="https://a.example"' in about
    assert get("/theme.css", **own).headers["content-type"].startswith("text/css")
    assert get("/favicon.svg", **own).text == "<svg id='own'/>"
    assert get("/logo.svg", **own).headers["content-type"] == "image/svg+xml"


def test_without_any_file_of_its_own_a_site_still_has_all_its_pages(get, tmp_path):
    own = {"pages": str(tmp_path / "none")}
    assert get("/articles/myoclonus", **own).status_code == 200
    assert get("/about", **own).status_code == 404
    assert get("/favicon.svg", **own).status_code == 200
    assert "theme.css" not in get("/", **own).text


def test_only_the_named_files_of_the_folder_are_given_out(get, tmp_path):
    (tmp_path / "secret.md").write_text("# Secret")
    own = {"pages": str(tmp_path)}
    for path in ("/secret", "/secret.md", "/footer.md", "/..%2fpages%2fabout", "/about.md"):
        assert get(path, **own).status_code == 404, path


def test_the_chat_says_how_long_texts_are_kept(get):
    for path in ("/", "/articles/myoclonus", "/embed"):
        assert "<symptom-chat" in get(path).text and 'days="9"' in get(path, retention_days=9).text


def test_a_snippet_is_tried_with_what_was_chosen_and_whether_the_site_may(get):
    asked = "/try-embed?site=HTTPS://A.example/&article=hiccups&country=GB&mode=inline&theme=dark"
    page = get(asked, allowed_origins="https://a.example").text
    tag = 'symptom-chat article="hiccups" country="GB" mode="inline" theme="dark"'
    assert html.escape(f"<{tag}></symptom-chat>", quote=False) in html.unescape(page).replace(
        "<" + tag + "></symptom-chat></pre>", html.escape(f"<{tag}></symptom-chat>", quote=False)
    )
    assert f"<{tag.replace('chat ', 'chat id="chat" ', 1)}>" in page
    assert "https://a.example may call the chat." in page
    refused = get("/try-embed?site=https://www.a.example", allowed_origins="https://a.example").text
    assert "may not call the chat yet" in refused and "without www" in refused
    assert "it needs https:// before it" in get("/try-embed?site=a.example").text
    assert "may call" not in get("/try-embed").text


def test_nothing_of_the_address_of_a_trial_becomes_markup(get):
    bad = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    names = ("site", "article", "country", "mode", "theme", "other")
    page = get("/try-embed?" + "&".join(f"{name}={bad}" for name in names)).text
    assert "<script>alert" not in page and "other=" not in page
    assert "article=" not in page.partition("<symptom-chat id")[2].partition(">")[0]


def test_a_file_of_the_sites_own_shows_on_pages_that_were_made_before(tmp_path):
    site = Site(pages=str(tmp_path))

    def shown():
        return [asyncio.run(site.call(path)).text for path in ("/", "/articles/tics")]

    assert shown() == shown()
    (tmp_path / "about.md").write_text("# Who we are\n\nA ward.")
    assert all("Who we are" in page for page in shown())
    (tmp_path / "about.md").unlink()
    assert not any("Who we are" in page for page in shown())


def test_a_page_that_was_made_for_one_address_is_not_given_at_another():
    site = Site(public_url="")

    async def call(base):
        async with httpx.AsyncClient(transport=site.transport, base_url=base) as client:
            return (await client.get("/articles/tics")).text

    assert "http://one.example/articles/tics" in asyncio.run(call("http://one.example"))
    assert "one.example" not in asyncio.run(call("http://two.example"))
