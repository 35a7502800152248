"""What a message leaves out, taken from its conversation: "and the side effects?", "what about
phenytoin?".

Everything here is a function of the classifier's ranking, of what the release knows of its
questions, and of the conversation's topic. A message that names no term either stands alone or
follows up, and each way to understand it is weighed by its likelihood:

- it stands alone and asks question q: q's confidence, times the share of q's phrases that name none
  of q's terms (counted at training; of those that point back, as "it" does, apart from the others),
  times SWITCH, for the topic is left;
- it follows up and asks question q about a term of the topic: the geometric mean of q's confidence
  and that of all questions with q's facet (whatever they are about), times ELLIPTICAL and POINTING,
  times FURTHER for the article's condition where a medicine is spoken of, times AGAIN where q has
  just been answered;
- it follows up and asks what no question about the topic answers: the confidence of that facet,
  times MISSING.

So "is it safe in pregnancy?" after clonazepam does not get valproate's answer, although its words
are nearest to that."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.content import articles
from bot.content.terms import Mention
from bot.domain.reply_kinds import ReplyKind

# of intents, the likeliest first: {name, confidence}
Ranking = list[dict[str, Any]]
# what a conversation is about: {question, about, article, facets, number}
Topic = Mapping[str, Any]

NOT_COVERED, ADVICE = ReplyKind.NOT_COVERED.value, ReplyKind.PERSONAL_ADVICE.value
MOST_TURNS = 3  # an older topic is forgotten
# the likelihood of a term that a question's section only mentions; 1 for what the question is about
MENTIONED = 0.8
# a question of another article than the one that is talked about, where a named term is in both
ELSEWHERE = 0.3
STRANGERS = ("out_of_scope", articles.MADE_BY_US)
TALKED = 0.5  # somebody in the middle of a topic says what belongs to every talk
SWITCH = 0.2  # somebody in the middle of a topic says something that has nothing to do with it
UNNAMED = 0.5  # what no article is about is asked without its name
# a follow-up is about the article's condition, and not about the medicine that was spoken of
FURTHER = 0.2
MISSING = 0.5  # a follow-up asks for something that no question answers
# from this confidence of its facet, a follow-up is told that no question answers it; below, it is
# asked back which is meant
UNANSWERED = 0.5
# so little confidence of its facet leaves open which question a follow-up asks. Of 116 that were
# answered on the pages of tests/asked/talk-01 and -02, those below were right in 13, wrong in 19
# (2026-11-28)
FAINT = 0.15
NEAREST = 3  # questions that are then offered
AGAIN = 0.3  # a follow-up asks what has just been answered
ELLIPTICAL = 0.5  # a follow-up names no term
# so many times likelier than any question about the named term is a facet that the words tell
# without it
ABSENT = 3
BARE = ("definition", "use")  # the sides that a name alone asks for, the first first
BRIEF = 5  # words; a longer message tells by its words what it is about
# the confidence of a question that the topic alone decides: a rule, and no measured probability
RESOLVED = 0.9
POINTING = {True: 0.6, False: 0.4}  # a follow-up holds a word that points back, or none
# of a follow-up's likelihood is the question's own confidence, the rest that of its facet
# (geometric mean)
OWN = 1 / 3
POINTS_BACK = re.compile(
    r"^\s*(and|but|or|so|then|also|what about|how about)\b"
    r"|\b(it|its|it's|they|them|their|theirs|those|these|this|that|one|ones)\b",
    re.IGNORECASE,
)
# A pronoun of which nothing is asked but what it stands for: "so what exactly is it?"
JUST_THAT = re.compile(
    r"\W*(?:(?:and|so|but|ok|okay|hi|hello|hey|please|sorry|um|er|erm|then|just)\b\W*)*"
    r"(?:what(?:'?s|\s+(?:(?:even|exactly|actually|really)\s+)?(?:is|are))\s+"
    r"(?:(?:even|exactly|actually|really)\s+)?{that}(?:\s+(?:condition|disease|illness|disorder))?"
    r"(?:\s+(?:exactly|actually|really|then|anyway|about|all|please))*"
    r"|(?:can|could|would|will)?\s*(?:you\s+)?(?:please\s+)?"
    r"(?:(?:tell|teach)\s+me\s+(?:more\s+)?about|explain|describe|define)\s+{that}"
    r"(?:\s+(?:to\s+me|please|condition|disease|illness|disorder))*)\W*".replace(
        "{that}", "(?:it|this|that|these|those|they|them)"
    ),
    re.IGNORECASE,
)
# What is left of "and what about phenytoin then?" when its term is taken away: nothing that tells
# a facet.
EMPTY = set(
    "what whats about how hows and or but then so ok okay now well also too the a an for with in "
    "on of to if instead "
    "please same question case it its my your their one other else hi yes no more tell me us "
    "know".split()
)


@dataclass(frozen=True)
class Known:
    """What is known of one question."""

    article: str
    subject: str
    about: tuple[str, ...]
    facets: tuple[str, ...]
    mentions: frozenset[str]


@dataclass(frozen=True)
class QuestionIndex:
    """The questions, found by what they are about, by facet and by article."""

    questions: dict[str, Known]  # name -> Known
    by_term: dict[str, list[str]]  # term -> names
    by_facet: dict[tuple[str, str], list[str]]  # (term, facet) -> names
    by_article: dict[tuple[str, str], list[str]]  # (article, facet) -> names
    # facet -> names of the questions that are about their article's own condition
    own: dict[str, list[str]]
    sides: dict[str, set[str]]  # kind -> facets of the questions that are chiefly about such a term
    subjects: dict[str, str]  # article -> its condition
    kinds: dict[str, str]  # term -> kind, of every term
    # intent -> the shares of its phrases that name no term and (don't, do) point back
    alone: dict[str, Sequence[float]]
    words: frozenset[str]  # that phrases of two articles, or of none, have in common


@dataclass(frozen=True)
class Reading:
    """How a message is understood.

    `case` is None for what the ranking says; `which` (several conditions have it), `close`
    (choices), `facet` (nothing about this side of `term`). `facets`: what it asks, the likeliest
    first. `named`: the terms it is about. `weighed`: the ranking's values are probabilities, and no
    longer the classifier's scores. `faint`: its words told little, and the choices come from the
    topic alone. `pronoun`: it asks what "it" is, and nothing else."""

    ranking: Ranking
    case: str | None = None
    term: str | None = None
    facets: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    weighed: bool = False
    faint: bool = False
    pronoun: bool = False


@dataclass(frozen=True)
class Evidence:
    """What the words of a message without a term tell: the confidence of each facet and intent, the
    least of them, and the likelihood that such a message follows up; and the articles on what is
    spoken of."""

    facets: dict[str, float]  # facet -> the confidence of all its questions
    intents: dict[str, float]  # intent -> its confidence
    least: float
    followed: float
    articles: frozenset[str]


@dataclass(frozen=True)
class NamedTerms:
    """The terms that a message names: in order those that questions are about, and those that none
    is and that stand in the way of an answer."""

    covered: list[str]
    foreign: set[str]


def make_index(
    questions: Mapping[str, Mapping[str, Any]],
    alone: dict[str, Sequence[float]],
    words: Iterable[str],
    kinds: dict[str, str],
) -> QuestionIndex:
    """The Library of {name: {article, subject, about, facets, mentions}} and what else `count`
    found."""
    known = {
        name: Known(
            q["article"],
            q["subject"],
            tuple(q["about"]),
            tuple(q["facets"]),
            frozenset(q["mentions"]),
        )
        for name, q in questions.items()
    }
    by_term: dict[str, list[str]] = {}
    by_facet: dict[tuple[str, str], list[str]] = {}
    by_article: dict[tuple[str, str], list[str]] = {}
    own: dict[str, list[str]] = {}
    sides: dict[str, set[str]] = {}
    subjects: dict[str, str] = {}
    for name, question in known.items():
        subjects[question.article] = question.subject
        sides.setdefault(kinds.get(question.about[0], ""), set()).update(question.facets)
        for term in question.about:
            by_term.setdefault(term, []).append(name)
        for facet in question.facets:
            by_article.setdefault((question.article, facet), []).append(name)
            for term in question.about:
                by_facet.setdefault((term, facet), []).append(name)
            if question.about[0] == question.subject:
                own.setdefault(facet, []).append(name)
    return QuestionIndex(
        known, by_term, by_facet, by_article, own, sides, subjects, kinds, alone, frozenset(words)
    )


def count_bare_phrases(
    phrases: Iterable[tuple[str, str]],
    questions: Mapping[str, Mapping[str, Any]],
    find: Callable[[str], list[Mention]],
) -> tuple[dict[str, list[float]], list[str]]:
    """(`alone`, `words`) of a Library, from the phrases [(text, intent)] and what is known of the
    questions."""
    counts: dict[str, list[int]] = {}
    places: dict[str, set[str]] = {}
    for text, intent in phrases:
        known = questions.get(intent)
        named = {mention.term for mention in find(text)}
        if known:
            named &= {*known["about"], known["subject"]}
        seen = counts.setdefault(intent, [0, 0, 0])
        seen[2] += 1
        if not named:
            seen[bool(POINTS_BACK.search(text))] += 1
        for word in set(re.findall("[a-z]+", text.lower())):
            places.setdefault(word, set()).add(known["article"] if known else "")
    alone = {
        intent: [(plain + 0.25) / (total + 1), (pointing + 0.25) / (total + 1)]
        for intent, (plain, pointing, total) in counts.items()
    }
    return alone, sorted(word for word, articles in places.items() if len(articles) > 1)


def read_message(
    library: QuestionIndex,
    ranking: Ranking,
    named: Sequence[str],
    rest: str,
    topic: Topic | None,
    article: str | None,
    unrelated: float,
) -> Reading:
    """The Reading of a message.

    `ranking`: [{name, confidence}] of the classifier; `named`: the terms in the message, in order;
    `rest`: its text without them; `topic`: {about, article, facets} of the conversation, or None;
    `article`: the page's, or None."""
    if not ranking:
        return Reading(ranking)
    if named:
        empty = set(re.findall(r"[a-z']+", rest.lower().replace("'s", ""))) <= EMPTY
        reading = None
        if empty and topic and topic.get("facets"):
            reading = take_facet(library, ranking, named, topic, article)
        place = (topic or {}).get("article") or article
        if reading is None and empty:
            reading = take_name(library, ranking, named, place)
        return reading or weigh_named(library, ranking, named, place, unrelated)
    levels = context_of(library, topic, article)
    if levels and JUST_THAT.fullmatch(rest):
        place = (topic or {}).get("article") or article
        reading = take_name(library, ranking, levels[0][:1], place)
        if reading:
            return replace(reading, pronoun=True)
    pointing = bool(POINTS_BACK.search(rest))
    if levels:
        return follow_topic(library, ranking, levels, pointing, topic or {})
    return stand_alone(library, ranking, pointing, rest)


