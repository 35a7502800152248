"""The custom actions that Rasa calls. Each sends one json_message: {"replies": [Reply],
"understood": {...}}.

They run in Rasa's process (endpoints.yml), and answer from the release that the message's metadata
names: {release, turn, number, article, topic, asked}; from the live one where it names none, as
with `bot rasa shell`. What is understood holds what the review list shows, and the `topic` that the
next message may refer to."""

import asyncio
import datetime
import functools
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions import personal_questions, sections
from bot.content import articles, facets, passages, replies, site_content
from bot.content.replies import Reply
from bot.domain.reply_kinds import ReplyKind
from bot.releases import registry
from bot.runtime import settings

# Reading a new release's content takes a second, in which other messages are answered; always the
# same thread, since each would keep the 13 MB that it once held (2026-11-28).
reader = ThreadPoolExecutor(1, "content")


# The confidence of a question from which it is asked back in place of what is likelier, but unsure.
LEAST: dict[str, float] = {
    ReplyKind.PERSONAL_ADVICE: 0.05,
    ReplyKind.NOT_COVERED: 0.01,
    ReplyKind.OUT_OF_SCOPE: 0.01,
}
ASKS = "whats?|how|why|when|where|which|who|can|could|does|do|did|is|are|will|would|should|has"

type Topic = dict[str, Any]  # {number, article, about, facets, question} of what is spoken of


class Said(TypedDict):
    """What an action needs of a message: how it was understood, with the context of
    bot/rasa/coverage.py ({} for a choice), the questions that the conversation had answers to, and
    the content of the release that answers it."""

    release: str
    content: site_content.SiteContent
    text: str
    metadata: dict[str, Any]
    intent: str
    confidence: float
    ranking: list[tuple[str, float]]
    terms: list[str]
    context: dict[str, Any]
    asked: list[str]


class ActionAnswer(Action):
    """A question of an article: its section's text, as it stands in the release."""

    def name(self) -> str:
        return "action_answer"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        said = await read_message(tracker)
        also, instead = said["context"].get("also"), said["context"].get("instead", ())
        told = offered_by_story(tracker)
        reply = replies.answer_question(
            said["content"],
            said["intent"],
            today(),
            said["confidence"],
            said["asked"],
            also,
            told,
        )
        # what was asked as well, and what an editor wants to be offered next, stay
        reply = replies.offer_instead(said["content"], reply, instead, (also, *told))
        if said["intent"] in said["asked"]:
            reply = replies.say_again(said["content"], reply)
        send_reply(dispatcher, said, reply, topic_after_answer(said))
        return []


class ActionArticleInfo(Action):
    """Who wrote the article, from what, how recent: of the page's article, or the one last answered
    from."""

    def name(self) -> str:
        return "action_article_info"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        said = await read_message(tracker)
        library = said["content"]
        named = [
            article.id for article in library.articles.values() if article.about in said["terms"]
        ]
        candidates = [
            *named,
            (said["metadata"].get("topic") or {}).get("article"),
            said["metadata"].get("article"),
        ]
        if len(library.articles) == 1:
            candidates += library.articles
        article = next((id for id in candidates if id in library.articles), None)
        send_reply(
            dispatcher,
            said,
            replies.article_info(library, article, today(), said["confidence"], said["asked"])
            if article
            else replies.clarify_article(library, replies.ARTICLE_INFO),
        )
        return []


class ActionClarify(Action):
    """Several questions are close: they are asked back. Where none of them is an article's, it is
    said what is covered."""

    def name(self) -> str:
        return "action_clarify"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        said = await read_message(tracker)
        found = find_in_text(said) or (ask_back(said), topic_left_open(said))
        send_reply(dispatcher, said, *found)
        return []


class ActionDecline(Action):
    """What is not covered, is about one person's care, or has nothing to do with health."""

    def name(self) -> str:
        return "action_decline"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        said = await read_message(tracker)
        declined = decline_message(said, said["intent"])
        found = find_in_text(said) or (declined, topic_left_open(said))
        send_reply(dispatcher, said, *found)
        return []


class ActionTalk(Action):
    """Greeting, thanks, goodbye, help, who this is, privacy."""

    def name(self) -> str:
        return "action_talk"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        said = await read_message(tracker)
        found = answer_word(said) or (
            replies.talk_reply(said["content"], said["intent"], said["metadata"].get("article")),
        )
        send_reply(dispatcher, said, *found)
        return []


