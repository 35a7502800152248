"""What a message gets: an answer, an answer with its neighbours offered beside, a question back, or
one of the refusals; chosen by what each costs where something else was wanted.

What the classifier sees of a message (`look`) becomes, by a small regression that is taught with
messages which the classifier never saw (`fit`), the probability of each way in which it may be
meant; then the reply of the least expected cost is taken (`decide`). docs/understanding.md has the
figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]  # of intents, or of ways

# How a message may be meant: the best question's answer is right; another question's is; a decision
# about one person is asked for; it is about health, and not answered here; it isn't about health;
# it is talk (thanks, a goodbye, who is speaking).
RIGHT, OTHER, PERSONAL, UNANSWERED, NOT_HEALTH, TALK = WAYS = range(6)
NAMES = ("right", "other", "personal", "unanswered", "not_health", "talk")  # of the ways
# What it may get: the best question's answer, a question back, what the last four ways ask for, and
# the answer with "Not what you meant?" and the questions that are close below it.
ANSWER, ASK_BACK, *_, UNSURE = ACTIONS = range(7)
ANSWERS = (ANSWER, UNSURE)
OUTCOMES = {PERSONAL: "personal_advice", UNANSWERED: "not_covered", NOT_HEALTH: "out_of_scope"}
# In the log score of a question, for each article that is not the page's: so rarely is it meant.
ELSEWHERE = 4.0
# In the log score of a question, for each named term that it doesn't know, and for each that it
# only mentions.
UNKNOWING, MENTIONING = 4.0, 0.5
CANDIDATES = 10  # questions that are looked at
# A question of the same article is offered beside another's answer from this share on.
BESIDE, MOST_BESIDE = 0.05, 2
# How much likelier the likeliest question is right where the best sentence stands in its section:
# so with 21 of 24 open messages in which it was, and 1 of 8 in which another was (2026-12-01).
BORNE_OUT = 7.0
STRENGTH = 0.3  # of the regression's weights: the inverse of how they are held to be small
STEPS = 500
A_PERSON = re.compile(r"\b(i|i'm|im|my|me|mine|we|our|he|his|she|her)\b", re.IGNORECASE)
COSTS = {
    "wrong_answer": 1.0,  # an answer to something else
    "unsure_answer": 0.08,  # an answer with others offered beside it, where it is right
    "unsure_answer_wrong": 0.65,  # and where another question was meant
    "answer_to_a_decision": 3.0,  # an answer that may be taken for one about a person
    "answer_from_elsewhere": 0.8,  # an answer where this side has none
    "asking_back": 0.3,  # where the answer is there
    "asking_back_in_vain": 0.5,  # where none is
    "wrong_refusal": 0.8,  # where the answer is there
    "wrong_reason": 0.45,  # a refusal, but for another reason
}


@dataclass(frozen=True)
class Kinds:
    """What is known of the intents: which are `questions`, which `talk` (numbers); the number of
    each outcome (way -> intent); of each intent the article, the terms that it is `about`, and all
    that it `knows`; the terms of each article, and the `subjects` of all: their conditions."""

    questions: Numbers
    talk: Numbers
    outcomes: dict[int, int]
    articles: NDArray[np.str_]
    about: tuple[frozenset[str], ...]  # empty of what is no question
    knows: tuple[frozenset[str], ...]  # with what it mentions
    terms: dict[str, set[str]]
    subjects: frozenset[str]


@dataclass(frozen=True)
class Said:
    """A message: its text, the terms that it names, the article of its page (None: unknown)."""

    text: str
    terms: tuple[str, ...]
    page: str | None


@dataclass(frozen=True)
class Evidence:
    """What the classifier sees of a message: the likeliest questions, best first, and their share
    of all questions; of these the `neighbours` of the best, that may be offered beside its answer;
    the likeliest talk (numbers of intents); and the `numbers` that tell how it is meant."""

    order: Numbers
    shares: Floats
    neighbours: Numbers
    talk: int
    numbers: Floats


@dataclass(frozen=True)
class Decider:
    """What `fit` learns: of the numbers the mean and the scale, then weights [numbers, WAYS] and
    offset [WAYS]. float32."""

    mean: Floats
    scale: Floats
    weights: Floats
    offset: Floats


def know_intents(intents: Sequence[str], abouts: Mapping[str, Mapping[str, Any]]) -> Kinds | None:
    """The Kinds of the intents, by their names; `abouts`: {question: {article, subject, about,
    mentions}}.
    None where there are no questions, or not every outcome is taught: then nothing is decided."""
    number = {name: i for i, name in enumerate(intents)}
    if not abouts or not all(name in number for name in OUTCOMES.values()):
        return None
    about = tuple(
        frozenset((abouts[name]["subject"], *abouts[name]["about"]) if name in abouts else ())
        for name in intents
    )
    knows = tuple(
        own.union(abouts[name]["mentions"]) if name in abouts else own
        for name, own in zip(intents, about, strict=True)
    )
    terms: dict[str, set[str]] = {}
    for name, facts in abouts.items():
        terms.setdefault(facts["article"], set()).update(knows[number[name]])
    talk = [
        i for i, name in enumerate(intents) if name not in abouts and name not in OUTCOMES.values()
    ]
    if not talk:
        return None
    return Kinds(
        np.array([number[name] for name in intents if name in abouts]),
        np.array(talk),
        {way: number[name] for way, name in OUTCOMES.items()},
        np.array([abouts[name]["article"] if name in abouts else "" for name in intents]),
        about,
        knows,
        terms,
        frozenset(facts["subject"] for facts in abouts.values()),
    )


def gather_evidence(
    kinds: Kinds,
    said: Said,
    log_probability: Floats,
    plain: Floats,
    liken: Callable[[Numbers], NDArray[Any]],
) -> Evidence:
    """The Evidence of a message.

    `log_probability`: of each intent, [intents]; `plain`: the same before the facets were taken
    in; `liken`: a function from numbers of intents to their likeness to the message."""
    own = kinds.questions
    prior = np.zeros(len(own))
    # who names something that the page's article doesn't know may mean any other
    if said.page and all(term in kinds.terms.get(said.page, ()) for term in said.terms):
        prior = np.where(kinds.articles[own] == said.page, 0.0, -ELSEWHERE)
    if said.terms:
        prior = prior - np.array([_strangeness(kinds, name, said.terms) for name in own])
    likely = np.argsort(-(log_probability[own] / 2 + prior))[:CANDIDATES]
    compared = np.array([*own[likely], *kinds.outcomes.values(), *kinds.talk])
    likeness = np.log(np.clip(liken(compared), 1e-6, 1))
    score = (log_probability[compared] + likeness) / 2  # the log of the geometric mean
    score[: len(likely)] += prior[likely]
    best = np.argsort(-score[: len(likely)])
    first, second = best[0], best[min(1, len(best) - 1)]
    outcomes = np.arange(len(likely), len(likely) + len(kinds.outcomes))
    talk = outcomes[-1] + 1 + np.argmax(score[outcomes[-1] + 1 :])
    shares = np.exp(2 * (score[best] - score[first]))
    question = compared[first]
    numbers = [
        score[first],
        score[first] - score[second],
        *(score[outcomes] - score[first]),
        score[talk] - score[first],
        *np.maximum(likeness[[first, second, *outcomes, talk]], np.log(1e-2)),
        plain[question] - plain[own].max(),
        log_probability[question],
        any(term not in kinds.knows[question] for term in said.terms),
        any(term in kinds.knows[question] for term in said.terms),
        bool(A_PERSON.search(said.text)),
        said.page is not None,
        said.page is None and not said.terms,  # nothing tells which condition is meant
        kinds.articles[question] == said.page,
    ]
    order, shares, taken = compared[best], shares / shares.sum(), int(compared[talk])
    near = _find_neighbours(kinds, said, order, shares)
    return Evidence(order, shares, near, taken, np.array(numbers, dtype=np.float32))


def _find_neighbours(kinds: Kinds, said: Said, order: Numbers, shares: Floats) -> Numbers:
    """The questions of the best one's article that are likely beside it; none where no page is
    open: of 1,101 phrases that name their condition there, 3.3 % were answered wrongly with them,
    and 1.7 without (2026-12-01)."""
    if said.page is None:
        return order[:0]
    near = (shares >= BESIDE) & (kinds.articles[order] == kinds.articles[order[0]])
    found: Numbers = order[1:][near[1:]][:MOST_BESIDE]
    return found


def _strangeness(kinds: Kinds, question: int, terms: Sequence[str]) -> float:
    """What a question loses by the terms that are named."""
    return sum(
        0.0
        if term in kinds.about[question]
        else MENTIONING
        if term in kinds.knows[question]
        else UNKNOWING
        for term in terms
    )


def fit_decider(numbers: Floats, ways: Numbers) -> Decider:
    """Learns from messages that the classifier never saw: their numbers [n, numbers] and how
    each is meant [n] (WAYS)."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-3)
    model = LogisticRegression(C=STRENGTH, max_iter=STEPS)
    model.fit((numbers - mean) / scale, ways)
    # a way that no message shows is never taken
    learned, offset = np.zeros((len(mean), len(WAYS))), np.full(len(WAYS), -1e3)
    found = [int(way) for way in model.classes_]
    if len(found) == 2:  # the regression then has one row, for the second
        learned[:, found[1]], offset[found] = model.coef_[0], [0, model.intercept_[0]]
    else:
        learned[:, found], offset[found] = model.coef_.T, model.intercept_
    return Decider(*(each.astype(np.float32) for each in (mean, scale, learned, offset)))