def fresh_topic(topic: Topic | None, number: int | None) -> Topic | None:
    """The topic, or None where it is older than MOST_TURNS turns; `number`: the turn's, in its
    conversation."""
    if not topic or number is not None and number - topic.get("number", number) > MOST_TURNS:
        return None
    return topic


def context_of(library: QuestionIndex, topic: Topic | None, article: str | None) -> list[list[str]]:
    """What a follow-up can be about, the likeliest first: lists of terms. The page's own condition
    is always among them."""
    about = list((topic or {}).get("about") or ())
    page = library.subjects.get(article or "")
    if about and not any(term in library.by_term for term in about):
        return [[page] if page else about]  # off every page, something foreign is spoken of on
    subject = library.subjects.get((topic or {}).get("article") or "") if about else None
    subject = subject or page
    others = [term for term in about if term != subject]
    levels = [
        [term for term in others if library.kinds.get(term) != "condition"],
        [subject] if subject else [],
        [term for term in others if library.kinds.get(term) == "condition"],
    ]
    if subject not in about:  # the condition that was named comes before the article's own
        levels[1], levels[2] = levels[2], levels[1]
    if page and page not in (subject, *about):
        levels.append([page])
    return [level for level in levels if level]


def take_facet(
    library: QuestionIndex,
    ranking: Ranking,
    named: Sequence[str],
    topic: Topic,
    article: str | None,
) -> Reading | None:
    """The Reading of a term without a facet: the facet is the topic's; None where the topic has
    none for it."""
    known = [term for term in named if term in library.by_term]
    if not known:
        return None
    term, facets = known[0], topic["facets"]
    for facet in facets:
        names = library.by_facet.get((term, facet), [])
        near = [
            name
            for name in names
            if library.questions[name].article in (topic.get("article"), article)
        ]
        about_it = (
            [name for name in near or names if library.questions[name].about[0] == term]
            or near
            or names
        )
        if len(about_it) == 1:
            return Reading(
                _resolved(ranking, about_it[0]), facets=(facet,), named=tuple(known), weighed=True
            )
        if about_it:
            return Reading(ranking, "close", term, (facet,), tuple(known), tuple(about_it))
    names = library.by_term[term]
    before = [library.kinds.get(old) for old in topic.get("about") or ()]
    if before and library.kinds.get(term) not in before:
        # From a condition to a medicine: the facet of the one is none of the other's.
        if len(names) == 1:
            return Reading(
                _resolved(ranking, names[0]),
                facets=library.questions[names[0]].facets,
                named=tuple(known),
                weighed=True,
            )
        return None
    return Reading(ranking, "facet", term, tuple(facets), tuple(known), tuple(names))


