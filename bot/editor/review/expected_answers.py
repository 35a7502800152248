"""Whether a wording that was just taught will be answered, on which pages, and why not.

Nothing is learned at that moment. What can be known at once is what the words name, which
bot/rasa/coverage.py and bot/rasa/decision.py weigh whatever a release has learned; and what the
live release says to them now: whether a danger is heard, and what masking leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.content import site_content, terms
from bot.content.site_content import SiteContent
from bot.domain.reply_kinds import ReplyKind
from bot.editor.review import live_answers
from bot.editor.review.teaching import MASK
from bot.editor.shared import working_copy
from bot.editor.shared.state import State
from bot.releases import registry

ANSWER_SECONDS = 5  # that an editor waits for the live release
MOST_ASKED = 6  # phrases that it is asked at once
NO_PAGE = ""


@dataclass(frozen=True)
class Knowledge:
    """What questions know: the terms that each is `about`, and all that it `knows`, with those that
    its section only mentions; `asked`: every term that some question is about; `kinds`: of every
    term."""

    content: SiteContent
    find: terms.Finder
    kinds: Mapping[str, str]
    about: Mapping[str, frozenset[str]]
    knows: Mapping[str, frozenset[str]]
    asked: frozenset[str]


@dataclass(frozen=True)
class Obstacle:
    """Why words aren't answered on a page by the question that they teach: surely, or perhaps."""

    why: str
    is_sure: bool = True


@dataclass(frozen=True)
class Expected:
    """What a phrase that teaches a question may expect.

    `pages`: {article beside which it is asked, or NO_PAGE: what keeps it from being answered there,
    or None}; `never`: why it is answered nowhere, or ""; `masked`: the phrase after
    masking, "" where that leaves it as it is; `now`: what the live release says to it on the first
    of these pages, "" where it could not be asked."""

    phrase: str
    pages: Mapping[str, Obstacle | None] = field(default_factory=dict)
    never: str = ""
    masked: str = ""
    now: str = ""


def describe(
    desk: State, question: str, phrases: Sequence[str], pages: Iterable[str]
) -> list[tuple[list[str], list[str]]]:
    """[(phrases, sentences)] of what phrases of a question may expect: those of which the same is
    said together. Nothing, where no release can be read."""
    try:
        content, found = expect_answers(desk, question, phrases, pages)
    except registry.ReleaseError:
        return []
    together: dict[tuple[str, ...], list[str]] = {}
    for expected in found:
        together.setdefault(tuple(say_expected(content, expected)), []).append(expected.phrase)
    return [(alike, list(said)) for said, alike in together.items()]


def expect_answers(
    desk: State, question: str, phrases: Sequence[str], pages: Iterable[str]
) -> tuple[SiteContent, list[Expected]]:
    """(the content as it stands, what each phrase that teaches a question may expect on the pages
    where it was asked, on that of its article, and where none is open)."""
    known = _read_knowledge(desk, question)
    own = question.partition(".")[0]
    asked = [page for page in pages if page in known.content.articles]
    wanted = list(dict.fromkeys([*asked, own, NO_PAGE]))
    found = []
    for number, phrase in enumerate(phrases):
        told = _ask_live(desk, phrase, wanted[0]) if number < MOST_ASKED else None
        found.append(_expect(known, question, phrase, wanted, told))
    return known.content, found


def _read_knowledge(desk: State, question: str) -> Knowledge:
    content = working_copy.read_working_copy(desk)
    kinds, names, _ = terms.read_terms(desk.config.path("data"))
    find = terms.make_finder(kinds, names)
    asked = content.questions[question]
    # the section may have been changed since the live release
    mentions = {**content.mentions, question: tuple(site_content.named_terms(asked, find))}
    about = {
        name: frozenset([*each.about, content.article_of(name).about])
        for name, each in content.questions.items()
    }
    knows = {name: about[name].union(mentions[name]) for name in about}
    return Knowledge(
        content,
        find,
        kinds,
        about,
        knows,
        frozenset(term for each in content.questions.values() for term in each.about),
    )


def _ask_live(desk: State, phrase: str, page: str) -> Mapping[str, Any] | None:
    """A phrase, rehearsed on a page; None where the live release can't be asked."""
    if desk.loop is None:
        return None
    try:
        asked = [{"text": phrase}]
        return live_answers.ask_live(desk, desk.loop, asked, page or None, ANSWER_SECONDS)
    except (registry.NoAnswer, registry.ReleaseError, TimeoutError):
        return None


def _expect(
    known: Knowledge,
    question: str,
    phrase: str,
    pages: Sequence[str],
    told: Mapping[str, Any] | None,
) -> Expected:
    now = _say_now(known, told, question, pages[0]) if told else ""
    if never := _say_never(told):
        return Expected(phrase, never=never, now=now)
    # with slips mended, where the live release was asked
    explained = (told["explained"] if told else None) or {}
    named = [each.term for each in known.find(explained.get("text") or phrase)]
    why = {page: find_obstacle(known, question, named, page) for page in pages}
    heard: str = told["heard"] or "" if told else ""
    return Expected(phrase, why, masked=heard if MASK.search(heard) else "", now=now)


