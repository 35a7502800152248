"""What search engines, and sites that show a link, are told of the pages: descriptions, structured
data (schema.org), sitemap.xml and robots.txt."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from bot.content import articles
from bot.content.sign_offs import SignOff
from bot.web import site_pages

LONGEST_DESCRIPTION = 160
SENTENCE = re.compile(r"(?<=[.!?]) ")
HIDDEN = ("/api/", "/editor/", "/embed", "/try-embed")  # from search engines


def describe_article(article: articles.Article) -> str:
    """The first sentences of the article's first answer, as many as fit into a search result."""
    first, *rest = SENTENCE.split(_plain(article.questions[0].lead))
    text = first
    for sentence in rest:
        if len(text) + len(sentence) >= LONGEST_DESCRIPTION:
            break
        text += f" {sentence}"
    return text


def structured_data(
    article: articles.Article,
    shown: Sequence[articles.Question],
    signed: Sequence[SignOff],
    url: str,
    site_name: str,
) -> str:
    """The article as schema.org's MedicalWebPage and, of the questions whose answers are `shown`,
    FAQPage: JSON that can stand in a `script` element. `signed`: the sign-offs that hold, where all
    of its answers have one that was made here."""
    page: dict[str, Any] = {
        "@type": "MedicalWebPage",
        "@id": url,
        "url": url,
        "name": article.title,
        "description": describe_article(article),
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "about": {"@type": "MedicalCondition", "name": article.about},
        "author": {"@type": "Organization", "name": article.written_by},
        "publisher": {"@type": "Organization", "name": site_name},
        "datePublished": article.written_on.isoformat(),
        "citation": [source.url for source in article.sources],
    }
    if signed:
        names = dict.fromkeys(each.name for each in signed)
        page["reviewedBy"] = [{"@type": "Person", "name": name} for name in names]
        page["lastReviewed"] = min(each.on for each in signed).isoformat()
    graph = [page]
    if shown:
        graph.append(
            {"@type": "FAQPage", "@id": f"{url}#questions", "mainEntity": _ask(shown, url)}
        )
    made = json.dumps({"@context": "https://schema.org", "@graph": graph}, ensure_ascii=False)
    return made.replace("<", "\\u003c")


def _ask(questions: Sequence[articles.Question], url: str) -> list[dict[str, Any]]:
    return [
        {
            "@type": "Question",
            "name": question.ask,
            "acceptedAnswer": {
                "@type": "Answer",
                "text": _plain(f"{question.lead}\n\n{question.more}"),
                "url": f"{url}#{question.name.partition('.')[2]}",
            },
        }
        for question in questions
    ]


def write_sitemap(
    base: str, listed: Iterable[articles.Article], pages: Iterable[site_pages.OwnPage]
) -> str:
    """sitemap.xml: the front page, the articles that stand on this site, the site's own pages."""
    lines = [f"<url><loc>{escape(base)}/</loc></url>"]
    for article in listed:
        lines.append(
            f"<url><loc>{escape(base)}/articles/{article.id}</loc>"
            f"<lastmod>{article.written_on.isoformat()}</lastmod></url>"
        )
    lines += [f"<url><loc>{escape(base)}/{page.id}</loc></url>" for page in pages]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(lines)
        + "\n</urlset>\n"
    )


def write_robots(base: str) -> str:
    """robots.txt: everything but what is no page to be found."""
    hidden = "".join(f"Disallow: {path}\n" for path in HIDDEN)
    return f"User-agent: *\n{hidden}Sitemap: {base}/sitemap.xml\n"


def _plain(text: str) -> str:
    """A text without its source marks, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"\s*" + articles.MARK.pattern, "", text)).strip()