def take_name(
    library: QuestionIndex, ranking: Ranking, named: Sequence[str], article: str | None
) -> Reading | None:
    """The Reading of a name alone: it asks what that is, or what it is for, of the article that is
    spoken of before all; None where several questions would tell, or none.

    Of several names ("botox in blepharospasm") it asks only what a question about all of them
    tells."""
    term, others = named[0], set(named[1:])
    for facet in BARE:
        names = [
            name
            for name in library.by_facet.get((term, facet), [])
            if others <= {library.questions[name].subject, *library.questions[name].about}
        ]
        own = [name for name in names if library.questions[name].article == article]
        chief = [name for name in names if library.questions[name].about[0] == term]
        for chosen in (own, chief):
            if len(chosen) == 1:
                resolved = _resolved(ranking, chosen[0])
                return Reading(resolved, facets=(facet,), named=tuple(named), weighed=True)
    return None


def weigh_named(
    library: QuestionIndex,
    ranking: Ranking,
    named: Sequence[str],
    article: str | None,
    unrelated: float,
) -> Reading:
    """The Reading by the terms in `named`: a question that doesn't know them is unlikely.

    What foreign terms take from the questions goes to `not_covered`. Where the words tell a facet
    far better than any question about the covered terms, the question of that facet about them is
    meant; if there is none, it is not covered."""
    terms = _sort_named(library, named)
    covered = terms.covered
    mass, confidence = _facets(library, ranking)
    facet = max(mass, key=lambda each: mass[each], default=None)
    least: float = ranking[-1]["confidence"]
    weighed = _weigh_by_terms(library, confidence, terms, article, unrelated)
    if covered and not terms.foreign and facet and mass[facet] > ABSENT * max(weighed.values()):
        asked = [name for term in covered for name in library.by_facet.get((term, facet), ())]
        if not asked:
            return Reading(
                ranking,
                "facet",
                covered[0],
                (facet,),
                tuple(covered),
                tuple(library.by_term[covered[0]]),
            )
        for name in asked:
            weighed[name] = confidence.get(name, least) ** OWN * min(1.0, mass[facet]) ** (1 - OWN)
    # the share of what is none of them: the terms say nothing about it
    none = max(0.0, 1 - sum(confidence.values()))
    return Reading(
        _ranked(weighed, sum(weighed.values()) + none, 1.0),
        facets=_order(mass),
        named=tuple(covered or named),
    )