def ask_back(said: Said) -> Reply:
    """What a message that isn't understood for sure gets."""
    library, context, foreign = said["content"], said["context"], foreign_term(said)
    best = said["ranking"][0][0] if said["ranking"] else ""
    if context.get("case") == "which":
        return replies.clarify_which(library, context["choices"])
    if context.get("case") == "close":
        return replies.clarify_between(library, context["choices"])
    if foreign:
        return decline_unanswered(said, foreign)
    own = [name for name, share in own_ranking(said) if "." in name and share >= LEAST.get(best, 0)]
    if article_of(said) and own and (best not in replies.TALK or is_question(said["text"])):
        return replies.clarify_between(library, own[: replies.CHOICES])
    if best in replies.TALK:
        return replies.talk_reply(library, best, said["metadata"].get("article"))
    if best in site_content.OUTCOMES:
        return decline_message(said, best)
    reply = replies.ask_back(library, own_ranking(said), said["terms"])
    return replies.fill_up(library, reply, fitting_questions(said))


def is_question(text: str) -> bool:
    """Whether a text looks like a question."""
    return "?" in text or bool(re.match(rf"(?:\W*(?:{ASKS}))\b", text, re.IGNORECASE))


def decline_message(said: Said, outcome: str) -> Reply:
    """The refusal of a message that was understood as one of site_content.OUTCOMES, with fitting
    questions below it."""
    library = said["content"]
    if outcome == ReplyKind.PERSONAL_ADVICE:
        return decline_personal(said)
    if outcome == ReplyKind.OUT_OF_SCOPE:
        return replies.fill_up(library, replies.out_of_scope(library), fitting_questions(said))
    context = said["context"]
    if context.get("case") != "facet":
        return decline_unanswered(said, foreign_term(said))
    if not context["choices"]:
        return decline_unanswered(said, context["term"])
    term = context["term"]
    refusal = replies.not_covered_facet(library, term, context["choices"], said["asked"])
    if library.kinds.get(term) == "condition":  # of a medicine, the word may be said of another
        refusal = find_held(said, said["text"]) or refusal
    return replies.fill_up(library, refusal, fitting_questions(said))


def decline_unanswered(said: Said, foreign: str | None) -> Reply:
    """The refusal of what no question answers; where the article's text has a word of it, which
    section speaks of that."""
    library = said["content"]
    refusal = (
        (foreign and find_named(said, foreign))
        or find_held(said, foreign or said["text"])
        or replies.not_covered(library, own_ranking(said), foreign, said["terms"])
    )
    return replies.fill_up(library, refusal, fitting_questions(said))


def decline_personal(said: Said) -> Reply:
    """The refusal of a decision about one person, in words that fit what it is about."""
    library = said["content"]
    text = personal_questions.find_text(
        said["text"], [library.kinds.get(term) for term in said["terms"]]
    )
    afraid = personal_questions.is_afraid(said["text"])
    reply = replies.personal_advice(library, own_ranking(said), said["terms"], text, afraid)
    return replies.fill_up(
        library, reply, fitting_questions(said, personal_questions.fitting_facets(text, afraid))
    )


def find_held(said: Said, text: str) -> Reply | None:
    """The reply that names the sections in which a word of the text stands, or None."""
    found = find_word(said, text)
    return replies.not_covered_held(said["content"], found.word, found.questions) if found else None


def find_named(said: Said, term: str) -> Reply | None:
    """The reply that names the sections in which one of a term's names stands, or None."""
    article, library = article_of(said), said["content"]
    names = [name for name, meant in library.names.items() if meant == term]
    index = section_words(said["release"])
    found = sections.find_name(index, article, names) if article else None
    return replies.not_covered_held(library, found.word, found.questions) if found else None


def find_word(said: Said, text: str) -> sections.Found | None:
    """The sections.Found of a text in the article that is spoken of, or None."""
    article = article_of(said)
    return sections.find_word(section_words(said["release"]), article, text) if article else None


def answer_word(said: Said) -> tuple[Reply, Topic | None] | None:
    """(reply, topic) to a message of a word or two that stands in the article that is spoken of:
    the answer whose section tells of it, or which ones do; None for any other message."""
    decision = said["intent"] == ReplyKind.PERSONAL_ADVICE
    if decision or not sections.is_brief(said["text"]) or is_known(said):
        return None
    found, library = find_word(said, said["text"]), said["content"]
    if not found:
        return None
    if not found.first and not (said["terms"] and len(found.questions) == 1):
        held = replies.not_covered_held(library, found.word, found.questions)
        return (held, topic_left_open(said)) if held else None
    name = found.questions[0]
    reply = replies.answer_question(library, name, today(), said["confidence"], said["asked"])
    return replies.say_where(library, reply, found.word), topic_after_answer(
        {**said, "intent": name}
    )