def _say_never(told: Mapping[str, Any] | None) -> str:
    """Why a rehearsed phrase is answered by no question, whatever is taught."""
    if told is None:
        return ""
    if told["danger"]:
        return "a danger is heard in it, and visitors get whom to call in place of any answer"
    if not any(map(str.isalpha, MASK.sub("", told["heard"] or ""))):
        return "nothing is left of it once personal data is masked"
    if told["understood"] is None:
        return "it gets a fixed reply before any question is looked for"
    return ""


def find_obstacle(
    known: Knowledge, question: str, named: Sequence[str], page: str
) -> Obstacle | None:
    """What keeps words that name these terms from being answered by a question on a page, even
    where it was taught with them; None where nothing does.

    Of 30 phrases that the release had learned, all 28 without an obstacle were answered on their
    article's page, and all 24 where none was open. With a sure one 17 of 20 were not, on these and
    two other pages each; of 48 with a doubt there, 12 were, and most were asked back (2026-12-01,
    the project's phrases)."""
    own = question.partition(".")[0]
    # another condition beside one that is covered is no hindrance
    covered = any(known.kinds[term] == "condition" and term in known.asked for term in named)
    held = [
        term
        for term in named
        if term in known.asked or not (covered and known.kinds[term] == "condition")
    ]
    unknown = [term for term in held if term not in known.knows[question]]
    if unknown:
        return Obstacle(
            f"it names {_join(unknown)}, of which that answer says nothing; visitors get another "
            f"answer, or that there is none"
        )
    if page == own or page == NO_PAGE and held:
        return None
    if page == NO_PAGE:
        return _find_doubt(known, question)
    return _find_obstacle_elsewhere(known, question, held, page)


def _find_obstacle_elsewhere(
    known: Knowledge, question: str, held: Sequence[str], page: str
) -> Obstacle:
    """What keeps words that name what the question knows from being answered on the page of another
    article."""
    title = known.content.articles[page].title
    strange = [term for term in held if term not in known.asked]
    if strange and not known.about[question] & {*held}:
        return Obstacle(
            f"no question is about {_join(strange)}, which that answer only mentions; visitors "
            f"read that there is nothing about it"
        )
    if not held:
        return Obstacle(f"it names no condition, and is taken for a question about “{title}”")
    facets = {*known.content.questions[question].facets}
    for other in known.content.articles[page].questions:
        if known.knows[other.name].issuperset(held) and facets & {*other.facets}:
            return Obstacle(f"“{other.ask}” speaks of {_join(held)}, too, and comes first there")
    return Obstacle(
        "it is another article’s, and visitors may be asked back whether they mean it", False
    )


def _find_doubt(known: Knowledge, question: str) -> Obstacle | None:
    """What keeps words that name nothing from being answered where no article is open; None where
    no other article answers this side of its condition."""
    asked = known.content.questions[question]
    own = [
        each
        for each in known.content.questions.values()
        if each.about[0] == known.content.article_of(each.name).about
        and set(each.facets) & set(asked.facets)
    ]
    if asked not in own or len(own) == 1:
        return None
    why = "it names no condition, and visitors may be asked back which one they mean"
    return Obstacle(why, False)


def _say_now(known: Knowledge, told: Mapping[str, Any], question: str, page: str) -> str:
    reply = told["replies"][0]
    kind, answer = ReplyKind(reply["kind"]), reply.get("question")
    said = kind.about.ending or f"it gets the reply to {kind.about.title}"
    if kind == ReplyKind.ANSWER and answer == question:
        said = "it is answered so already"
    elif kind == ReplyKind.ANSWER and answer in known.content.questions:
        said = f"it is answered by “{known.content.questions[answer].ask}”"
    return f"Now, {say_page(known.content, page)}, {said}."


def say_page(content: SiteContent, page: str) -> str:
    """Where something is asked, as part of a sentence."""
    if page == NO_PAGE:
        return "where no article is open"
    return f"beside “{content.articles[page].title}”"


def say_expected(content: SiteContent, expected: Expected) -> list[str]:
    """Sentences: where a phrase is expected to be answered, where not and why, and what it gets
    now."""
    if expected.never:
        return [f"It will not be answered: {expected.never}.", *filter(None, [expected.now])]
    answered = [page for page, obstacle in expected.pages.items() if obstacle is None]
    said = []
    if answered:
        places = _join([say_page(content, page) for page in answered])
        said.append(f"From the next publication on it should be answered {places}.")
    elif all(obstacle and obstacle.is_sure for obstacle in expected.pages.values()):
        said.append("Even the next publication should not get it answered.")
    for obstacle in dict.fromkeys(filter(None, expected.pages.values())):
        kept = [page for page, found in expected.pages.items() if found == obstacle]
        places = _join([say_page(content, page) for page in kept])
        said.append(f"{'Not' if obstacle.is_sure else 'Perhaps not'} {places}: {obstacle.why}.")
    if expected.masked:
        said.append(f"Personal data in it is masked before it is understood: “{expected.masked}”.")
    said.append(expected.now or "The live release could not be asked about it just now.")
    return said


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