def _sort_named(library: QuestionIndex, named: Sequence[str]) -> NamedTerms:
    covered = [term for term in named if term in library.by_term]
    foreign = {term for term in named if term not in library.by_term}
    if any(library.kinds.get(term) == "condition" for term in covered):
        # another condition beside one that is covered is no hindrance; beside a medicine it tells
        # for what that is asked
        foreign = {term for term in foreign if library.kinds[term] != "condition"}
    return NamedTerms(covered, foreign)


def _weigh_by_terms(
    library: QuestionIndex,
    confidence: Mapping[str, float],
    terms: NamedTerms,
    article: str | None,
    unrelated: float,
) -> dict[str, float]:
    """{intent: its confidence, less where its question doesn't know the terms}."""
    covered, foreign = {*terms.covered}, terms.foreign
    held = covered | foreign
    # A medicine that no article is about, but that the section of a question about what is named
    # speaks of: not foreign.
    speaks_of_it = bool(covered) and any(
        foreign <= question.mentions and covered & {question.subject, *question.about}
        for question in map(library.questions.get, confidence)
        if question
    )
    weighed: dict[str, float] = {}
    lost = 0.0
    for name, value in confidence.items():
        question = library.questions.get(name)
        if question is None:
            weighed[name] = value
            continue
        likelihood = math.prod(
            1.0 if term in question.about else MENTIONED if term in question.mentions else unrelated
            for term in held
        )
        if foreign - question.mentions and not speaks_of_it:
            lost += value * (1 - likelihood)
        weighed[name] = (
            value * likelihood * (1.0 if article in (None, question.article) else ELSEWHERE)
        )
    if lost:
        weighed[NOT_COVERED] = weighed.get(NOT_COVERED, 0.0) + lost
    return weighed


