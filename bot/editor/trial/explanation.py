"""Why a message got its reply, in words and figures for editors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from bot.content import site_content
from bot.content.articles import Question
from bot.content.site_content import SiteContent
from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_cache, vectors
from bot.editor.shared.state import State
from bot.releases import registry
from bot.runtime.settings import Settings
from bot.safety import danger_screen

MOST_QUESTIONS, MOST_PHRASES = 6, 6
Ranking = list[tuple[str, float]]  # (question or outcome, confidence), the likeliest first


@dataclass(frozen=True)
class UnderstoodText:
    """How a release understood a text: as Rasa `parsed` it; the confidence of each intent by its
    `words` alone; the `ranking` in its context; and the thresholds of `answer_thresholds`."""

    parsed: dict[str, Any]
    words: dict[str, float]
    ranking: Ranking
    least: float
    ahead: float


def answer_thresholds(config: Settings, id: str) -> tuple[float, float]:
    """(least, ahead) of release `id`: the confidence from which it answers, and how far the first
    must be ahead."""
    steps = yaml.safe_load(
        (registry.folder_of(config, id) / "config.yml").read_text(encoding="utf-8")
    )["pipeline"]
    step = next(step for step in steps if step["name"] == "FallbackClassifier")
    return step["threshold"], step["ambiguity_threshold"]


def explain_turn(config: Settings, known: SiteContent, turn: Mapping[str, Any]) -> dict[str, Any]:
    """Of a turn of rehearsal.rehearse and the Content that it was understood with: {decision,
    terms, questions, least, ahead}.

    `terms`: [(the words, the term, its kind)]; `questions`: [(title, by its words, in its
    context)]."""
    least, ahead = answer_thresholds(config, turn["release"])
    parsed = turn["explained"]
    found: dict[str, Any] = {"least": least, "ahead": ahead, "terms": [], "questions": []}
    if turn["danger"]:
        learned = turn["danger"].flag.startswith(danger_screen.LEARNED)
        flag = turn["danger"].flag.removeprefix(danger_screen.LEARNED).replace("_", " ")
        by = "the learned net" if learned else "the safety list"
        return {
            **found,
            "decision": [
                f"A danger was heard ({flag}), by {by}: it is answered before anything else."
            ],
        }
    for entity in parsed["entities"] or []:
        if entity["entity"] == "term":
            found["terms"].append(
                (parsed["text"][entity["start"] : entity["end"]], entity["value"], entity["kind"])
            )
    text = UnderstoodText(
        parsed,
        {each["name"]: each["confidence"] for each in parsed["scores"] or []},
        [
            (each["name"], each["confidence"])
            for each in parsed["intent_ranking"]
            if each["name"] != site_content.FALLBACK
        ],
        least,
        ahead,
    )
    found["questions"] = [
        (intent_title(known, name), text.words.get(name), confidence)
        for name, confidence in text.ranking[:MOST_QUESTIONS]
    ]
    mended = (
        []
        if turn["heard"].endswith(parsed["text"])
        else [f"Slips of typing were mended: it was read as “{parsed['text']}”."]
    )
    return {**found, "decision": mended + _decide(known, text, turn["replies"][0])}


WAYS = {
    "other": "another question",
    "personal": "a decision about one person",
    "unanswered": "something that no section answers",
    "not_health": "nothing about health",
    "talk": "talk",
}


def _say_ways(known: SiteContent, ways: Mapping[str, float], ranking: Ranking) -> str:
    """How a message may be meant, the likeliest first."""
    best = next((name for name, _ in ranking if name in known.questions), "")
    names = {"right": f"“{intent_title(known, best)}”", **WAYS}
    meanings = [
        f"{names[way]} {_share(share)}"
        for way, share in sorted(ways.items(), key=lambda each: -each[1])
        if share >= 0.01
    ]
    return (
        f"It may mean: {', '.join(meanings)}. The reply was taken that costs least where it is "
        f"wrong (`costs` in config.yml)."
    )


def intent_title(known: SiteContent, name: str) -> str:
    """An intent as editors read it."""
    return (
        known.questions[name].ask
        if name in known.questions
        else content_cache.OUTCOMES.get(name, name)
    )


def nearest_phrases(
    desk: State, text: str, questions: Mapping[str, Question]
) -> list[tuple[str, str, float]] | None:
    """[(phrase, question, cosine)] of the phrases that mean most nearly what a text does; None
    while they are being compared.

    `questions`: {name: articles.Question}.
    """
    phrases = [(phrase, name) for name, question in questions.items() for phrase in question.taught]
    found = vectors.read_vectors(desk, desk.phrases, [phrase for phrase, _ in phrases])
    if found is None or not phrases:
        return None if phrases else []
    cosines = np.stack([found[phrase] for phrase, _ in phrases]) @ vectors.encode_text(desk, text)
    return [
        (*phrases[place], float(cosines[place])) for place in np.argsort(-cosines)[:MOST_PHRASES]
    ]


def _decide(known: SiteContent, text: UnderstoodText, reply: dict[str, Any]) -> list[str]:
    """What decided, as sentences."""
    context, words, ranking = text.parsed["context"] or {}, text.words, text.ranking
    said = []
    first = max(words, key=lambda name: words[name], default=None)
    if first and ranking and ranking[0][0] != first:
        said.append(
            f"By its words alone, “{intent_title(known, first)}” was likeliest; what it names, and "
            f"its conversation, decided otherwise."
        )
    if case := _say_case(context):
        said.append(case)
    elif context.get("ways"):
        said.append(_say_ways(known, context["ways"], ranking))
    else:
        said.append(_say_confidence(known, text, reply))
    if context.get("instead"):
        titles = " and ".join(f"“{intent_title(known, name)}”" for name in context["instead"])
        said.append(f"It isn’t sure: {titles} may be meant, and can be chosen below the answer.")
    if context.get("also"):
        said.append(
            f"It asks “{intent_title(known, context['also'])}” as well: that is offered first "
            f"below the answer."
        )
    return said


def _say_case(context: Mapping[str, Any]) -> str | None:
    """What its terms and its conversation decided, whatever the confidences; None where they left
    it to those."""
    match context.get("case"):
        case "which":
            return (
                "It names no condition, and several articles answer this: it is asked back which "
                "is meant."
            )
        case "close":
            return "Several questions fit it alike: it is asked back which is meant."
        case "facet":
            facet = (context.get("facets") or ["this"])[0].replace("_", " ")
            return (
                f"It is about {context['term']}, and no question answers that side of it "
                f"({facet}): it is not covered."
            )
    return None


def _say_confidence(known: SiteContent, text: UnderstoodText, reply: dict[str, Any]) -> str:
    """What the confidence of the likeliest decided."""
    intent, ranking, least = text.parsed["intent"], text.ranking, text.least
    title = intent_title(known, intent["name"])
    if intent["name"] == site_content.FALLBACK and ranking:
        best, confidence = ranking[0]
        second = ranking[1][1] if len(ranking) > 1 else 0.0
        why = (
            f"has {_share(confidence)}, less than the {_share(least)} from which it is answered"
            if confidence < least
            else f"has {_share(confidence)}, only {_share(confidence - second)} ahead of the "
            f"next; {_share(text.ahead)} are wanted"
        )
        return f"The likeliest, “{intent_title(known, best)}”, {why}: {_end(reply)}."
    if intent["name"] in known.questions:
        return (
            f"“{title}” has {_share(intent['confidence'])}, over the {_share(least)} from which it "
            f"is answered."
        )
    return f"It is taken for “{title}” with {_share(intent['confidence'] or 0)}."


def _end(reply: dict[str, Any]) -> str:
    kind = ReplyKind(reply["kind"])
    title = content_cache.OUTCOMES.get(reply.get("topic") or kind, "it")
    return kind.about.ending or f"it gets the reply to {title}"


def _share(value: float) -> str:
    return f"{100 * value:.0f}\N{NO-BREAK SPACE}%"