def decide_reply(
    decider: Decider, evidence: Evidence, costs: NDArray[Any]
) -> tuple[int, NDArray[Any]]:
    """(the action of the least expected cost, the probability of each way [WAYS]); `costs` as
    `make_costs` gives them. Without neighbours nothing can be offered beside an answer."""
    numbers = evidence.numbers
    logits = (numbers - decider.mean) / decider.scale @ decider.weights + decider.offset
    probability = np.exp(logits - logits.max())
    probability /= probability.sum()
    return _find_cheapest(probability, evidence, costs), probability


def decide_borne_out(
    probability: NDArray[Any], evidence: Evidence, costs: NDArray[Any]
) -> tuple[int, NDArray[Any]]:
    """As decide_reply, of what it gave, where the sentence of the article that answers the message
    best stands in the section of the question that is likeliest (BORNE_OUT)."""
    weighed = probability.copy()
    weighed[[RIGHT, PERSONAL]] *= BORNE_OUT  # it tells the question, and not for whom
    weighed /= weighed.sum()
    return _find_cheapest(weighed, evidence, costs), weighed


def _find_cheapest(probability: NDArray[Any], evidence: Evidence, costs: NDArray[Any]) -> int:
    expected = costs @ probability
    if not len(evidence.neighbours):
        expected[UNSURE] = np.inf
    return int(np.argmin(expected))