def follow_topic(
    library: QuestionIndex, ranking: Ranking, levels: list[list[str]], pointing: bool, topic: Topic
) -> Reading:
    """The Reading of a message without a term, in a conversation about `levels`, the `topic`'s
    terms."""
    mass, confidence = _facets(library, ranking)
    if not mass:
        return Reading(ranking)
    followed = ELLIPTICAL * POINTING[pointing]
    spoken_of = {library.subjects[name]: name for name in library.subjects}
    articles = frozenset(spoken_of[term] for terms in levels for term in terms if term in spoken_of)
    evidence = Evidence(mass, confidence, ranking[-1]["confidence"], followed, articles)
    facet = _likeliest_facet(library, mass, levels)
    weighed = _weigh_alone(library, evidence, pointing)
    found = _weigh_follow_ups(library, evidence, levels, topic)
    for name, (value, _) in found.items():
        weighed[name] = max(weighed.get(name, 0.0), value)
    best = max(weighed, key=lambda name: weighed[name])
    answered = any(library.by_facet.get((term, facet)) for terms in levels for term in terms)
    nearest = sorted(found, key=lambda name: -found[name][0])[:NEAREST]
    missing = mass[facet] * followed * MISSING
    if not answered and missing > weighed[best]:
        return _missing(library, ranking, levels, facet, nearest, mass[facet])
    if best in found and weighed[best] == found[best][0]:
        term = found[best][1]
        if max(mass.get(side, 0.0) for side in library.questions[best].facets) < FAINT:
            return replace(_between(ranking, term, facet, nearest), faint=True)
        rivals = _rivals(library, found, best, facet)
        if rivals:
            return _between(ranking, term, facet, [best, *rivals])
        # Its topic makes it a question that is known: the share of what is none of them is not its
        # own.
        return Reading(_shares(weighed, 1.0), facets=_order(mass), named=(term,), weighed=True)
    whole = min(1.0, sum(confidence.values()))
    return Reading(_shares(weighed, whole), facets=_order(mass), weighed=True)