def find_in_text(said: Said) -> tuple[Reply, Topic | None] | None:
    """(reply, topic) from the text of the article that is spoken of, where no question was
    understood: the answer to a word or two, else a passage, else which sections hold the word; None
    where it says nothing of it."""
    word = answer_word(said)
    if word and word[0]["kind"] == ReplyKind.ANSWER:
        return word
    return quote_passage(said) or word


def quote_passage(said: Said) -> tuple[Reply, Topic] | None:
    """(reply, topic) where bot/rasa/passage_finder.py found what the article says of it; None where
    it found nothing, and where the release no longer says so: an archive may be older than the
    content beside it (registry.taught_digest)."""
    found: Mapping[str, Any] = said["context"].get("passage") or {}
    place = passage_places(said["release"]).get(found.get("mark", ""))
    if place is None:
        return None
    name, number = place
    reply = replies.quote_passage(
        said["content"],
        name,
        number,
        today(),
        found["chance"],
        found["sure"],
        replies.near_questions(said["content"], own_ranking(said), said["terms"]),
    )
    question = said["content"].questions[name]
    topic = _topic(said, name.partition(".")[0], list(question.about[:1]), question.facets)
    return (reply, topic) if reply else None


def is_known(said: Said) -> bool:
    """Whether a message is a phrase that its intent was taught with, or one of a facet that no
    article answers: what it asks isn't one of its words ("is it common")."""
    talk, form = said["content"].talk.get(said["intent"]), articles.normalise_phrase(said["text"])
    if form in unanswered_phrases(said["release"]):
        return True
    return talk is not None and form in map(articles.normalise_phrase, talk.train)


def article_of(said: Said) -> str | None:
    """The article that is spoken of, else the page's, else None."""
    for place in (said["metadata"].get("topic") or {}, said["metadata"]):
        if place.get("article") in said["content"].articles:
            return str(place["article"])
    return None


def own_ranking(said: Said) -> list[tuple[str, float]]:
    """The ranking; without other articles' questions where one is spoken of and the message names
    nothing."""
    article = article_of(said)
    if said["terms"] or not article:
        return said["ranking"]
    return [(name, share) for name, share in said["ranking"] if name.startswith(f"{article}.")]


def fitting_questions(said: Said, facets: tuple[str, ...] = ()) -> list[str]:
    """Questions that may stand below a refusal: those of these sides first, of the article that is
    spoken of, or of each; what was answered comes last."""
    library, article = said["content"], article_of(said)
    if not article:
        return [choice["value"] for choice in replies.starter_choices(library)]
    names = [question.name for question in library.articles[article].questions]
    return sorted(
        names,
        key=lambda name: (
            name in said["asked"],
            min(
                (facets.index(f) for f in library.questions[name].facets if f in facets),
                default=len(facets),
            ),
        ),
    )


async def read_message(tracker: Tracker) -> Said:
    """The message that an action has to answer."""
    message = tracker.latest_message
    metadata = message.get("metadata") or {}
    id = metadata.get("release") or registry.live_release(settings.read_settings()) or ""
    library = await asyncio.get_running_loop().run_in_executor(reader, read_content, id)
    return make_said(id, library, message, metadata)