def name_ways(probability: NDArray[Any]) -> dict[str, float]:
    """{way: its probability}, rounded, for who asks why."""
    return {name: round(float(way), 3) for name, way in zip(NAMES, probability, strict=True)}


def make_costs(costs: Any) -> NDArray[np.float64]:
    """What each action costs for each way, [ACTIONS, WAYS], from the costs of config.yml. Raises
    ValueError where they contradict each other."""
    if not isinstance(costs, dict) or set(costs) != set(COSTS):
        raise ValueError(f"`costs` must hold {', '.join(COSTS)}, no more and no less")
    for name, cost in costs.items():
        if not isinstance(cost, int | float):
            raise ValueError(f"`{name}` in `costs` must be a number, and not {cost!r}")
    if not 0 < costs["asking_back"] < min(costs["wrong_answer"], costs["wrong_refusal"]):
        raise ValueError(
            "`asking_back` must cost more than nothing, and less than `wrong_answer` and "
            "`wrong_refusal`: else nothing, or everything, is asked back"
        )
    if not costs["unsure_answer"] < costs["asking_back"] < costs["unsure_answer_wrong"]:
        raise ValueError(
            "`asking_back` must cost more than `unsure_answer`, and less than "
            "`unsure_answer_wrong`: else an answer with others beside it is never given, or always"
        )
    wrong, refusal = costs["wrong_answer"], costs["wrong_refusal"]
    table = np.full((len(ACTIONS), len(WAYS)), float(wrong))
    table[ANSWER, PERSONAL] = costs["answer_to_a_decision"]
    table[ANSWER, UNANSWERED] = costs["answer_from_elsewhere"]
    table[ASK_BACK] = costs["asking_back_in_vain"]
    table[ASK_BACK, [RIGHT, OTHER]] = costs["asking_back"]
    for way in OUTCOMES:
        table[way] = refusal
        table[way, list(OUTCOMES)] = costs["wrong_reason"]
    table[TALK, NOT_HEALTH] = costs["wrong_reason"]
    table[[ANSWER, *OUTCOMES, TALK], [RIGHT, *OUTCOMES, TALK]] = 0
    table[UNSURE] = table[ANSWER]
    table[UNSURE, [RIGHT, OTHER]] = costs["unsure_answer"], costs["unsure_answer_wrong"]
    return table