def _likeliest_facet(
    library: QuestionIndex, mass: Mapping[str, float], levels: list[list[str]]
) -> str:
    """The side that a follow-up asks: of a medicine that is spoken of, one that medicines have."""
    kinds = {library.kinds.get(term, "") for terms in levels for term in terms}
    sides = set[str]().union(*(library.sides.get(kind, set()) for kind in kinds))
    return max(sides & mass.keys() or mass, key=lambda each: mass[each])


def _between(ranking: Ranking, term: str, facet: str, names: Sequence[str]) -> Reading:
    """The Reading that asks back which of these questions about a term is meant."""
    return Reading(ranking, "close", None, (facet,), (term,), tuple(names))


def _weigh_alone(library: QuestionIndex, evidence: Evidence, pointing: bool) -> dict[str, float]:
    """{intent: its likelihood} where the message stands alone and leaves the topic."""
    weighed = {}
    for name, value in evidence.intents.items():
        alone = library.alone.get(name, (0.5, 0.5))[pointing]
        if name == ADVICE:  # "should I take it?" follows up as well
            weighed[name] = value * (alone + evidence.followed) / 2
        else:
            weighed[name] = value * alone * _switch(library, name, evidence.articles)
    return weighed


def _switch(library: QuestionIndex, name: str, articles: Collection[str]) -> float:
    """How likely it is that the topic, which `articles` are about, is left for this intent."""
    if name == NOT_COVERED:
        return SWITCH * UNNAMED
    question = library.questions.get(name)
    if question is None:
        return SWITCH if name in STRANGERS else TALKED
    return SWITCH * ELSEWHERE if articles and question.article not in articles else SWITCH


def _weigh_follow_ups(
    library: QuestionIndex, evidence: Evidence, levels: list[list[str]], topic: Topic
) -> dict[str, tuple[float, str]]:
    """{question: (its likelihood, the term)} where the message asks it about a term of the topic.
    What another article says of a medicine is asked more rarely."""
    mass = evidence.facets
    found: dict[str, tuple[float, str]] = {}
    for depth, terms in enumerate(levels):
        for term in terms:
            for name in library.by_term.get(term, ()):
                side = max(library.questions[name].facets, key=lambda f: mass.get(f, 0.0))
                value: float = (
                    evidence.intents.get(name, evidence.least) ** OWN
                    * mass.get(side, 0.0) ** (1 - OWN)
                    * evidence.followed
                    * FURTHER**depth
                    * _nearness(library, name, evidence.articles)
                )
                if name == topic.get("question") and side in topic["facets"][:1]:
                    value *= AGAIN
                if value > found.get(name, (0.0, ""))[0]:
                    found[name] = (value, term)
    return found


def _nearness(library: QuestionIndex, name: str, articles: Collection[str]) -> float:
    """How likely a question is by its article, where `articles` are spoken of."""
    return ELSEWHERE if articles and library.questions[name].article not in articles else 1.0


def _rivals(
    library: QuestionIndex, found: Mapping[str, tuple[float, str]], best: str, facet: str
) -> list[str]:
    """The other follow-ups of this facet that are more than half as likely as the best."""
    return [
        name
        for name, (value, _) in found.items()
        if name != best
        and value > found[best][0] / 2
        and facet in library.questions[name].facets
        and facet in library.questions[best].facets
    ]