def make_said(
    id: str,
    library: site_content.SiteContent,
    message: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> Said:
    """The Said of a message, as Rasa gives one: {text, intent, intent_ranking, entities,
    context}."""
    ranking = [
        (intent["name"], intent["confidence"]) for intent in message.get("intent_ranking", [])
    ]
    return {
        "release": id,
        "content": library,
        "text": message.get("text") or "",
        "metadata": dict(metadata),
        "intent": message["intent"]["name"],
        "confidence": message["intent"]["confidence"],
        "ranking": [
            (name, confidence) for name, confidence in ranking if name != site_content.FALLBACK
        ],
        "terms": list(
            dict.fromkeys(
                entity["value"]
                for entity in message.get("entities", [])
                if entity["entity"] == "term"
            )
        ),
        "context": message.get("context") or {},
        "asked": metadata.get("asked", []),
    }


def find_end(id: str, asked: Mapping[str, Any], understood: Mapping[str, Any]) -> str:
    """How a message {text, metadata} ends that release `id` understood so: the name of the question
    whose answer it gets, or a reply's kind. What isn't understood for sure may be asked back, and
    may be declined."""
    message = {**understood, "text": asked["text"]}
    said = make_said(id, read_content(id), message, asked.get("metadata") or {})
    intent = said["intent"]
    if intent in said["content"].questions or intent == replies.ARTICLE_INFO:
        return intent
    if found := find_in_text(said):
        reply = found[0]
    elif intent in site_content.OUTCOMES:
        reply = decline_message(said, intent)
    elif intent == site_content.FALLBACK:
        reply = ask_back(said)
    else:
        return ReplyKind.TALK.value
    return str(reply.get("question") or reply["kind"])


def topic_after_answer(said: Said) -> Topic:
    """The topic after an answer: the terms that were named, or what it was about before all, and
    which side of them."""
    question = said["content"].questions[said["intent"]]
    context = said["context"]
    about = [term for term in context.get("named", []) if term in question.about] or list(
        question.about[:1]
    )
    facets = [facet for facet in context.get("facets", []) if facet in question.facets] or list(
        question.facets
    )
    return _topic(said, said["intent"].partition(".")[0], about, facets, said["intent"])


def topic_left_open(said: Said) -> Topic | None:
    """The topic after a message that got no answer: what it named and asked; None where it tells
    neither. What no article covers is spoken of further only where there is nothing else."""
    context, old = said["context"], said["metadata"].get("topic") or {}
    if context.get("case") == "which":
        return _topic(said, None, [], context["facets"])
    if context.get("case"):
        term = context["term"] or (context["named"] or [None])[0]
        named, article, facets = [term] if term else [], old.get("article"), context["facets"]
    else:
        named = list(context.get("named") or said["terms"]) if said["terms"] else []
        article, facets = None, context.get("facets", [])[:1]
    place = article_of(said)
    if place and named and not _stays(said, place, named):
        subject = said["content"].articles[place].about
        about = old.get("about") if old.get("article") == place else None
        return _topic(said, place, about or [subject], facets)
    if context.get("case") or named:
        return _topic(said, article, named, facets)
    if old and context.get("facets"):
        return {**old, "facets": context["facets"][:1]}
    return None


def _stays(said: Said, place: str, named: list[str]) -> bool:
    """Whether one of the terms that a message without an answer names is spoken of further: one
    that questions are about, of the article at `place` where it is another condition."""
    library = said["content"]
    covered = covered_terms(said["release"]) & set(named)
    if said["context"].get("case"):
        return bool(covered)
    return any(
        library.kinds.get(term) != "condition"
        or any(term in question.about for question in library.articles[place].questions)
        for term in covered
    )


def _topic(
    said: Said,
    article: str | None,
    about: list[str],
    facets: Iterable[str],
    question: str | None = None,
) -> Topic:
    return {
        "number": said["metadata"].get("number"),
        "article": article,
        "about": about,
        "facets": list(facets),
        "question": question,
    }


def offered_by_story(tracker: Tracker) -> list[str]:
    """The questions that a story offers after this message."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        offer = (
            ((event.get("data") or {}).get("custom") or {}).get("offer")
            if event["event"] == "bot"
            else None
        )
        if offer:
            return list(offer)
    return []


def foreign_term(said: Said) -> str | None:
    """The first term of the message that no question is about, or None."""
    covered = covered_terms(said["release"])
    return next((term for term in said["terms"] if term not in covered), None)


def send_reply(
    dispatcher: CollectingDispatcher, said: Said, reply: Reply, topic: Topic | None = None
) -> None:
    understood = {
        "intent": said["intent"],
        "confidence": said["confidence"],
        "ranking": said["ranking"],
        "terms": said["terms"],
        "context": said["context"],
        "topic": topic,
    }
    dispatcher.utter_message(json_message={"replies": [reply], "understood": understood})


@functools.lru_cache(maxsize=4)
def read_content(id: str) -> site_content.SiteContent:
    """The content of a release; a release never changes, so it is read once."""
    return registry.read_content(settings.read_settings(), id)


@functools.lru_cache(maxsize=4)
def covered_terms(id: str) -> frozenset[str]:
    """The terms that a question of release `id` is about."""
    return frozenset(
        term for question in read_content(id).questions.values() for term in question.about
    )


@functools.lru_cache(maxsize=4)
def unanswered_phrases(id: str) -> frozenset[str]:
    """How people ask about the facets that no article of release `id` answers."""
    content = read_content(id)
    rows, _ = facets.read_facet_phrases(content.folder, content.articles.values())
    return frozenset(articles.normalise_phrase(row.text) for row in rows if not row.asks)


@functools.lru_cache(maxsize=4)
def passage_places(id: str) -> dict[str, tuple[str, int]]:
    """Where each sentence of release `id` stands, by what names its words."""
    return passages.mark_all(read_content(id).questions.values())


@functools.lru_cache(maxsize=4)
def section_words(id: str) -> sections.Index:
    """The words of the sections of release `id`."""
    return sections.make_index(read_content(id))


def today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
