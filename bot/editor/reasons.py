"""Why a message got its reply, in words and figures for editors."""

import numpy as np
import yaml

from bot import release, safety
from bot.editor import library, vectors

MOST_QUESTIONS, MOST_PHRASES = 6, 6


def thresholds(config, id):
    """(least, ahead) of release `id`: the confidence from which it answers, and how far the first
    must be ahead."""
    steps = yaml.safe_load(
        (release.folder_of(config, id) / "config.yml").read_text(encoding="utf-8")
    )["pipeline"]
    step = next(step for step in steps if step["name"] == "FallbackClassifier")
    return step["threshold"], step["ambiguity_threshold"]


def read(config, known, turn):
    """Of a turn of rehearsal.rehearse and the Content that it was understood with: {decision,
    terms, questions, least, ahead}.

    `terms`: [(the words, the term, its kind)]; `questions`: [(title, by its words, in its
    context)]."""
    least, ahead = thresholds(config, turn["release"])
    parsed, found = (
        turn["explained"],
        {"least": least, "ahead": ahead, "terms": [], "questions": []},
    )
    if turn["danger"]:
        learned = turn["danger"].flag.startswith(safety.LEARNED)
        flag = turn["danger"].flag.removeprefix(safety.LEARNED).replace("_", " ")
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
    words = {each["name"]: each["confidence"] for each in parsed["scores"] or []}
    ranking = [
        (each["name"], each["confidence"])
        for each in parsed["intent_ranking"]
        if each["name"] != release.FALLBACK
    ]
    found["questions"] = [
        (title(known, name), words.get(name), confidence)
        for name, confidence in ranking[:MOST_QUESTIONS]
    ]
    mended = (
        []
        if turn["heard"].endswith(parsed["text"])
        else [f"Slips of typing were mended: it was read as “{parsed['text']}”."]
    )
    return {
        **found,
        "decision": mended
        + _decide(known, parsed, turn["replies"][0], words, ranking, least, ahead),
    }


WAYS = {
    "other": "another question",
    "personal": "a decision about one person",
    "unanswered": "something that no section answers",
    "not_health": "nothing about health",
    "talk": "talk",
}


def _say_ways(known, ways, ranking):
    """How a message may be meant, the likeliest first."""
    best = next((name for name, _ in ranking if name in known.questions), None)
    names = {"right": f"“{title(known, best)}”", **WAYS}
    told = [
        f"{names[way]} {_share(share)}"
        for way, share in sorted(ways.items(), key=lambda each: -each[1])
        if share >= 0.01
    ]
    return (
        f"It may mean: {', '.join(told)}. The reply was taken that costs least where it is wrong "
        f"(`costs` in config.yml)."
    )


def title(known, name):
    """An intent as editors read it."""
    return (
        known.questions[name].ask if name in known.questions else library.OUTCOMES.get(name, name)
    )


def nearest(desk, text, questions):
    """[(phrase, question, cosine)] of the phrases that mean most nearly what a text does; None
    while they are being compared.

    `questions`: {name: articles.Question}.
    """
    phrases = [(phrase, name) for name, question in questions.items() for phrase in question.train]
    found = vectors.read(desk, desk.phrases, [phrase for phrase, _ in phrases])
    if found is None or not phrases:
        return None if phrases else []
    cosines = np.stack([found[phrase] for phrase, _ in phrases]) @ vectors.encode(desk, text)
    return [
        (*phrases[place], float(cosines[place])) for place in np.argsort(-cosines)[:MOST_PHRASES]
    ]


def _decide(known, parsed, reply, words, ranking, least, ahead):
    """What decided, as sentences."""
    intent, context = parsed["intent"], parsed["context"] or {}
    case, said = context.get("case"), []
    first = max(words, key=words.get, default=None)
    if first and ranking and ranking[0][0] != first:
        said.append(
            f"By its words alone, “{title(known, first)}” was likeliest; what it names, and its "
            f"conversation, decided otherwise."
        )
    facet = (context.get("facets") or ["this"])[0].replace("_", " ")
    if case == "which":
        said.append(
            "It names no condition, and several articles answer this: it is asked back which is "
            "meant."
        )
    elif case == "close":
        said.append("Several questions fit it alike: it is asked back which is meant.")
    elif case == "aspect":
        said.append(
            f"It is about {context['term']}, and no question answers that side of it ({facet}): "
            f"it is not covered."
        )
    elif context.get("ways"):
        said.append(_say_ways(known, context["ways"], ranking))
    elif intent["name"] == release.FALLBACK and ranking:
        best, confidence = ranking[0]
        second = ranking[1][1] if len(ranking) > 1 else 0.0
        why = (
            f"has {_share(confidence)}, less than the {_share(least)} from which it is answered"
            if confidence < least
            else f"has {_share(confidence)}, only {_share(confidence - second)} ahead of the "
            f"next; {_share(ahead)} are wanted"
        )
        said.append(f"The likeliest, “{title(known, best)}”, {why}: {_end(reply)}.")
    elif intent["name"] in known.questions:
        said.append(
            f"“{title(known, intent['name'])}” has {_share(intent['confidence'])}, over the "
            f"{_share(least)} from which it is answered."
        )
    else:
        said.append(
            f"It is taken for “{title(known, intent['name'])}” with "
            f"{_share(intent['confidence'] or 0)}."
        )
    if context.get("also"):
        said.append(
            f"It asks “{title(known, context['also'])}” as well: that is offered first below the "
            f"answer."
        )
    return said


def _end(reply):
    return {
        "clarify": "it is asked back",
        "not_covered": "it is said that this is not covered",
        "answer": "it is answered",
    }.get(
        reply["kind"],
        f"it gets the reply to {library.OUTCOMES.get(reply.get('topic') or reply['kind'], 'it')}",
    )


def _share(value):
    return f"{100 * value:.0f}\N{NO-BREAK SPACE}%"