def stand_alone(library: QuestionIndex, ranking: Ranking, pointing: bool, text: str) -> Reading:
    """The Reading of a message without a term or a conversation: what several conditions have is
    asked back."""
    mass, confidence = _facets(library, ranking)
    words = re.findall(r"[a-z]+", text.lower())
    vague = pointing or len(words) <= BRIEF and set(words) <= library.words
    if not vague or not mass:
        return Reading(ranking, facets=_order(mass))
    first = next(intent["name"] for intent in ranking if intent["name"] in library.questions)
    best, facet = library.questions[first], max(mass, key=lambda each: mass[each])
    open_ended = mass[facet] * ELLIPTICAL * POINTING[pointing]
    if (
        any(
            value * library.alone.get(name, (0.5, 0.5))[pointing] > open_ended
            for name, value in confidence.items()
            if name not in library.questions
        )
        or facet not in best.facets
    ):
        return Reading(ranking, facets=_order(mass))
    own = library.own.get(facet, [])
    if len(own) > 1 and first in own:
        asked = {library.questions[name].article for name in own}
        medicines = [  # of an article that tells this side of a medicine alone
            name
            for name in confidence
            if name in library.questions
            and facet in library.questions[name].facets
            and library.questions[name].article not in asked
        ]
        listed = sorted([*own, *medicines], key=lambda name: -confidence.get(name, 0.0))
        return Reading(ranking, "which", None, (facet,), (), tuple(listed))
    if best.subject not in best.about and sum(library.alone[first]) < 0.1:
        names = [
            name
            for name in confidence
            if name in library.questions and facet in library.questions[name].facets
        ]
        return Reading(ranking, "close", None, (facet,), (), tuple(names))
    return Reading(ranking, facets=_order(mass))


def _missing(
    library: QuestionIndex,
    ranking: Ranking,
    levels: list[list[str]],
    facet: str,
    nearest: Sequence[str],
    confidence: float,
) -> Reading:
    """The Reading where none of the terms that are talked about has a question of this facet, which
    has this confidence; `nearest`: the questions that are likeliest all the same."""
    term = levels[0][0]
    article = next((id for id, subject in library.subjects.items() if subject == term), None)
    nearby = library.by_article.get((article or "", facet), ())
    if nearby:  # asked of the condition, answered for its medicines: which of them?
        return Reading(ranking, "close", term, (facet,), (term,), tuple(nearby))
    if article and nearest and confidence < UNANSWERED:
        return replace(_between(ranking, term, facet, nearest), faint=True)
    return Reading(ranking, "facet", term, (facet,), (term,), tuple(library.by_term.get(term, ())))


def _facets(library: QuestionIndex, ranking: Ranking) -> tuple[dict[str, float], dict[str, float]]:
    """({facet: the confidence of all its questions}, {intent: confidence})."""
    mass: dict[str, float] = {}
    confidence: dict[str, float] = {}
    for intent in ranking:
        name, value = intent["name"], float(intent["confidence"])
        confidence[name] = confidence.get(name, 0.0) + value
        for facet in library.questions[name].facets if name in library.questions else ():
            mass[facet] = mass.get(facet, 0.0) + value
    return mass, confidence


def _order(mass: dict[str, float]) -> tuple[str, ...]:
    return tuple(sorted(mass, key=lambda facet: mass[facet], reverse=True))


def _ranked(weighed: Mapping[str, float], total: float, whole: float) -> Ranking:
    """The weights as a ranking whose confidences are shares of `total`, times `whole`."""
    scale = whole / total if total else 0.0
    return sorted(
        ({"name": name, "confidence": min(1.0, value * scale)} for name, value in weighed.items()),
        key=lambda intent: -float(intent["confidence"]),
    )


def _shares(weighed: Mapping[str, float], whole: float) -> Ranking:
    """The weights as a ranking of probabilities that add up to `whole`: a score is the root of a
    product of two."""
    squares = {name: value * value for name, value in weighed.items()}
    return _ranked(squares, sum(squares.values()), whole)


def _resolved(ranking: Ranking, name: str) -> Ranking:
    rest = [
        {"name": i["name"], "confidence": i["confidence"] * (1 - RESOLVED)}
        for i in ranking
        if i["name"] != name
    ]
    return [{"name": name, "confidence": RESOLVED}, *rest]
