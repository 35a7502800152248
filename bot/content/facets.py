"""How people ask about one side (a facet) of any condition: `facets.yml`, the same for every
article.

Each phrase is taught to the question of that facet in each article that has one about its own
condition; what no article answers is taught as that. So these common questions are understood
without a phrase of their own."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.content import articles
from bot.content.asked_messages import AskedMessage
from bot.domain.faults import Fault

TERM = "{term}"


def read_facet_phrases(
    folder: str | Path, listed: Iterable[articles.Article]
) -> tuple[list[AskedMessage], list[Fault]]:
    """The phrases of `folder`/facets.yml as messages of nobody (hand ""), on the page of each of
    the `listed` articles that answers them (those that name the condition: on no page), and every
    fault. A folder without the file has none."""
    path, listed = Path(folder, "facets.yml"), list(listed)
    if not path.is_file():
        return [], []
    data, lines, faults = _parse(path.read_text(encoding="utf-8-sig"), path)
    if faults or data is None:
        return [], faults
    faults = list(faults)
    known = {side for article in listed for q in article.questions for side in q.facets} | set(data)
    first: dict[str, int] = {}
    found: list[AskedMessage] = []
    for facet, entry in data.items():
        fault = _find_fault(facet, entry, known)
        if fault:
            faults.append(Fault(str(path), lines[(facet,)], (facet,), fault))
            continue
        for place, phrase in enumerate(entry["phrases"]):
            line = lines[(facet, "phrases", place)]
            form = articles.normalise_phrase(phrase)
            if first.setdefault(form, line) != line:
                said = f"'{phrase}' stands in line {first[form]} already; take one of them out"
                faults.append(Fault(str(path), line, (), said))
            found += _ask(phrase, facet, entry.get("or"), listed)
    return found, faults


@articles.keep_for_the_day
def _parse(text: str, path: Path) -> tuple[dict[Any, Any] | None, articles.Lines, list[Fault]]:
    """What `articles.read_yaml` gives, to be looked at alone."""
    return articles.read_yaml(text, path)


def read_facets(folder: str | Path) -> dict[str, tuple[str, ...]] | None:
    """{facet: how people ask for it} of `folder`/facets.yml, whatever is wrong in it; None where it
    can't be read."""
    path = Path(folder, "facets.yml")
    if not path.is_file():
        return {}
    data = _parse(path.read_text(encoding="utf-8-sig"), path)[0]
    if data is None:
        return None
    return {str(facet): _list_texts(entry) for facet, entry in data.items()}


def _list_texts(entry: Any) -> tuple[str, ...]:
    listed = entry.get("phrases") if isinstance(entry, dict) else None
    return (
        tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    )


def is_common(question: articles.Question, condition: str, known: Collection[str]) -> bool:
    """Whether facets.yml, with the `known` facets, teaches a question of an article on this
    condition."""
    return question.about[0] == condition and any(side in known for side in question.facets)


def fill_phrases(
    question: articles.Question, condition: str, known: Mapping[str, Iterable[str]]
) -> list[str]:
    """How people ask a common question, of what read_facets gave: with the condition filled in."""
    return [
        phrase.replace(TERM, condition)
        for side in question.facets
        for phrase in known.get(side, ())
    ]


def _find_fault(facet: str, entry: Any, known: Container[str]) -> str | None:
    if not isinstance(entry, dict) or set(entry) - {"phrases", "or"}:
        return f"{facet} holds `phrases: [how people ask]` and perhaps `or: another facet`"
    phrases, other = entry.get("phrases"), entry.get("or")
    if not isinstance(phrases, list) or not phrases:
        return f"{facet} needs `phrases:`, a list of how people ask about this side"
    for phrase in phrases:
        if not isinstance(phrase, str) or not phrase.strip():
            return f"each phrase of {facet} must be text; put {phrase!r} into quotes"
        if phrase.count(TERM) > 1 or "{" in phrase.replace(TERM, ""):
            return f"'{phrase}' may hold {TERM} once, and no other place to fill"
    if other is not None and (other == facet or other not in known):
        return (
            f"`or: {other}` of {facet} is no other facet of an article or this file; name one, or "
            f"leave it out"
        )
    return None


def _ask(
    phrase: str, facet: str, other: str | None, listed: Sequence[articles.Article]
) -> list[AskedMessage]:
    """A phrase as it is asked of each article that answers it; where none does, as it is asked
    anywhere."""
    rows = []
    for article in listed:
        names = _find_questions(article, facet) or _find_questions(article, other)
        text = phrase.replace(TERM, article.about)
        page = None if text != phrase else article.id
        if names:
            rows.append(AskedMessage(text, page, names, None, ""))
    if rows or not listed:
        return rows
    return [AskedMessage(phrase.replace(TERM, listed[0].about), None, (), "unanswered", "")]


def _find_questions(article: articles.Article, facet: str | None) -> tuple[str, ...]:
    """The names of the questions of this facet about the article's own condition."""
    return tuple(
        question.name
        for question in article.questions
        if facet in question.facets and question.about[0] == article.about
    )
